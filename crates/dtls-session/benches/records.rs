//! What a record costs, sealed and opened: by OpenSSL's `SSL`, and by this crate's own records with a
//! context of OpenSSL's that stays keyed, and without one.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on stops")]

#[path = "common/ssl.rs"]
mod ssl;

use std::{
    io::{Read, Write},
    time::Duration,
};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dtls_session::internals::Direction;
use dtls_wire::CipherSuite;

fn records(criterion: &mut Criterion) {
    for (name, openssl, number) in SUITES {
        for size in [64, 1200] {
            let content = vec![7; size];
            let mut out = vec![0; 2048];
            let mut group = criterion.benchmark_group(format!("record {name} {size} B"));
            // CCM's key may not seal more.
            group.warm_up_time(Duration::from_secs(1));
            group.measurement_time(Duration::from_secs(2));
            group.throughput(Throughput::Bytes(size as u64));
            let [mut client, mut server] = ssl::pair(openssl);
            group.bench_function("SSL_write, SSL_read", |bench| {
                bench.iter(|| {
                    client.write_all(&content).unwrap();
                    assert_eq!(server.read(&mut out).unwrap(), size);
                });
            });
            for (name, warm) in [("keyed", true), ("re-keyed", false)] {
                let mut direction = Direction::new(number.number(), &[], 0).unwrap();
                if warm {
                    direction.warm();
                }
                let mut datagram = Vec::with_capacity(2048);
                group.bench_function(name, |bench| {
                    bench.iter(|| {
                        datagram.clear();
                        direction.seal(23, &content, &mut datagram);
                        let opened = direction.open(&datagram, &mut out);
                        assert_eq!(opened.unwrap().1, size);
                    });
                });
            }
            group.finish();
        }
    }
}

const SUITES: [(&str, &str, CipherSuite); 3] = [
    (
        "AES-128-GCM",
        "PSK-AES128-GCM-SHA256",
        CipherSuite::TLS_PSK_WITH_AES_128_GCM_SHA256,
    ),
    (
        "AES-128-CCM",
        "PSK-AES128-CCM",
        CipherSuite::TLS_PSK_WITH_AES_128_CCM,
    ),
    (
        "ChaCha20-Poly1305",
        "PSK-CHACHA20-POLY1305",
        CipherSuite::TLS_PSK_WITH_CHACHA20_POLY1305_SHA256,
    ),
];

criterion_group!(benches, records);
criterion_main!(benches);
