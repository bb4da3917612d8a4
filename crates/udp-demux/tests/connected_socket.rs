//! A socket of its own for one peer: nothing that a network or a stranger does ends it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{
    future::poll_fn,
    io,
    net::{Ipv4Addr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::Poll,
};

use bytes::Bytes;
use common::soon;
use futures::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use udp_demux::{Config, ConnectedSocket, Endpoint};

#[tokio::test]
async fn whole_datagrams_go_there_and_back() {
    let (peer, mut socket) = pair();
    socket.send(b"hello").await.unwrap();
    assert_eq!(received(&peer), b"hello");
    peer.send(b"hi").unwrap();
    assert_eq!(recv(&mut socket).await, b"hi");
    assert_eq!(socket.peer_addr(), peer.local_addr().unwrap());
    assert_eq!(socket.local_addr(), peer.peer_addr().unwrap());
    let stats = socket.stats();
    assert_eq!((stats.sent, stats.received, stats.errors), (1, 1, 0));
}

#[tokio::test]
async fn an_empty_datagram_is_no_end_of_file() {
    let (peer, mut socket) = pair();
    for _ in 0..100 {
        peer.send(b"").unwrap();
    }
    peer.send(b"x").unwrap();
    let mut buf = [0; 8];
    assert_eq!(soon(socket.read(&mut buf)).await.unwrap(), 1);
    assert_eq!(socket.stats().dropped_empty, 100);
    peer.send(b"").unwrap();
    peer.send(b"y").unwrap();
    assert_eq!(soon(socket.next()).await.unwrap().unwrap(), "y");
    peer.send(b"").unwrap();
    assert_eq!(socket.try_recv(&mut buf).unwrap(), None);
    // Nor is one sent.
    socket.write_all(b"").await.unwrap();
    socket.send(b"").await.unwrap();
    assert_eq!(socket.stats().sent, 0);
}

#[tokio::test]
async fn an_older_datagrams_error_costs_the_next_one_nothing() {
    let (peer, socket) = pair();
    let addr = peer.local_addr().unwrap();
    drop(peer);
    socket.send(b"lost").await.unwrap();
    // The refusal waits in the socket by now: the loopback interface does not dawdle.
    let peer = UdpSocket::bind(addr).unwrap();
    socket.send(b"innocent").await.unwrap();
    assert_eq!(received(&peer), b"innocent");
    let stats = socket.stats();
    assert_eq!((stats.errors, stats.refusals, stats.send_errors), (1, 1, 0));
    let error = socket.take_error().unwrap();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    assert!(socket.take_error().is_none());
}

#[tokio::test]
async fn an_error_is_heard_of_while_nothing_is_sent_or_received() {
    let (peer, mut socket) = pair();
    drop(peer);
    socket.send(b"lost").await.unwrap();
    let heard = poll_fn(|cx| {
        assert!(socket.poll_recv(cx, &mut [0; 8]).is_pending());
        match socket.take_error() {
            Some(error) => Poll::Ready(error),
            None => Poll::Pending,
        }
    });
    let error = soon(heard).await;
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn receiving_goes_on_after_an_error() {
    let (peer, mut socket) = pair();
    let addr = peer.local_addr().unwrap();
    drop(peer);
    socket.send(b"lost").await.unwrap();
    let peer = UdpSocket::bind(addr).unwrap();
    peer.send_to(b"here again", socket.local_addr()).unwrap();
    assert_eq!(recv(&mut socket).await, b"here again");
    assert_eq!(socket.stats().refusals, 1);
}

#[tokio::test]
async fn what_is_longer_than_the_path_allows_is_refused_and_no_more() {
    let (peer, socket) = pair();
    let error = socket.send(&[0; 65_508]).await.unwrap_err();
    socket.send(b"short").await.unwrap();
    assert_eq!(received(&peer), b"short");
    let stats = socket.stats();
    assert_eq!((stats.sent, stats.send_errors), (1, 1), "{error}");
    if cfg!(target_os = "linux") {
        assert!(socket.path_mtu().unwrap() <= 65_507);
    }
}

#[tokio::test]
async fn a_channel_knows_its_path_once_a_datagram_was_refused() {
    let endpoint = Endpoint::bind(([127, 0, 0, 1], 0).into(), Config::default()).unwrap();
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    let channel = endpoint.open(peer.local_addr().unwrap()).unwrap();
    assert_eq!(channel.path_mtu(), None);
    channel.send(&[0; 65_508]).await.unwrap_err();
    assert!(channel.path_mtu().unwrap() <= 65_507);
    channel.send(b"short").await.unwrap();
    assert_eq!(received(&peer), b"short");
}

#[tokio::test]
async fn it_is_a_stream_and_a_sink() {
    let (peer, mut socket) = pair();
    SinkExt::send(&mut socket, Bytes::from_static(b"out"))
        .await
        .unwrap();
    assert_eq!(received(&peer), b"out");
    peer.send(b"in").unwrap();
    peer.send(b"again").unwrap();
    assert_eq!(soon(socket.next()).await.unwrap().unwrap(), "in");
    assert_eq!(soon(socket.next()).await.unwrap().unwrap(), "again");
}

#[tokio::test]
async fn who_sends_or_receives_all_the_time_lets_others_run() {
    let (peer, mut socket) = pair();
    for sending in [true, false] {
        let ran = Arc::new(AtomicBool::new(false));
        let other = tokio::spawn({
            let ran = Arc::clone(&ran);
            async move { ran.store(true, Relaxed) }
        });
        let mut turns = 0;
        while !ran.load(Relaxed) && turns < 1000 {
            if sending {
                socket.send(b"x").await.unwrap();
            } else {
                peer.send(b"x").unwrap();
                recv(&mut socket).await;
            }
            turns += 1;
        }
        assert!(turns < 1000, "nobody else ran: sending is {sending}");
        other.await.unwrap();
    }
}

#[tokio::test]
async fn a_socket_without_a_peer_is_refused() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let error = ConnectedSocket::from_socket(socket).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotConnected);
}

#[tokio::test]
async fn the_peer_has_the_address_that_was_asked_for() {
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    let asked = (Ipv4Addr::UNSPECIFIED, peer.local_addr().unwrap().port()).into();
    // Not every system takes that for a loopback address.
    let Ok(socket) = ConnectedSocket::connect(asked) else {
        return;
    };
    assert_eq!(socket.peer_addr(), asked);
    socket.send(b"hello").await.unwrap();
    assert_eq!(received(&peer), b"hello");
}

/// A plain socket, and one that is connected to it.
fn pair() -> (UdpSocket, ConnectedSocket) {
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    let socket = ConnectedSocket::connect(peer.local_addr().unwrap()).unwrap();
    peer.connect(socket.local_addr()).unwrap();
    (peer, socket)
}

async fn recv(socket: &mut ConnectedSocket) -> Vec<u8> {
    let mut buf = [0; 64];
    let length = soon(socket.recv(&mut buf)).await.unwrap();
    buf[..length].to_vec()
}

fn received(peer: &UdpSocket) -> Vec<u8> {
    let patience = std::time::Duration::from_secs(30);
    peer.set_read_timeout(Some(patience)).unwrap();
    let mut buf = [0; 64];
    let length = peer.recv(&mut buf).unwrap();
    buf[..length].to_vec()
}
