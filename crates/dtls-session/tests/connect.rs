//! A client's way to a session by a name, and back to it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{
    collections::{HashMap, HashSet},
    future::IntoFuture,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use common::{acceptor, any, connector, exchange, open, patient, roots, serve, within};
use dtls_session::{
    ConnectError, Connector, HandshakeError, Limits, SessionConfig, SessionStore, SharedSecret,
};
use tokio::net::UdpSocket;

#[tokio::test]
async fn a_name_and_a_port_lead_to_a_session() {
    let mut server = serve(acceptor(patient()), Limits::default());
    let port = server.addr.port();
    for name in ["localhost", "127.0.0.1"] {
        let connect = connector(patient()).connect_to(&format!("{name}:{port}"));
        let client = within(connect.into_future()).await.unwrap();
        exchange(&server.next().await, &client).await;
        assert_eq!(client.peer_addr(), server.addr);
    }
}

#[tokio::test]
async fn a_name_is_what_the_certificate_has_to_have() {
    let server = serve(acceptor(patient()), Limits::default());
    let connect = connector(patient()).connect_to(&server.addr.to_string());
    let refused = within(connect.clone().server_name("coap.example").into_future()).await;
    assert!(
        matches!(
            refused,
            Err(ConnectError::Handshake {
                peer,
                source: HandshakeError::CertificateRefused { .. },
            }) if peer == server.addr
        ),
        "{refused:?}"
    );
    within(connect.into_future()).await.unwrap();
    // Nor does a name of one's own depend on what can be looked up.
    let connect = connector(patient()).connect_to("no.such.name.invalid:5684");
    let connect = connect.addresses([server.addr]).server_name("localhost");
    within(connect.into_future()).await.unwrap();
}

#[tokio::test]
async fn a_silent_address_is_passed_over() {
    let mut server = serve(acceptor(patient()), Limits::default());
    let silent = UdpSocket::bind(any()).await.unwrap();
    let addresses = [silent.local_addr().unwrap(), server.addr];
    let connect = connector(patient()).connect_to("localhost:1");
    let client = within(connect.addresses(addresses).into_future())
        .await
        .unwrap();
    exchange(&server.next().await, &client).await;
    assert_eq!(client.peer_addr(), server.addr);
}

#[tokio::test]
async fn a_server_that_refuses_is_told_of_rather_than_silence() {
    let server = serve(acceptor(patient()), Limits::default());
    let silent = UdpSocket::bind(any()).await.unwrap();
    let silent = silent.local_addr().unwrap();
    let short = SessionConfig::default().handshake_timeout(Duration::from_secs(2));
    for addresses in [[silent, server.addr], [server.addr, silent]] {
        let connect = connector(short.clone()).connect_to("coap.example:1");
        let outcome = within(connect.addresses(addresses).into_future()).await;
        assert!(
            matches!(outcome, Err(ConnectError::Handshake { peer, .. }) if peer == server.addr),
            "{outcome:?}"
        );
    }
}

#[tokio::test]
async fn silence_is_not_asked_a_second_time() {
    let silent = UdpSocket::bind(any()).await.unwrap();
    let addr = silent.local_addr().unwrap();
    let short = SessionConfig::default().handshake_timeout(Duration::from_secs(1));
    let outcome = within(connector(short).connect_to(&addr.to_string()).into_future()).await;
    assert!(
        matches!(
            outcome,
            Err(ConnectError::Handshake {
                source: HandshakeError::TimedOut { heard: false, .. },
                ..
            })
        ),
        "{outcome:?}"
    );
    let mut callers = HashSet::new();
    let mut buf = [0; 2048];
    while let Ok((_, from)) = silent.try_recv_from(&mut buf) {
        callers.insert(from);
    }
    assert_eq!(callers.len(), 1);
}

#[tokio::test]
async fn a_server_that_starts_anew_in_the_middle_is_asked_once_more() {
    let server = serve(acceptor(patient()), Limits::default());
    // The first client gets an answer to its first hello and to nothing else.
    let relay = Relay::start(server.addr, |client, answers| client > 0 || answers == 0).await;
    let short = SessionConfig::default().handshake_timeout(Duration::from_secs(3));
    let connect = connector(short).connect_to(&relay.addr.to_string());
    within(connect.into_future()).await.unwrap();
    assert_eq!(relay.clients(), 2);

    let relay = Relay::start(server.addr, |_, answers| answers == 0).await;
    let short = SessionConfig::default().handshake_timeout(Duration::from_secs(1));
    let connect = connector(short).connect_to(&relay.addr.to_string());
    let outcome = within(connect.into_future()).await;
    assert!(
        matches!(
            outcome,
            Err(ConnectError::Handshake {
                source: HandshakeError::TimedOut { heard: true, .. },
                ..
            })
        ),
        "{outcome:?}"
    );
    assert_eq!(relay.clients(), 2);
}

