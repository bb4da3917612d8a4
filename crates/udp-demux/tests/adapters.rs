//! A channel as Stream, Sink, AsyncRead and AsyncWrite.

#![allow(
    clippy::unwrap_used,
    reason = "a step that fails fails the test, in helpers too"
)]

mod common;

use std::{future::poll_fn, io::ErrorKind};

use bytes::Bytes;
use common::{accept, accepted, endpoint, recv_from, soon};
use futures::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use udp_demux::{Channel, Config, Route};

#[tokio::test]
async fn the_stream_yields_datagrams_and_the_sink_sends_them() {
    let endpoint = endpoint(Config::default());
    let (peer, mut channel) = accepted(&endpoint, b"one").await;
    peer.send_to(b"two!", endpoint.local_addr()).await.unwrap();
    for expected in [&b"one"[..], b"two!"] {
        assert_eq!(soon(channel.next()).await.unwrap().unwrap(), expected);
    }
    for datagram in [&b"three"[..], b"four"] {
        soon(SinkExt::send(&mut channel, Bytes::from_static(datagram)))
            .await
            .unwrap();
        assert_eq!(recv_from(&peer).await.0, datagram);
    }
    soon(SinkExt::close(&mut channel)).await.unwrap();
}

#[tokio::test]
async fn bytes_stay_as_they_were_received() {
    let endpoint = endpoint(Config::default());
    let (peer, mut channel) = accepted(&endpoint, b"datagram 0").await;
    let mut kept = Vec::new();
    for number in 0..500 {
        let (datagram, from) = soon(poll_fn(|cx| channel.poll_recv_bytes(cx)))
            .await
            .unwrap();
        assert_eq!(from, peer.local_addr().unwrap());
        kept.push(datagram);
        if number % 7 == 0 {
            kept.clear();
        }
        channel.shrink_to_fit();
        let next = format!("datagram {}", number + 1);
        peer.send_to(next.as_bytes(), endpoint.local_addr())
            .await
            .unwrap();
    }
    for (datagram, number) in kept.iter().rev().zip((0..500).rev()) {
        assert_eq!(datagram, format!("datagram {number}").as_bytes());
    }
}

#[tokio::test]
async fn the_stream_ends_after_the_error_of_a_replaced_channel() {
    let endpoint = endpoint(Config::default().route(|_| Route::Accept));
    let (peer, mut old) = accepted(&endpoint, b"hello").await;
    peer.send_to(b"anew", endpoint.local_addr()).await.unwrap();
    let _new = accept(&endpoint).await.accept().unwrap();
    let error = soon(old.next()).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert!(soon(old.next()).await.is_none());
    let error = soon(SinkExt::send(&mut old, Bytes::from_static(b"late")))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_failed_item_does_not_end_the_sink() {
    let endpoint = endpoint(Config::default());
    let (peer, mut channel) = accepted(&endpoint, b"hello").await;
    soon(SinkExt::send(&mut channel, Bytes::from(vec![0; 70_000])))
        .await
        .unwrap_err();
    soon(SinkExt::send(&mut channel, Bytes::from_static(b"fits")))
        .await
        .unwrap();
    assert_eq!(recv_from(&peer).await.0, b"fits");
}

#[tokio::test]
async fn one_read_is_one_datagram() {
    let endpoint = endpoint(Config::default());
    let (peer, mut channel) = accepted(&endpoint, b"one").await;
    peer.send_to(b"", endpoint.local_addr()).await.unwrap();
    peer.send_to(b"three", endpoint.local_addr()).await.unwrap();
    let mut buf = [0; 99];
    assert_eq!(soon(channel.read(&mut buf)).await.unwrap(), 3);
    assert_eq!(soon(channel.read(&mut buf)).await.unwrap(), 5);
    assert_eq!(&buf[..5], b"three");
}

#[tokio::test]
async fn a_read_into_too_little_is_invalid_and_the_datagram_stays() {
    let endpoint = endpoint(Config::default());
    let (_peer, mut channel) = accepted(&endpoint, b"hello").await;
    let mut buf = [0; 5];
    for capacity in [4, 0] {
        let error = soon(channel.read(&mut buf[..capacity])).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
    assert_eq!(soon(channel.read(&mut buf)).await.unwrap(), 5);
    assert_eq!(&buf, b"hello");
}

#[tokio::test]
async fn one_write_is_one_datagram_and_an_empty_write_is_none() {
    let endpoint = endpoint(Config::default());
    let (peer, mut channel) = accepted(&endpoint, b"hello").await;
    assert_eq!(soon(channel.write(b"")).await.unwrap(), 0);
    assert_eq!(soon(channel.write(b"one")).await.unwrap(), 3);
    assert_eq!(soon(channel.write(b"three")).await.unwrap(), 5);
    soon(AsyncWriteExt::flush(&mut channel)).await.unwrap();
    soon(channel.shutdown()).await.unwrap();
    assert_eq!(recv_from(&peer).await.0, b"one");
    assert_eq!(recv_from(&peer).await.0, b"three");
    assert_eq!(channel.stats().sent, 2);
}

#[tokio::test]
async fn a_write_leaves_at_once_from_a_socket_that_is_new() {
    let server = endpoint(Config::default());
    // The runtime has not polled the new socket yet, and does not know that it is writable.
    let mut channel = endpoint(Config::default())
        .open(server.local_addr())
        .unwrap();
    assert_eq!(soon(channel.write(b"one")).await.unwrap(), 3);
    let stats = channel.endpoint_stats();
    assert_eq!((stats.sent, stats.send_would_block), (1, 0));
    assert_eq!(accept(&server).await.datagram(), b"one");
}

#[test]
fn a_channel_may_go_anywhere() {
    fn anywhere<T: Send + Sync + Unpin + 'static>() {}
    anywhere::<Channel>();
}
