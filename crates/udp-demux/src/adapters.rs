use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures::{Sink, Stream, stream::FusedStream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{channel::Channel, departure::Patience, error::SendError};

/// Yields datagrams as [`poll_recv_bytes`](Channel::poll_recv_bytes) does, then the error that ended the channel, then
/// nothing.
impl Stream for Channel {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.exhausted {
            return Poll::Ready(None);
        }
        let result = ready!(self.poll_recv_bytes(cx));
        self.exhausted = result.is_err();
        let datagram = result.map(|(datagram, _)| datagram);
        Poll::Ready(Some(datagram.map_err(Into::into)))
    }
}

impl FusedStream for Channel {
    fn is_terminated(&self) -> bool {
        self.exhausted
    }
}

/// Sends datagrams, perhaps a moment later and with others, as writing does. An error concerns the datagram just
/// given; the sink may be used further.
impl Sink<Bytes> for Channel {
    type Error = io::Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(datagram) = self.outgoing.take() else {
            return Poll::Ready(Ok(()));
        };
        let result = self.poll_queue(cx, &datagram);
        if result.is_pending() {
            self.outgoing = Some(datagram);
        }
        result.map_err(Into::into)
    }

    fn start_send(mut self: Pin<&mut Self>, datagram: Bytes) -> io::Result<()> {
        debug_assert!(
            self.outgoing.is_none(),
            "a sink is asked whether it is ready before each item"
        );
        match self.queue(&datagram, Patience::Queue) {
            Err(SendError::WouldBlock) => {
                self.outgoing = Some(datagram);
                Ok(())
            }
            result => result.map_err(Into::into),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_ready(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_ready(cx)
    }
}

/// Reads one datagram a call, never an empty one. If it does not fit, the error is
/// [`InvalidInput`](io::ErrorKind::InvalidInput), and the datagram stays.
impl AsyncRead for Channel {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let len = ready!(self.poll_recv(cx, buf.initialize_unfilled()))?;
        buf.advance(len);
        Poll::Ready(Ok(()))
    }
}

/// Writes one datagram a call; an empty write sends nothing. A datagram may leave a moment later, with others,
/// by itself: so flushing does nothing, and what the system then says of it is only counted, in
/// [`Stats::send_errors`](crate::Stats::send_errors). Shutting down does nothing either, as UDP has no end.
impl AsyncWrite for Channel {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_queue(cx, buf))?;
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
