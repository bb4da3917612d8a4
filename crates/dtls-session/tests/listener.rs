//! A listener on a real socket: cookies, fragments, limits, clients that start anew.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use common::{
    UdpPipe, acceptor, any, connector, exchange, hellos, identity, open, patient, relay, roots,
    serve, within,
};
use dtls_session::{Acceptor, ClosedBy, Connector, HandshakeError, Limits, Preferences, RecvError};
use tokio::net::UdpSocket;

#[tokio::test]
async fn a_client_gets_in_and_names_its_address() {
    let mut server = serve(acceptor(patient()), Limits::default());
    let channel = open(any(), server.addr);
    let local = channel.local_addr();
    let client = within(connector(patient()).connect("127.0.0.1").over(channel))
        .await
        .unwrap();
    let session = server.next().await;
    assert_eq!(session.peer_addr().port(), local.port());
    exchange(&session, &client).await;
    let stats = server.listener.stats();
    assert_eq!((stats.accepted, stats.sessions, stats.half_open), (1, 1, 0));
    assert!(stats.challenged > 0);
    drop(session);
    assert_eq!(server.listener.stats().sessions, 0);
}

#[tokio::test]
async fn a_first_hello_is_answered_alike_and_nothing_is_kept() {
    let server = serve(acceptor(patient()), Limits::default());
    let (socket, mut first, _) = hellos(server.addr, patient()).await;
    first[10] = 77;
    let mut buf = [0; 2048];
    for _ in 0..3 {
        socket.send_to(&first, server.addr).await.unwrap();
        let length = within(socket.recv(&mut buf)).await.unwrap();
        assert!(length < first.len());
        assert_eq!(buf[..13], [22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 77, 0, 47]);
        assert_eq!(
            buf[13..28],
            [3, 0, 0, 35, 0, 0, 0, 0, 0, 0, 0, 35, 0xfe, 0xff, 32]
        );
    }
    for junk in [&first[..20], b"junk", &[22; 100], &[]] {
        socket.send_to(junk, server.addr).await.unwrap();
    }
    server.reach(|stats| stats.discarded == 3).await;
    let stats = server.listener.stats();
    assert_eq!(
        (stats.challenged, stats.accepted, stats.half_open),
        (4, 0, 0)
    );
    assert_eq!(server.listener.endpoint_stats().dropped_empty, 1);
}

#[tokio::test]
async fn a_repeated_second_hello_starts_one_handshake() {
    let server = serve(acceptor(patient()), Limits::default());
    let (socket, _, second) = hellos(server.addr, patient()).await;
    for _ in 0..5 {
        socket.send_to(&second, server.addr).await.unwrap();
    }
    server.reach(|stats| stats.repeated == 4).await;
    let stats = server.listener.stats();
    assert_eq!((stats.accepted, stats.half_open), (1, 1));
}

#[tokio::test]
async fn the_first_flight_is_numbered_from_the_hello_it_answers() {
    let server = serve(acceptor(patient()), Limits::default());
    let (socket, _, mut second) = hellos(server.addr, patient()).await;
    // As if the first hello had been lost a few times.
    second[10] = 9;
    socket.send_to(&second, server.addr).await.unwrap();
    let mut buf = [0; 2048];
    let length = within(socket.recv(&mut buf)).await.unwrap();
    assert!(length > 100);
    assert_eq!(
        (buf[0], buf[13], buf[10]),
        (22, 2, 9),
        "a ServerHello in record 9"
    );
}

#[tokio::test]
async fn fragmented_hellos_get_in() {
    let mut server = serve(acceptor(patient()), Limits::default());
    let connector = Connector::builder(roots())
        .session(patient().mtu(256))
        .danger_accept_any_certificate()
        .build()
        .unwrap();
    // A name this long does not leave the hello room in one datagram.
    let name = ["a".repeat(60), "b".repeat(60), "c".repeat(60)].join(".");
    let client = within(connector.connect(&name).over(open(any(), server.addr)))
        .await
        .unwrap();
    let session = server.next().await;
    exchange(&session, &client).await;
}

/// RFC 6347 4.2.1 wants no deadlock: the server was started anew between a client's two hellos.
#[tokio::test]
async fn a_dead_cookie_costs_a_round_and_not_the_handshake() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let preferences = Preferences::default().message_log(move |message| {
        let number = message.bytes.get(5).copied();
        let numbered = (message.sent, message.bytes[0], number);
        log.lock().unwrap().push(numbered);
    });
    let second = Acceptor::builder(identity("server"))
        .session(patient())
        .preferences(preferences)
        .build()
        .unwrap();
    let first = serve(acceptor(patient()), Limits::default());
    let mut second = serve(second, Limits::default());
    let (before, after) = (first.addr, second.addr);
    let mut sent = 0;
    let choose = move || {
        sent += 1;
        if sent == 1 { before } else { after }
    };
    let front = relay(choose, |answer| vec![answer.to_vec()]).await;
    // Nothing is repeated, so the server's answer is what brings it on.
    let half_a_minute = Duration::from_secs(30);
    let config = patient()
        .initial_rto(half_a_minute)
        .rto_bounds(half_a_minute, half_a_minute);
    let client = within(
        connector(config)
            .connect("localhost")
            .over(open(any(), front)),
    )
    .await
    .unwrap();
    exchange(&second.next().await, &client).await;
    let stats = second.listener.stats();
    assert_eq!((stats.challenged, stats.accepted), (1, 1));
    assert_eq!(client.stats().retransmissions, 0);
    // What OpenSSL had to read before is nobody's message.
    let (sent, received) = (true, false);
    let start = [(received, 1, Some(2)), (sent, 2, Some(2))];
    assert_eq!(seen.lock().unwrap()[..2], start);
}

