//! What a session knows of itself.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use common::*;
use dtls_session::{Acceptor, Certificate, Connector, Limits, SendError, Version};
use openssl::{
    ec::{EcGroup, EcKey},
    nid::Nid,
    pkey::PKey,
    rsa::Rsa,
};

#[tokio::test]
async fn both_sides_tell_of_the_same_session() {
    // However slow the machine is, nothing is repeated.
    let config = || patient().rto_bounds(Duration::from_secs(30), Duration::from_secs(60));
    let (acceptor, connector) = (acceptor(config()), connector(config()));
    let (server, client) = sessions(&acceptor, &connector, pipe(lossless())).await;
    let (server, client) = (server.info(), client.info());
    for info in [&server, &client] {
        assert_eq!(info.version, Version::Dtls12);
        assert_eq!(info.cipher, "ECDHE-ECDSA-AES128-GCM-SHA256");
        assert_eq!(info.cipher_suite, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
        assert_eq!(info.group.as_deref(), Some("x25519"));
        assert!(info.extended_master_secret && info.secure_renegotiation);
        assert!(!info.resumed && !info.cookie_exchange);
        assert_eq!((&info.protocol, info.srtp_profile), (&None, None));
        assert_eq!(info.server_name.as_deref(), Some("localhost"));
        assert_eq!(info.retransmissions, 0);
        assert_eq!((info.mtu, info.max_datagram_size), (1350, 1350 - 37));
        assert!(info.handshake_time > Duration::ZERO);
        assert!(info.round_trip.unwrap() <= info.handshake_time);
    }
    assert_eq!(client.peer_signature.as_deref(), Some("ECDSA-SHA256"));
    assert_eq!(server.peer_signature, None);
    assert_eq!(client.peer_certificates, [own("server")]);
    assert!(server.peer_certificates.is_empty());
}

#[tokio::test]
async fn each_kind_of_signature_has_its_name() {
    let p384 = EcGroup::from_curve_name(Nid::SECP384R1).unwrap();
    for (key, name) in [
        (
            PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap(),
            "RSA-PSS-SHA256",
        ),
        (
            PKey::from_ec_key(EcKey::generate(&p384).unwrap()).unwrap(),
            "ECDSA-SHA256",
        ),
    ] {
        let acceptor = Acceptor::builder(self_signed("localhost", &key)).session(patient());
        let connector = Connector::builder(roots())
            .danger_accept_any_certificate()
            .session(patient())
            .build()
            .unwrap();
        let pipes = pipe(lossless());
        let (_server, client) = sessions(&acceptor.build().unwrap(), &connector, pipes).await;
        assert_eq!(client.info().peer_signature.as_deref(), Some(name));
    }
}

#[tokio::test]
async fn a_clients_certificate_is_the_first_the_server_tells_of() {
    let acceptor = Acceptor::builder(identity("server"))
        .require_client_certificate(roots())
        .session(patient())
        .build()
        .unwrap();
    let connector = Connector::builder(roots())
        .identity(with_ca("client"))
        .session(patient())
        .build()
        .unwrap();
    let (server, client) = sessions(&acceptor, &connector, pipe(lossless())).await;
    let info = server.info();
    assert_eq!(info.peer_certificates, [own("client"), own("ca")]);
    assert_eq!(info.peer_signature.as_deref(), Some("ECDSA-SHA256"));
    let resumption = client.resumption().unwrap();
    let (to_client, to_server) = pipe(lossless());
    let accepting = tokio::spawn(acceptor.accept(to_client));
    let client = within(
        connector
            .connect("localhost")
            .resume_from(&resumption)
            .over(to_server),
    )
    .await;
    let server = within(accepting).await.unwrap().unwrap();
    for (info, peer) in [
        (client.unwrap().info(), "server"),
        (server.info(), "client"),
    ] {
        assert!(info.resumed && info.extended_master_secret);
        assert_eq!(info.peer_certificates, [own(peer)]);
        assert_eq!((&info.group, &info.peer_signature), (&None, &None));
    }
}

#[tokio::test]
async fn a_listeners_clients_have_returned_a_cookie() {
    let mut server = serve(acceptor(patient()), Limits::default());
    let channel = open(any(), server.addr);
    let client = within(connector(patient()).connect("127.0.0.1").over(channel)).await;
    for info in [client.unwrap().info(), server.next().await.info()] {
        assert!(info.cookie_exchange);
        // Addresses are no names (RFC 6066 3).
        assert_eq!(info.server_name, None);
    }
}

#[tokio::test]
async fn a_repeated_flight_is_counted_and_measures_nothing() {
    let first_is_lost = |direction: Direction, index: usize, datagram: &[u8]| {
        if (direction, index) == (Direction::ToServer, 0) {
            vec![]
        } else {
            vec![datagram.to_vec()]
        }
    };
    let pipes = pipe(Arc::new(Mutex::new(first_is_lost)));
    let (server, client) = sessions(&acceptor(patient()), &connector(patient()), pipes).await;
    let info = client.info();
    assert!(info.retransmissions > 0);
    assert_eq!(info.round_trip, None);
    drop(server);
}

#[tokio::test]
async fn the_mtu_is_what_the_path_let_through() {
    let narrow = |_: Direction, _: usize, datagram: &[u8]| {
        let passes = datagram.len() <= 600;
        passes.then(|| datagram.to_vec()).into_iter().collect()
    };
    let acceptor = Acceptor::builder(with_ca("server"))
        .session(patient())
        .build()
        .unwrap();
    let pipes = pipe(Arc::new(Mutex::new(narrow)));
    let (server, client) = sessions(&acceptor, &connector(patient()), pipes).await;
    let info = server.info();
    assert_eq!((info.mtu, info.max_datagram_size), (548, 548 - 37));
    assert_eq!(server.max_datagram_size(), 548 - 37);
    // The client has sent nothing large, and knows nothing.
    assert_eq!(client.info().mtu, 1350);
    server.send(&vec![1; 548 - 37]).await.unwrap();
    let mut buf = [0; 600];
    assert_eq!(within(client.recv(&mut buf)).await.unwrap(), Some(548 - 37));
}

#[tokio::test]
async fn an_application_may_set_the_mtu_up_to_what_was_configured() {
    let (server, client) = default_sessions().await;
    let mut buf = [0; 2000];
    for mtu in [256, 1232, 1350, 300] {
        server.set_mtu(mtu).unwrap();
        let most = mtu - 37;
        assert_eq!(server.max_datagram_size(), most);
        let sent = server.send(&vec![1; most + 1]).await;
        assert!(matches!(sent, Err(SendError::TooLarge { max, .. }) if max == most));
        server.send(&vec![1; most]).await.unwrap();
        let received = within(client.recv(&mut buf)).await.unwrap();
        assert_eq!(received, Some(most));
    }
    for asked in [0, 255, 1351, usize::MAX] {
        let error = server.set_mtu(asked).unwrap_err();
        assert_eq!((error.asked, error.least, error.most), (asked, 256, 1350));
    }
    assert_eq!(server.max_datagram_size(), 300 - 37);
    // What the handshake came to stays told, and the other direction's is its own affair.
    assert_eq!(
        (server.info().mtu, client.max_datagram_size()),
        (1350, 1350 - 37)
    );
}

fn with_ca(name: &str) -> dtls_session::Identity {
    let read = |file| std::fs::read(format!("{CERTS}/{file}")).unwrap();
    let chain = [read(format!("{name}.pem")), read("ca.pem".to_owned())].concat();
    dtls_session::Identity::from_pem(&chain, &read(format!("{name}.key"))).unwrap()
}

fn own(name: &str) -> Certificate {
    let pem = std::fs::read(format!("{CERTS}/{name}.pem")).unwrap();
    Certificate::from_pem(&pem).unwrap().remove(0)
}
