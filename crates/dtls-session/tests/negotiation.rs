//! What two sides agree upon, and where they do not.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::time::Duration;

use common::*;
use dtls_session::{
    Acceptor, Alert, BuildError, Connector, HandshakeError, Preferences, PskKeys, Version,
    linked::openssl::ssl::SslVersion,
};

#[tokio::test]
async fn the_facts_are_the_same_on_both_sides() {
    let (server, client) = agree(
        Acceptor::builder(identity("server")).preferences(Preferences::default().groups("P-384")),
        Connector::builder(roots()),
    )
    .await;
    let (server, client) = (server.info(), client.info());
    for info in [&server, &client] {
        assert_eq!(info.version, Version::Dtls12);
        assert_eq!(info.cipher, "ECDHE-ECDSA-AES128-GCM-SHA256");
        assert_eq!(info.cipher_suite, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
        assert_eq!(info.group.as_deref(), Some("secp384r1"));
        assert_eq!(info.server_name.as_deref(), Some("localhost"));
        assert!(info.extended_master_secret && info.secure_renegotiation && !info.resumed);
        assert!(info.handshake_time > Duration::ZERO);
        assert_eq!((info.mtu, info.retransmissions), (1350, 0));
        assert!((1300..1350).contains(&info.max_datagram_size));
        assert_eq!((&info.psk_identity, &info.protocol), (&None, &None));
    }
    assert!(server.peer_certificates.is_empty());
    let shown = &client.peer_certificates[0];
    assert_eq!(shown, &identity("server").certificates()[0]);
}

#[tokio::test]
async fn protocols_are_agreed_upon_or_refused() {
    let with = |protocols: &[&str]| Preferences::default().protocols(protocols);
    let acceptor = || Acceptor::builder(identity("server")).preferences(with(&["coap", "echo"]));
    let connector = |protocols: &[&str]| Connector::builder(roots()).preferences(with(protocols));
    let (server, client) = agree(acceptor(), connector(&["x", "echo", "coap"])).await;
    for session in [server, client] {
        assert_eq!(session.info().protocol.as_deref(), Some(&b"coap"[..]));
    }
    let (server, _client) = agree(acceptor(), connector(&[])).await;
    assert_eq!(server.info().protocol, None);
    let (server, client) = attempt(acceptor(), connector(&["x"])).await;
    assert!(
        matches!(server, Err(HandshakeError::NoCommonProtocol)),
        "{server:?}"
    );
    assert!(
        matches!(client, Err(HandshakeError::PeerAlert(alert)) if alert.name() == Some("no_application_protocol")),
        "{client:?}"
    );
}

#[tokio::test]
async fn preferences_decide_and_lists_that_leave_nothing_are_named() {
    let suite = "ECDHE-ECDSA-AES256-GCM-SHA384";
    let chosen = Preferences::default()
        .cipher_suites(suite)
        .groups("X25519:P-256")
        .signature_algorithms("ECDSA+SHA256");
    let acceptor = Acceptor::builder(identity("server")).preferences(chosen.clone());
    let (server, _client) = agree(acceptor, Connector::builder(roots()).preferences(chosen)).await;
    let info = server.info();
    assert_eq!(
        (info.cipher, info.group.as_deref()),
        (suite, Some("x25519"))
    );
    for (preferences, what) in [
        (
            Preferences::default().cipher_suites("none-of-these"),
            "cipher suite",
        ),
        (Preferences::default().groups("P-0"), "group"),
        (
            Preferences::default().signature_algorithms("x"),
            "signature algorithm",
        ),
        (Preferences::default().srtp_profiles("x"), "SRTP profile"),
        (Preferences::default().protocols([""]), "protocol name"),
    ] {
        let built = Connector::builder(roots()).preferences(preferences).build();
        assert!(
            matches!(&built, Err(BuildError::Unusable { what: it, .. }) if *it == what),
            "{built:?}"
        );
    }
}

#[tokio::test]
async fn no_common_cipher_is_told_on_both_sides() {
    let acceptor = Acceptor::builder(identity("server"))
        .session(patient())
        .configure(|context| context.set_cipher_list("ECDHE-ECDSA-AES128-GCM-SHA256"))
        .build()
        .unwrap();
    let connector = Connector::builder(roots())
        .session(patient())
        .configure(|context| context.set_cipher_list("ECDHE-ECDSA-CHACHA20-POLY1305"))
        .build()
        .unwrap();
    let [server, client] = failures(&acceptor, &connector, "localhost").await;
    assert!(
        matches!(server, HandshakeError::NoCommonCipher),
        "{server:?}"
    );
    assert!(
        matches!(client, HandshakeError::PeerAlert(Alert::HANDSHAKE_FAILURE)),
        "{client:?}"
    );
}

#[tokio::test]
async fn no_common_version_is_told() {
    let connector = Connector::builder(roots())
        .session(patient())
        .configure(|context| {
            context.set_security_level(0);
            context.set_cipher_list("ALL:@SECLEVEL=0")?;
            context.set_min_proto_version(Some(SslVersion::DTLS1))?;
            context.set_max_proto_version(Some(SslVersion::DTLS1))
        })
        .build()
        .unwrap();
    let [server, client] = failures(&acceptor(patient()), &connector, "localhost").await;
    assert!(
        matches!(server, HandshakeError::NoCommonVersion),
        "{server:?}"
    );
    assert!(
        matches!(client, HandshakeError::NoCommonVersion),
        "{client:?}"
    );
}

#[tokio::test]
async fn what_would_never_happen_is_refused() {
    let keys = || PskKeys::from_lines("a:0011").unwrap();
    let server = || Acceptor::builder(identity("server"));
    for acceptor in [
        server().authorize_client(|_| true),
        server().allow_plain_psk(),
        server().psk_hint("which?"),
        Acceptor::with_psk(keys()).server_name("a", identity("server")),
        Acceptor::with_psk(keys()).require_client_certificate(roots()),
    ] {
        let built = acceptor.build();
        assert!(
            matches!(built, Err(BuildError::Pointless { .. })),
            "{built:?}"
        );
    }
    let built = Connector::builder(roots()).allow_plain_psk().build();
    assert!(
        matches!(built, Err(BuildError::Pointless { .. })),
        "{built:?}"
    );
    for name in ["a\0b", ".example"] {
        let (_server, client) = pipe(lossless());
        let refused = within(connector(patient()).connect(name).over(client)).await;
        assert!(
            matches!(refused, Err(HandshakeError::Name { .. })),
            "{refused:?}"
        );
    }
}
