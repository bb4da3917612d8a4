//! Who keeps the socket open, and who ends whom.

#![allow(
    clippy::unwrap_used,
    reason = "a step that fails fails the test, in helpers too"
)]

mod common;

use std::net::{SocketAddr, UdpSocket};

use common::{accept, accepted, endpoint, peer, recv, recv_from, soon, until};
use futures::FutureExt;
use udp_demux::{Config, Endpoint, OpenError, RecvError, SendError};

#[tokio::test]
async fn channels_outlive_the_endpoint() {
    let endpoint = endpoint(Config::default());
    let addr = endpoint.local_addr();
    let (peer, mut channel) = accepted(&endpoint, b"hello").await;
    assert_eq!(recv(&mut channel).await, b"hello");
    drop(endpoint);
    peer.send_to(b"still there?", addr).await.unwrap();
    assert_eq!(recv(&mut channel).await, b"still there?");
    channel.send(b"yes").await.unwrap();
    assert_eq!(recv_from(&peer).await.0, b"yes");
}

#[tokio::test]
async fn an_incoming_may_be_accepted_after_the_endpoint_was_dropped() {
    let endpoint = endpoint(Config::default());
    let addr = endpoint.local_addr();
    let peer = peer().await;
    peer.send_to(b"hello", addr).await.unwrap();
    let incoming = accept(&endpoint).await;
    drop(endpoint);
    let mut channel = incoming.accept().unwrap();
    assert_eq!(recv(&mut channel).await, b"hello");
    peer.send_to(b"more", addr).await.unwrap();
    assert_eq!(recv(&mut channel).await, b"more");
}

#[tokio::test]
async fn the_last_handle_frees_the_port() {
    let endpoint = endpoint(Config::default());
    let addr = endpoint.local_addr();
    let (_peer, channel) = accepted(&endpoint, b"hello").await;
    UdpSocket::bind(addr).unwrap_err();
    drop(endpoint);
    tokio::task::yield_now().await;
    UdpSocket::bind(addr).unwrap_err();
    drop(channel);
    soon(bindable(addr)).await;
}

#[tokio::test]
async fn a_dropped_endpoint_frees_the_port() {
    let endpoint = endpoint(Config::default());
    let addr = endpoint.local_addr();
    drop(endpoint);
    soon(bindable(addr)).await;
}

#[test]
fn channels_end_with_the_runtime_that_drove_them() {
    let first = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let second = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (endpoint, peer, mut channel) = first.block_on(async {
        let endpoint = endpoint(Config::default());
        let (peer, channel) = accepted(&endpoint, b"hello").await;
        (endpoint, peer, channel)
    });
    drop(first);
    second.block_on(async {
        assert_eq!(recv(&mut channel).await, b"hello");
        assert_eq!(
            soon(channel.recv(&mut [0; 9])).await,
            Err(RecvError::SocketClosed)
        );
        assert!(matches!(
            soon(channel.send(b"hello")).await,
            Err(SendError::SocketClosed)
        ));
        soon(endpoint.accept()).await.unwrap_err();
        soon(endpoint.accept()).await.unwrap_err();
        let addr = peer.local_addr().unwrap();
        assert_eq!(endpoint.open(addr).unwrap_err(), OpenError::SocketClosed);
    });
}

#[tokio::test]
async fn a_cancelled_accept_or_recv_loses_nothing() {
    let endpoint = endpoint(Config::default());
    let mut accepting = Box::pin(endpoint.accept());
    assert!(accepting.as_mut().now_or_never().is_none());
    let peer = peer().await;
    peer.send_to(b"hello", endpoint.local_addr()).await.unwrap();
    until(&endpoint, |stats| stats.received == 1).await;
    // It was told of the datagram by now, and must pass that on.
    drop(accepting);
    let mut channel = accept(&endpoint).await.accept().unwrap();
    assert_eq!(recv(&mut channel).await, b"hello");

    let mut buf = [0; 9];
    let mut receiving = Box::pin(channel.recv(&mut buf));
    assert!(receiving.as_mut().now_or_never().is_none());
    peer.send_to(b"more", endpoint.local_addr()).await.unwrap();
    until(&endpoint, |stats| stats.received == 2).await;
    drop(receiving);
    assert_eq!(recv(&mut channel).await, b"more");
}

#[tokio::test]
async fn several_tasks_may_accept() {
    let endpoint = endpoint(Config::default());
    let peers = [peer().await, peer().await, peer().await];
    let [a, b, c] = [endpoint.accept(), endpoint.accept(), endpoint.accept()];
    let send = async {
        for peer in &peers {
            peer.send_to(b"hello", endpoint.local_addr()).await.unwrap();
        }
    };
    let (a, b, c, ()) = soon(async { tokio::join!(a, b, c, send) }).await;
    let mut accepted = [a, b, c].map(|incoming| incoming.unwrap().peer_addr());
    let mut sent = peers.map(|peer| peer.local_addr().unwrap());
    accepted.sort();
    sent.sort();
    assert_eq!(accepted, sent);
}

#[tokio::test]
async fn a_dropped_incoming_is_forgotten_and_a_dropped_channel_too() {
    let endpoint = endpoint(Config::default());
    let peer = peer().await;
    for _ in 0..2 {
        peer.send_to(b"hello", endpoint.local_addr()).await.unwrap();
        let incoming = accept(&endpoint).await;
        assert!(!incoming.is_known());
        drop(incoming);
        assert_eq!(endpoint.channels(), 0);
        peer.send_to(b"hello", endpoint.local_addr()).await.unwrap();
        drop(accept(&endpoint).await.accept().unwrap());
        assert_eq!(endpoint.channels(), 0);
    }
}

#[tokio::test]
async fn unknown_peers_are_counted_when_nobody_accepts() {
    let endpoint = endpoint(Config::default());
    let addr = endpoint.local_addr();
    let (known, mut channel) = accepted(&endpoint, b"hello").await;
    assert_eq!(recv(&mut channel).await, b"hello");
    let stranger = peer().await;
    stranger.send_to(b"in the backlog", addr).await.unwrap();
    until(&endpoint, |stats| stats.received == 2).await;
    drop(endpoint);
    stranger.send_to(b"anybody?", addr).await.unwrap();
    known.send_to(b"after", addr).await.unwrap();
    assert_eq!(recv(&mut channel).await, b"after");
    assert_eq!(channel.endpoint_stats().dropped_no_acceptor, 2);
}

async fn bindable(addr: SocketAddr) {
    while Endpoint::bind(addr, Config::default()).is_err() {
        tokio::task::yield_now().await;
    }
}
