//! More than a listener wants, and what is left afterwards.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::Poll,
    time::Duration,
};

use common::{acceptor, any, connector, exchange, hellos, open, patient, serve, within};
use dtls_session::{HandshakeError, Limits, Listener};
use tokio::{runtime::Handle, task::JoinSet};

#[tokio::test]
async fn beyond_the_allowance_hellos_go_unanswered_and_clients_repeat_theirs() {
    let mut server = serve(acceptor(patient()), Limits::default().challenges(1));
    let (flood, first, _) = hellos(server.addr, patient()).await;
    for _ in 0..50 {
        flood.send_to(&first, server.addr).await.unwrap();
    }
    server.reach(|stats| stats.challenges_limited > 0).await;
    let client = connector(patient())
        .connect("localhost")
        .over(open(any(), server.addr));
    let client = within(client).await.unwrap();
    exchange(&server.next().await, &client).await;
}

#[tokio::test]
async fn a_stale_handshake_gives_its_place_to_an_honest_client() {
    let listener =
        Listener::bind(any(), acceptor(patient()), Limits::default().half_open(1)).unwrap();
    let (stalled, _, second) = hellos_at(&listener).await;
    stalled
        .send_to(&second, listener.local_addr())
        .await
        .unwrap();
    let stale = tokio::spawn(within(listener.accept()).await.unwrap());
    // The honest client's hellos are refused at first, and repeated.
    let honest = connector(patient())
        .connect("localhost")
        .over(open(any(), listener.local_addr()));
    let honest = tokio::spawn(honest);
    let admitted = within(listener.accept()).await.unwrap();
    let error = within(stale).await.unwrap().unwrap_err();
    assert!(matches!(error, HandshakeError::Evicted), "{error}");
    let session = within(admitted).await.unwrap();
    exchange(&session, &within(honest).await.unwrap().unwrap()).await;
    let stats = listener.stats();
    assert_eq!((stats.evicted, stats.half_open, stats.sessions), (1, 0, 1));
    assert!(stats.refused_half_open > 0);
}

/// The client has its session by then: its last flight lies unread while the place is given away.
#[tokio::test]
async fn a_handshake_evicted_at_its_end_says_goodbye() {
    let listener =
        Listener::bind(any(), acceptor(patient()), Limits::default().half_open(1)).unwrap();
    let addr = listener.local_addr();
    // It repeats nothing, and does not start anew.
    let minute = Duration::from_secs(60);
    let calm = patient().initial_rto(minute).rto_bounds(minute, minute);
    let connecting = connector(calm).connect("localhost").over(open(any(), addr));
    let connecting = tokio::spawn(connecting);
    let mut late = within(listener.accept()).await.unwrap();
    // One poll sends the server's flight.
    let once = poll_fn(|cx| Poll::Ready(Pin::new(&mut late).poll(cx).is_pending()));
    assert!(once.await);
    // Meanwhile the client's last flight comes, and another client's hellos.
    let other = connector(patient())
        .connect("localhost")
        .over(open(any(), addr));
    let other = tokio::spawn(other);
    let other_handshake = within(listener.accept()).await.unwrap();
    let error = within(late).await.unwrap_err();
    assert!(matches!(error, HandshakeError::Evicted), "{error}");
    let client = within(connecting).await.unwrap().unwrap();
    let mut buf = [0; 100];
    assert_eq!(within(client.recv(&mut buf)).await.unwrap(), None);
    let session = within(other_handshake).await.unwrap();
    exchange(&session, &within(other).await.unwrap().unwrap()).await;
}

/// The two hellos of a client, of which the listener has answered the first.
async fn hellos_at(listener: &Listener) -> (tokio::net::UdpSocket, Vec<u8>, Vec<u8>) {
    let exchange = hellos(listener.local_addr(), patient());
    tokio::select! {
        hellos = exchange => hellos,
        handshake = listener.accept() => panic!("only first hellos came: {handshake:?}"),
    }
}

