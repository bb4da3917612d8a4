//! Keys that both sides know.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use common::*;
use dtls_session::{
    Acceptor, Alert, Connector, HandshakeError, Preferences, Psk, PskKey, PskKeys, SessionConfig,
};
use openssl::ssl::SslOptions;

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
                assert_eq!(info.psk_identity.as_deref(), Some(&b"b"[..]));
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
    assert_eq!((info.cipher, &info.group), ("PSK-AES128-GCM-SHA256", &None));
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

#[tokio::test]
async fn an_identity_is_octets_and_no_two_are_one() {
    let identities = [&b""[..], b"\xff", b"\xfe", b" dev", b"dev", &[b'x'; 255]];
    let mut keys = PskKeys::default();
    for (identity, key) in identities.into_iter().zip(1..) {
        keys.add(Psk::new(identity, [key; 16]).unwrap()).unwrap();
    }
    let fetched = keys.clone();
    let acceptors = [
        Acceptor::with_psk(keys),
        Acceptor::with_psk_fetch(move |identity| {
            std::future::ready(fetched.get(&identity).cloned())
        }),
    ];
    for acceptor in acceptors {
        let acceptor = acceptor.session(patient()).build().unwrap();
        for (identity, key) in identities.into_iter().zip(1..) {
            let psk = Psk::new(identity, [key; 16]).unwrap();
            let connector = Connector::with_psk(psk).session(patient()).build().unwrap();
            let (server, client) = outcomes_of(&acceptor, &connector, "localhost").await;
            let (server, client) = (server.unwrap(), client.unwrap());
            assert_eq!(server.info().psk_identity.as_deref(), Some(identity));
            assert_eq!(client.info().psk_identity.as_deref(), Some(identity));
            let Some(ticket) = client.resumption() else {
                continue;
            };
            let (server, _client) = resumed(&acceptor, &connector, &ticket).await;
            let server = server.unwrap();
            assert!(server.info().resumed);
            assert_eq!(server.info().psk_identity.as_deref(), Some(identity));
        }
    }
}

/// OpenSSL's callback hears of what stands before the zero byte only.
#[tokio::test]
async fn an_identity_with_a_zero_byte_is_not_the_one_before_it() {
    for fetches in [false, true] {
        let mut failures = Vec::new();
        for replacement in [0, b'x'] {
            let asked = Arc::new(Mutex::new(Vec::new()));
            let key = |identity: &[u8]| (identity == b"dev").then(|| PskKey::new([7; 16]).unwrap());
            let acceptor = if fetches {
                let asked = Arc::clone(&asked);
                Acceptor::with_psk_fetch(move |identity| {
                    let key = key(&identity);
                    asked.lock().unwrap().push(identity);
                    std::future::ready(key)
                })
            } else {
                Acceptor::with_psk_lookup(key)
            };
            let brief = SessionConfig::default().handshake_timeout(Duration::from_secs(1));
            let acceptor = acceptor.session(brief).build().unwrap();
            let psk = Psk::new("dev_evil", [7; 16]).unwrap();
            // So that the keys do not depend on the transcript, which this pipe changes.
            let connector = Connector::with_psk(psk).configure(|context| {
                // SSL_OP_NO_EXTENDED_MASTER_SECRET
                context.set_options(SslOptions::from_bits_retain(1));
                Ok(())
            });
            let connector = connector.session(patient()).build().unwrap();
            let (server, client) = pipe(Arc::new(Mutex::new(
                move |direction, _: usize, datagram: &[u8]| {
                    let mut datagram = datagram.to_vec();
                    let place = datagram.windows(8).position(|bytes| bytes == b"dev_evil");
                    if let (Direction::ToServer, Some(place)) = (direction, place) {
                        datagram[place + 3] = replacement;
                    }
                    vec![datagram]
                },
            )));
            let client = tokio::spawn(connector.connect("localhost").over(client));
            let server = within(acceptor.accept(server)).await;
            failures.push(server.unwrap_err().to_string());
            client.abort();
            let asked: Vec<Vec<u8>> = std::mem::take(&mut asked.lock().unwrap());
            let may_ask = fetches && replacement != 0;
            assert_eq!(asked.len(), usize::from(may_ask), "{asked:?}");
        }
        // With the right key the client's Finished would be read, and be wrong.
        assert_eq!(failures[0], failures[1]);
        assert!(
            failures[0].contains("no pre-shared key for"),
            "{failures:?}"
        );
    }
}
