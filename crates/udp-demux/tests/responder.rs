//! Answers that are given where a datagram was received.

#![allow(
    clippy::unwrap_used,
    reason = "a step that fails fails the test, in helpers too"
)]

mod common;

use std::sync::Arc;

use common::{accept, accepted, endpoint, peer, recv, recv_from, until};
use udp_demux::{Config, Endpoint, Response, Route};

#[tokio::test]
async fn strangers_are_answered_though_nobody_accepts() {
    let endpoint = endpoint(config());
    answer(&endpoint, b"yes");
    let strangers = [peer().await, peer().await];
    for stranger in &strangers {
        for _ in 0..3 {
            stranger.send_to(b"?", endpoint.local_addr()).await.unwrap();
        }
    }
    for stranger in &strangers {
        for _ in 0..3 {
            let answer = recv_from(stranger).await;
            assert_eq!(answer, (b"yes".to_vec(), endpoint.local_addr()));
        }
    }
    let stats = endpoint.stats();
    assert_eq!((stats.answered, stats.sent, endpoint.channels()), (6, 6, 0));
}

#[tokio::test]
async fn the_responder_says_what_is_accepted_and_what_is_dropped() {
    let endpoint = endpoint(config());
    answer(&endpoint, b"yes");
    let peer = peer().await;
    for datagram in [&b"-"[..], b"hello", b"-", b"?"] {
        peer.send_to(datagram, endpoint.local_addr()).await.unwrap();
    }
    let incoming = accept(&endpoint).await;
    assert_eq!(incoming.datagram(), b"hello");
    assert_eq!(recv_from(&peer).await.0, b"yes");
    let stats = until(&endpoint, |stats| stats.received == 4).await;
    assert_eq!((stats.discarded, stats.answered), (2, 1));
}

#[tokio::test]
async fn of_a_known_peer_only_what_the_route_diverts_is_answered() {
    let endpoint = endpoint(config());
    answer(&endpoint, b"yes");
    let (peer, mut channel) = accepted(&endpoint, b"hello").await;
    for datagram in [&b"-"[..], b"!?", b"?"] {
        peer.send_to(datagram, endpoint.local_addr()).await.unwrap();
    }
    assert_eq!(recv_from(&peer).await.0, b"yes");
    for datagram in [&b"hello"[..], b"-", b"?"] {
        assert_eq!(recv(&mut channel).await, datagram);
    }
    let stats = endpoint.stats();
    assert_eq!((stats.diverted, stats.answered, stats.discarded), (1, 1, 0));
}

#[tokio::test]
async fn a_responder_is_followed_by_the_next_and_ends_with_its_endpoint() {
    let endpoint = endpoint(config());
    let (peer, channel) = accepted(&endpoint, b"hello").await;
    let held = Arc::new(());
    let inside = Arc::clone(&held);
    endpoint.set_responder(move |_, _, _| {
        let _ = &inside;
        Response::Discard
    });
    assert_eq!(Arc::strong_count(&held), 2);
    answer(&endpoint, b"yes");
    assert_eq!(Arc::strong_count(&held), 1);
    peer.send_to(b"!?", endpoint.local_addr()).await.unwrap();
    assert_eq!(recv_from(&peer).await.0, b"yes");
    let inside = Arc::clone(&held);
    endpoint.set_responder(move |_, _, _| {
        let _ = &inside;
        Response::Discard
    });
    let server = endpoint.local_addr();
    drop(endpoint);
    assert_eq!(Arc::strong_count(&held), 1);
    peer.send_to(b"!?", server).await.unwrap();
    while channel.endpoint_stats().dropped_no_acceptor == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(channel.endpoint_stats().discarded, 0);
}

#[tokio::test]
async fn a_responder_may_ask_its_endpoint() {
    let endpoint = Arc::new(endpoint(config()));
    let (_peer, _channel) = accepted(&endpoint, b"hello").await;
    let asked = Arc::downgrade(&endpoint);
    endpoint.set_responder(move |_, _, reply| {
        let endpoint = asked.upgrade().unwrap();
        reply.push(endpoint.channels() as u8);
        Response::Reply
    });
    let stranger = peer().await;
    stranger.send_to(b"?", endpoint.local_addr()).await.unwrap();
    assert_eq!(recv_from(&stranger).await.0, [1]);
}

/// A reply is what is sent, whatever the one before was; none is none.
#[tokio::test]
async fn each_reply_begins_empty() {
    let endpoint = endpoint(config());
    endpoint.set_responder(|from, datagram, reply| {
        assert!(reply.is_empty() && from.ip().is_loopback());
        reply.extend(&datagram[1..]);
        Response::Reply
    });
    let peer = peer().await;
    for datagram in [&b"?long answer"[..], b"?", b"?short"] {
        peer.send_to(datagram, endpoint.local_addr()).await.unwrap();
    }
    assert_eq!(recv_from(&peer).await.0, b"long answer");
    assert_eq!(recv_from(&peer).await.0, b"short");
    assert_eq!(endpoint.stats().sent, 2);
}

fn config() -> Config {
    Config::default().route(|datagram| match datagram {
        [b'!', ..] => Route::Accept,
        _ => Route::Peer,
    })
}

/// Answers questions, drops what has a dash, and lets the rest be accepted.
fn answer(endpoint: &Endpoint, answer: &'static [u8]) {
    endpoint.set_responder(move |_, datagram, reply| match datagram {
        [.., b'?'] => {
            reply.extend(answer);
            Response::Reply
        }
        [b'-', ..] => Response::Discard,
        _ => Response::Accept,
    });
}