#[tokio::test]
async fn a_session_is_found_again_by_resumption() {
    let mut server = serve(acceptor(patient()), Limits::default());
    // Nothing is remembered but what the session itself holds.
    let forgetful = Connector::builder(roots())
        .session(patient())
        .session_store(SessionStore::new(0))
        .build()
        .unwrap();
    let at = server.addr.to_string();
    let mut client = within(forgetful.connect_to(&at).into_future())
        .await
        .unwrap();
    assert!(!client.resumed());
    let first = server.next().await;
    drop(first);
    for _ in 0..2 {
        client = within(forgetful.reconnect(&client).into_future())
            .await
            .unwrap();
        assert!(client.resumed());
        let session = server.next().await;
        assert!(session.resumed());
        exchange(&session, &client).await;
    }
    // A connector that remembers needs only the name.
    let remembering = connector(patient());
    for resumed in [false, true] {
        let client = within(remembering.connect_to(&at).into_future())
            .await
            .unwrap();
        assert_eq!(client.resumed(), resumed);
    }
}

#[tokio::test]
async fn a_name_is_kept_for_the_way_back() {
    let server = serve(acceptor(patient()), Limits::default());
    let connect = connector(patient()).connect_to("localhost:1");
    let client = within(connect.addresses([server.addr]).into_future())
        .await
        .unwrap();
    let again = within(connector(patient()).reconnect(&client).into_future());
    assert!(again.await.unwrap().resumed());
    // Even where the session was made over a channel of one's own.
    let handshake = connector(patient()).connect("localhost", open(any(), server.addr));
    let client = within(handshake).await.unwrap();
    let again = within(connector(patient()).reconnect(&client).into_future());
    assert!(again.await.unwrap().resumed());
}

#[tokio::test]
async fn a_server_that_has_lost_its_secret_costs_a_full_handshake() {
    let with = |secret: [u8; 32]| {
        dtls_session::Acceptor::builder(common::identity("server"))
            .session(patient())
            .shared_secret(SharedSecret::from_bytes(&secret).unwrap())
            .build()
            .unwrap()
    };
    let server = serve(with([1; 32]), Limits::default());
    let connector = connector(patient());
    let client = within(connector.connect_to(&server.addr.to_string()).into_future())
        .await
        .unwrap();
    server.listener.set_acceptor(with([2; 32]));
    let client = within(connector.reconnect(&client).into_future())
        .await
        .unwrap();
    assert!(!client.resumed());
}

#[tokio::test]
async fn what_is_no_server_is_named() {
    let connector = connector(patient());
    let outcome = connector.connect_to("coap.example").await;
    assert!(
        matches!(&outcome, Err(ConnectError::Address { server }) if server == "coap.example"),
        "{outcome:?}"
    );
    // Longer than a label may be, so that no name server is asked.
    let unknown = "x".repeat(64);
    let outcome = connector.connect_to(&format!("{unknown}:1")).await;
    assert!(
        matches!(&outcome, Err(ConnectError::Resolve { host, .. }) if *host == unknown),
        "{outcome:?}"
    );
    let outcome = connector.connect_to("localhost:1").addresses([]).await;
    assert!(
        matches!(&outcome, Err(ConnectError::NoAddress { host }) if host == "localhost"),
        "{outcome:?}"
    );
    let mut server = serve(acceptor(patient()), Limits::default());
    let _client = within(connector.connect_to(&server.addr.to_string()).into_future()).await;
    let outcome = connector.reconnect(&server.next().await).await;
    assert!(
        matches!(outcome, Err(ConnectError::NoServer)),
        "{outcome:?}"
    );
}

/// Relays answers as it is told: by the client's number and how many it had, both from 0.
struct Relay {
    addr: SocketAddr,
    clients: Arc<Mutex<HashMap<SocketAddr, Arc<UdpSocket>>>>,
}

impl Relay {
    async fn start(
        server: SocketAddr,
        answers: impl Fn(usize, usize) -> bool + Copy + Send + 'static,
    ) -> Self {
        let front = Arc::new(UdpSocket::bind(any()).await.unwrap());
        let addr = front.local_addr().unwrap();
        let clients = Arc::<Mutex<HashMap<_, _>>>::default();
        let known = Arc::clone(&clients);
        tokio::spawn(async move {
            let mut buf = [0; 2048];
            loop {
                let (length, from) = front.recv_from(&mut buf).await.unwrap();
                let back = known.lock().unwrap().get(&from).cloned();
                let back = match back {
                    Some(back) => back,
                    None => {
                        let back = Arc::new(UdpSocket::bind(any()).await.unwrap());
                        let number = known.lock().unwrap().len();
                        known.lock().unwrap().insert(from, Arc::clone(&back));
                        let (front, back) = (Arc::clone(&front), Arc::clone(&back));
                        tokio::spawn(async move {
                            let mut buf = [0; 2048];
                            for count in 0.. {
                                let length = back.recv(&mut buf).await.unwrap();
                                if answers(number, count) {
                                    front.send_to(&buf[..length], from).await.unwrap();
                                }
                            }
                        });
                        Arc::clone(&known.lock().unwrap()[&from])
                    }
                };
                back.send_to(&buf[..length], server).await.unwrap();
            }
        });
        Self { addr, clients }
    }

    fn clients(&self) -> usize {
        self.clients.lock().unwrap().len()
    }
}
