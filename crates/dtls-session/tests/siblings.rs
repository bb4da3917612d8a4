//! Several listeners that are one server.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{sync::Arc, time::Duration};

use common::{acceptor, any, connector, exchange, hellos, open, patient, within};
use dtls_session::{HandshakeError, Limit, Limits, Listener};
use tokio::{net::UdpSocket, task::JoinSet};
use udp_demux::{Endpoint, bind_shards};

#[tokio::test]
async fn a_cookie_of_one_is_good_at_the_other() {
    let (first, second) = siblings(Limits::default());
    let stranger = listener(Limits::default());
    let (socket, _, hello) = hellos_at(&first).await;
    let before = first.stats();
    assert!(before.challenged > 0 && before.accepted == 0);

    // A cookie is somebody else's where it was not made.
    socket.send_to(&hello, stranger.local_addr()).await.unwrap();
    let mut buf = [0; 2048];
    let length = tokio::select! {
        answered = within(socket.recv(&mut buf)) => answered.unwrap(),
        handshake = stranger.accept() => panic!("a stranger took it: {handshake:?}"),
    };
    assert_eq!((length, buf[13]), (60, 3), "a HelloVerifyRequest");
    assert_eq!(stranger.stats().challenged, 1);

    socket.send_to(&hello, second.local_addr()).await.unwrap();
    let handshake = within(second.accept()).await.unwrap();
    assert_eq!(handshake.peer_addr(), socket.local_addr().unwrap());
    for listener in [&first, &second] {
        let stats = listener.stats();
        assert_eq!((stats.accepted, stats.half_open), (1, 1));
        assert_eq!(stats.challenged, before.challenged);
    }
    // What came to which socket is another matter.
    assert_eq!(second.endpoint_stats().received, 1);
}

#[tokio::test]
async fn a_hello_that_was_accepted_by_one_is_a_repeat_at_the_other() {
    let (first, second) = siblings(Limits::default());
    let (socket, _, hello) = hellos_at(&first).await;
    socket.send_to(&hello, first.local_addr()).await.unwrap();
    let _running = within(first.accept()).await.unwrap();
    socket.send_to(&hello, second.local_addr()).await.unwrap();
    tokio::select! {
        handshake = second.accept() => panic!("it was accepted twice: {handshake:?}"),
        () = until(&second, |listener| listener.stats().repeated == 1) => {}
    }
}

#[tokio::test]
async fn a_hello_that_came_to_nothing_at_one_is_known_to_the_other() {
    let (first, second) = siblings(Limits::default());
    let (socket, _, hello) = hellos_at(&first).await;
    socket.send_to(&hello, first.local_addr()).await.unwrap();
    let handshake = within(first.accept()).await.unwrap();
    assert!(!handshake.is_repeated());
    assert_eq!(handshake.client_hello().as_deref(), Some(&hello[..]));
    drop(handshake);

    socket.send_to(&hello, second.local_addr()).await.unwrap();
    let handshake = within(second.accept()).await.unwrap();
    assert!(handshake.is_repeated());
}

#[tokio::test]
async fn limits_hold_for_all_together() {
    let (first, second) = siblings(Limits::default().sessions(1));
    let connecting = connector(patient())
        .connect("localhost")
        .over(open(any(), first.local_addr()));
    let connecting = tokio::spawn(connecting);
    let session = within(within(first.accept()).await.unwrap()).await.unwrap();
    let client = within(connecting).await.unwrap().unwrap();
    exchange(&session, &client).await;

    let hasty = connector(patient().handshake_timeout(Duration::from_millis(500)));
    let channel = open(any(), second.local_addr());
    let peer = channel.local_addr();
    let error = tokio::select! {
        outcome = hasty.connect("localhost").over(channel) => outcome.unwrap_err(),
        handshake = second.accept() => panic!("there was no place: {handshake:?}"),
    };
    assert!(matches!(error, HandshakeError::TimedOut { .. }), "{error}");
    assert!(first.stats().refused_sessions > 0);
    // Either tells of it.
    let refused = within(first.refused()).await;
    assert_eq!(refused.limit, Limit::Sessions);
    assert_eq!(refused.peer.port(), peer.port());
    assert_eq!((first.stats().sessions, second.stats().sessions), (1, 1));

    drop(session);
    assert_eq!(second.stats().sessions, 0);
    let connecting = connector(patient())
        .connect("localhost")
        .over(open(any(), second.local_addr()));
    let connecting = tokio::spawn(connecting);
    let session = within(within(second.accept()).await.unwrap())
        .await
        .unwrap();
    exchange(&session, &within(connecting).await.unwrap().unwrap()).await;
    assert_eq!(first.stats().sessions, 1);
}

