//! What a peer sends behind its Finished, where the network delivers it before (RFC 6347 4.1).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::sync::{Arc, Mutex};

use common::*;
use dtls_session::Session;
use dtls_wire::{AnyRecord, ContentType, Encode, ProtocolVersion, Record, records};

/// What is late.
#[derive(Clone, Copy, Debug)]
enum Late {
    /// The flight from its ChangeCipherSpec on.
    Flight,
    /// Finished, while the ChangeCipherSpec comes in time: only a peer that wants to harm sends
    /// such a thing, or a network that tears datagrams apart.
    Finished,
}

/// A server may send as soon as it has finished.
#[tokio::test]
async fn data_that_overtakes_the_last_flight_is_delivered_after_it() {
    for late in [Late::Flight, Late::Finished] {
        let (server, client) = pipe(overtaking(Direction::ToClient, late));
        let (acceptor, connector) = (acceptor(patient()), connector(patient()));
        let server = async {
            let session = acceptor.accept(server).await.unwrap();
            speak(&session).await;
            session
        };
        let connecting = connector.connect("localhost").over(client);
        let (_server, client) = within(async { tokio::join!(server, connecting) }).await;
        hears(&client.unwrap()).await;
    }
}

/// Of a resumed handshake the client sends the last flight.
#[tokio::test]
async fn a_clients_data_that_overtakes_its_last_flight_is_delivered_after_it() {
    for late in [Late::Flight, Late::Finished] {
        let (acceptor, connector) = (acceptor(patient()), connector(patient()));
        let (_, first) = sessions(&acceptor, &connector, pipe(lossless())).await;
        let resumption = first.resumption().unwrap();
        let (server, client) = pipe(overtaking(Direction::ToServer, late));
        let client = async {
            let session = connector
                .connect("localhost")
                .resume_from(&resumption)
                .over(client)
                .await;
            let session = session.unwrap();
            assert!(session.info().resumed);
            speak(&session).await;
            session
        };
        let accepting = acceptor.accept(server);
        let (server, _client) = within(async { tokio::join!(accepting, client) }).await;
        hears(&server.unwrap()).await;
    }
}

/// What anybody can put between does not keep a session from having records of its own.
#[tokio::test]
async fn a_finished_that_is_overtaken_by_forged_ones_still_proves_the_keys() {
    let forged = Record {
        content_type: ContentType::HANDSHAKE,
        version: ProtocolVersion::DTLS_1_2,
        epoch: 1,
        sequence: 0,
        connection_id: &[],
        body: &[7; 40],
    };
    let fate = move |towards: Direction, _: usize, datagram: &[u8]| {
        let all: Vec<_> = records(datagram).flatten().map(full).collect();
        let [.., change, finished] = &all[..] else {
            return vec![datagram.to_vec()];
        };
        if towards == Direction::ToClient || finished.epoch == 0 {
            return vec![datagram.to_vec()];
        }
        let mut sent = vec![finished.to_vec().unwrap()];
        // After each ChangeCipherSpec, so many are taken for what may be genuine.
        for room in 0..2 {
            sent.push(change.to_vec().unwrap());
            sent.extend((0..16).map(|number| {
                let sequence = 100 * room + number;
                Record { sequence, ..forged }.to_vec().unwrap()
            }));
        }
        // The key exchange comes last, and without a repeat of what is behind it.
        sent.push(datagram[..datagram.len() - finished.wire_len()].to_vec());
        sent
    };
    let (acceptor, connector) = (acceptor(patient()), connector(patient()));
    let ends = pipe(Arc::new(Mutex::new(fate)));
    let (server, client) = sessions(&acceptor, &connector, ends).await;
    for session in [&server, &client] {
        assert_eq!(session.stats().unproven_keys, 0);
        assert_eq!(session.info().record_protection, protection());
    }
    echo_once(&server, &client).await;
}

fn full(record: AnyRecord<'_>) -> Record<'_> {
    match record {
        AnyRecord::Full(record) => record,
        AnyRecord::Unified(record) => panic!("{record:?}"),
    }
}

/// Whoever has the keys can put anything between its ChangeCipherSpec and its Finished.
async fn speak(session: &Session) {
    session.send(b"one").await.unwrap();
    session.send(b"two").await.unwrap();
    session.close();
}

async fn hears(session: &Session) {
    let mut buf = [0; 16];
    for said in [b"one", b"two"] {
        assert_eq!(within(session.recv(&mut buf)).await.unwrap(), Some(3));
        assert_eq!(&buf[..3], said);
    }
    assert_eq!(within(session.recv(&mut buf)).await.unwrap(), None);
    let stats = session.stats();
    assert_eq!((stats.received, stats.filtered_early), (2, 0), "{stats:?}");
}

/// Holds back what is late until the peer has closed its session behind it.
fn overtaking(direction: Direction, late: Late) -> Fate {
    let mut held = None;
    Arc::new(Mutex::new(
        move |towards: Direction, _: usize, datagram: &[u8]| {
            if towards != direction {
                return vec![datagram.to_vec()];
            }
            if let Some(at) = change_cipher_spec(datagram) {
                let at = match late {
                    Late::Flight => at,
                    Late::Finished => at + 14,
                };
                assert!(at < datagram.len(), "the Finished stands behind it");
                held = Some(datagram[at..].to_vec());
                return vec![datagram[..at].to_vec()];
            }
            let mut delivered = vec![datagram.to_vec()];
            if datagram[0] == ALERT {
                delivered.extend(held.take());
            }
            delivered
        },
    ))
}

/// Where in the datagram it stands.
fn change_cipher_spec(datagram: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let [kind, _, _, _, _, _, _, _, _, _, _, high, low, ..] = datagram[at..] {
        if kind == CHANGE_CIPHER_SPEC {
            return Some(at);
        }
        at = (at + 13 + usize::from(u16::from_be_bytes([high, low]))).min(datagram.len());
    }
    None
}

const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
