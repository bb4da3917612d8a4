//! Handshakes and data over a wire that loses, doubles and swaps, under numbers and nonces of which none is
//! used twice.
//!
//! `HANDSHAKES=20000 SEED=7 LOST=20` makes more of them, others, and loses so many in a hundred.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../common/mod.rs"]
mod common;
mod wire;

use std::{
    collections::{HashSet, VecDeque},
    env,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use common::*;
use dtls_session::{
    Acceptor, Connector, HandshakeError, Limits, Listener, Preferences,
    RecordProtection::{self, OpenSsl, Own},
    Resumption, SessionConfig,
};
use futures::{StreamExt, stream};
use tokio::{net::UdpSocket, time::timeout};
use wire::{BadPipe, Random, Sum, Wire};

const SUITES: [&str; 3] = [
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-CCM",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_handshake_is_stuck_and_no_number_is_used_twice() {
    let number = |name, default| env::var(name).map_or(default, |text| text.parse().unwrap());
    let (handshakes, seed) = (number("HANDSHAKES", 1000_u64), number("SEED", 1));
    let lost = number("LOST", 30);
    let mut pairs = Vec::new();
    for suite in SUITES {
        for whose in [[Own, Own], [Own, OpenSsl], [OpenSsl, Own]] {
            pairs.push(Pair::new(suite, whose).await);
        }
    }
    let pairs = &pairs;
    let sum = stream::iter(0..handshakes)
        .map(|number| async move {
            let pair = &pairs[number as usize % pairs.len()];
            within(pair.over_a_bad_wire(Random(seed << 32 | number), lost)).await
        })
        .buffer_unordered(AT_ONCE)
        .fold(Sum::default(), |sum, one| async move { sum.and(one) })
        .await;
    eprintln!("seed {seed}, {handshakes} handshakes: {sum:?}");
    // The wire was as bad as it should be, and what was to be looked at was there.
    assert!(
        sum.lost > handshakes * lost / 10
            && sum.doubled > handshakes
            && sum.swapped > handshakes / 2
    );
    assert!(sum.protected > 10 * handshakes && sum.resumed > handshakes / 4);
    assert!(sum.restarted + sum.given_up < handshakes / 20);
}

const AT_ONCE: usize = 100;

/// A server and a client of one kind, which have met before.
struct Pair {
    server: SocketAddr,
    given_up: GivenUp,
    connector: Connector,
    ticket: Resumption,
}

impl Pair {
    async fn new(suite: &str, whose: [RecordProtection; 2]) -> Self {
        // Timers that are short, because much is lost.
        let [server, client] = whose.map(|whose| {
            SessionConfig::default()
                .record_protection(whose)
                .handshake_timeout(Duration::from_secs(100))
                .initial_rto(Duration::from_millis(50))
                .rto_bounds(Duration::from_millis(50), Duration::from_millis(400))
        });
        let preferences = || Preferences::default().cipher_suites(suite);
        let acceptor = Acceptor::builder(identity("server"))
            .session(server)
            .preferences(preferences());
        let connector = Connector::builder(roots())
            .session(client)
            .preferences(preferences());
        let listener = Listener::bind(any(), acceptor.build().unwrap(), Limits::default());
        let listener = Arc::new(listener.unwrap());
        let given_up = GivenUp::default();
        tokio::spawn(serve(Arc::clone(&listener), Arc::clone(&given_up)));
        let (server, connector) = (listener.local_addr(), connector.build().unwrap());
        let connecting = connector.connect("localhost").over(open(any(), server));
        let ticket = within(connecting).await.unwrap().resumption().unwrap();
        Self {
            server,
            given_up,
            connector,
            ticket,
        }
    }

    async fn over_a_bad_wire(&self, mut random: Random, lost: u64) -> Sum {
        let resumes = random.one_in(2);
        let socket = UdpSocket::bind(any()).await.unwrap();
        let local = socket.local_addr().unwrap();
        socket.connect(self.server).await.unwrap();
        let wire = Arc::new(Mutex::new(Wire::new(random, lost)));
        let pipe = BadPipe {
            socket,
            wire: Arc::clone(&wire),
            come: VecDeque::new(),
        };
        let connecting = self.connector.connect("localhost");
        let connecting = if resumes {
            connecting.resume_from(&self.ticket)
        } else {
            connecting
        };
        let pipe = dtls_session::Pipe::from_io(pipe);
        let client = connecting.over(pipe).await.unwrap();
        let (mut replies, mut given_up, mut buf) = (0, false, [0; 16]);
        for number in 0_u64.. {
            client.send(&number.to_be_bytes()).await.unwrap();
            let pause = timeout(Duration::from_millis(50), client.recv(&mut buf));
            if let Ok(received) = pause.await {
                assert_eq!(received.unwrap(), Some(8));
                replies += u32::from(buf[..8] != OURS);
            }
            given_up = self.given_up.lock().unwrap().contains(&local);
            if replies >= ENOUGH || given_up {
                break;
            }
        }
        client.close();
        let (stats, wire) = (client.stats(), wire.lock().unwrap());
        let restarted = wire.hellos.len() > 1;
        if !restarted {
            assert_eq!((stats.forged, stats.unproven_keys), (0, 0));
            assert_eq!(wire.faults, [""; 0]);
        }
        Sum {
            restarted: restarted.into(),
            given_up: given_up.into(),
            resumed: client.info().resumed.into(),
            ..wire.sum
        }
    }
}

/// The clients whose handshakes ended so.
type GivenUp = Arc<Mutex<HashSet<SocketAddr>>>;

/// Echoes, and sends some of its own as soon as it can: the client may not have its keys yet.
async fn serve(listener: Arc<Listener>, given_up: GivenUp) {
    loop {
        let handshake = listener.accept().await.unwrap();
        let given_up = Arc::clone(&given_up);
        tokio::spawn(async move {
            let peer = handshake.peer_addr();
            let session = handshake.await.inspect_err(|error| {
                if let HandshakeError::TimedOut { .. } = error {
                    given_up.lock().unwrap().insert(peer);
                }
            })?;
            for _ in 0..ENOUGH {
                session.send(&OURS).await?;
            }
            let mut buf = [0; 16];
            while let Some(length) = session.recv(&mut buf).await? {
                session.send(&buf[..length]).await?;
            }
            anyhow::Ok(())
        });
    }
}

const OURS: [u8; 8] = [0xff; 8];
const ENOUGH: u32 = 5;
