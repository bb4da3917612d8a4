//! Keys that a server has to wait for.

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
use dtls_session::{
    Acceptor, AcceptorBuilder, Connector, HandshakeError, Limits, Psk, PskKey, SessionConfig,
};
use tokio::sync::{mpsc, oneshot};

const KEY: [u8; 16] = [7; 16];

#[tokio::test]
async fn a_handshake_waits_for_its_key_and_asks_once() {
    let (acceptor, mut questions) = asking();
    let (server, client) = pipe(lossless());
    // It repeats its flight meanwhile.
    let hasty = patient().initial_rto(Duration::from_millis(50));
    let connector = connector("device", hasty);
    let client = tokio::spawn(connector.connect("localhost").over(client));
    let server = tokio::spawn(acceptor.accept(server));
    let (identity, answer) = within(questions.recv()).await.unwrap();
    assert_eq!(identity, b"device");
    // Many intervals of the client's.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!server.is_finished() && !client.is_finished());
    answer.send(PskKey::new(KEY).ok()).unwrap();
    let (server, client) = within(async { tokio::join!(server, client) }).await;
    let (server, client) = (server.unwrap().unwrap(), client.unwrap().unwrap());
    assert_eq!(server.info().psk_identity.as_deref(), Some(&b"device"[..]));
    assert!(client.stats().retransmissions > 0);
    echo_once(&server, &client).await;
    assert!(questions.try_recv().is_err());
}

#[tokio::test]
async fn an_identity_in_fragments_is_put_together() {
    let identity = "i".repeat(Psk::MAX_IDENTITY);
    for reversed in [false, true] {
        let (acceptor, mut questions) = asking();
        let held = Mutex::new(None);
        let late_pieces = Arc::new(AtomicUsize::new(0));
        let pieces = Arc::clone(&late_pieces);
        // The exchange's first fragment comes behind the next datagram.
        let fate = Arc::new(Mutex::new(move |direction, _: usize, datagram: &[u8]| {
            let first = direction == Direction::ToServer && datagram[0] == 22 && datagram[13] == 16;
            if first && datagram[19..22] != [0; 3] {
                pieces.fetch_add(1, Relaxed);
            }
            let mut held = held.lock().unwrap();
            if reversed && first && datagram[19..22] == [0; 3] && held.is_none() {
                *held = Some(datagram.to_vec());
                return vec![];
            }
            let mut both = vec![datagram.to_vec()];
            if direction == Direction::ToServer
                && let Some(late) = held.as_mut().filter(|late| !late.is_empty())
            {
                both.push(std::mem::take(late));
            }
            both
        }));
        let (server, client) = pipe(fate);
        let connector = connector(&identity, patient().mtu(256));
        let client = tokio::spawn(connector.connect("localhost").over(client));
        let server = tokio::spawn(acceptor.accept(server));
        let (asked, answer) = within(questions.recv()).await.unwrap();
        assert_eq!(asked, identity.as_bytes());
        answer.send(PskKey::new(KEY).ok()).unwrap();
        let (server, client) = within(async { tokio::join!(server, client) }).await;
        echo_once(&server.unwrap().unwrap(), &client.unwrap().unwrap()).await;
        assert!(late_pieces.load(Relaxed) > 0);
    }
}

#[tokio::test]
async fn strangers_and_wrong_keys_fail_alike_and_are_sent_the_same() {
    let mut failures = Vec::new();
    for (identity, key, is_known) in [("stranger", KEY, false), ("device", [8; 16], true)] {
        let sent = Arc::new(Mutex::new(Vec::new()));
        let fate = Arc::new(Mutex::new({
            let sent = Arc::clone(&sent);
            move |direction, _: usize, datagram: &[u8]| {
                if direction == Direction::ToClient {
                    // What is no repeat.
                    let shape = (datagram[0], datagram.len());
                    let mut sent = sent.lock().unwrap();
                    if !sent.contains(&shape) {
                        sent.push(shape);
                    }
                }
                vec![datagram.to_vec()]
            }
        }));
        let config = SessionConfig::default().handshake_timeout(Duration::from_secs(1));
        let acceptor =
            fetching(|identity| std::future::ready((identity == b"device").then_some(KEY)));
        let acceptor = acceptor.session(config.clone()).build().unwrap();
        let psk = Psk::new(identity, key).unwrap();
        let connector = Connector::with_psk(psk).session(config).build().unwrap();
        let (server, client) = pipe(fate);
        let client = connector.connect("localhost").over(client);
        let (server, client): (Outcome, Outcome) =
            within(async { tokio::join!(acceptor.accept(server), client) }).await;
        let sent = sent.lock().unwrap().clone();
        // Only the server's own log tells them apart.
        assert!(
            matches!(server, Err(HandshakeError::PskUnproven { known, .. }) if known == is_known),
            "{server:?}"
        );
        failures.push((client.unwrap_err().to_string(), sent));
    }
    assert_eq!(failures[0], failures[1]);
}

