//! Records that are authentic, and odd.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::*;
use dtls_session::{RecordProtection, Session};

/// RFC 5246 7.2.2: who gets a warning may go on, and there is no reason not to.
#[tokio::test]
async fn warnings_are_passed_over_and_counted() {
    for protection in PROTECTIONS {
        // One session a side: who is told of an end tells the other of it.
        for side in [0, 1] {
            let mut inside = Inside::new(protection).await;
            let (session, insider) = (&inside.sessions[side], &mut inside.insiders[side]);
            let mut sent = 0;
            // Together with the data behind it, of which nothing may be lost; and many in a row.
            for warnings in [1, 2, 9] {
                for _ in 0..warnings {
                    sent += 1;
                    insider.send(ALERT, &[WARNING, USER_CANCELED]);
                }
                insider.send(DATA, b"data");
                insider.send(DATA, b"more");
                receives(session, b"data").await;
                receives(session, b"more").await;
                let stats = session.stats();
                assert_eq!(stats.warnings + stats.filtered_alerts, sent);
                // The fifth in a row would end OpenSSL's.
                let dropped = warnings > 4 && protection == RecordProtection::OpenSsl;
                assert_eq!(stats.filtered_alerts > 0, dropped);
            }
            insider.send(ALERT, &[WARNING, UNRECOGNIZED_NAME]);
            insider.send(ALERT, &[WARNING, CLOSE_NOTIFY]);
            ends(session).await;
        }
    }
}

#[tokio::test]
async fn a_close_notify_of_level_fatal_is_an_end_like_any_other() {
    for protection in PROTECTIONS {
        // One session a side: who is told of an end tells the other of it.
        for side in [0, 1] {
            let mut inside = Inside::new(protection).await;
            let (session, insider) = (&inside.sessions[side], &mut inside.insiders[side]);
            insider.send(DATA, b"last");
            insider.send(ALERT, &[FATAL, CLOSE_NOTIFY]);
            receives(session, b"last").await;
            ends(session).await;
        }
    }
}

#[tokio::test]
async fn a_fatal_alert_ends_the_session_with_its_name() {
    for protection in PROTECTIONS {
        let inside = Inside::new(protection).await;
        for (session, mut insider) in inside.sessions.iter().zip(inside.insiders) {
            insider.send(ALERT, &[FATAL, 80]);
            let error = within(session.recv(&mut [0; 16])).await.unwrap_err();
            let chain = format!("{:#}", anyhow::Error::from(error));
            assert!(chain.contains("internal"), "{chain}");
        }
    }
}

/// RFC 5246 7.4.1.1: a client may ignore it, and does, whatever number it has.
#[tokio::test]
async fn a_hello_request_ends_no_session() {
    for protection in PROTECTIONS {
        for resumed in [false, true] {
            let mut inside = Inside::new(protection).await;
            if resumed {
                inside = inside.resume().await;
            }
            let [_, client] = &inside.sessions;
            let [_, as_server] = &mut inside.insiders;
            for number in [0, 1, 7] {
                as_server.send_message(HELLO_REQUEST, number, &[]);
            }
            as_server.send(DATA, b"data");
            receives(client, b"data").await;
            assert_eq!(client.stats().filtered_handshake, 3, "resumed: {resumed}");
            echo_once(&inside.sessions[0], client).await;
        }
    }
}

/// RFC 6347 4.2.4: who has sent the last flight answers repeats of the one before; not without end.
#[tokio::test]
async fn repeats_of_the_last_flight_but_one_end_no_session() {
    for protection in PROTECTIONS {
        for resumed in [false, true] {
            let mut inside = Inside::new(protection).await;
            if resumed {
                inside = inside.resume().await;
            }
            // The server sends the last flight, or the client if the session is resumed.
            for (role, session) in inside.sessions.iter().enumerate() {
                let answers = (role == 1) == resumed;
                let before = session.stats().datagrams_sent;
                let insider = &mut inside.insiders[role];
                for _ in 0..30 {
                    insider.send_message(FINISHED, 3, &[0; 12]);
                }
                insider.send(DATA, b"data");
                receives(session, b"data").await;
                let answered = session.stats().datagrams_sent - before;
                if answers {
                    assert!((1..=30).contains(&answered), "{answered}");
                } else {
                    assert_eq!(answered, 0, "resumed: {resumed}, role {role}");
                }
                assert!(session.stats().filtered_handshake >= 18, "role {role}");
            }
            echo_once(&inside.sessions[0], &inside.sessions[1]).await;
        }
    }
}