/// Plaintext is nobody's: a ticket of a session that had the client's port before, or a forged one,
/// makes the server's Finished wrong.
#[tokio::test]
async fn a_stale_ticket_costs_a_round_and_not_the_handshake() {
    // However slow the machine is, nothing is repeated.
    let config = || patient().rto_bounds(Duration::from_secs(30), Duration::from_secs(60));
    let mut server = serve(acceptor(config()), Limits::default());
    let addr = server.addr;
    let mut rounds = 0;
    let spoil = move |answer: &[u8]| {
        let mut datagrams = vec![answer.to_vec()];
        if answer[0] == 22 && answer[13] == NEW_SESSION_TICKET && rounds < 2 {
            rounds += 1;
            let mut stale = answer.to_vec();
            // The first byte of the ticket, behind its lifetime and length.
            stale[13 + 12 + 6] ^= 1;
            let ticket = 13 + usize::from(u16::from_be_bytes([stale[11], stale[12]]));
            stale.truncate(ticket);
            datagrams.insert(0, stale);
        }
        datagrams
    };
    let front = relay(move || addr, spoil).await;
    let client = connector(config())
        .connect("localhost")
        .over(open(any(), front));
    let client = within(client).await.unwrap();
    assert_eq!(server.listener.stats().accepted, 3);
    for _ in 0..2 {
        let spoiled = server.next().await;
        let ended = within(spoiled.recv(&mut [0; 9])).await;
        assert!(ended.is_err(), "{ended:?}");
    }
    exchange(&server.next().await, &client).await;
}

#[tokio::test]
async fn a_restarted_client_replaces_its_session_only_once_it_is_established() {
    let mut server = serve(acceptor(patient()), Limits::default());
    let (_, first_hello, _) = hellos(server.addr, patient()).await;
    let socket = Arc::new(UdpSocket::bind(any()).await.unwrap());
    socket.connect(server.addr).await.unwrap();
    let pipe = UdpPipe::new(Arc::clone(&socket));
    let client = within(connector(patient()).connect("localhost").over(pipe.clone()))
        .await
        .unwrap();
    let old = server.next().await;
    exchange(&old, &client).await;

    // A hello from that very address is answered beside the session and changes nothing.
    let challenged = server.listener.stats().challenged;
    socket.send(&first_hello).await.unwrap();
    server.reach(|stats| stats.challenged > challenged).await;
    exchange(&old, &client).await;

    // The client vanishes, and starts anew from the same port; the session that it had is
    // still there until the new one is.
    pipe.vanish();
    let pipe = UdpPipe::new(socket);
    let client = within(connector(patient()).connect("localhost").over(pipe))
        .await
        .unwrap();
    let new = server.next().await;
    exchange(&new, &client).await;
    let error = within(old.recv(&mut [0; 100])).await.unwrap_err();
    assert!(
        matches!(&error, RecvError::Closed(closed) if matches!(closed.by, ClosedBy::Replaced)),
        "{error:?}"
    );
    assert_eq!(server.listener.stats().accepted, 2);
}

#[tokio::test]
async fn a_client_that_restarts_in_the_middle_of_its_handshake_gets_in() {
    let mut server = serve(acceptor(patient()), Limits::default());
    let (socket, _, second) = hellos(server.addr, patient()).await;
    socket.send_to(&second, server.addr).await.unwrap();
    server.reach(|stats| stats.half_open == 1).await;
    let local = socket.local_addr().unwrap();
    drop(socket);
    let channel = open(local, server.addr);
    let client = within(connector(patient()).connect("localhost").over(channel))
        .await
        .unwrap();
    let session = server.next().await;
    exchange(&session, &client).await;
    server.reach(|stats| stats.half_open == 0).await;
    assert_eq!(server.listener.stats().sessions, 1);
}

#[tokio::test]
async fn limits_refuse_the_newest_and_are_counted() {
    let mut server = serve(acceptor(patient()), Limits::default().sessions(1));
    let client = within(
        connector(patient())
            .connect("localhost")
            .over(open(any(), server.addr)),
    )
    .await
    .unwrap();
    let session = server.next().await;
    let hasty = connector(patient().handshake_timeout(Duration::from_millis(500)));
    let error = within(hasty.connect("localhost").over(open(any(), server.addr)))
        .await
        .unwrap_err();
    assert!(matches!(error, HandshakeError::TimedOut { .. }));
    assert!(server.listener.stats().refused_sessions > 0);
    exchange(&session, &client).await;
    drop(session);
    let client = within(
        connector(patient())
            .connect("localhost")
            .over(open(any(), server.addr)),
    )
    .await
    .unwrap();
    exchange(&server.next().await, &client).await;
}

#[tokio::test]
async fn silent_handshakes_end_and_leave_nothing() {
    let config = patient().handshake_timeout(Duration::from_millis(300));
    let acceptor = Acceptor::builder(identity("server"))
        .session(config)
        .build()
        .unwrap();
    let server = serve(acceptor, Limits::default());
    let (socket, _, second) = hellos(server.addr, patient()).await;
    socket.send_to(&second, server.addr).await.unwrap();
    server.reach(|stats| stats.accepted == 1).await;
    server.reach(|stats| stats.half_open == 0).await;
}

const NEW_SESSION_TICKET: u8 = 4;
