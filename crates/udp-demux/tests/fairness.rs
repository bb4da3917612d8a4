//! Who always has something to do lets others run.

#![allow(
    clippy::unwrap_used,
    reason = "a step that fails fails the test, in helpers too"
)]

mod common;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use common::{accepted, endpoint, peer, recv, soon, until};
use futures::StreamExt;
use tokio::{
    io::AsyncReadExt,
    runtime::{Builder, Runtime},
    task::yield_now,
};
use udp_demux::{Channel, Config};

/// How many datagrams wait: more than one turn of a task may take.
const MANY: usize = 1000;

#[test]
fn a_channel_with_many_datagrams_lets_others_run() {
    let receive = async |channel: &mut Channel| {
        channel.recv(&mut [0; 16]).await.unwrap();
    };
    others_run_beside(receive);
}

#[test]
fn a_stream_of_many_datagrams_lets_others_run() {
    others_run_beside(async |channel: &mut Channel| {
        channel.next().await.unwrap().unwrap();
    });
}

#[test]
fn a_reader_of_many_datagrams_lets_others_run() {
    others_run_beside(async |channel: &mut Channel| {
        assert_eq!(channel.read(&mut [0; 16]).await.unwrap(), 1);
    });
}

#[test]
fn an_acceptor_of_many_datagrams_lets_others_run() {
    runtime().block_on(async {
        let endpoint = endpoint(Config::default().backlog(MANY));
        let peer = peer().await;
        for count in 1..=MANY {
            peer.send_to(b"x", endpoint.local_addr()).await.unwrap();
            until(&endpoint, |stats| stats.received == count as u64).await;
        }
        let acceptor = async move {
            for _ in 0..MANY {
                drop(endpoint.accept().await.unwrap());
            }
        };
        assert_others_run_beside(acceptor).await;
    });
}

/// Empties a channel by `receive`.
fn others_run_beside(receive: impl AsyncFn(&mut Channel) + 'static) {
    runtime().block_on(async move {
        let endpoint = endpoint(Config::default().recv_queue(MANY));
        let (peer, mut channel) = accepted(&endpoint, b"hello").await;
        assert_eq!(recv(&mut channel).await, b"hello");
        for count in 1..=MANY {
            peer.send_to(b"x", endpoint.local_addr()).await.unwrap();
            until(&endpoint, |stats| stats.received == 1 + count as u64).await;
        }
        let reader = async move {
            for _ in 0..MANY {
                receive(&mut channel).await;
            }
        };
        assert_others_run_beside(reader).await;
    });
}

/// Runs `busy`, for which everything is there already, and asserts that another task gets turns.
async fn assert_others_run_beside(busy: impl Future<Output = ()>) {
    let turns = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&turns);
    let other = tokio::spawn(async move {
        loop {
            counter.fetch_add(1, Ordering::Relaxed);
            yield_now().await;
        }
    });
    let before = turns.load(Ordering::Relaxed);
    soon(busy).await;
    other.abort();
    let turns = turns.load(Ordering::Relaxed) - before;
    assert!(turns >= 2, "{turns} turns beside {MANY} datagrams");
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}
