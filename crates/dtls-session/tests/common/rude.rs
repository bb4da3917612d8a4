//! A pipe with every vice that a UDP socket can have.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Begins with many empty reads, then fails each third read and each other write, and puts empty reads
/// between.
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
        if self.reads <= 1000 {
            return Poll::Ready(Ok(()));
        }
        match self.reads % 3 {
            1 => Poll::Ready(Ok(())),
            2 => {
                let code = ERRORS[self.reads / 3 % ERRORS.len()];
                Poll::Ready(Err(io::Error::from_raw_os_error(code)))
            }
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

/// Linux's EPROTO, EMSGSIZE, ENOPROTOOPT, ENETUNREACH, ECONNREFUSED, EHOSTDOWN, EHOSTUNREACH and EACCES,
/// each of which a forged ICMP message can bring about.
const ERRORS: [i32; 8] = [71, 90, 92, 101, 111, 112, 113, 13];
