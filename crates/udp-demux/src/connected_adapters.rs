use std::{
    io, mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures::{Sink, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{config::MAX_DATAGRAM, connected_socket::ConnectedSocket};

/// Yields datagrams, and ends only with the descriptor: with its error, and then nothing.
impl Stream for ConnectedSocket {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.adapters.exhausted {
            return Poll::Ready(None);
        }
        let mut buffer = mem::take(&mut self.adapters.buffer);
        buffer.resize(MAX_DATAGRAM, 0);
        let received = self.poll_recv(cx, &mut buffer);
        let datagram = received.map_ok(|length| Bytes::copy_from_slice(&buffer[..length]));
        self.adapters.buffer = buffer;
        let datagram = ready!(datagram);
        self.adapters.exhausted = datagram.is_err();
        Poll::Ready(Some(datagram))
    }
}

/// Sends datagrams. An error concerns one of them; the sink may be used further.
impl Sink<Bytes> for ConnectedSocket {
    type Error = io::Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(datagram) = self.adapters.outgoing.take() else {
            return Poll::Ready(Ok(()));
        };
        let result = self.poll_send(cx, &datagram);
        if result.is_pending() {
            self.adapters.outgoing = Some(datagram);
        }
        result
    }

    fn start_send(mut self: Pin<&mut Self>, datagram: Bytes) -> io::Result<()> {
        debug_assert!(
            self.adapters.outgoing.is_none(),
            "a sink is asked whether it is ready before each item"
        );
        match self.try_send(&datagram) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.adapters.outgoing = Some(datagram);
                Ok(())
            }
            result => result,
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_ready(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_ready(cx)
    }
}

/// Reads one datagram a call, never an empty one; what does not fit is cut off.
impl AsyncRead for ConnectedSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let length = ready!(self.poll_recv(cx, buf.initialize_unfilled()))?;
        buf.advance(length);
        Poll::Ready(Ok(()))
    }
}

/// Writes one datagram a call; an empty write sends nothing. Flushing and shutting down do nothing.
impl AsyncWrite for ConnectedSocket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        // What is written for the last time, by who is dropped after that, must not wait for a turn.
        ready!(self.poll_transmit(cx, buf))?;
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
