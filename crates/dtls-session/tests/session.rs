//! An established session: boundaries, closing, time, streams.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{
    cell::RefCell,
    sync::{Arc, atomic::Ordering},
    thread,
    time::Duration,
};

use bytes::Bytes;
use common::{
    Narrow, PROTECTIONS, Rude, acceptor, connector, default_sessions, lossless, patient, pipe,
    sessions, within,
};
use dtls_session::{ClosedBy, HandshakeError, Pipe, RecvError, SendError, Session, Version};
use futures::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    runtime::{Builder, Runtime},
};

#[tokio::test]
async fn payloads_of_one_to_the_maximum_pass_both_ways() {
    let (server, client) = default_sessions().await;
    assert_eq!(
        (server.info().version, client.info().version),
        (Version::Dtls12, Version::Dtls12)
    );
    assert_eq!(client.info().cipher, server.info().cipher);
    let max = client.max_datagram_size();
    assert_eq!(max, 1350 - 37);
    let mut buf = vec![0; 16_384];
    for (from, to) in [(&client, &server), (&server, &client)] {
        for size in [1, 2, 1200, max - 1, max] {
            let datagram = vec![size as u8; size];
            from.send(&datagram).await.unwrap();
            assert_eq!(within(to.recv(&mut buf)).await.unwrap(), Some(size));
            assert_eq!(buf[..size], datagram);
        }
    }
}

#[tokio::test]
async fn a_datagram_too_large_names_both_sizes_and_the_session_goes_on() {
    let (server, client) = default_sessions().await;
    let max = client.max_datagram_size();
    for (from, to) in [(&client, &server), (&server, &client)] {
        let error = from.send(&vec![0; max + 1]).await.unwrap_err();
        assert!(
            matches!(error, SendError::TooLarge { size, max: m } if size == max + 1 && m == max)
        );
        assert!(matches!(
            from.send(&[]).await.unwrap_err(),
            SendError::Empty
        ));
        from.send(b"after").await.unwrap();
        let mut buf = [0; 100];
        assert_eq!(within(to.recv(&mut buf)).await.unwrap(), Some(5));
    }
}

#[tokio::test]
async fn a_short_buffer_loses_nothing() {
    let (server, client) = default_sessions().await;
    client.send(&[7; 1000]).await.unwrap();
    client.send(b"next").await.unwrap();
    let mut buf = [0; 1000];
    for capacity in [0, 1, 999] {
        let error = within(server.recv(&mut buf[..capacity])).await.unwrap_err();
        assert!(
            matches!(error, RecvError::BufferTooShort { needed: 1000, capacity: c } if c == capacity),
            "{error}"
        );
    }
    assert_eq!(within(server.recv(&mut buf)).await.unwrap(), Some(1000));
    assert_eq!(buf, [7; 1000]);
    assert_eq!(within(server.recv(&mut buf)).await.unwrap(), Some(4));
    assert_eq!(server.stats().received_bytes, 1004);
}

#[tokio::test]
async fn a_cancelled_recv_loses_nothing() {
    let (server, client) = default_sessions().await;
    let mut buf = [0; 100];
    for n in 0..100u8 {
        let cancelled = tokio::select! {
            biased;
            received = server.recv(&mut buf) => Some(received),
            () = std::future::ready(()) => None,
        };
        assert!(cancelled.is_none());
        client.send(&[n]).await.unwrap();
        assert_eq!(within(server.recv(&mut buf)).await.unwrap(), Some(1));
        assert_eq!(buf[0], n);
    }
}

#[tokio::test]
async fn close_notify_ends_recv_with_none_both_ways() {
    let (server, client) = default_sessions().await;
    let mut buf = [0; 100];
    client.send(b"last words").await.unwrap();
    client.close();
    client.close();
    assert!(matches!(
        client.send(b"more").await.unwrap_err(),
        SendError::Closed(_)
    ));
    assert_eq!(within(server.recv(&mut buf)).await.unwrap(), Some(10));
    assert_eq!(within(server.recv(&mut buf)).await.unwrap(), None);
    assert_eq!(within(server.recv(&mut buf)).await.unwrap(), None);
    server.close();
    assert!(matches!(within(client.closed()).await.by, ClosedBy::Us));
    assert!(matches!(within(server.closed()).await.by, ClosedBy::Peer));
    assert_eq!(within(client.recv(&mut buf)).await.unwrap(), None);
}

