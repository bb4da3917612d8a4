//! What the tests share: peers that are plain sockets, and patience with an end.

#![allow(dead_code, reason = "each test file uses its own part of this")]

use std::{net::SocketAddr, time::Duration};

use tokio::{net::UdpSocket, time::timeout};
use udp_demux::{Channel, Config, Endpoint, Incoming, Stats};

pub(crate) fn endpoint(config: Config) -> Endpoint {
    Endpoint::bind(([127, 0, 0, 1], 0).into(), config).unwrap()
}

/// A plain socket of another loopback port.
pub(crate) async fn peer() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:0").await.unwrap()
}

/// A plain socket and the channel that its datagram `hello` made.
pub(crate) async fn accepted(endpoint: &Endpoint, hello: &[u8]) -> (UdpSocket, Channel) {
    let peer = peer().await;
    peer.send_to(hello, endpoint.local_addr()).await.unwrap();
    let incoming = accept(endpoint).await;
    assert_eq!(incoming.peer_addr(), peer.local_addr().unwrap());
    (peer, incoming.accept().unwrap())
}

pub(crate) async fn accept(endpoint: &Endpoint) -> Incoming {
    soon(endpoint.accept()).await.unwrap()
}

pub(crate) async fn recv(channel: &mut Channel) -> Vec<u8> {
    let mut buf = vec![0; 65_535];
    let len = soon(channel.recv(&mut buf)).await.unwrap();
    buf.truncate(len);
    buf
}

pub(crate) async fn recv_from(peer: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buf = vec![0; 65_535];
    let (len, from) = soon(peer.recv_from(&mut buf)).await.unwrap();
    buf.truncate(len);
    (buf, from)
}

/// Waits until the endpoint's counters are as wished.
pub(crate) async fn until(endpoint: &Endpoint, wished: impl Fn(&Stats) -> bool) -> Stats {
    let poll = async {
        loop {
            let stats = endpoint.stats();
            if wished(&stats) {
                return stats;
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, poll)
        .await
        .unwrap_or_else(|_| panic!("still {:?}", endpoint.stats()))
}

/// Fails the test rather than hang it.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future)
        .await
        .expect("it happens within the test's patience")
}

const PATIENCE: Duration = Duration::from_secs(30);
