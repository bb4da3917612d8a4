//! A listener from its first session to its end.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::sync::Arc;

use common::{acceptor, any, connector, open, patient, within};
use dtls_session::{ClosedBy, HandshakeError, Limits, Listener, Session};
use futures::FutureExt;

fn listener() -> Listener {
    Listener::bind(any(), acceptor(patient()), Limits::default()).unwrap()
}

async fn echo(session: Session) {
    while let Ok(Some(datagram)) = session.recv_bytes().await {
        session.send(&datagram).await.unwrap();
    }
}

#[tokio::test]
async fn sessions_come_established_and_the_stream_ends_with_the_listener() {
    let listener = Arc::new(listener());
    let addr = listener.local_addr();
    let serving = tokio::spawn({
        let listener = Arc::clone(&listener);
        async move {
            let mut served = 0;
            let mut sessions = listener.sessions();
            while let Some(session) = sessions.next().await {
                tokio::spawn(echo(session.unwrap()));
                served += 1;
            }
            served
        }
    });
    // One that says hello twice and then nothing keeps nobody waiting.
    let (silent, _, second) = common::hellos(addr, patient()).await;
    silent.send_to(&second, addr).await.unwrap();
    let connector = connector(patient());
    let mut clients = Vec::new();
    for n in 0..10u8 {
        let client = within(connector.connect("localhost").over(open(any(), addr)))
            .await
            .unwrap();
        client.send(&[n]).await.unwrap();
        let reply = within(client.recv_bytes()).await.unwrap().unwrap();
        assert_eq!(reply[..], [n]);
        clients.push(client);
    }
    listener.close();
    for client in &clients {
        assert!(matches!(within(client.closed()).await.by, ClosedBy::Peer));
    }
    assert_eq!(within(serving).await.unwrap(), 10);
    within(listener.wait_idle()).await;
    let stats = listener.stats();
    assert_eq!((stats.half_open, stats.sessions), (0, 0));
}

#[tokio::test]
async fn a_listener_that_is_closed_lets_nobody_in() {
    let listener = listener();
    let addr = listener.local_addr();
    let connector = connector(patient());
    let connecting = tokio::spawn(connector.connect("localhost").over(open(any(), addr)));
    let handshake = within(listener.accept()).await.unwrap();
    listener.close();
    let error = within(handshake).await.unwrap_err();
    assert!(matches!(error, HandshakeError::Evicted), "{error:?}");
    let error = within(listener.accept()).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NotConnected);
    assert!(within(listener.sessions().next()).await.is_none());
    within(listener.wait_idle()).await;
    connecting.abort();
}

#[tokio::test]
async fn an_idle_listener_is_one_without_sessions() {
    let listener = listener();
    within(listener.wait_idle()).await;
    let connector = connector(patient());
    let client = connector
        .connect("localhost")
        .over(open(any(), listener.local_addr()));
    let client = tokio::spawn(client);
    let session = within(listener.sessions().next()).await.unwrap().unwrap();
    let _client = within(client).await.unwrap().unwrap();
    let idle = listener.wait_idle();

    let mut idle = Box::pin(idle);
    assert!(idle.as_mut().now_or_never().is_none());
    drop(session);
    within(idle).await;
}

#[tokio::test]
async fn handshakes_of_a_stream_keep_a_listener_busy_until_it_is_dropped() {
    let listener = listener();
    let addr = listener.local_addr();
    let mut sessions = listener.sessions();
    let begun = async {
        let (silent, _, second) = common::hellos(addr, patient()).await;
        silent.send_to(&second, addr).await.unwrap();
        while listener.stats().half_open == 0 {
            tokio::task::yield_now().await;
        }
        silent
    };
    let _silent = tokio::select! {
        session = sessions.next() => panic!("a session came: {session:?}"),
        silent = within(begun) => silent,
    };
    let mut idle = Box::pin(listener.wait_idle());
    assert!(idle.as_mut().now_or_never().is_none());
    drop(sessions);
    within(idle).await;
}
