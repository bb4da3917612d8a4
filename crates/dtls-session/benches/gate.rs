//! What a flood of hellos costs: the cookie exchange without its I/O.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on stops")]

mod common;

use std::{hint::black_box, net::SocketAddr};

use common::{connector, pipe, runtime};
use criterion::{Criterion, criterion_group, criterion_main};
use dtls_session::{CookieGate, Verdict};
use futures::FutureExt;
use tokio::io::AsyncWriteExt;

fn gate(criterion: &mut Criterion) {
    let gate = CookieGate::new().unwrap();
    let peer = "192.0.2.7:4433".parse().unwrap();
    let (first, second) = hellos(&gate, peer);
    let mut group = criterion.benchmark_group("gate");
    group.bench_function("first hello", |bench| {
        bench.iter(|| gate.check(peer, black_box(&first)));
    });
    // A cookie is good for a minute, which is longer than this takes.
    assert!(matches!(gate.check(peer, &second), Verdict::Verified(_)));
    group.bench_function("hello with cookie", |bench| {
        bench.iter(|| gate.check(peer, black_box(&second)));
    });
    assert!(matches!(gate.check(peer, &second), Verdict::Verified(_)));
    let mut forged = second;
    // Of the cookie: a record's header, a message's, the version, the random, no session ID.
    forged[13 + 12 + 2 + 32 + 1 + 10] ^= 1;
    assert!(matches!(gate.check(peer, &forged), Verdict::Challenge(_)));
    group.bench_function("hello with forged cookie", |bench| {
        bench.iter(|| gate.check(peer, black_box(&forged)));
    });
    let junk = vec![0x17; first.len()];
    group.bench_function("no hello", |bench| {
        bench.iter(|| gate.check(peer, black_box(&junk)));
    });
}

/// The two that our client would send.
fn hellos(gate: &CookieGate, peer: SocketAddr) -> (Vec<u8>, Vec<u8>) {
    runtime().block_on(async {
        let (mut server, client) = pipe();
        let mut client = connector().connect("localhost").over(client);
        assert!((&mut client).now_or_never().is_none());
        let first = server.take().remove(0);
        let Verdict::Challenge(request) = gate.check(peer, &first) else {
            panic!("a first hello has no cookie");
        };
        server.write_all(request.as_ref()).await.unwrap();
        assert!((&mut client).now_or_never().is_none());
        (first, server.take().remove(0))
    })
}

criterion_group!(benches, gate);
criterion_main!(benches);
