//! A UDP socket as a pipe, which can be made to vanish without a word.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::UdpSocket,
};

#[derive(Clone, Debug)]
pub(crate) struct UdpPipe {
    socket: Arc<UdpSocket>,
    gone: Arc<AtomicBool>,
}

impl UdpPipe {
    /// The socket has to be connected.
    pub(crate) fn new(socket: Arc<UdpSocket>) -> Self {
        Self {
            socket,
            gone: Arc::default(),
        }
    }

    /// From here on nothing is received and what is sent is lost.
    pub(crate) fn vanish(&self) {
        self.gone.store(true, Relaxed);
    }
}

impl From<UdpPipe> for dtls_session::Pipe {
    fn from(pipe: UdpPipe) -> Self {
        Self::from_io(pipe)
    }
}

impl AsyncRead for UdpPipe {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.gone.load(Relaxed) {
            return Poll::Pending;
        }
        self.socket.poll_recv(cx, buf)
    }
}

impl AsyncWrite for UdpPipe {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.gone.load(Relaxed) {
            return Poll::Ready(Ok(buf.len()));
        }
        self.socket.poll_send(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
