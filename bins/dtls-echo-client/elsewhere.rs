//! Answers from another address than the one that was asked.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    net::UdpSocket,
    time::{Instant, timeout_at},
};

use crate::wire::Datagram;

/// A client's first datagram, and where it went.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) local: SocketAddr,
    pub(crate) server: SocketAddr,
    pub(crate) hello: Vec<u8>,
}

impl Question {
    /// Asks once more, from the same port, and listens for whoever answers: the handshake's socket
    /// hears the server's address only.
    pub(crate) async fn answered_by(&self) -> Option<SocketAddr> {
        let socket = UdpSocket::bind(self.local).await.ok()?;
        socket.send_to(&self.hello, self.server).await.ok()?;
        let deadline = Instant::now() + PATIENCE;
        let mut buf = vec![0; MAX_DATAGRAM];
        loop {
            let received = timeout_at(deadline, socket.recv_from(&mut buf))
                .await
                .ok()?;
            // An error is what came back for the hello.
            if let Ok((length, from)) = received
                && from != self.server
                && !Datagram::decode(&buf[..length]).records.is_empty()
            {
                return Some(from);
            }
        }
    }
}

const PATIENCE: Duration = Duration::from_secs(1);
const MAX_DATAGRAM: usize = 65_535;