#[tokio::test]
async fn a_panic_in_one_sessions_task_leaves_the_others_alone() {
    let mut server = serve(acceptor(patient()), Limits::default());
    let connect = || {
        let channel = open(any(), server.addr);
        within(connector(patient()).connect("localhost").over(channel))
    };
    let (doomed, spared) = (connect().await.unwrap(), connect().await.unwrap());
    let (first, second) = (server.next().await, server.next().await);
    let panicking = tokio::spawn(async move {
        let _session = first;
        panic!("as an application may");
    });
    panicking.await.unwrap_err();
    assert_eq!(within(doomed.recv(&mut [0; 9])).await.unwrap(), None);
    exchange(&second, &spared).await;
    assert_eq!(server.listener.stats().sessions, 1);
}

#[tokio::test]
async fn a_thousand_sessions_leave_no_task_behind() {
    let mut server = serve(acceptor(patient()), Limits::default());
    let connector = connector(patient());
    let before = Handle::current().metrics().num_alive_tasks();
    for _ in 0..20 {
        let mut clients = JoinSet::new();
        for _ in 0..50 {
            let handshake = connector
                .connect("localhost")
                .over(open(any(), server.addr));
            clients.spawn(async move { handshake.await.unwrap() });
        }
        while let Some(client) = within(clients.join_next()).await {
            client.unwrap().close();
        }
        let mut closed = 0;
        while closed < 50 {
            let session = server.next().await;
            // A port that was in use an instant ago may cost its next client another handshake.
            let ended = within(session.recv(&mut [0; 9])).await;
            closed += usize::from(matches!(ended, Ok(None)));
        }
    }
    within(async {
        while Handle::current().metrics().num_alive_tasks() > before {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    let stats = server.listener.stats();
    assert_eq!((stats.half_open, stats.sessions), (0, 0));
}

/// Whoever accepts is not woken for them: they are answered where they are received.
#[tokio::test]
async fn first_hellos_are_answered_while_somebody_accepts_and_wake_nobody() {
    let listener = Listener::bind(any(), acceptor(patient()), Limits::default()).unwrap();
    let listener = Arc::new(listener);
    let polls = Arc::new(AtomicUsize::new(0));
    let accepting = tokio::spawn({
        let (listener, polls) = (Arc::clone(&listener), Arc::clone(&polls));
        async move {
            let mut accepting = pin!(listener.accept());
            poll_fn(|cx| {
                polls.fetch_add(1, Relaxed);
                accepting.as_mut().poll(cx).map(drop)
            })
            .await;
        }
    });
    // It waits before the first hello comes.
    while polls.load(Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    let addr = listener.local_addr();
    let (socket, first, _) = hellos(addr, patient()).await;
    for _ in 0..20 {
        socket.send_to(&first, addr).await.unwrap();
        within(socket.recv(&mut [0; 100])).await.unwrap();
    }
    assert_eq!(polls.load(Relaxed), 1);
    accepting.abort();
    let stats = listener.stats();
    assert_eq!(stats.challenged, listener.endpoint_stats().answered);
    assert!(stats.challenged >= 21 && stats.accepted == 0);
}

#[tokio::test]
async fn nobody_is_answered_where_nobody_accepts() {
    let listener = Listener::bind(any(), acceptor(patient()), Limits::default()).unwrap();
    let (socket, first, second) = hellos_at(&listener).await;
    let before = listener.stats();
    for hello in [&first, &second] {
        socket.send_to(hello, listener.local_addr()).await.unwrap();
    }
    let received = listener.endpoint_stats().received;
    within(async {
        while listener.endpoint_stats().received < received + 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(listener.stats(), before);
    // They have waited.
    let _handshake = within(listener.accept()).await.unwrap();
    assert_eq!(listener.stats().challenged, before.challenged + 1);
    within(socket.recv(&mut [0; 100])).await.unwrap();
}
