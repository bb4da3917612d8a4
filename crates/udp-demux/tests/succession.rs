//! A peer that starts anew from the same address: routing, replacing, candidates.

#![allow(
    clippy::unwrap_used,
    reason = "a step that fails fails the test, in helpers too"
)]

mod common;

use common::{accept, accepted, endpoint, peer, recv, soon, until};
use tokio::net::UdpSocket;
use udp_demux::{Channel, Config, Endpoint, Incoming, RecvError, Route, SendError};

#[tokio::test]
async fn datagrams_go_where_the_route_sends_them() {
    let (endpoint, peer, mut channel) = start().await;
    peer.send_to(b"plain", endpoint.local_addr()).await.unwrap();
    let incoming = knock(&endpoint, &peer).await;
    assert!(incoming.is_known());
    assert_eq!(incoming.datagram(), b"!knock");
    drop(incoming);
    peer.send_to(b"more", endpoint.local_addr()).await.unwrap();
    assert_eq!(recv(&mut channel).await, b"plain");
    assert_eq!(recv(&mut channel).await, b"more");
    assert_eq!(endpoint.stats().diverted, 1);
}

#[tokio::test]
async fn accepting_replaces_the_live_channel_at_once() {
    let (endpoint, peer, mut old) = start().await;
    peer.send_to(b"for the old", endpoint.local_addr())
        .await
        .unwrap();
    let incoming = knock(&endpoint, &peer).await;
    let mut new = incoming.accept().unwrap();
    assert_eq!(soon(old.recv(&mut [0; 99])).await, Err(RecvError::Replaced));
    assert!(matches!(old.send(b"hello").await, Err(SendError::Replaced)));
    assert_eq!(recv(&mut new).await, b"!knock");
    drop(old);
    assert_eq!(endpoint.channels(), 1);
    peer.send_to(b"for the new", endpoint.local_addr())
        .await
        .unwrap();
    assert_eq!(recv(&mut new).await, b"for the new");
}

#[tokio::test]
async fn a_reader_that_waits_is_told_that_it_was_replaced() {
    let (endpoint, peer, mut old) = start().await;
    let waiting = tokio::spawn(async move { old.recv(&mut [0; 99]).await });
    let incoming = knock(&endpoint, &peer).await;
    let _new = incoming.accept().unwrap();
    assert_eq!(soon(waiting).await.unwrap(), Err(RecvError::Replaced));
}

#[tokio::test]
async fn a_taken_datagram_is_not_delivered() {
    let endpoint = endpoint(config());
    let peer = peer().await;
    peer.send_to(b"hello", endpoint.local_addr()).await.unwrap();
    let mut incoming = accept(&endpoint).await;
    assert_eq!(incoming.take(), &b"hello"[..]);
    assert_eq!(incoming.datagram(), b"");
    let mut channel = incoming.accept().unwrap();
    assert_eq!(channel.try_recv(&mut [0; 99]), Ok(None));
    peer.send_to(b"more", endpoint.local_addr()).await.unwrap();
    assert_eq!(recv(&mut channel).await, b"more");
}

#[tokio::test]
async fn what_waits_in_the_backlog_follows_the_channel_in_order() {
    let endpoint = endpoint(config());
    let peer = peer().await;
    for datagram in [&b"one"[..], b"two", b"!knock", b"three"] {
        peer.send_to(datagram, endpoint.local_addr()).await.unwrap();
    }
    until(&endpoint, |stats| stats.received == 4).await;
    let mut channel = accept(&endpoint).await.accept().unwrap();
    peer.send_to(b"four", endpoint.local_addr()).await.unwrap();
    for datagram in [&b"one"[..], b"two", b"three", b"four"] {
        assert_eq!(recv(&mut channel).await, datagram);
    }
    assert_eq!(accept(&endpoint).await.datagram(), b"!knock");
}

#[tokio::test]
async fn a_candidate_and_the_live_channel_both_get_every_datagram() {
    let (endpoint, peer, mut old) = start().await;
    let (mut new, promotion) = knock(&endpoint, &peer).await.accept_candidate().unwrap();
    assert_eq!(endpoint.channels(), 2);
    assert_eq!(recv(&mut new).await, b"!knock");
    peer.send_to(b"both", endpoint.local_addr()).await.unwrap();
    assert_eq!(recv(&mut old).await, b"both");
    assert_eq!(recv(&mut new).await, b"both");
    old.send(b"from the old").await.unwrap();
    new.send(b"from the new").await.unwrap();

    promotion.promote();
    assert_eq!(old.try_recv(&mut [0; 99]), Err(RecvError::Replaced));
    assert_eq!(endpoint.channels(), 1);
    peer.send_to(b"new only", endpoint.local_addr())
        .await
        .unwrap();
    assert_eq!(recv(&mut new).await, b"new only");
    drop(old);
    peer.send_to(b"still", endpoint.local_addr()).await.unwrap();
    assert_eq!(recv(&mut new).await, b"still");
}

