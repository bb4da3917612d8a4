//! What does not fit is dropped and counted, and hurts nobody else.

#![allow(
    clippy::unwrap_used,
    reason = "a step that fails fails the test, in helpers too"
)]

mod common;

use common::{accept, accepted, endpoint, peer, recv, recv_from, soon, until};
use udp_demux::{AcceptError, Config, OpenError, RecvError};

#[tokio::test]
async fn an_empty_datagram_is_dropped_and_counted() {
    let endpoint = endpoint(Config::default());
    let (peer, mut channel) = accepted(&endpoint, b"hello").await;
    peer.send_to(b"", endpoint.local_addr()).await.unwrap();
    peer.send_to(b"after", endpoint.local_addr()).await.unwrap();
    assert_eq!(recv(&mut channel).await, b"hello");
    assert_eq!(recv(&mut channel).await, b"after");
    assert_eq!(endpoint.stats().dropped_empty, 1);
    assert_eq!(endpoint.stats().received, 3);

    channel.send(b"").await.unwrap();
    channel.send(b"full").await.unwrap();
    assert_eq!(recv_from(&peer).await.0, b"full");
}

#[tokio::test]
async fn a_full_queue_drops_the_newest_and_hurts_nobody_else() {
    let endpoint = endpoint(Config::default().recv_queue(3));
    let (slow, mut slow_channel) = accepted(&endpoint, b"1").await;
    let (quick, mut quick_channel) = accepted(&endpoint, b"hello").await;
    assert_eq!(recv(&mut quick_channel).await, b"hello");
    for datagram in [b"2", b"3", b"4", b"5"] {
        slow.send_to(datagram, endpoint.local_addr()).await.unwrap();
    }
    quick
        .send_to(b"still here", endpoint.local_addr())
        .await
        .unwrap();
    assert_eq!(recv(&mut quick_channel).await, b"still here");
    assert_eq!(endpoint.stats().dropped_queue_full, 2);
    assert_eq!(slow_channel.stats().dropped_queue_full, 2);
    assert_eq!(slow_channel.stats().received, 3);
    assert_eq!(quick_channel.stats().dropped_queue_full, 0);
    for datagram in [b"1", b"2", b"3"] {
        assert_eq!(recv(&mut slow_channel).await, datagram);
    }
    slow.send_to(b"6", endpoint.local_addr()).await.unwrap();
    assert_eq!(recv(&mut slow_channel).await, b"6");
}

#[tokio::test]
async fn the_driver_lets_readers_run_between_batches() {
    let endpoint = endpoint(Config::default().batch(1).recv_queue(2));
    let (peer, mut channel) = accepted(&endpoint, b"hello").await;
    assert_eq!(recv(&mut channel).await, b"hello");
    let reader = tokio::spawn(async move {
        for n in 0..50_u8 {
            assert_eq!(recv(&mut channel).await, [n]);
        }
    });
    tokio::task::yield_now().await;
    for n in 0..50_u8 {
        peer.try_send_to(&[n], endpoint.local_addr()).unwrap();
    }
    soon(reader).await.unwrap();
    assert_eq!(endpoint.stats().dropped_queue_full, 0);
}

#[tokio::test]
async fn a_queue_is_bounded_in_bytes() {
    let endpoint = endpoint(Config::default().recv_queue_bytes(1000));
    let (peer, mut channel) = accepted(&endpoint, &[1; 600]).await;
    peer.send_to(&[2; 600], endpoint.local_addr())
        .await
        .unwrap();
    peer.send_to(&[3; 400], endpoint.local_addr())
        .await
        .unwrap();
    until(&endpoint, |stats| stats.received == 3).await;
    assert_eq!(endpoint.stats().dropped_queue_full, 1);
    assert_eq!(recv(&mut channel).await, [1; 600]);
    assert_eq!(recv(&mut channel).await, [3; 400]);
}

#[tokio::test]
async fn a_full_backlog_drops_the_newest() {
    let endpoint = endpoint(Config::default().backlog(2));
    let peers = [peer().await, peer().await, peer().await];
    for peer in &peers {
        peer.send_to(b"hello", endpoint.local_addr()).await.unwrap();
    }
    until(&endpoint, |stats| stats.received == 3).await;
    assert_eq!(endpoint.stats().dropped_backlog_full, 1);
    for peer in &peers[..2] {
        assert_eq!(
            accept(&endpoint).await.peer_addr(),
            peer.local_addr().unwrap()
        );
    }
    peers[2]
        .send_to(b"again", endpoint.local_addr())
        .await
        .unwrap();
    assert_eq!(accept(&endpoint).await.datagram(), b"again");
}

#[tokio::test]
async fn a_datagram_that_is_too_long_is_dropped_and_counted() {
    let endpoint = endpoint(Config::default().max_datagram(100));
    let (peer, mut channel) = accepted(&endpoint, &[1; 100]).await;
    peer.send_to(&[2; 101], endpoint.local_addr())
        .await
        .unwrap();
    peer.send_to(&[3; 99], endpoint.local_addr()).await.unwrap();
    assert_eq!(recv(&mut channel).await, [1; 100]);
    assert_eq!(recv(&mut channel).await, [3; 99]);
    assert_eq!(endpoint.stats().dropped_too_long, 1);
}

