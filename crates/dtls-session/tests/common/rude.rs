//! A pipe with every vice that a UDP socket can have.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Fails each other read and each other write, and puts empty reads between.
#[derive(Debug)]
pub(crate) struct Rude<S> {
    pipe: S,
    reads: usize,
    writes: usize,
}

impl<S> Rude<S> {
    pub(crate) fn new(pipe: S) -> Self {
        Self {
            pipe,
            reads: 0,
            writes: 0,
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> From<Rude<S>> for dtls_session::Pipe {
    fn from(pipe: Rude<S>) -> Self {
        Self::from_io(pipe)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Rude<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.reads += 1;
        match self.reads % 3 {
            1 => Poll::Ready(Ok(())),
            2 => Poll::Ready(Err(io::ErrorKind::ConnectionRefused.into())),
            _ => Pin::new(&mut self.pipe).poll_read(cx, buf),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Rude<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.writes += 1;
        if self.writes % 2 == 1 {
            return Poll::Ready(Err(io::ErrorKind::PermissionDenied.into()));
        }
        Pin::new(&mut self.pipe).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Err(io::ErrorKind::PermissionDenied.into()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
