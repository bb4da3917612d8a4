//! A listener that collects its sessions, and clients' first hellos.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use dtls_session::{Acceptor, Limits, Listener, Session};
use tokio::{net::UdpSocket, sync::mpsc};
use udp_demux::{Channel, Config, Endpoint};

use super::{connector, within};

/// A listener whose sessions come out of a queue as they are established.
pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    pub(crate) listener: Arc<Listener>,
    sessions: mpsc::Receiver<Session>,
}

pub(crate) fn serve(acceptor: Acceptor, limits: Limits) -> Server {
    serve_on(any(), acceptor, limits)
}

pub(crate) fn serve_on(addr: SocketAddr, acceptor: Acceptor, limits: Limits) -> Server {
    let listener = Listener::bind(addr, acceptor, limits).unwrap();
    let listener = Arc::new(listener);
    let (established, sessions) = mpsc::channel(100);
    tokio::spawn({
        let listener = Arc::clone(&listener);
        async move {
            loop {
                let handshake = listener.accept().await.unwrap();
                let established = established.clone();
                tokio::spawn(async move {
                    if let Ok(session) = handshake.await {
                        let _ = established.send(session).await;
                    }
                });
            }
        }
    });
    Server {
        addr: listener.local_addr(),
        listener,
        sessions,
    }
}

impl Server {
    pub(crate) async fn next(&mut self) -> Session {
        within(self.sessions.recv()).await.unwrap()
    }

    pub(crate) async fn reach(&self, what: impl Fn(&dtls_session::ListenerStats) -> bool) {
        within(async {
            while !what(&self.listener.stats()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }
}

pub(crate) fn open(local: SocketAddr, server: SocketAddr) -> Channel {
    let endpoint = Endpoint::bind(local, Config::default().batch(2)).unwrap();
    endpoint.open(server).unwrap()
}

pub(crate) fn any() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

pub(crate) async fn exchange(server: &Session, client: &Session) {
    let mut buf = [0; 100];
    client.send(b"there").await.unwrap();
    assert_eq!(within(server.recv(&mut buf)).await.unwrap(), Some(5));
    server.send(b"back").await.unwrap();
    assert_eq!(within(client.recv(&mut buf)).await.unwrap(), Some(4));
}

/// What a client sends first, and second once it has got a HelloVerifyRequest.
pub(crate) async fn hellos(
    server: SocketAddr,
    config: dtls_session::SessionConfig,
) -> (UdpSocket, Vec<u8>, Vec<u8>) {
    let front = UdpSocket::bind(any()).await.unwrap();
    let back = UdpSocket::bind(any()).await.unwrap();
    let channel = open(any(), front.local_addr().unwrap());
    let client = tokio::spawn(connector(config).connect("localhost").over(channel));
    let mut buf = [0; 2048];
    let (length, from) = within(front.recv_from(&mut buf)).await.unwrap();
    let first = buf[..length].to_vec();
    back.send_to(&first, server).await.unwrap();
    let length = within(back.recv(&mut buf)).await.unwrap();
    front.send_to(&buf[..length], from).await.unwrap();
    let second = loop {
        let length = within(front.recv(&mut buf)).await.unwrap();
        if buf[..length] != first[..] && buf[..length].len() != first.len() {
            break buf[..length].to_vec();
        }
    };
    client.abort();
    (back, first, second)
}