#[tokio::test]
async fn a_short_buffer_is_an_error_and_the_datagram_stays() {
    let endpoint = endpoint(Config::default());
    let (_peer, mut channel) = accepted(&endpoint, b"hello").await;
    let short = RecvError::BufferTooShort {
        needed: 5,
        capacity: 4,
    };
    assert_eq!(soon(channel.recv(&mut [0; 4])).await, Err(short.clone()));
    assert_eq!(channel.try_recv(&mut [0; 4]), Err(short));
    assert_eq!(recv(&mut channel).await, b"hello");
    assert_eq!(channel.try_recv(&mut [0; 4]), Ok(None));
}

#[tokio::test]
async fn channels_are_limited_and_a_dropped_one_makes_room() {
    let endpoint = endpoint(Config::default().max_channels(1));
    let (first, channel) = accepted(&endpoint, b"hello").await;
    let second = peer().await;
    let second_addr = second.local_addr().unwrap();
    assert_eq!(
        endpoint.open(second_addr).unwrap_err(),
        OpenError::LimitReached
    );
    assert_eq!(
        endpoint.open(first.local_addr().unwrap()).unwrap_err(),
        OpenError::AlreadyOpen(channel.peer_addr())
    );
    second
        .send_to(b"hello", endpoint.local_addr())
        .await
        .unwrap();
    assert_eq!(
        accept(&endpoint).await.accept().unwrap_err(),
        AcceptError::LimitReached
    );
    drop(channel);
    assert_eq!(endpoint.channels(), 0);
    endpoint.open(second_addr).unwrap();
}

#[tokio::test]
async fn an_address_out_of_reach_is_refused() {
    let endpoint = endpoint(Config::default());
    let ipv6 = "[::1]:9".parse().unwrap();
    assert_eq!(
        endpoint.open(ipv6).unwrap_err(),
        OpenError::AddressFamily(ipv6)
    );
    for nobody in ["0.0.0.0:9", "127.0.0.1:0"] {
        let nobody = nobody.parse().unwrap();
        assert_eq!(
            endpoint.open(nobody).unwrap_err(),
            OpenError::Unspecified(nobody)
        );
    }
    assert_eq!(
        endpoint
            .open("[::ffff:127.0.0.1]:9".parse().unwrap())
            .unwrap()
            .peer_addr(),
        "127.0.0.1:9".parse().unwrap()
    );
}

#[tokio::test]
async fn a_peer_that_is_gone_does_not_disturb_another() {
    let endpoint = endpoint(Config::default());
    let (gone, gone_channel) = accepted(&endpoint, b"hello").await;
    let (peer, mut channel) = accepted(&endpoint, b"hello").await;
    assert_eq!(recv(&mut channel).await, b"hello");
    drop(gone);
    for round in 0..20_u8 {
        // What the system says of the peer that is gone is of no interest: only that it is told to nobody else.
        let _ = gone_channel.send(b"anybody there?").await;
        peer.send_to(&[round], endpoint.local_addr()).await.unwrap();
        assert_eq!(recv(&mut channel).await, [round]);
        channel.send(&[round]).await.unwrap();
        assert_eq!(recv_from(&peer).await.0, [round]);
    }
    let newcomer = accepted(&endpoint, b"hello").await;
    assert_eq!(newcomer.1.stats().received, 1);
}

#[tokio::test]
async fn a_datagram_that_cannot_be_sent_is_an_error_of_that_call_only() {
    let endpoint = endpoint(Config::default());
    let (peer, channel) = accepted(&endpoint, b"hello").await;
    channel.send(&vec![0; 70_000]).await.unwrap_err();
    assert_eq!(channel.stats().send_errors, 1);
    assert_eq!(endpoint.stats().send_errors, 1);
    channel.send(b"fits").await.unwrap();
    assert_eq!(recv_from(&peer).await.0, b"fits");
    assert_eq!((channel.stats().sent, endpoint.stats().sent), (1, 1));
}

#[tokio::test]
async fn nothing_shows_what_a_peer_has_sent() {
    let endpoint = endpoint(Config::default());
    let (peer, channel) = accepted(&endpoint, b"a-secret").await;
    // One waits in the channel, one of a stranger's in the backlog.
    let stranger = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    stranger
        .send_to(b"a-secret", endpoint.local_addr())
        .await
        .unwrap();
    peer.send_to(b"a-secret", endpoint.local_addr())
        .await
        .unwrap();
    while endpoint.stats().received < 3 {
        tokio::task::yield_now().await;
    }
    let shown = format!(
        "{endpoint:?} {channel:?} {:?}",
        endpoint.accept().await.unwrap()
    );
    assert!(
        !shown.contains("secret") && !shown.contains("115, 101"),
        "{shown}"
    );
}
