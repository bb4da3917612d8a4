use std::{
    sync::atomic::{AtomicBool, Ordering::AcqRel, Ordering::Acquire, Ordering::Release},
    task::{Context, Poll},
};

use futures::task::AtomicWaker;

/// Calls the driver, which polls it each time before it sleeps.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    driver: AtomicWaker,
    stirred: AtomicBool,
    abandoned: AtomicBool,
}

impl Bell {
    /// There is something to send.
    pub(crate) fn stir(&self) {
        self.stirred.store(true, Release);
        self.driver.wake();
    }

    /// The last handle has gone.
    pub(crate) fn abandon(&self) {
        self.abandoned.store(true, Release);
        self.driver.wake();
    }

    pub(crate) fn is_abandoned(&self) -> bool {
        self.abandoned.load(Acquire)
    }

    /// Waits for either.
    pub(crate) fn poll_rung(&self, cx: &Context<'_>) -> Poll<()> {
        // Before looking: who rings in between is heard.
        self.driver.register(cx.waker());
        if self.stirred.load(Acquire) && self.stirred.swap(false, AcqRel) || self.is_abandoned() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}
