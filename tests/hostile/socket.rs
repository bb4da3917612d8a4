//! A client's pipe in an attacker's hands.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use dtls_session::{Connector, HandshakeError, Roots, Session, SessionConfig};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::UdpSocket,
};

use crate::common::{cert, within};

/// A connected UDP socket that others may use too, and that sends forgeries before each write.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) udp: Arc<UdpSocket>,
    pub(crate) forgeries: Vec<Vec<u8>>,
    /// What was written, whether it went out or not.
    pub(crate) sent: Arc<Mutex<Vec<Vec<u8>>>>,
    /// Makes it deaf and dumb, as if its process were killed.
    pub(crate) killed: Arc<AtomicBool>,
}

impl Socket {
    pub(crate) async fn connected(ip: &str, server: SocketAddr) -> Self {
        let udp = UdpSocket::bind((ip, 0)).await.unwrap();
        udp.connect(server).await.unwrap();
        Self::over(&Arc::new(udp))
    }

    pub(crate) fn over(udp: &Arc<UdpSocket>) -> Self {
        Self {
            udp: Arc::clone(udp),
            forgeries: Vec::new(),
            sent: Arc::default(),
            killed: Arc::default(),
        }
    }

    pub(crate) async fn handshake(self) -> Result<Session, HandshakeError> {
        within(connector().connect("localhost").over(self)).await
    }
}

pub(crate) fn connector() -> Connector {
    let config = SessionConfig::default().handshake_timeout(std::time::Duration::from_secs(60));
    let roots = Roots::from_pem_file(cert("ca.pem")).unwrap();
    Connector::builder(roots).session(config).build().unwrap()
}

impl From<Socket> for dtls_session::Pipe {
    fn from(socket: Socket) -> Self {
        Self::from_io(socket)
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.killed.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        self.udp.poll_recv(cx, buf)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.sent.lock().unwrap().push(buf.to_vec());
        if self.killed.load(Ordering::Relaxed) {
            return Poll::Ready(Ok(buf.len()));
        }
        for forgery in &self.forgeries {
            let _ = self.udp.try_send(forgery);
        }
        self.udp.poll_send(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
