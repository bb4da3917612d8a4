//! Handshakes over pipes: each lost datagram, small paths, silence and forgeries.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use common::*;
use dtls_session::{Acceptor, Connector, HandshakeError, Roots, SessionConfig};
use openssl::{pkey::PKey, rsa::Rsa};
use tokio::sync::Notify;

/// Loses the n-th datagram of one direction.
fn without(lost: Direction, nth: usize) -> Fate {
    Arc::new(Mutex::new(
        move |direction: Direction, index: usize, datagram: &[u8]| {
            if direction == lost && index == nth {
                vec![]
            } else {
                vec![datagram.to_vec()]
            }
        },
    ))
}

#[tokio::test]
async fn each_datagram_of_a_handshake_may_be_lost() {
    let counted = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
    let count = {
        let counted = Arc::clone(&counted);
        Arc::new(Mutex::new(
            move |direction: Direction, _: usize, datagram: &[u8]| {
                counted[direction as usize].fetch_add(1, Relaxed);
                vec![datagram.to_vec()]
            },
        ))
    };
    let (acceptor, connector) = (acceptor(patient()), connector(patient()));
    let undisturbed = sessions(&acceptor, &connector, pipe(count)).await;
    for direction in [Direction::ToClient, Direction::ToServer] {
        let datagrams = counted[direction as usize].load(Relaxed);
        assert!(datagrams >= 2, "{direction:?}: {datagrams}");
        for nth in 0..datagrams {
            let (server, client) =
                sessions(&acceptor, &connector, pipe(without(direction, nth))).await;
            echo_once(&server, &client).await;
            let repeats = server.stats().retransmissions + client.stats().retransmissions;
            assert!(repeats > 0, "{direction:?} {nth} was not missed");
        }
    }
    drop(undisturbed);
}

#[tokio::test]
async fn a_lost_last_flight_is_repaired_while_the_server_does_not_read() {
    let lost = Arc::new(AtomicUsize::new(0));
    // The server's last flight is the one that starts with a protected epoch's announcement.
    let fate = {
        let lost = Arc::clone(&lost);
        Arc::new(Mutex::new(
            move |direction: Direction, index: usize, datagram: &[u8]| {
                if direction == Direction::ToClient && index > 0 && lost.fetch_add(1, Relaxed) < 2 {
                    return vec![];
                }
                vec![datagram.to_vec()]
            },
        ))
    };
    let (server_pipe, client_pipe) = pipe(fate);
    let (acceptor, connector) = (acceptor(patient()), connector(patient()));
    // Nothing but awaiting the handshake: the session is never read.
    let server = tokio::spawn(acceptor.accept(server_pipe));
    let connecting = tokio::spawn(connector.connect("localhost").over(client_pipe));
    let server = within(server).await.unwrap().unwrap();
    let client = within(connecting).await.unwrap().unwrap();
    assert!(lost.load(Relaxed) >= 3);
    assert!(client.stats().retransmissions >= 2);
    echo_once(&server, &client).await;
}

#[tokio::test]
async fn a_path_that_drops_large_datagrams_is_found() {
    let fate = Arc::new(Mutex::new(|_: Direction, _: usize, datagram: &[u8]| {
        if datagram.len() > 600 {
            vec![]
        } else {
            vec![datagram.to_vec()]
        }
    }));
    // An RSA certificate makes the server's flight larger than the path takes.
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let roots = Roots::from_pem(&certificate("localhost", &key)).unwrap();
    let acceptor = Acceptor::builder(self_signed("localhost", &key))
        .session(patient())
        .build()
        .unwrap();
    let connector = Connector::builder(roots)
        .session(patient())
        .build()
        .unwrap();
    let (server, client) = sessions(&acceptor, &connector, pipe(fate)).await;
    assert!(server.max_datagram_size() < 548);
    echo_once(&server, &client).await;
}

#[tokio::test]
async fn a_client_starts_anew_when_no_repeat_was_answered() {
    // Nothing passes until OpenSSL must have given up on the first hello.
    let fate = Arc::new(Mutex::new(
        |direction: Direction, index: usize, datagram: &[u8]| {
            if direction == Direction::ToServer && index < 15 {
                vec![]
            } else {
                vec![datagram.to_vec()]
            }
        },
    ));
    let ms = Duration::from_millis;
    let quick = patient().initial_rto(ms(30)).rto_bounds(ms(30), ms(60));
    let (server_pipe, client_pipe) = pipe(fate);
    let connecting = tokio::spawn(connector(quick).connect("localhost").over(client_pipe));
    let accepting = tokio::spawn(acceptor(patient()).accept(server_pipe));
    within(connecting).await.unwrap().unwrap();
    within(accepting).await.unwrap().unwrap();
}

#[tokio::test]
async fn many_handshakes_survive_heavy_weather() {
    let (acceptor, connector) = (acceptor(patient()), connector(patient()));
    let mut handshakes = tokio::task::JoinSet::new();
    for seed in 0..100u64 {
        let (acceptor, connector) = (acceptor.clone(), connector.clone());
        handshakes.spawn(async move {
            let fate = Arc::new(Mutex::new(
                move |direction: Direction, index: usize, datagram: &[u8]| {
                    let mut state = seed ^ (index as u64) << 8 ^ (direction as u64) << 40;
                    for _ in 0..3 {
                        state = (state ^ state >> 31).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                    }
                    match state >> 56 {
                        0..=50 => vec![],
                        51..=79 => vec![datagram.to_vec(), datagram.to_vec()],
                        _ => vec![datagram.to_vec()],
                    }
                },
            ));
            let (server, client) = sessions(&acceptor, &connector, pipe(fate)).await;
            echo_once(&server, &client).await;
        });
    }
    while let Some(outcome) = within(handshakes.join_next()).await {
        outcome.unwrap();
    }
}