#[tokio::test]
async fn a_close_is_noticed_while_nobody_reads() {
    let (server, client) = default_sessions().await;
    client.close();
    let noticed = async {
        while !matches!(
            server.send(b"still there?").await,
            Err(SendError::Closed(_))
        ) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within(noticed).await;
}

#[tokio::test]
async fn empty_reads_and_errors_below_end_neither_handshake_nor_session() {
    let (server_pipe, client_pipe) = pipe(lossless());
    let accepting = tokio::spawn(acceptor(patient()).accept(Rude::new(server_pipe)));
    let connecting = connector(patient())
        .connect("localhost")
        .over(Rude::new(client_pipe));
    let client = within(connecting).await.unwrap();
    let server = within(accepting).await.unwrap().unwrap();
    let mut buf = [0; 100];
    // Each other datagram is lost to a write error.
    for _ in 0..10 {
        client.send(b"once").await.unwrap();
        client.send(b"once").await.unwrap();
        assert_eq!(within(server.recv(&mut buf)).await.unwrap(), Some(4));
    }
    let stats = server.stats();
    assert!(
        stats.filtered_empty > 0 && stats.recv_errors > 0,
        "{stats:?}"
    );
    assert!(client.stats().send_errors >= 10);
}

#[tokio::test]
async fn a_path_that_narrows_makes_datagrams_too_large_and_ends_nothing() {
    let (server_pipe, client_pipe) = pipe(lossless());
    let (client_pipe, most) = Narrow::new(client_pipe, 1350);
    let accepting = tokio::spawn(acceptor(patient()).accept(server_pipe));
    let connecting = connector(patient()).connect("localhost").over(client_pipe);
    let client = within(connecting).await.unwrap();
    let server = within(accepting).await.unwrap().unwrap();
    let mut buf = [0; 2000];
    client.send(&[1; 1000]).await.unwrap();
    assert_eq!(within(server.recv(&mut buf)).await.unwrap(), Some(1000));
    most.store(600, Ordering::Relaxed);
    let error = client.send(&[2; 1000]).await.unwrap_err();
    let SendError::TooLarge { size: 1000, max } = error else {
        panic!("{error}");
    };
    assert_eq!(client.max_datagram_size(), max);
    assert!(max < 600, "{max}");
    client.send(&vec![3; max]).await.unwrap();
    assert_eq!(within(server.recv(&mut buf)).await.unwrap(), Some(max));
    assert_eq!(client.stats().sent, 2);
}

#[tokio::test]
async fn a_handshake_gets_through_a_pipe_that_refuses_its_flight_as_too_long() {
    let (server_pipe, client_pipe) = pipe(lossless());
    let (server_pipe, _) = Narrow::new(server_pipe, 600);
    let accepting = tokio::spawn(acceptor(patient()).accept(server_pipe));
    let connecting = connector(patient()).connect("localhost").over(client_pipe);
    within(connecting).await.unwrap();
    let server = within(accepting).await.unwrap().unwrap();
    assert!(server.max_datagram_size() < 600);
}

#[tokio::test]
async fn a_pipe_that_has_ended_ends_the_handshake() {
    let (ours, theirs) = tokio::io::duplex(1500);
    drop(theirs);
    let connecting = connector(patient())
        .connect("localhost")
        .over(Pipe::from_io(ours));
    let error = within(connecting).await.unwrap_err();
    assert!(matches!(error, HandshakeError::Pipe(_)), "{error}");
}

#[tokio::test]
async fn dropping_a_session_closes_it() {
    let (server, client) = default_sessions().await;
    drop(client);
    assert_eq!(within(server.recv(&mut [0; 100])).await.unwrap(), None);
}

#[tokio::test]
async fn a_silent_peer_ends_the_session_after_the_idle_timeout() {
    let idle = Duration::from_millis(300);
    let acceptor = acceptor(patient().idle_timeout(Some(idle)));
    let (server, client) = sessions(&acceptor, &connector(patient()), pipe(lossless())).await;
    let error = within(server.recv(&mut [0; 100])).await.unwrap_err();
    assert!(
        matches!(&error, RecvError::Closed(closed) if matches!(closed.by, ClosedBy::Idle(time) if time == idle)),
        "{error}"
    );
    assert!(matches!(
        server.send(b"x").await.unwrap_err(),
        SendError::Closed(_)
    ));
    drop(client);
}

/// There is one queue, the pipe's: here one of 1024 datagrams.
#[tokio::test]
async fn what_nobody_reads_waits_in_the_pipe() {
    let (server, client) = default_sessions().await;
    for n in 0..200u8 {
        client.send(&[n]).await.unwrap();
    }
    // The keeper has looked at some of them.
    within(async {
        while server.stats().received == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let mut buf = [0; 10];
    for n in 0..200u8 {
        assert_eq!(within(server.recv(&mut buf)).await.unwrap(), Some(1));
        assert_eq!(buf[0], n);
    }
}

#[tokio::test]
async fn stream_and_sink_carry_datagrams() {
    let (mut server, mut client) = default_sessions().await;
    for n in 1..=10 {
        client
            .feed(Bytes::from(vec![n; usize::from(n)]))
            .await
            .unwrap();
    }
    SinkExt::flush(&mut client).await.unwrap();
    for n in 1..=10 {
        let datagram = within(server.next()).await.unwrap().unwrap();
        assert_eq!(datagram, vec![n; usize::from(n)]);
    }
    let error = client.feed(Bytes::from(vec![0; 5000])).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    SinkExt::close(&mut client).await.unwrap();
    assert!(within(server.next()).await.is_none());
}

#[tokio::test]
async fn reader_and_writer_keep_boundaries() {
    let (mut server, mut client) = default_sessions().await;
    client.write_all(b"one").await.unwrap();
    client.write_all(b"three").await.unwrap();
    let mut buf = [0; 10];
    assert_eq!(within(server.read(&mut buf)).await.unwrap(), 3);
    let error = within(server.read(&mut buf[..4])).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    assert_eq!(within(server.read(&mut buf)).await.unwrap(), 5);
    client.shutdown().await.unwrap();
    assert_eq!(within(server.read(&mut buf)).await.unwrap(), 0);
}

#[tokio::test]
async fn one_task_sends_while_another_receives() {
    let (server, client) = default_sessions().await;
    let server = Arc::new(server);
    let receiver = tokio::spawn({
        let server = Arc::clone(&server);
        async move {
            let mut buf = [0; 10];
            for n in 0..50u8 {
                assert_eq!(server.recv(&mut buf).await.unwrap(), Some(1));
                assert_eq!(buf[0], n);
            }
        }
    });
    let mut buf = [0; 10];
    for n in 0..50u8 {
        server.send(&[n, n]).await.unwrap();
        assert_eq!(within(client.recv(&mut buf)).await.unwrap(), Some(2));
        client.send(&[n]).await.unwrap();
    }
    within(receiver).await.unwrap();
}

#[tokio::test]
async fn a_receiver_that_gave_up_does_not_stop_the_keeper() {
    let (mut server, client) = default_sessions().await;
    // A stream's waker stays behind when its `next` is dropped.
    assert!(
        tokio::time::timeout(Duration::from_millis(1), server.next())
            .await
            .is_err()
    );
    for _ in 0..3 {
        client.send(b"x").await.unwrap();
    }
    client.close();
    within(async {
        while server.stats().received < 3 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// What a program keeps for each thread goes in the reverse order in which it came, so these sessions
/// close behind whatever the library has for the thread.
#[test]
fn a_session_may_go_with_its_thread() {
    thread_local!(static KEPT: RefCell<Option<((Session, Session), Runtime)>> = const { RefCell::new(None) });
    for protection in PROTECTIONS {
        let line = pipe(lossless());
        let thread = thread::spawn(move || {
            KEPT.take();
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            let config = patient().record_protection(protection);
            let ends = runtime.block_on(async {
                let (acceptor, connector) = (acceptor(config.clone()), connector(config));
                let (server, client) = sessions(&acceptor, &connector, line).await;
                server.send(b"data").await.unwrap();
                client.send(b"data").await.unwrap();
                (server, client)
            });
            KEPT.set(Some((ends, runtime)));
        });
        thread.join().unwrap();
    }
}
