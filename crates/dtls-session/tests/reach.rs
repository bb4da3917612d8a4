//! Servers that are named rather than opened.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{net::SocketAddr, time::Duration};

use common::*;
use dtls_session::{
    ConnectError, Connector, HandshakeError, Limits, Resumption, Roots, SessionConfig, SessionStore,
};
use futures::FutureExt;

#[tokio::test]
async fn a_name_is_resolved_and_its_session_resumed_when_asked() {
    let mut server = serve(acceptor(patient()), Limits::default());
    let name = format!("localhost:{}", server.addr.port());
    let connector = connector(patient());
    for resumes in [false, true, true] {
        let client = if resumes {
            within(connector.connect(&name).resume()).await.unwrap()
        } else {
            within(connector.connect(&name)).await.unwrap()
        };
        assert_eq!(client.info().resumed, resumes);
        let session = server.next().await;
        exchange(&session, &client).await;
    }
    let client = within(connector.connect(&name)).await.unwrap();
    assert!(!client.info().resumed);
}

#[tokio::test]
async fn the_first_address_that_answers_is_taken() {
    let server = serve(acceptor(patient()), Limits::default());
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let addresses = [silent.local_addr().unwrap(), server.addr];
    let client = within(connector(patient()).connect("localhost").to(&addresses)).await;
    assert_eq!(client.unwrap().peer_addr(), server.addr);
}

