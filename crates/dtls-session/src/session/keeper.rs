//! The task that goes on polling a session while the application does not.
//!
//! A peer whose last handshake flight got no answer repeats it, and only a read repeats the
//! answer; a close_notify is noticed by reading; a silent peer is noticed by a clock. While a
//! task of the application waits to receive, it does that reading itself. The keeper then only
//! looks in at intervals, as long as anything happens, and costs nothing when nothing does.

use std::{
    future::Future,
    pin::Pin,
    sync::Weak,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep};

use crate::session::shared::Shared;

pub(crate) struct Keeper {
    session: Weak<Shared>,
    idle_timeout: Option<Duration>,
    signs_of_life: u64,
    last_sign: Instant,
    timer: Pin<Box<Sleep>>,
}

impl Keeper {
    pub(crate) fn new(session: Weak<Shared>, idle_timeout: Option<Duration>) -> Self {
        Self {
            session,
            idle_timeout,
            signs_of_life: 0,
            last_sign: Instant::now(),
            timer: Box::pin(sleep(INTERVAL)),
        }
    }

    /// How long to leave alone a session in which something happens.
    fn interval(&self) -> Duration {
        // Data tells that the peer has the last flight: then nothing is urgent any more.
        if self.signs_of_life == 0 {
            return INTERVAL;
        }
        let precise = self.idle_timeout.map(|idle| idle / IDLE_PARTS);
        precise.map_or(LATER_INTERVAL, |precise| precise.min(LATER_INTERVAL))
    }
}

impl Future for Keeper {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let Some(session) = this.session.upgrade() else {
            return Poll::Ready(());
        };
        let mut core = session.lock();
        // Before anything is polled: what wakes the keeper from within must find it.
        session.waiters.keeper(cx.waker(), false);
        let news = session.waiters.is_stirred() && {
            session.waiters.settle();
            core.keep(&mut session.context())
        };
        let active = core.signs_of_life() != this.signs_of_life;
        if active {
            this.signs_of_life = core.signs_of_life();
            this.last_sign = Instant::now();
        }
        if let Some(idle) = this.idle_timeout
            && this.last_sign.elapsed() >= idle
        {
            core.expire(idle);
        }
        let over = core.is_over();
        // Registered under the lock, so that what a receiver leaves behind is not missed.
        session.waiters.keeper(cx.waker(), active);
        drop(core);
        if over {
            session.waiters.wake_all();
            return Poll::Ready(());
        }
        if news {
            session.waiters.wake_receivers();
        }
        let idle_at = this.idle_timeout.map(|idle| this.last_sign + idle);
        let next = active.then(|| Instant::now() + this.interval());
        let Some(wake_at) = [idle_at, next].into_iter().flatten().min() else {
            return Poll::Pending;
        };
        this.timer.as_mut().reset(wake_at);
        if this.timer.as_mut().poll(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

const INTERVAL: Duration = Duration::from_millis(200);
const LATER_INTERVAL: Duration = Duration::from_secs(5);

/// An idle session ends late by at most one of so many parts of its timeout.
const IDLE_PARTS: u32 = 8;
