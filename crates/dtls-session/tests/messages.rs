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
        // A warning, which is what close_notify is.
        (received, 21, 1),
    ];
    assert_eq!(*seen.lock().unwrap(), expected);
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
