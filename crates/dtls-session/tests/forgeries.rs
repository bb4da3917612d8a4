//! Plaintext of somebody else, or of another handshake.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use common::{acceptor, any, connector, exchange, open, patient, relay, serve, within};
use dtls_session::{HandshakeError, Limits};
use tokio::net::UdpSocket;

/// A server repeats its flight to whoever had the port before, and after a restart to the client's
/// former attempt.
#[tokio::test]
async fn another_handshakes_flight_is_passed_over() {
    let server = serve(acceptor(patient()), Limits::default());
    let stale = Arc::new(Mutex::new(Vec::new()));
    let addr = server.addr;
    let kept = Arc::clone(&stale);
    let keep = move |answer: &[u8]| {
        if first_message(answer) == Some(SERVER_HELLO) {
            kept.lock().unwrap().push(answer.to_vec());
        }
        vec![answer.to_vec()]
    };
    let front = relay(move || addr, keep).await;
    let client = within(
        connector(patient())
            .connect("localhost")
            .over(open(any(), front)),
    )
    .await;
    drop(client.unwrap());
    let stale = stale.lock().unwrap().clone();
    assert!(!stale.is_empty());

    let mut server = serve(acceptor(patient()), Limits::default());
    let addr = server.addr;
    let before_each_request = move |answer: &[u8]| {
        let mut all = vec![answer.to_vec()];
        if first_message(answer) == Some(HELLO_VERIFY_REQUEST) {
            all.splice(0..0, stale.iter().cloned());
        }
        all
    };
    let front = relay(move || addr, before_each_request).await;
    let client = within(
        connector(patient())
            .connect("localhost")
            .over(open(any(), front)),
    )
    .await
    .unwrap();
    exchange(&server.next().await, &client).await;
    assert!(client.stats().filtered_plaintext > 0);
    // Not even a second attempt was needed.
    assert_eq!(server.listener.stats().accepted, 1);
}

/// What OpenSSL found wrong is told in the end, and not that time has passed.
#[tokio::test]
async fn a_bad_signature_is_called_by_its_name() {
    let server = serve(acceptor(patient()), Limits::default());
    let addr = server.addr;
    let spoil = |answer: &[u8]| {
        let mut answer = answer.to_vec();
        if first_message(&answer) == Some(SERVER_HELLO) {
            // The signature's last byte stands before the ServerHelloDone, of 25 bytes.
            let place = answer.len() - 26;
            answer[place] ^= 1;
        }
        vec![answer]
    };
    let front = relay(move || addr, spoil).await;
    let config = patient().handshake_timeout(Duration::from_secs(8));
    let connecting = connector(config)
        .connect("localhost")
        .over(open(any(), front));
    let error = within(connecting).await.unwrap_err();
    assert!(matches!(error, HandshakeError::OpenSsl(_)), "{error:?}");
    let mut causes = Vec::new();
    let mut cause: Option<&dyn std::error::Error> = Some(&error);
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    assert!(causes.concat().contains("bad signature"), "{causes:?}");
}

/// The server takes the first key share that comes, and the client's own is a repeat then.
#[tokio::test]
async fn a_forged_key_share_costs_a_new_start_and_not_the_handshake() {
    let mut server = serve(acceptor(patient()), Limits::default());
    let front = with_forged_key_share(server.addr).await;
    let rto = Duration::from_millis(400);
    let config = patient().initial_rto(rto).rto_bounds(rto, rto);
    let client = within(
        connector(config)
            .connect("localhost")
            .over(open(any(), front)),
    )
    .await
    .unwrap();
    exchange(&server.next().await, &client).await;
    let stats = server.listener.stats();
    assert_eq!((stats.accepted, stats.evicted), (2, 1));
    // OpenSSL itself gives up after twelve.
    assert!(client.stats().retransmissions < 12);
}

/// A host on the path that sends a ClientKeyExchange of its own before the first client has the
/// server's flight.
async fn with_forged_key_share(server: SocketAddr) -> SocketAddr {
    let front = UdpSocket::bind(any()).await.unwrap();
    let back = UdpSocket::bind(any()).await.unwrap();
    let addr = front.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut request, mut answer) = ([0; 2048], [0; 2048]);
        let (mut client, mut forged) = (None, false);
        loop {
            tokio::select! {
                received = front.recv_from(&mut request) => {
                    let (length, from) = received.unwrap();
                    client = Some(from);
                    back.send_to(&request[..length], server).await.unwrap();
                }
                received = back.recv(&mut answer) => {
                    let answer = &answer[..received.unwrap()];
                    if first_message(answer) == Some(SERVER_HELLO) && !forged {
                        forged = true;
                        back.send_to(&key_share(), server).await.unwrap();
                    }
                    front.send_to(answer, client.unwrap()).await.unwrap();
                }
            }
        }
    });
    addr
}

/// Message 2, with a point of X25519.
fn key_share() -> Vec<u8> {
    let mut record = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 45];
    record.extend([16, 0, 0, 33, 0, 2, 0, 0, 0, 0, 0, 33, 32, 9]);
    record.resize(13 + 45, 0);
    record
}

fn first_message(datagram: &[u8]) -> Option<u8> {
    let plaintext = datagram.starts_with(&[22, 0xfe]) && datagram.get(3..5) == Some(&[0, 0]);
    datagram.get(13).copied().filter(|_| plaintext)
}

const SERVER_HELLO: u8 = 2;
const HELLO_VERIFY_REQUEST: u8 = 3;
