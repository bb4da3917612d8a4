//! A last flight that is lost, while the side that has sent it already sends data.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::sync::{Arc, Mutex};

use common::*;
use dtls_session::{
    RecordProtection::{self, OpenSsl, Own},
    Session, SessionConfig,
};
use dtls_wire::{AnyRecord, ContentType, Record, records};
use futures::future::join_all;

/// What a receiver keeps of data that comes before it has the keys.
const EARLY: usize = 8;

#[tokio::test]
async fn it_is_sent_again_under_new_numbers_to_whoever_repeats_the_one_before() {
    let mut cases = Vec::new();
    for whose in [[Own, Own], [Own, OpenSsl], [OpenSsl, Own]] {
        for resumed in [false, true] {
            for sent in [0, 10, 100] {
                cases.extend([1, 3].map(|losses| {
                    let case = Case {
                        whose,
                        resumed,
                        sent,
                        losses,
                    };
                    case.check()
                }));
            }
        }
    }
    join_all(cases).await;
}

#[derive(Clone, Copy, Debug)]
struct Case {
    /// The server's, and the client's.
    whose: [RecordProtection; 2],
    resumed: bool,
    /// How many records of data are sent before the flight is answered.
    sent: usize,
    /// How often the flight is lost.
    losses: usize,
}

impl Case {
    async fn check(self) {
        // Timers that are short, and data in datagrams of their own.
        let config = |whose| {
            let least = SessionConfig::default().record_protection(whose);
            let quick = std::time::Duration::from_millis(100);
            least
                .handshake_timeout(std::time::Duration::from_secs(60))
                .initial_rto(quick)
                .rto_bounds(quick, 4 * quick)
        };
        let acceptor = acceptor(config(self.whose[0]));
        let connector = connector(config(self.whose[1]));
        let ticket = if self.resumed {
            let (_, client) = sessions(&acceptor, &connector, pipe(lossless())).await;
            client.resumption()
        } else {
            None
        };
        let wire = Wire::default();
        let (server, client) = pipe(wire.fate(self));
        let connecting = connector.connect("localhost");
        let connecting = match &ticket {
            Some(ticket) => connecting.resume_from(ticket),
            None => connecting,
        };
        let accepting = tokio::spawn(acceptor.accept(server));
        let connecting = tokio::spawn(connecting.over(client));
        // Who sends the last flight is ready first.
        let (first, second) = if self.resumed {
            let client = within(connecting).await.unwrap().unwrap();
            let sent = self.send(&client, &wire).await;
            (client, (sent, within(accepting).await.unwrap().unwrap()))
        } else {
            let server = within(accepting).await.unwrap().unwrap();
            let sent = self.send(&server, &wire).await;
            (server, (sent, within(connecting).await.unwrap().unwrap()))
        };
        let (sent, second) = second;
        assert_eq!(first.info().resumed, self.resumed);
        // What is kept counts from the first, and OpenSSL's window of 64 has passed it by then.
        let receiver = second.info().record_protection;
        let kept = if receiver == Own || sent < 64 {
            sent.min(EARLY)
        } else {
            0
        };
        for number in 0..kept {
            let received = within(second.recv_bytes()).await.unwrap().unwrap();
            assert_eq!(received, [number as u8; 5][..], "{self:?}");
        }
        echo_once(&first, &second).await;
        wire.check(self);
        if first.info().record_protection == Own {
            let answered = first.stats().repeats_answered;
            assert!(answered >= self.losses as u64, "{self:?}: {answered}");
        }
    }

    /// Sends while the flight is lost, and lets it through then.
    async fn send(self, session: &Session, wire: &Wire) -> usize {
        for number in 0..self.sent {
            session.send(&[number as u8; 5]).await.unwrap();
        }
        wire.0.lock().unwrap().open = true;
        self.sent
    }
}

/// What has left the side that sends the last flight.
#[derive(Clone, Default)]
struct Wire(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    /// Whether the data has been sent.
    open: bool,
    lost: usize,
    /// Number and explicit nonce of each Finished.
    finished: Vec<(u64, Vec<u8>)>,
    /// The same of all protected records.
    all: Vec<(u64, Vec<u8>)>,
    /// The numbers in epoch 0.
    plain: Vec<u64>,
}

impl Wire {
    fn fate(&self, case: Case) -> Fate {
        let seen = Arc::clone(&self.0);
        let last = if case.resumed {
            Direction::ToServer
        } else {
            Direction::ToClient
        };
        Arc::new(Mutex::new(
            move |towards: Direction, _: usize, datagram: &[u8]| {
                if towards != last {
                    return vec![datagram.to_vec()];
                }
                let mut seen = seen.lock().unwrap();
                let mut kept = Vec::new();
                let all: Vec<_> = records(datagram)
                    .map(|record| full(record.unwrap()))
                    .collect();
                let finished = |record: &Record<'_>| {
                    (record.epoch, record.content_type) == (1, ContentType::HANDSHAKE)
                };
                for record in &all {
                    if record.epoch == 0 {
                        seen.plain.push(record.sequence);
                        continue;
                    }
                    let entry = (record.sequence, record.body[..8].to_vec());
                    if finished(record) {
                        seen.finished.push(entry.clone());
                    }
                    seen.all.push(entry);
                }
                if all.iter().any(finished) && (!seen.open || seen.lost < case.losses) {
                    seen.lost += 1;
                } else {
                    kept.push(datagram.to_vec());
                }
                kept
            },
        ))
    }

    fn check(&self, case: Case) {
        let seen = self.0.lock().unwrap();
        assert!(
            seen.lost >= case.losses && seen.finished.len() > case.losses,
            "{case:?}"
        );
        // OpenSSL's own repeats during its handshake may be the same bytes.
        let own = case.whose[usize::from(case.resumed)] == Own;
        if own {
            assert!(is_unique(&seen.all), "{case:?}: {:?}", seen.finished);
            assert!(is_unique(&seen.plain), "{case:?}: {:?}", seen.plain);
            let last = seen.finished.last().unwrap();
            assert!(last.0 > case.sent as u64, "{case:?}: {:?}", seen.finished);
            // One series of nonces.
            let base = |(number, nonce): &(u64, Vec<u8>)| {
                let nonce = nonce[..].try_into().unwrap();
                u64::from_be_bytes(nonce).wrapping_sub(*number)
            };
            let first = base(&seen.all[0]);
            assert!(seen.all.iter().all(|entry| base(entry) == first));
        }
    }
}

fn full(record: AnyRecord<'_>) -> Record<'_> {
    match record {
        AnyRecord::Full(record) => record,
        AnyRecord::Unified(record) => panic!("{record:?}"),
    }
}

fn is_unique<T: PartialEq>(all: &[T]) -> bool {
    let mut before = all.iter().enumerate();
    before.all(|(place, one)| !all[..place].contains(one))
}