#[tokio::test]
async fn a_closed_port_does_not_take_the_whole_timeout() {
    let closed = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let addr = closed.local_addr().unwrap();
    drop(closed);
    let config = patient().handshake_timeout(Duration::from_secs(3600));
    let error = within(connector(config).connect(&addr.to_string())).await;
    let ConnectError::Handshake { peer, source } = error.unwrap_err() else {
        panic!("a socket could be opened");
    };
    assert_eq!(peer, addr);
    let HandshakeError::Unreachable(error) = source else {
        panic!("{source}");
    };
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn a_port_that_opens_in_time_is_reached() {
    let closed = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let addr = closed.local_addr().unwrap();
    drop(closed);
    let connector = connector(patient());
    let name = addr.to_string();
    let connecting = connector.connect(&name).into_future();
    let mut connecting = std::pin::pin!(connecting);
    // The first hello is refused.
    let refused = tokio::time::timeout(Duration::from_millis(50), connecting.as_mut()).await;
    assert!(refused.is_err());
    let _server = serve_on(addr, acceptor(patient()), Limits::default());
    within(connecting).await.unwrap();
}

#[tokio::test]
async fn what_an_address_answered_goes_before_one_that_cannot_be_reached() {
    let server = serve(acceptor(patient()), Limits::default());
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let silent = silent.local_addr().unwrap();
    let nowhere: SocketAddr = "[::1]:9".parse().unwrap();
    let open = |peer| match peer {
        SocketAddr::V6(_) => Err(std::io::ErrorKind::NetworkUnreachable.into()),
        SocketAddr::V4(_) => Ok(open(any(), peer)),
    };
    let refused = |error: &ConnectError| {
        matches!(error, ConnectError::Handshake { peer, source: HandshakeError::CertificateRefused(_) }
            if *peer == server.addr)
    };
    let unheard = |error: &ConnectError| {
        matches!(error, ConnectError::Handshake { peer, source: HandshakeError::TimedOut { heard: false, .. } }
            if *peer == silent)
    };
    let unreachable = |error: &ConnectError| matches!(error, ConnectError::Socket { peer, .. } if *peer == nowhere);
    let hasty = SessionConfig::default().handshake_timeout(Duration::from_secs(1));
    type Right<'a> = &'a dyn Fn(&ConnectError) -> bool;
    let cases: [(&[SocketAddr], SessionConfig, Right<'_>); 5] = [
        (&[server.addr, nowhere], patient(), &refused),
        (&[nowhere, server.addr], patient(), &refused),
        (&[nowhere, silent], hasty.clone(), &unheard),
        (&[silent, nowhere], hasty, &unheard),
        (&[nowhere], patient(), &unreachable),
    ];
    for (addresses, config, right) in cases {
        let connector = Connector::builder(roots()).session(config).build().unwrap();
        let failed = within(
            connector
                .connect("another.name")
                .to(addresses)
                .open(open)
                .resume(),
        )
        .await;
        let error = failed.unwrap_err();
        assert!(right(&error), "{addresses:?}: {error:?}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_know_the_session_gets_a_full_handshake() {
    let first = serve(acceptor(patient()), Limits::default());
    let connector = connector(patient());
    let name = first.addr.to_string();
    let resumption = within(connector.connect(&name))
        .await
        .unwrap()
        .resumption()
        .unwrap();
    let second = serve(acceptor(patient()), Limits::default());
    let store = SessionStore::default();
    let host = second.addr.ip().to_string();
    store.insert(&host, second.addr, resumption);
    let connector = Connector::builder(roots())
        .session(patient())
        .session_store(store)
        .build();
    let client = within(
        connector
            .unwrap()
            .connect(&second.addr.to_string())
            .resume(),
    )
    .await
    .unwrap();
    assert!(!client.info().resumed);
}

#[tokio::test]
async fn what_others_have_stored_stays_until_there_is_something_newer() {
    let server = serve(acceptor(patient()), Limits::default());
    let addresses = [server.addr];
    let store = SessionStore::default();
    let with = |roots: Roots| {
        let builder = Connector::builder(roots).session_store(store.clone());
        builder.session(patient()).build().unwrap()
    };
    let (connector, misled) = (with(roots()), with(Roots::system()));
    let stored = || {
        store
            .get("localhost", server.addr)
            .unwrap()
            .as_der()
            .to_vec()
    };
    within(connector.connect("localhost").to(&addresses))
        .await
        .unwrap();
    let first = stored();
    // One that fails, and one that nobody waits for.
    let failed = within(misled.connect("localhost").to(&addresses)).await;
    assert!(failed.is_err(), "{failed:?}");
    let dropped = connector.connect("localhost").to(&addresses).into_future();
    assert!(dropped.now_or_never().is_none());
    assert_eq!(stored(), first);
    let client = within(connector.connect("localhost").to(&addresses)).await;
    assert!(!client.unwrap().info().resumed);
    assert_ne!(stored(), first);
    let client = within(connector.connect("localhost").to(&addresses).resume()).await;
    assert!(client.unwrap().info().resumed);
}

#[tokio::test]
async fn a_failure_forgets_only_what_it_has_offered() {
    let server = serve(acceptor(patient()), Limits::default());
    let client = within(connector(patient()).connect("localhost").to(&[server.addr])).await;
    let ticket = client.unwrap().resumption().unwrap();
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let peer = silent.local_addr().unwrap();
    let store = SessionStore::default();
    let hasty = SessionConfig::default().handshake_timeout(Duration::from_millis(100));
    let builder = Connector::builder(roots()).session_store(store.clone());
    let connector = builder.session(hasty).build().unwrap();
    for newer in [true, false] {
        store.insert("localhost", peer, ticket.clone());
        let failing = connector.connect("localhost").resume();
        let failing = failing.over(open(any(), peer));
        if newer {
            // Somebody else has been there meanwhile.
            let newer = Resumption::from_der(ticket.as_der()).unwrap();
            store.insert("localhost", peer, newer);
        }
        assert!(within(failing).await.is_err());
        assert_eq!(store.len(), usize::from(newer));
    }
}

#[tokio::test]
async fn what_a_server_says_counts_more_than_anothers_silence() {
    let server = serve(acceptor(patient()), Limits::default());
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let silent = silent.local_addr().unwrap();
    let hasty = SessionConfig::default().handshake_timeout(Duration::from_secs(3));
    let connector = connector(hasty);
    for addresses in [[silent, server.addr], [server.addr, silent]] {
        let error = within(connector.connect("else.where").to(&addresses))
            .await
            .unwrap_err();
        assert!(
            matches!(&error, ConnectError::Handshake { peer, source: HandshakeError::CertificateRefused(_) } if *peer == server.addr),
            "{error:?}"
        );
    }
    let error = within(connector.connect("localhost").to(&[silent]))
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), format!("cannot connect to {silent}"));
}

#[tokio::test]
async fn what_is_no_server_is_named() {
    let connector = connector(patient());
    let none: [SocketAddr; 0] = [];
    let error = connector.connect("localhost").to(&none).await.unwrap_err();
    assert!(matches!(error, ConnectError::NoAddress));
    let error = connector.connect("localhost").await.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("`localhost` is not HOST:PORT")
    );
    let error = within(connector.connect("no.such.invalid:1"))
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "cannot resolve no.such.invalid");
}

/// A server that starts anew between the two hellos does not know its cookie again, and answers
/// with another one (RFC 6347 4.2.1).
#[tokio::test]
async fn a_server_that_has_forgotten_its_cookie_gets_a_new_hello() {
    let before = serve(acceptor(patient()), Limits::default());
    let mut after = serve(acceptor(patient()), Limits::default());
    let (mut first, then) = (Some(before.addr), after.addr);
    let choose = move || first.take().unwrap_or(then);
    let addr = relay(choose, |answer| vec![answer.to_vec()]).await;
    // Less than a client takes to find out by itself that nobody knows its second hello.
    let config = SessionConfig::default().handshake_timeout(Duration::from_secs(15));
    let name = format!("localhost:{}", addr.port());
    let client = within(connector(config).connect(&name)).await.unwrap();
    exchange(&after.next().await, &client).await;
    assert_eq!(before.listener.stats().accepted, 0);
}
