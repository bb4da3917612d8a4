//! The log of messages.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use common::*;
use dtls_session::{Connector, Preferences};

/// Sent or not, content type, and the first byte.
type Seen = Arc<Mutex<Vec<(bool, u8, u8)>>>;

#[tokio::test]
async fn messages_and_alerts_are_seen_decrypted_and_data_is_not() {
    let seen = Seen::default();
    let log = Arc::clone(&seen);
    let preferences = Preferences::default().message_log(move |message| {
        let first = message.bytes.first().copied().unwrap_or_default();
        let entry = (message.sent, message.content_type, first);
        log.lock().unwrap().push(entry);
    });
    // However slow the machine is, nothing is repeated.
    let config = || patient().rto_bounds(Duration::from_secs(30), Duration::from_secs(60));
    let connector = Connector::builder(roots())
        .session(config())
        .preferences(preferences)
        .build()
        .unwrap();
    let (server, client) = sessions(&acceptor(config()), &connector, pipe(lossless())).await;
    client.send(b"data").await.unwrap();
    let mut buf = [0; 64];
    assert_eq!(within(server.recv(&mut buf)).await.unwrap(), Some(4));
    server.close();
    assert_eq!(within(client.recv(&mut buf)).await.unwrap(), None);
    let (sent, received) = (true, false);
    let expected = [
        // ClientHello; ServerHello, Certificate, ServerKeyExchange, ServerHelloDone.
        (sent, 22, 1),
        (received, 22, 2),
        (received, 22, 11),
        (received, 22, 12),
        (received, 22, 14),
        // ClientKeyExchange, ChangeCipherSpec, Finished.
        (sent, 22, 16),
        (sent, 20, 1),
        (sent, 22, 20),
        // NewSessionTicket, ChangeCipherSpec, Finished.
        (received, 22, 4),
        (received, 20, 1),
        (received, 22, 20),
        // A warning, which is what close_notify is, and the answer.
        (received, 21, 1),
        (sent, 21, 1),
    ];
    assert_eq!(*seen.lock().unwrap(), expected);
}

/// A Finished that is sent again, and the alerts of both sides.
#[tokio::test]
async fn what_comes_after_the_handshake_is_seen_whoever_protects_it() {
    for protection in PROTECTIONS {
        let config = || patient().record_protection(protection);
        let seen = Seen::default();
        let log = Arc::clone(&seen);
        let preferences = Preferences::default().message_log(move |message| {
            let first = message.bytes.first().copied().unwrap_or_default();
            let entry = (message.sent, message.content_type, first);
            log.lock().unwrap().push(entry);
        });
        let connector = Connector::builder(roots())
            .session(config())
            .preferences(preferences)
            .build()
            .unwrap();
        let acceptor = acceptor(config());
        let (server, client) = sessions(&acceptor, &connector, pipe(lossless())).await;
        let ticket = client.resumption().unwrap();
        drop((server, client));

        let mut lost = false;
        let fate = move |towards: Direction, _: usize, datagram: &[u8]| {
            let mut records = dtls_wire::records(datagram).map(Result::unwrap);
            let finished = records.any(|record| match record {
                dtls_wire::AnyRecord::Full(record) => {
                    (record.epoch, record.content_type) == (1, dtls_wire::ContentType::HANDSHAKE)
                }
                _ => false,
            });
            if towards == Direction::ToServer && finished && !lost {
                lost = true;
                return Vec::new();
            }
            vec![datagram.to_vec()]
        };
        let (server, client) = pipe(Arc::new(Mutex::new(fate)));
        let accepting = tokio::spawn(acceptor.accept(server));
        let connecting = connector.connect("localhost").resume_from(&ticket);
        let client = within(connecting.over(client)).await.unwrap();
        assert_eq!(client.info().record_protection, protection);
        let finished = |log: &Seen| {
            let log = log.lock().unwrap();
            log.iter().filter(|it| **it == (true, 22, 20)).count()
        };
        let before = finished(&seen);
        let server = within(accepting).await.unwrap().unwrap();
        assert!(finished(&seen) > before, "{protection}");

        server.close();
        assert_eq!(within(client.recv(&mut [0; 64])).await.unwrap(), None);
        // It is answered at once.
        let seen = seen.lock().unwrap();
        assert_eq!(seen[seen.len() - 2..], [(false, 21, 1), (true, 21, 1)]);
    }
}

#[tokio::test]
async fn a_log_that_panics_harms_nobody() {
    let preferences = Preferences::default().message_log(|_| panic!("as a test"));
    let connector = Connector::builder(roots())
        .session(patient())
        .preferences(preferences)
        .build()
        .unwrap();
    let (server, client) = sessions(&acceptor(patient()), &connector, pipe(lossless())).await;
    client.send(b"data").await.unwrap();
    let mut buf = [0; 64];
    assert_eq!(within(server.recv(&mut buf)).await.unwrap(), Some(4));
}
