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

use crate::{
    error::ClosedBy,
    session::{core::Core, shared::Shared},
};

pub(crate) struct Keeper {
    session: Weak<Shared>,
    idle_timeout: Option<Duration>,
    signs_of_life: u64,
    last_sign: Instant,
    /// When a peer that seems silent is given up.
    doubt: Option<Instant>,
    /// When the session last let go of what only a busy one needs, or was busy.
    rested: Instant,
    timer: Pin<Box<Sleep>>,
}

impl Keeper {
    pub(crate) fn new(session: Weak<Shared>, idle_timeout: Option<Duration>) -> Self {
        Self {
            session,
            idle_timeout,
            signs_of_life: 0,
            last_sign: Instant::now(),
            doubt: None,
            rested: Instant::now(),
            timer: Box::pin(sleep(INTERVAL)),
        }
    }

    /// Returns whether anything has happened since it was asked before.
    fn observe(&mut self, core: &Core) -> bool {
        // Who has datagrams to read is not kept waiting by a silent peer.
        let active = core.signs_of_life() != self.signs_of_life || core.is_full();
        if active {
            self.signs_of_life = core.signs_of_life();
            self.last_sign = Instant::now();
            self.doubt = None;
        }
        active
    }

    /// Lets the session rest, but for one that is busy.
    fn rest(&mut self, core: &mut Core) {
        let now = Instant::now();
        if now.duration_since(self.rested) >= LATER_INTERVAL {
            self.rested = now;
            core.records.rest();
        }
    }

    /// Ends a session whose peer is silent, or does not answer a close_notify.
    ///
    /// After a pause of this process a clock says that a peer was silent, while its datagrams
    /// still wait in the socket: so the clock has to say it twice, with time between to fetch
    /// them.
    fn expire(&mut self, core: &mut Core) {
        let now = Instant::now();
        if let Some(closed) = core.closed_at()
            && now.duration_since(closed) >= CLOSE_WAIT
        {
            core.end(ClosedBy::Us);
        }
        let Some(idle) = self.idle_timeout else {
            return;
        };
        if now.duration_since(self.last_sign) < idle {
            return;
        }
        let grace = (idle / IDLE_PARTS).clamp(MIN_GRACE, MAX_GRACE);
        let doubt = *self.doubt.get_or_insert(now + grace);
        if now >= doubt {
            core.end(ClosedBy::Idle(idle));
        }
    }

    /// When to look again, whatever happens.
    fn next_look(&self, core: &Core, active: bool) -> Option<Instant> {
        let idle = self.idle_timeout.and_then(|idle| {
            // A time that no clock reaches is never.
            self.last_sign.checked_add(idle)
        });
        let closing = core.closed_at().map(|closed| closed + CLOSE_WAIT);
        let soon = active.then(|| Instant::now() + self.interval());
        [self.doubt.or(idle), closing, soon]
            .into_iter()
            .flatten()
            .min()
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
        let mut cx_below = session.context();
        let news = session.waiters.is_stirred() && {
            session.waiters.settle();
            let _ = core.poll_drain(&mut cx_below);
            core.keep(&mut cx_below)
        };
        let active = this.observe(&core);
        this.rest(&mut core);
        this.expire(&mut core);
        let over = core.is_over();
        let next = this.next_look(&core, active);
        // Registered under the lock, so that what a receiver leaves behind is not missed.
        session.waiters.keeper(cx.waker(), active);
        drop(core);
        if over {
            return Poll::Ready(());
        }
        if news {
            session.waiters.wake_receivers();
        }
        let Some(wake_at) = next else {
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

/// How long the peer's answer to a close_notify is waited for.
const CLOSE_WAIT: Duration = Duration::from_secs(3);

/// An idle session ends late by at most two of so many parts of its timeout.
const IDLE_PARTS: u32 = 8;

/// Bounds of the time in which datagrams that wait in the socket are fetched.
const MIN_GRACE: Duration = Duration::from_millis(50);
const MAX_GRACE: Duration = Duration::from_secs(1);