#[tokio::test]
async fn a_dropped_candidate_leaves_the_live_channel_alone() {
    let (endpoint, peer, mut old) = start().await;
    let (new, promotion) = knock(&endpoint, &peer).await.accept_candidate().unwrap();
    drop(new);
    promotion.promote();
    assert_eq!(endpoint.channels(), 1);
    peer.send_to(b"as before", endpoint.local_addr())
        .await
        .unwrap();
    assert_eq!(recv(&mut old).await, b"as before");
}

#[tokio::test]
async fn a_candidate_takes_the_place_of_a_dropped_channel() {
    let (endpoint, peer, old) = start().await;
    let (mut new, promotion) = knock(&endpoint, &peer).await.accept_candidate().unwrap();
    assert_eq!(recv(&mut new).await, b"!knock");
    drop(old);
    assert_eq!(endpoint.channels(), 1);
    peer.send_to(b"heir", endpoint.local_addr()).await.unwrap();
    assert_eq!(recv(&mut new).await, b"heir");
    promotion.promote();
    peer.send_to(b"still", endpoint.local_addr()).await.unwrap();
    assert_eq!(recv(&mut new).await, b"still");
}

#[tokio::test]
async fn a_newer_candidate_ends_an_older_one() {
    let (endpoint, peer, mut old) = start().await;
    let (mut first, late) = knock(&endpoint, &peer).await.accept_candidate().unwrap();
    let (mut second, promotion) = knock(&endpoint, &peer).await.accept_candidate().unwrap();
    assert_eq!(first.try_recv(&mut [0; 99]), Err(RecvError::Replaced));
    late.promote();
    drop(first);
    peer.send_to(b"both", endpoint.local_addr()).await.unwrap();
    assert_eq!(recv(&mut old).await, b"both");
    promotion.promote();
    assert_eq!(recv(&mut second).await, b"!knock");
    assert_eq!(recv(&mut second).await, b"both");
    assert_eq!(old.try_recv(&mut [0; 99]), Err(RecvError::Replaced));
}

#[tokio::test]
async fn accepting_ends_the_live_channel_and_its_candidate() {
    let (endpoint, peer, mut old) = start().await;
    let (mut candidate, _promotion) = knock(&endpoint, &peer).await.accept_candidate().unwrap();
    let mut new = knock(&endpoint, &peer).await.accept().unwrap();
    assert_eq!(old.try_recv(&mut [0; 99]), Err(RecvError::Replaced));
    assert_eq!(candidate.try_recv(&mut [0; 99]), Err(RecvError::Replaced));
    assert_eq!(recv(&mut new).await, b"!knock");
    assert_eq!(endpoint.channels(), 1);
}

#[tokio::test]
async fn a_candidate_without_a_live_channel_is_the_channel() {
    let endpoint = endpoint(config());
    let peer = peer().await;
    peer.send_to(b"hello", endpoint.local_addr()).await.unwrap();
    let (mut channel, promotion) = accept(&endpoint).await.accept_candidate().unwrap();
    promotion.promote();
    assert_eq!(recv(&mut channel).await, b"hello");
    peer.send_to(b"more", endpoint.local_addr()).await.unwrap();
    assert_eq!(recv(&mut channel).await, b"more");
}

fn config() -> Config {
    Config::default().route(|datagram| match datagram {
        [b'!', ..] => Route::Accept,
        _ => Route::Peer,
    })
}

async fn start() -> (Endpoint, UdpSocket, Channel) {
    let endpoint = endpoint(config());
    let (peer, mut channel) = accepted(&endpoint, b"hello").await;
    assert_eq!(recv(&mut channel).await, b"hello");
    (endpoint, peer, channel)
}

async fn knock(endpoint: &Endpoint, peer: &UdpSocket) -> Incoming {
    peer.send_to(b"!knock", endpoint.local_addr())
        .await
        .unwrap();
    accept(endpoint).await
}
