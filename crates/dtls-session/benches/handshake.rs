//! What both halves of a handshake cost together, without I/O and cookie.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on stops")]

mod common;

use common::{acceptor, connector, handshake, runtime};
use criterion::{Criterion, criterion_group, criterion_main};

fn handshakes(criterion: &mut Criterion) {
    let runtime = runtime();
    let (acceptor, connector) = (acceptor(), connector());
    criterion.bench_function("handshake", |bench| {
        // The sessions' end is a part of it: their keepers notice, and go.
        bench.iter(|| {
            runtime.block_on(async {
                drop(handshake(&acceptor, &connector).await);
                tokio::task::yield_now().await;
            });
        });
    });
}

criterion_group!(benches, handshakes);
criterion_main!(benches);
