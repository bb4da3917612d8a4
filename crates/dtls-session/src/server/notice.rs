//! What the listener tells a handshake that runs.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    task::{Context, Poll, Waker},
};

use futures::task::AtomicWaker;

/// Says that the handshake's place was given to another, and that its client has sent its hello
/// again, which comes to the listener.
#[derive(Debug, Default)]
pub(crate) struct Notice {
    evicted: AtomicBool,
    /// The highest record number of the hello's repeats.
    hello: AtomicU64,
    waker: AtomicWaker,
}

impl Notice {
    /// Returns whom to wake, once no lock is held.
    #[must_use]
    pub(crate) fn evict(&self) -> Option<Waker> {
        self.evicted.store(true, Ordering::Release);
        self.waker.take()
    }

    /// Returns whom to wake, once no lock is held.
    #[must_use]
    pub(crate) fn repeat_hello(&self, record: u64) -> Option<Waker> {
        self.hello.fetch_max(record, Ordering::Release);
        self.waker.take()
    }

    /// The record number of the hello's last repeat, or 0.
    pub(crate) fn hello(&self) -> u64 {
        self.hello.load(Ordering::Acquire)
    }

    /// Waits for an eviction; wakes also for a hello.
    pub(crate) fn poll_evicted(&self, cx: &Context<'_>) -> Poll<()> {
        // Registered first, so that an eviction between the two is not missed.
        self.waker.register(cx.waker());
        if self.evicted.load(Ordering::Acquire) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}
