//! What a datagram costs in a session, OpenSSL included, without I/O.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on stops")]

mod common;

use std::time::Duration;

use common::{acceptor, connector, handshake, runtime};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use dtls_session::Session;
use futures::FutureExt;
use tokio::time::Instant;

/// Plaintext to a datagram in the pipe.
fn seal(criterion: &mut Criterion) {
    measure(criterion, "seal", |pair, size, datagrams| {
        let plaintext = vec![0; size];
        let start = Instant::now();
        for _ in 0..datagrams {
            pair.client
                .send(&plaintext)
                .now_or_never()
                .unwrap()
                .unwrap();
        }
        let elapsed = start.elapsed();
        pair.receive(datagrams);
        elapsed
    });
}

/// A datagram in the pipe to plaintext.
fn open(criterion: &mut Criterion) {
    measure(criterion, "open", |pair, size, datagrams| {
        let plaintext = vec![0; size];
        for _ in 0..datagrams {
            pair.client
                .send(&plaintext)
                .now_or_never()
                .unwrap()
                .unwrap();
        }
        let start = Instant::now();
        pair.receive(datagrams);
        start.elapsed()
    });
}

fn measure(criterion: &mut Criterion, name: &str, work: impl Fn(&Pair, usize, u64) -> Duration) {
    let runtime = runtime();
    // Sessions are polled from here only: the runtime has no turn, so their keepers do nothing.
    let pair = runtime.block_on(Pair::new());
    let _guard = runtime.enter();
    let mut group = criterion.benchmark_group(name);
    for size in [64, 1200] {
        group.throughput(Throughput::Bytes(size as u64));
        let name = BenchmarkId::from_parameter(format!("{size} B"));
        group.bench_function(name, |bench| {
            bench.iter_custom(|datagrams| {
                let batches = (0..datagrams.div_ceil(BATCH)).map(|batch| {
                    let left = datagrams - batch * BATCH;
                    work(&pair, size, left.min(BATCH))
                });
                batches.sum()
            });
        });
    }
}

struct Pair {
    server: Session,
    client: Session,
}

impl Pair {
    async fn new() -> Self {
        let (server, client) = handshake(&acceptor(), &connector()).await;
        Self { server, client }
    }

    fn receive(&self, datagrams: u64) {
        let mut buf = [0; 2048];
        for _ in 0..datagrams {
            let received = self.server.recv(&mut buf).now_or_never();
            assert!(received.unwrap().unwrap().is_some());
        }
    }
}

/// What may wait in the pipe; little enough to stay in the cache.
const BATCH: u64 = 64;

criterion_group!(benches, seal, open);
criterion_main!(benches);
