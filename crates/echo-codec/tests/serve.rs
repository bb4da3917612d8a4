//! `serve` over a pipe in memory.

mod pipe;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use bytes::Bytes;
use echo_codec::{ServeError, Summary, serve};
use futures::{FutureExt, SinkExt, StreamExt};
use pipe::{Broken, Pipe, pipe};

#[test]
fn a_burst_is_answered_in_one_turn_and_flushed_once() {
    let (mut io, mut remote) = pipe(8);
    let mut serving = serve(&mut io, MAX);
    remote.send_all(["one\n", "two\nthree\n", ""]);
    assert!(poll(&mut serving).is_pending());
    assert_eq!(counts(serving.summary()), (3, 2, 14, 32));
    // Nothing was sent since, so there is nothing to flush.
    assert!(poll(&mut serving).is_pending());
    drop(serving);
    assert_eq!(io.flushes, 1);
    assert_eq!(
        remote.received(),
        ["Echo: one\n", "Echo: two\nEcho: three\n"]
    );
}

#[test]
fn no_request_is_read_while_a_reply_waits() {
    let (mut io, mut remote) = pipe(1);
    let mut serving = serve(&mut io, MAX);
    remote.send_all(["1\n", "2\n", "3\n", "4\n", "5\n"]);
    assert!(poll(&mut serving).is_pending());
    let before = serving.summary();
    assert_eq!(before.requests, before.replies + 1);
    assert!(before.requests < 5);

    assert!(remote.replies.next().now_or_never().is_some());
    assert!(poll(&mut serving).is_pending());
    assert_eq!(serving.summary().requests, before.requests + 1);
    assert_eq!(serving.summary().replies, before.replies + 1);
}

#[test]
fn the_maximum_is_asked_for_each_reply_datagram() {
    let (mut io, mut remote) = pipe(8);
    let mut maxima = [30, 5, 100].into_iter();
    let mut serving = serve(&mut io, |_| maxima.next().expect("three datagrams suffice"));
    remote.send_all(["one\ntwo\nthree\nfour\nfive\n"]);
    assert!(poll(&mut serving).is_pending());
    drop(serving);
    assert_eq!(
        remote.received(),
        [
            "Echo: one\nEcho: two\n",
            "Echo:",
            " three\nEcho: four\nEcho: five\n"
        ]
    );
}

#[test]
fn a_flood_is_flushed_and_interrupted() {
    let (mut io, mut remote) = pipe(100);
    remote.send_all(["x\n"; 40]);
    let mut serving = serve(&mut io, MAX);
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&wakes));
    let mut cx = Context::from_waker(&waker);

    assert!(serving.poll_unpin(&mut cx).is_pending());
    assert_eq!(serving.summary().replies, 32);
    assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
    assert!(serving.poll_unpin(&mut cx).is_pending());
    assert_eq!(serving.summary().replies, 40);
    assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
    drop(serving);
    assert_eq!(io.flushes, 2);
}

#[test]
fn the_end_waits_for_the_flush_and_leaves_the_sink_open() {
    let (mut io, mut remote) = pipe(8);
    io.flush_blocked = true;
    remote.send_all(["bye\n"]);
    remote.requests.close_channel();
    assert!(poll(&mut serve(&mut io, MAX)).is_pending());

    let (mut io, mut remote) = pipe(8);
    remote.send_all(["bye\n"]);
    remote.requests.close_channel();
    let Poll::Ready(Ok(summary)) = poll(&mut serve(&mut io, MAX)) else {
        panic!("the stream ended");
    };
    assert_eq!(counts(summary), (1, 1, 4, 10));
    assert_eq!(io.flushes, 1);
    assert!(io.send("still open".into()).now_or_never().is_some());
    assert_eq!(remote.received(), ["Echo: bye\n", "still open"]);
}

#[test]
fn a_receive_error_leaves_the_summary() {
    let (mut io, mut remote) = pipe(8);
    let mut serving = serve(&mut io, MAX);
    remote.send_all(["one\n"]);
    remote.request(Err(Broken("in")));
    remote.send_all(["two\n"]);
    assert_eq!(
        poll(&mut serving),
        Poll::Ready(Err(ServeError::Recv(Broken("in"))))
    );
    assert_eq!(counts(serving.summary()), (1, 1, 4, 10));
    // The pipe goes on, and so does the future.
    assert!(poll(&mut serving).is_pending());
    assert_eq!(serving.summary().replies, 2);
}

#[test]
fn a_send_error_loses_only_its_datagram() {
    let (mut io, mut remote) = pipe(8);
    io.refuse = Some(Bytes::from("Echo: one\n"));
    let mut serving = serve(&mut io, |_| 10);
    remote.send_all(["one\ntwo\n"]);
    assert_eq!(
        poll(&mut serving),
        Poll::Ready(Err(ServeError::Send(Broken("out"))))
    );
    assert_eq!(serving.summary().replies, 0);
    assert!(poll(&mut serving).is_pending());
    assert_eq!(counts(serving.summary()), (1, 1, 8, 10));
    assert_eq!(remote.received(), ["Echo: two\n"]);
}

#[test]
fn an_error_names_its_layer_only() {
    use std::error::Error;
    let error = ServeError::Recv(Broken("in"));
    assert_eq!(error.to_string(), "cannot receive a request");
    assert_eq!(
        error.source().map(ToString::to_string).as_deref(),
        Some("in is broken")
    );
}

#[tokio::test]
async fn a_conversation_runs_to_its_end() {
    let (io, mut remote) = pipe(1);
    let peer = async {
        for number in 0..100 {
            remote.send_all([format!("{number}\n")]);
            let reply = remote.replies.next().await;
            assert_eq!(
                reply.expect("the server lives"),
                format!("Echo: {number}\n")
            );
        }
        remote.requests.close_channel();
    };
    let (summary, ()) = tokio::join!(serve(io, |_| 1200), peer);
    assert_eq!(summary.expect("the pipe holds").replies, 100);
}

const MAX: fn(&&mut Pipe) -> usize = |_| 1200;

fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    future.poll_unpin(&mut Context::from_waker(Waker::noop()))
}

fn counts(summary: Summary) -> (u64, u64, u64, u64) {
    let Summary {
        requests,
        replies,
        request_bytes,
        reply_bytes,
        ..
    } = summary;
    (requests, replies, request_bytes, reply_bytes)
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}
