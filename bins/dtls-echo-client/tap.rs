//! A pipe that shows what passes.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{direction::Direction, watch::Watch};

/// Lets a [`Watch`] see every datagram of a pipe, as it is on the wire.
#[derive(Debug)]
pub(crate) struct Tap<S> {
    pipe: S,
    watch: Watch,
}

impl<S> Tap<S> {
    pub(crate) fn new(pipe: S, watch: Watch) -> Self {
        Self { pipe, watch }
    }

    pub(crate) fn watch(&self) -> &Watch {
        &self.watch
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tap<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let outcome = ready!(Pin::new(&mut this.pipe).poll_read(cx, buf));
        match &outcome {
            Ok(()) => this
                .watch
                .passed(Direction::Received, &buf.filled()[before..]),
            Err(error) => this.watch.failed(error),
        }
        Poll::Ready(outcome)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let mut outcome = ready!(Pin::new(&mut this.pipe).poll_write(cx, buf));
        if let Err(error) = &outcome
            && error.kind() == io::ErrorKind::ConnectionRefused
        {
            // It is what came back for an earlier datagram, and this one has not left.
            this.watch.failed(error);
            outcome = ready!(Pin::new(&mut this.pipe).poll_write(cx, buf));
        }
        match &outcome {
            Ok(_) => this.watch.passed(Direction::Sent, buf),
            Err(error) => this.watch.failed(error),
        }
        Poll::Ready(outcome)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().pipe).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().pipe).poll_shutdown(cx)
    }
}