/// It has no meaning under keys.
#[tokio::test]
async fn a_change_cipher_spec_ends_no_session() {
    for protection in PROTECTIONS {
        let inside = Inside::new(protection).await;
        for (session, mut insider) in inside.sessions.iter().zip(inside.insiders) {
            for body in [&[1][..], &[2], &[1, 1]] {
                insider.send(CHANGE_CIPHER_SPEC, body);
            }
            insider.send(DATA, b"data");
            receives(session, b"data").await;
        }
    }
}

/// OpenSSL 4.0 ends its own sessions at one, after it has told of it.
#[tokio::test]
async fn a_peer_that_does_not_renegotiate_ends_no_session() {
    let inside = Inside::new(RecordProtection::Own).await;
    for (session, mut insider) in inside.sessions.iter().zip(inside.insiders) {
        for _ in 0..9 {
            insider.send(ALERT, &[WARNING, NO_RENEGOTIATION]);
        }
        insider.send(DATA, b"data");
        receives(session, b"data").await;
        assert_eq!(session.stats().warnings, 9);
    }
}

/// Whoever protects the records drops them; only this crate counts them.
#[tokio::test]
async fn replays_forgeries_and_empty_records_are_dropped_and_counted() {
    for protection in PROTECTIONS {
        let inside = Inside::new(protection).await;
        for (session, mut insider) in inside.sessions.iter().zip(inside.insiders) {
            let genuine = insider.seal(DATA, b"data");
            for _ in 0..3 {
                insider.put(genuine.clone());
            }
            let mut forged = insider.seal(DATA, b"data");
            *forged.last_mut().unwrap() ^= 1;
            insider.put(forged.clone());
            // Behind a genuine one in the same datagram.
            forged.splice(..0, insider.seal(DATA, b"more"));
            insider.put(forged);
            for _ in 0..4 {
                insider.send(DATA, b"");
            }
            // So old that nobody can tell.
            let old = insider.seal(DATA, b"old");
            for _ in 0..200 {
                insider.seal(DATA, b"skipped");
            }
            insider.send(DATA, b"last");
            insider.put(old);
            insider.send(DATA, b"end");
            for expected in [&b"data"[..], b"more", b"last", b"end"] {
                receives(session, expected).await;
            }
            let stats = session.stats();
            let counted = (stats.replayed, stats.forged, stats.empty_records);
            let expected = match protection {
                RecordProtection::Own => (3, 2, 4),
                _ => (0, 0, 0),
            };
            assert_eq!(counted, expected, "{protection}");
            assert_eq!((stats.received, stats.unproven_keys), (4, 0));
        }
    }
}

async fn receives(session: &Session, expected: &[u8]) {
    let mut buf = [0; 16];
    let length = within(session.recv(&mut buf)).await.unwrap().unwrap();
    assert_eq!(&buf[..length], expected);
}

async fn ends(session: &Session) {
    assert_eq!(within(session.recv(&mut [0; 16])).await.unwrap(), None);
}

const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const DATA: u8 = 23;
const WARNING: u8 = 1;
const FATAL: u8 = 2;
const CLOSE_NOTIFY: u8 = 0;
const USER_CANCELED: u8 = 90;
const NO_RENEGOTIATION: u8 = 100;
const UNRECOGNIZED_NAME: u8 = 112;
const HELLO_REQUEST: u8 = 0;
const FINISHED: u8 = 20;
