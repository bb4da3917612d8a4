//! Several sockets for one address.

#![allow(
    clippy::unwrap_used,
    reason = "a step that fails fails the test, in helpers too"
)]

mod common;

use std::{
    collections::HashMap,
    io::ErrorKind,
    net::{SocketAddr, UdpSocket},
};

use common::{peer, recv, recv_from, soon};
use futures::future::select_all;
use udp_demux::{Config, Endpoint, Incoming, bind_shards};

#[cfg(target_os = "linux")]
#[tokio::test]
async fn peers_are_divided_and_each_keeps_its_socket() {
    let endpoints: Vec<_> = bind(4).into_iter().map(endpoint).collect();
    let addr = endpoints[0].local_addr();
    let mut peers = Vec::new();
    let mut sockets = HashMap::new();
    for _ in 0..40 {
        let peer = peer().await;
        peer.send_to(b"hello", addr).await.unwrap();
        let (shard, incoming) = accept_any(&endpoints).await;
        assert_eq!(incoming.peer_addr(), peer.local_addr().unwrap());
        sockets.insert(peer.local_addr().unwrap(), shard);
        peers.push((peer, incoming.accept().unwrap()));
    }
    let used = (0..4).filter(|shard| sockets.values().any(|used| used == shard));
    // Which peer goes where is the system's choice; that all forty go to one is no choice.
    assert!(used.count() > 1, "one socket has all peers: {sockets:?}");
    for round in 0..10 {
        for (peer, channel) in &mut peers {
            peer.send_to(&[round], addr).await.unwrap();
            if round == 0 {
                assert_eq!(recv(channel).await, b"hello");
            }
            // Any other socket would have taken it for a stranger's.
            assert_eq!(recv(channel).await, [round]);
            channel.send(&[round]).await.unwrap();
            assert_eq!(recv_from(peer).await, (vec![round], addr));
        }
    }
    let received: Vec<u64> = endpoints.iter().map(|one| one.stats().received).collect();
    assert_eq!(received.iter().sum::<u64>(), 40 * 11);
    for (shard, received) in received.into_iter().enumerate() {
        let peers = sockets.values().filter(|used| **used == shard).count();
        assert_eq!(received, 11 * peers as u64, "socket {shard}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_port_of_zero_is_chosen_once() {
    let shards = bind(8);
    let addr = addr_of(&shards[0]);
    assert_ne!(addr.port(), 0);
    assert!(shards.iter().all(|shard| addr_of(shard) == addr));
    assert_eq!(shards.len(), 8);
}

#[test]
fn one_socket_is_the_least() {
    for count in [0, 1] {
        let shards = bind(count);
        assert_eq!(shards.len(), 1);
        assert_ne!(addr_of(&shards[0]).port(), 0);
    }
}

#[test]
fn a_taken_address_is_refused_whoever_asks() {
    let most = if cfg!(target_os = "linux") { 2 } else { 1 };
    for count in 1..=most {
        let shards = bind(count);
        let addr = addr_of(&shards[0]);
        for others in 1..=most {
            let error = bind_shards(addr, others).unwrap_err();
            assert_eq!(
                error.kind(),
                ErrorKind::AddrInUse,
                "{others} beside {count}"
            );
        }
        let error = UdpSocket::bind(addr).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse, "beside {count}");
    }
    let plain = UdpSocket::bind("127.0.0.1:0").unwrap();
    let error = bind_shards(addr_of(&plain), most).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
}

#[cfg(not(target_os = "linux"))]
#[test]
fn where_peers_are_not_divided_one_socket_is_all() {
    let error = bind_shards("127.0.0.1:0".parse().unwrap(), 2).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

fn bind(count: usize) -> Vec<UdpSocket> {
    bind_shards("127.0.0.1:0".parse().unwrap(), count).unwrap()
}

fn addr_of(socket: &UdpSocket) -> SocketAddr {
    socket.local_addr().unwrap()
}

fn endpoint(socket: UdpSocket) -> Endpoint {
    Endpoint::from_socket(socket, Config::default().batch(2)).unwrap()
}

/// The next stranger's datagram, and which endpoint has it.
async fn accept_any(endpoints: &[Endpoint]) -> (usize, Incoming) {
    let accepting = endpoints.iter().map(|endpoint| Box::pin(endpoint.accept()));
    let (incoming, shard, _) = soon(select_all(accepting)).await;
    (shard, incoming.unwrap())
}
