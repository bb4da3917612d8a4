//! What a reply costs, alone and in the loop that serves a peer.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on stops")]

use std::{
    convert::Infallible,
    hint::black_box,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use futures::{FutureExt, Sink, Stream};

fn reply(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("reply");
    for (name, request) in requests() {
        group.throughput(Throughput::Bytes(request.len() as u64));
        group.bench_with_input(
            BenchmarkId::from_parameter(name),
            &request,
            |bench, request| {
                bench.iter(|| echo_codec::reply(request.clone(), MAX).for_each(drop_it));
            },
        );
    }
}

fn serve(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("serve");
    for (name, request) in requests() {
        group.throughput(Throughput::Elements(1));
        group.bench_with_input(
            BenchmarkId::from_parameter(name),
            &request,
            |bench, request| {
                bench.iter_custom(|requests| {
                    let peer = Peer {
                        request: request.clone(),
                        left: requests,
                    };
                    let start = tokio::time::Instant::now();
                    let mut serving = echo_codec::serve(peer, |_| MAX);
                    // It pauses now and then to let others run; there are none.
                    let summary = loop {
                        if let Some(served) = (&mut serving).now_or_never() {
                            break served.unwrap();
                        }
                    };
                    let elapsed = start.elapsed();
                    assert_eq!(summary.requests, requests);
                    elapsed
                });
            },
        );
    }
}

fn requests() -> [(&'static str, Bytes); 3] {
    let line = |length: usize| [&vec![b'x'; length - 1][..], b"\n"].concat();
    [
        ("a line of 64 B", line(64).into()),
        ("a line of 1200 B", line(1200).into()),
        ("8 lines of 64 B", line(64).repeat(8).into()),
    ]
}

fn drop_it(reply: Bytes) {
    drop(black_box(reply));
}

/// Asks the same so many times, and drops the replies.
struct Peer {
    request: Bytes,
    left: u64,
}

impl Stream for Peer {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(left) = self.left.checked_sub(1) else {
            return Poll::Ready(None);
        };
        self.left = left;
        Poll::Ready(Some(Ok(self.request.clone())))
    }
}

impl Sink<Bytes> for Peer {
    type Error = Infallible;

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(self: Pin<&mut Self>, reply: Bytes) -> Result<(), Infallible> {
        drop_it(reply);
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }
}

/// What a session's datagram carries by default.
const MAX: usize = 1313;

criterion_group!(benches, reply, serve);
criterion_main!(benches);