#[tokio::test]
async fn a_sibling_goes_on_without_the_first() {
    let (first, second) = siblings(Limits::default());
    drop(first);
    let connecting = connector(patient())
        .connect("localhost")
        .over(open(any(), second.local_addr()));
    let connecting = tokio::spawn(connecting);
    let session = within(within(second.accept()).await.unwrap())
        .await
        .unwrap();
    exchange(&session, &within(connecting).await.unwrap().unwrap()).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn siblings_on_shards_serve_one_address() {
    let limits = Limits::default();
    let mut endpoints = bind_shards(any(), 3).unwrap().into_iter().map(|socket| {
        let config = Listener::endpoint_config(&limits).batch(2);
        Endpoint::from_socket(socket, config).unwrap()
    });
    let first = Listener::new(endpoints.next().unwrap(), acceptor(patient()), limits).unwrap();
    let mut listeners: Vec<_> = endpoints.map(|one| Arc::new(first.sibling(one))).collect();
    listeners.push(Arc::new(first));
    let addr = listeners[0].local_addr();
    let mut serving = JoinSet::new();
    for listener in &listeners {
        let listener = Arc::clone(listener);
        serving.spawn(async move {
            let mut sessions = JoinSet::new();
            loop {
                let handshake = listener.accept().await.unwrap();
                sessions.spawn(async move {
                    let session = handshake.await.unwrap();
                    let mut buf = [0; 100];
                    while let Some(length) = session.recv(&mut buf).await.unwrap() {
                        session.send(&buf[..length]).await.unwrap();
                    }
                });
            }
        });
    }
    let mut clients = Vec::new();
    for _ in 0..30 {
        let client = connector(patient())
            .connect("localhost")
            .over(open(any(), addr));
        clients.push(within(client).await.unwrap());
    }
    let mut buf = [0; 100];
    for (name, client) in clients.iter().enumerate() {
        client.send(&[name as u8]).await.unwrap();
        assert_eq!(within(client.recv(&mut buf)).await.unwrap(), Some(1));
        assert_eq!(buf[0], name as u8);
    }
    let stats = listeners[0].stats();
    assert_eq!((stats.accepted, stats.sessions), (30, 30));
    let busy = |listener: &&Arc<Listener>| listener.endpoint_stats().received > 0;
    assert!(listeners.iter().filter(busy).count() > 1);
}

fn listener(limits: Limits) -> Listener {
    Listener::bind(any(), acceptor(patient()), limits).unwrap()
}

/// Two of them, each with an address of its own, so that a test can choose.
fn siblings(limits: Limits) -> (Listener, Listener) {
    let first = listener(limits);
    let config = Listener::endpoint_config(&limits);
    let second = first.sibling(Endpoint::bind(any(), config).unwrap());
    (first, second)
}

/// The two hellos of a client, of which the listener has answered the first.
async fn hellos_at(listener: &Listener) -> (UdpSocket, Vec<u8>, Vec<u8>) {
    let exchange = hellos(listener.local_addr(), patient());
    tokio::select! {
        hellos = exchange => hellos,
        handshake = listener.accept() => panic!("only first hellos came: {handshake:?}"),
    }
}

async fn until(listener: &Listener, reached: impl Fn(&Listener) -> bool) {
    within(async {
        while !reached(listener) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}
