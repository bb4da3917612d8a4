//! A pipe that refuses what is too long for it, as a UDP socket does.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Takes datagrams of up to a length that may change.
#[derive(Debug)]
pub(crate) struct Narrow<S> {
    pipe: S,
    most: Arc<AtomicUsize>,
}

impl<S> Narrow<S> {
    pub(crate) fn new(pipe: S, most: usize) -> (Self, Arc<AtomicUsize>) {
        let most = Arc::new(AtomicUsize::new(most));
        let narrow = Self {
            pipe,
            most: Arc::clone(&most),
        };
        (narrow, most)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> From<Narrow<S>> for dtls_session::Pipe {
    fn from(pipe: Narrow<S>) -> Self {
        Self::from_io(pipe)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Narrow<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Narrow<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if buf.len() > self.most.load(Relaxed) {
            return Poll::Ready(Err(io::Error::from_raw_os_error(EMSGSIZE)));
        }
        Pin::new(&mut self.pipe).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_shutdown(cx)
    }
}

const EMSGSIZE: i32 = if cfg!(windows) {
    10_040
} else if cfg!(target_os = "linux") {
    90
} else {
    40
};
