//! Sessions whose keys have protected as much as they may.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::*;
use dtls_session::{
    Acceptor, ClosedBy, Connector, Preferences,
    RecordProtection::{self, OpenSsl, Own},
    RecvError, SendError, Session, SessionConfig,
};

/// Eight records are left for the goodbye.
const RESERVED: u64 = 8;

#[tokio::test]
async fn a_session_ends_before_its_numbers_do_and_says_so() {
    for (suite, limit) in [
        ("ECDHE-ECDSA-AES128-GCM-SHA256", (1 << 48) - 1),
        ("ECDHE-ECDSA-CHACHA20-POLY1305", (1 << 48) - 1),
        ("ECDHE-ECDSA-AES128-CCM", 1 << 23),
    ] {
        for peers in [Own, OpenSsl] {
            for ending in [0, 1] {
                let first = limit - RESERVED - 3;
                let config = |side, whose: RecordProtection| {
                    let config = patient().record_protection(whose);
                    if side == ending {
                        config.first_number(first)
                    } else {
                        config
                    }
                };
                let whose = |side| if side == ending { Own } else { peers };
                let configs = [0, 1].map(|side| config(side, whose(side)));
                let [server, client] = with_suite(suite, configs).await;
                let (session, peer) = if ending == 0 {
                    (server, client)
                } else {
                    (client, server)
                };
                let usage = session.key_usage().unwrap();
                assert!((0.999..1.0).contains(&usage), "{usage}");
                let mut sent = 0;
                let error = loop {
                    match session.send(b"data").await {
                        Ok(()) => sent += 1,
                        Err(error) => break error,
                    }
                };
                assert_eq!((sent, session.key_usage()), (3, Some(1.0)), "{suite}");
                let SendError::Closed(closed) = &error else {
                    panic!("{error:?}");
                };
                is_key_limit(&closed.by);
                let chain = format!("{:#}", anyhow::Error::from(error));
                assert!(chain.contains("a new session has new ones"), "{chain}");
                let error = within(session.recv(&mut [0; 8])).await.unwrap_err();
                assert!(
                    matches!(&error, RecvError::Closed(closed) if closed.to_string().contains("keys"))
                );
                is_key_limit(&within(session.closed()).await.by);

                // The peer has got all of it, and hears of the end.
                let mut buf = [0; 8];
                for _ in 0..sent {
                    assert_eq!(within(peer.recv(&mut buf)).await.unwrap(), Some(4));
                }
                drop(session);
                assert_eq!(within(peer.recv(&mut buf)).await.unwrap(), None, "{suite}");
            }
        }
    }
}

#[tokio::test]
async fn forged_records_end_a_session_of_ccm8_when_they_were_as_many_as_it_is_to_bear() {
    for (suite, ends) in [
        ("ECDHE-ECDSA-AES128-CCM8", true),
        // A setting for others is none.
        ("ECDHE-ECDSA-AES128-CCM", false),
    ] {
        let config = || {
            let config = patient().record_protection(Own);
            config.ccm8_forgeries(3)
        };
        let acceptor = acceptor_of(suite, config());
        let connector = connector_of(suite, config());
        let (server, client) = pipe(lossless());
        let forger = client.injector();
        let (server, client) = sessions(&acceptor, &connector, (server, client)).await;
        let mut received = Ok(());
        for forged in 1..=3_u8 {
            let usage = server.key_usage().unwrap();
            assert_eq!(usage > 0.3, ends && forged > 1, "{usage}");
            let mut record = vec![23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 40 + forged, 0, 30];
            record.extend([forged; 30]);
            forger.send(record).await.unwrap();
            client.send(b"data").await.unwrap();
            received = within(server.recv(&mut [0; 8])).await.map(|_| ());
            assert_eq!(server.stats().forged, forged.into());
            assert_eq!(received.is_err(), ends && forged == 3);
        }
        if !ends {
            continue;
        }
        let Err(RecvError::Closed(closed)) = received else {
            panic!("{received:?}");
        };
        is_key_limit(&closed.by);
        drop(server);
        assert_eq!(within(client.recv(&mut [0; 8])).await.unwrap(), None);
    }
}

fn is_key_limit(by: &ClosedBy) {
    assert!(matches!(by, ClosedBy::KeyLimit), "{by:?}");
}

async fn with_suite(suite: &str, [server, client]: [SessionConfig; 2]) -> [Session; 2] {
    let (acceptor, connector) = (acceptor_of(suite, server), connector_of(suite, client));
    sessions(&acceptor, &connector, pipe(lossless()))
        .await
        .into()
}

fn acceptor_of(suite: &str, config: SessionConfig) -> Acceptor {
    let preferences = Preferences::default().allow_ccm8().cipher_suites(suite);
    let builder = Acceptor::builder(identity("server")).session(config);
    builder.preferences(preferences).build().unwrap()
}

fn connector_of(suite: &str, config: SessionConfig) -> Connector {
    let preferences = Preferences::default().allow_ccm8().cipher_suites(suite);
    let builder = Connector::builder(roots()).session(config);
    builder.preferences(preferences).build().unwrap()
}