#[tokio::test]
async fn a_question_ends_with_its_handshake() {
    let alive = Arc::new(AtomicUsize::new(0));
    let acceptor = fetching({
        let alive = Arc::clone(&alive);
        move |_| {
            let guard = Alive::new(&alive);
            async move {
                let _guard = guard;
                std::future::pending().await
            }
        }
    });
    let brief = SessionConfig::default().handshake_timeout(Duration::from_secs(1));
    let acceptor = acceptor.session(brief).build().unwrap();
    let (server, client) = pipe(lossless());
    let client = tokio::spawn(
        connector("device", patient())
            .connect("localhost")
            .over(client),
    );
    let failed = within(acceptor.accept(server)).await;
    assert!(
        matches!(failed, Err(HandshakeError::TimedOut { heard: true, .. })),
        "{failed:?}"
    );
    assert_eq!(alive.load(Relaxed), 0);
    client.abort();
}

#[tokio::test]
async fn others_do_not_wait_and_certificates_ask_nobody() {
    let (sender, mut questions) = mpsc::channel(8);
    let acceptor = Acceptor::builder(identity("server"))
        .psk_fetch(move |identity| question(&sender, identity))
        .session(patient())
        .build()
        .unwrap();
    let mut server = serve(acceptor, Limits::default());
    let addr = server.addr;
    let waiting = tokio::spawn(
        connector("device", patient())
            .connect("localhost")
            .over(open(any(), addr)),
    );
    let (_, answer) = within(questions.recv()).await.unwrap();
    let certified = common::connector(patient());
    let client = within(certified.connect("localhost").over(open(any(), addr)))
        .await
        .unwrap();
    exchange(&server.next().await, &client).await;
    assert!(questions.try_recv().is_err() && !waiting.is_finished());
    answer.send(PskKey::new(KEY).ok()).unwrap();
    let client = within(waiting).await.unwrap().unwrap();
    exchange(&server.next().await, &client).await;
}

#[tokio::test]
async fn ones_own_key_is_no_key_of_anothers() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let acceptor = fetching({
        let asked = Arc::clone(&asked);
        move |identity| {
            let key = if identity == b"mallory" { KEY } else { [9; 16] };
            asked.lock().unwrap().push(identity);
            std::future::ready(Some(key))
        }
    });
    // A message that OpenSSL passes over asks for mallory's key before the genuine one.
    let identity = b"\0\x07mallory";
    let length = identity.len() as u8;
    let header = [22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 12 + length];
    let message = [16, 0, 0, length, 0, 9, 0, 0, 0, 0, 0, length];
    let forged = [&header[..], &message, identity].concat();
    let fate = Arc::new(Mutex::new(move |direction, _: usize, datagram: &[u8]| {
        let mut all = vec![datagram.to_vec()];
        if direction == Direction::ToServer && datagram[0] == 22 && datagram[13] == 16 {
            all.insert(0, forged.clone());
        }
        all
    }));
    let brief = SessionConfig::default().handshake_timeout(Duration::from_secs(1));
    let acceptor = acceptor.session(brief).build().unwrap();
    let (server, client) = pipe(fate);
    let client = tokio::spawn(
        connector("victim", patient())
            .connect("localhost")
            .over(client),
    );
    let failed = within(acceptor.accept(server)).await;
    assert!(
        matches!(failed, Err(HandshakeError::PskUnproven { .. })),
        "{failed:?}"
    );
    assert_eq!(*asked.lock().unwrap(), [b"mallory"]);
    client.abort();
}

type Question = (Vec<u8>, oneshot::Sender<Option<PskKey>>);

/// A server whose questions are answered by the test.
fn asking() -> (Acceptor, mpsc::Receiver<Question>) {
    let (sender, questions) = mpsc::channel(8);
    let acceptor = Acceptor::with_psk_fetch(move |identity| question(&sender, identity));
    (acceptor.session(patient()).build().unwrap(), questions)
}

fn question(
    sender: &mpsc::Sender<Question>,
    identity: Vec<u8>,
) -> impl Future<Output = Option<PskKey>> + Send + use<> {
    let (answer, answered) = oneshot::channel();
    sender.try_send((identity, answer)).unwrap();
    async move { answered.await.ok()? }
}

fn fetching<F>(fetch: impl Fn(Vec<u8>) -> F + Send + Sync + 'static) -> AcceptorBuilder
where
    F: Future<Output = Option<[u8; 16]>> + Send + 'static,
{
    Acceptor::with_psk_fetch(move |identity| {
        let fetched = fetch(identity);
        async move { PskKey::new(fetched.await?).ok() }
    })
}

fn connector(identity: &str, config: SessionConfig) -> Connector {
    let psk = Psk::new(identity, KEY).unwrap();
    Connector::with_psk(psk).session(config).build().unwrap()
}

/// Counted while it lives.
struct Alive(Arc<AtomicUsize>);

impl Alive {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