#[tokio::test]
async fn a_silent_peer_is_a_timeout_and_says_so() {
    let (server_pipe, client_pipe) = pipe(lossless());
    let config = SessionConfig::default().handshake_timeout(Duration::from_millis(200));
    let error = within(
        connector(config.clone())
            .connect("localhost")
            .over(client_pipe),
    )
    .await
    .unwrap_err();
    assert!(
        matches!(error, HandshakeError::TimedOut { heard: false, .. }),
        "{error:?}"
    );
    let error = within(acceptor(config).accept(server_pipe))
        .await
        .unwrap_err();
    assert!(
        matches!(error, HandshakeError::TimedOut { heard: true, .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_forged_alert_does_not_end_a_handshake() {
    // Each datagram is preceded by a fatal alert, a close_notify and some plaintext data.
    let forged = |kind: u8, body: [u8; 2]| {
        let mut record = vec![kind, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2];
        record.extend(body);
        record
    };
    let fate = Arc::new(Mutex::new(
        move |_: Direction, _: usize, datagram: &[u8]| {
            vec![
                forged(21, [2, 40]),
                forged(21, [1, 0]),
                forged(23, [1, 2]),
                forged(99, [1, 2]),
                forged(20, [1, 2]),
                b"junk".to_vec(),
                datagram.to_vec(),
            ]
        },
    ));
    let (server, client) = sessions(&acceptor(patient()), &connector(patient()), pipe(fate)).await;
    echo_once(&server, &client).await;
    let stats = server.stats();
    assert!(
        stats.filtered_alerts >= 4 && stats.filtered_malformed >= 6,
        "{stats:?}"
    );
}

#[test]
fn an_mtu_out_of_range_is_refused() {
    for mtu in [0, 255, 16_385] {
        let config = SessionConfig::default().mtu(mtu);
        let error = Acceptor::builder(identity("server"))
            .session(config)
            .build()
            .unwrap_err();
        assert!(error.to_string().contains(&mtu.to_string()));
    }
}

#[tokio::test]
async fn a_handshake_that_fails_or_is_given_up_gives_its_pipe_back() {
    let (server_pipe, client_pipe) = pipe(lossless());
    let (acceptor, connector) = (acceptor(patient()), connector(patient()));
    let mut serving = acceptor.accept(server_pipe);
    let mut refusing = connector.connect("wrong.example").over(client_pipe);
    let failed = async {
        tokio::select! {
            biased;
            outcome = &mut refusing => outcome,
            outcome = &mut serving => outcome,
        }
    };
    let error = within(failed).await.unwrap_err();
    assert!(
        matches!(error, HandshakeError::CertificateRefused(_)),
        "{error:?}"
    );
    let (server_pipe, client_pipe) = (serving.into_pipe(), refusing.into_pipe());
    let serving = tokio::spawn(acceptor.accept(server_pipe.unwrap()));
    let connecting = connector.connect("localhost").over(client_pipe.unwrap());
    let client = within(connecting).await.unwrap();
    echo_once(&within(serving).await.unwrap().unwrap(), &client).await;
}

/// OpenSSL would offer to resume what never was a session: it has the ticket, and another secret.
#[tokio::test]
async fn a_client_that_starts_anew_offers_what_it_offered_at_first() {
    let hellos = Arc::new(Mutex::new(Vec::new()));
    let (seen, started_anew) = (Arc::clone(&hellos), Arc::new(Notify::new()));
    let starts = Arc::clone(&started_anew);
    // Of the server's last flight only the ticket comes.
    let fate = move |direction: Direction, _: usize, datagram: &[u8]| {
        let is = |kind: u8| datagram.starts_with(&[22, 0xfe]) && datagram[13] == kind;
        if direction == Direction::ToServer && is(CLIENT_HELLO) {
            let mut seen = seen.lock().unwrap();
            seen.push(datagram.len());
            if seen.len() > 1 {
                starts.notify_one();
            }
        }
        if direction == Direction::ToClient && is(NEW_SESSION_TICKET) {
            let ticket = 13 + usize::from(u16::from_be_bytes([datagram[11], datagram[12]]));
            return vec![datagram[..ticket].to_vec()];
        }
        vec![datagram.to_vec()]
    };
    let (server_pipe, client_pipe) = pipe(Arc::new(Mutex::new(fate)));
    let fast = patient()
        .initial_rto(Duration::from_millis(50))
        .rto_bounds(Duration::from_millis(50), Duration::from_millis(400));
    let acceptor = acceptor(patient());
    let serving = tokio::spawn(async move {
        let session = acceptor.accept(server_pipe).await.unwrap();
        session.closed().await
    });
    let connecting = tokio::spawn(connector(fast).connect("localhost").over(client_pipe));
    within(started_anew.notified()).await;
    let hellos = hellos.lock().unwrap().clone();
    assert_eq!(hellos[0], hellos[1], "{hellos:?}");
    connecting.abort();
    serving.abort();
}

const CLIENT_HELLO: u8 = 1;
const NEW_SESSION_TICKET: u8 = 4;
