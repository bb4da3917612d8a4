//! What a datagram costs on its way through an endpoint, system calls on loopback included.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on stops")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use futures::{SinkExt, StreamExt};
use tokio::runtime::{Builder, Runtime};
use udp_demux::{Channel, Config, Endpoint};

/// There and back, with so many under way at a time.
fn echo(criterion: &mut Criterion) {
    let runtime = runtime();
    let mut group = criterion.benchmark_group("echo");
    for (window, size) in [(1, 64), (1, 1200), (32, 64), (32, 1200)] {
        let mut client = runtime.block_on(async {
            let server = endpoint();
            let client = endpoint().open(server.local_addr()).unwrap();
            tokio::spawn(serve(server));
            client
        });
        let request = bytes::Bytes::from(vec![0; size]);
        group.throughput(Throughput::Elements(window));
        let name = BenchmarkId::new(format!("{size} B"), format!("{window} under way"));
        group.bench_function(name, |bench| {
            bench.iter(|| {
                runtime.block_on(async {
                    for _ in 0..window {
                        client.feed(request.clone()).await.unwrap();
                    }
                    client.flush().await.unwrap();
                    for _ in 0..window {
                        client.next().await.unwrap().unwrap();
                    }
                });
            });
        });
    }
}

/// A stranger's datagram, answered without keeping anything of it.
fn stateless_reply(criterion: &mut Criterion) {
    let runtime = runtime();
    let mut client = runtime.block_on(async {
        let server = endpoint();
        let client = endpoint().open(server.local_addr()).unwrap();
        tokio::spawn(async move {
            while let Ok(incoming) = server.accept().await {
                let _ = incoming.reply(incoming.datagram());
            }
        });
        client
    });
    let mut buf = [0; 2048];
    criterion.bench_function("stateless reply", |bench| {
        bench.iter(|| {
            runtime.block_on(async {
                client.send(&[0; 64]).await.unwrap();
                client.recv(&mut buf).await.unwrap();
            });
        });
    });
}

/// The life of a channel of which nothing is asked.
fn open_and_drop(criterion: &mut Criterion) {
    let runtime = runtime();
    let endpoint = runtime.block_on(async { endpoint() });
    let peer = "127.0.0.1:9".parse().unwrap();
    criterion.bench_function("open and drop", |bench| {
        bench.iter(|| endpoint.open(peer).unwrap());
    });
}

async fn serve(endpoint: Endpoint) {
    while let Ok(incoming) = endpoint.accept().await {
        tokio::spawn(answer(incoming.accept().unwrap()));
    }
}

async fn answer(channel: Channel) {
    let (sink, stream) = channel.split();
    let _ = stream.forward(sink).await;
}

fn endpoint() -> Endpoint {
    Endpoint::bind("127.0.0.1:0".parse().unwrap(), Config::default()).unwrap()
}

/// All on one thread, so that it is work that is measured and not waiting for another.
fn runtime() -> Runtime {
    Builder::new_current_thread().enable_io().build().unwrap()
}

criterion_group!(benches, echo, stateless_reply, open_and_drop);
criterion_main!(benches);
