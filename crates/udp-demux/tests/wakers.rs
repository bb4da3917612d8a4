//! A waker may do what it likes: it is called with no lock held.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    reason = "a step that fails fails the test, in helpers too"
)]

mod common;

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    task::{Context, Poll, Wake, Waker},
    thread,
    time::Duration,
};

use common::{endpoint, peer, until};
use nix::sys::socket::{setsockopt, sockopt::UdpGsoSegment};
use tokio::runtime::Builder;
use udp_demux::{Config, Endpoint};

#[test]
fn a_waker_may_use_the_endpoint() {
    let (done, patience) = mpsc::channel();
    // A lock that is held meanwhile would hold this thread for ever.
    thread::spawn(move || {
        wake_an_acceptor_from_another();
        done.send(()).unwrap();
    });
    patience
        .recv_timeout(Duration::from_secs(30))
        .expect("the waker is called with no lock held");
}

fn wake_an_acceptor_from_another() {
    struct Curious(Arc<Endpoint>, AtomicBool);
    impl Wake for Curious {
        fn wake(self: Arc<Self>) {
            self.0.channels();
            self.1.store(true, Ordering::Relaxed);
        }
    }
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let _guard = runtime.enter();
    let endpoint = Arc::new(endpoint(Config::default()));
    let curious = || Arc::new(Curious(Arc::clone(&endpoint), AtomicBool::new(false)));
    let (first, second) = (curious(), curious());
    let (first_waker, second_waker) = (Waker::from(first), Waker::from(Arc::clone(&second)));
    let (mut cx, mut second_cx) = (
        Context::from_waker(&first_waker),
        Context::from_waker(&second_waker),
    );
    let (mut accept, mut second_accept) = (pin!(endpoint.accept()), pin!(endpoint.accept()));
    assert!(accept.as_mut().poll(&mut cx).is_pending());
    assert!(second_accept.as_mut().poll(&mut second_cx).is_pending());
    runtime.block_on(async {
        let peer = peer().await;
        // Two datagrams that come as one run, for which one acceptor is told.
        setsockopt(&peer, UdpGsoSegment, &1).unwrap();
        peer.send_to(b"xy", endpoint.local_addr()).await.unwrap();
        until(&endpoint, |stats| stats.received == 2).await;
        assert_eq!(endpoint.stats().receive_calls, 1);
    });
    // The one that finds more than it takes wakes the other.
    assert!(!second.1.load(Ordering::Relaxed));
    assert!(matches!(accept.as_mut().poll(&mut cx), Poll::Ready(Ok(_))));
    assert!(second.1.load(Ordering::Relaxed));
    assert!(matches!(
        second_accept.as_mut().poll(&mut second_cx),
        Poll::Ready(Ok(_))
    ));
}
