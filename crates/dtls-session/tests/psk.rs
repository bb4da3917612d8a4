//! Keys that both sides know.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::time::Duration;

use common::*;
use dtls_session::{
    Acceptor, Alert, Connector, HandshakeError, Preferences, Psk, PskKeys, SessionConfig,
};

#[tokio::test]
async fn a_pre_shared_key_does_without_certificates() {
    let keys = PskKeys::from_lines("a:0011\nb:00112233445566778899aabbccddeeff").unwrap();
    let psk = || Psk::parse("b:00112233445566778899aabbccddeeff").unwrap();
    for identity in [None, Some(identity("server"))] {
        for plain in [false, true] {
            let mut acceptor = match identity.clone() {
                None => Acceptor::with_psk(keys.clone()),
                Some(identity) => Acceptor::builder(identity).psk(keys.clone()),
            };
            let mut connector = Connector::with_psk(psk());
            if plain {
                (acceptor, connector) = (acceptor.allow_plain_psk(), connector.allow_plain_psk());
            }
            let (server, client) = agree(acceptor, connector).await;
            echo_once(&server, &client).await;
            for session in [&server, &client] {
                let info = session.info();
                assert_eq!(info.cipher, "ECDHE-PSK-CHACHA20-POLY1305");
                assert_eq!(info.psk_identity.as_deref(), Some("b"));
                assert!(info.peer_certificates.is_empty());
            }
        }
    }
}

#[tokio::test]
async fn certificates_and_keys_live_on_one_listener() {
    let acceptor = || {
        Acceptor::builder(identity("server"))
            .psk(PskKeys::from_lines("a:0011").unwrap())
            .require_client_certificate(roots())
    };
    agree(
        acceptor(),
        Connector::with_psk(Psk::parse("a:0011").unwrap()),
    )
    .await;
    agree(
        acceptor(),
        Connector::builder(roots()).identity(identity("client")),
    )
    .await;
}

#[tokio::test]
async fn plain_keys_are_used_only_where_they_are_allowed() {
    let keys = || PskKeys::from_lines("a:00112233445566778899aabbccddeeff").unwrap();
    let device = || {
        let psk = Psk::parse("a:00112233445566778899aabbccddeeff").unwrap();
        let plain = Preferences::default().cipher_suites("PSK-AES128-CCM:PSK-AES128-GCM-SHA256");
        Connector::with_psk(psk).preferences(plain)
    };
    let (server, client) = attempt(Acceptor::with_psk(keys()), device()).await;
    assert!(
        matches!(server, Err(HandshakeError::NoCommonCipher)),
        "{server:?}"
    );
    assert!(
        matches!(
            client,
            Err(HandshakeError::PeerAlert(Alert::HANDSHAKE_FAILURE))
        ),
        "{client:?}"
    );
    let (server, _client) = agree(Acceptor::with_psk(keys()).allow_plain_psk(), device()).await;
    let info = server.info();
    assert_eq!((info.cipher, info.group), ("PSK-AES128-GCM-SHA256", None));
}

#[tokio::test]
async fn a_stranger_fails_as_a_wrong_key_does() {
    let mut failures = Vec::new();
    for psk in ["a:ff", "stranger:0011"] {
        let acceptor = Acceptor::with_psk_lookup({
            let keys = PskKeys::from_lines("a:0011").unwrap();
            move |identity| keys.get(identity).cloned()
        });
        let connector = Connector::with_psk(Psk::parse(psk).unwrap());
        let hasty = SessionConfig::default().handshake_timeout(Duration::from_secs(2));
        let (server, client) =
            outcomes(acceptor.session(hasty.clone()), connector.session(hasty)).await;
        drop(server);
        failures.push(client.unwrap_err().to_string());
    }
    assert_eq!(failures[0], failures[1]);
}
