//! Who is to be woken when something happens below a session.

use std::{
    iter, mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    task::{Wake, Waker},
};

use crate::session::{keeper::Keeper, shared::Shared};

/// The tasks that wait for one session.
///
/// The record layer is always polled with the one waker made from this, so it does not matter
/// who polled it last. While a task of the application waits to receive, the keeper is left
/// alone; but such a task may have given up without a word, so once there was activity the
/// keeper has a look from time to time ([`crate::session::keeper`]), and is woken to start that.
///
/// What is polled under the session's lock may wake this at once, and so may anybody meanwhile: then
/// they are woken when the lock is released ([`Self::hold`]).
pub(crate) struct Waiters {
    keeper: Arc<Keeper>,
    session: Weak<Shared>,
    /// Whether the keeper was called and has not come yet.
    called: AtomicBool,
    waiting: Mutex<Waiting>,
    /// Whether something may have happened that nobody has looked at.
    stirred: AtomicBool,
    /// Whether something waits for the pipe to take it.
    unsent: AtomicBool,
    /// [`HELD`] while the session is locked, and [`WOKEN`] if somebody is to be woken after that.
    hold: AtomicU8,
}

#[derive(Debug, Default)]
struct Waiting {
    receivers: Wakers,
    senders: Wakers,
    /// Whether the keeper comes by soon and need not be told of each event.
    watched: bool,
}

impl Waiters {
    pub(crate) fn new(keeper: Arc<Keeper>, session: Weak<Shared>) -> Self {
        Self {
            keeper,
            session,
            called: AtomicBool::new(false),
            waiting: Mutex::default(),
            stirred: AtomicBool::new(false),
            unsent: AtomicBool::new(false),
            hold: AtomicU8::new(0),
        }
    }

    /// Lists a task that waits to receive; those that lose their places are to be woken.
    pub(crate) fn receiver(&self, waker: &Waker) -> Displaced {
        self.lock().receivers.enlist(waker)
    }

    /// Lists a task that waits to send; those that lose their places are to be woken.
    pub(crate) fn sender(&self, waker: &Waker) -> Displaced {
        self.lock().senders.enlist(waker)
    }

    /// Tells that the keeper is there: who calls it from now on has news.
    pub(crate) fn begin_look(&self) {
        self.called.store(false, Ordering::Release);
    }

    /// Tells that the keeper has looked, and whether it comes by soon.
    pub(crate) fn end_look(&self, watched: bool) {
        self.lock().watched = watched;
    }

    /// Has the keeper look at the session.
    pub(crate) fn call_keeper(&self) {
        if !self.called.swap(true, Ordering::AcqRel) {
            self.keeper.call(Weak::clone(&self.session));
        }
    }

    /// Puts off what is to be woken, from when the session is locked until [`Self::let_go`].
    pub(crate) fn hold(&self) {
        self.hold.store(HELD, Ordering::Release);
    }

    /// Ends what [`Self::hold`] has begun, just before the lock is released, and returns whether
    /// [`Self::wake_waiting`] was put off until after that.
    pub(crate) fn let_go(&self) -> bool {
        self.hold.swap(0, Ordering::AcqRel) & WOKEN != 0
    }

    /// Takes note that somebody is about to look at all there is.
    pub(crate) fn settle(&self) {
        self.stirred.store(false, Ordering::Release);
    }

    /// Takes note that there may be more than was looked at.
    pub(crate) fn stir(&self) {
        self.stirred.store(true, Ordering::Release);
    }

    pub(crate) fn set_unsent(&self, unsent: bool) {
        self.unsent.store(unsent, Ordering::Release);
    }

    pub(crate) fn is_stirred(&self) -> bool {
        self.stirred.load(Ordering::Acquire)
    }

    /// Wakes everybody, for a session that has ended.
    pub(crate) fn wake_all(&self) {
        self.lock().watched = false;
        self.wake_waiting();
    }

    pub(crate) fn wake_receivers(&self) {
        let receivers = mem::take(&mut self.lock().receivers);
        receivers.wake();
    }

    /// Wakes whoever has something to do, with no lock held.
    pub(crate) fn wake_waiting(&self) {
        self.stir();
        let mut waiting = self.lock();
        let receivers = mem::take(&mut waiting.receivers);
        let senders = mem::take(&mut waiting.senders);
        // A receiver may have given up without a word, and what is to be sent does not wait for the
        // keeper's next look.
        let attended =
            waiting.watched && receivers.first.is_some() && !self.unsent.load(Ordering::Acquire);
        drop(waiting);
        receivers.wake();
        senders.wake();
        // Last, so that it finds done what the others have to do.
        if !attended {
            self.call_keeper();
        }
    }

    fn wake_unless_held(&self) {
        let put_off = |hold| (hold & HELD != 0).then_some(hold | WOKEN);
        let held = self
            .hold
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, put_off);
        if held.is_err() {
            self.wake_waiting();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Waiters {
    fn wake(self: Arc<Self>) {
        self.wake_unless_held();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_unless_held();
    }
}

/// Usually one, for which nothing is allocated.
#[derive(Debug, Default)]
struct Wakers {
    first: Option<Waker>,
    others: Vec<Waker>,
}

impl Wakers {
    fn enlist(&mut self, waker: &Waker) -> Displaced {
        let mut displaced = Displaced::default();
        let Some(first) = &self.first else {
            self.first = Some(waker.clone());
            return displaced;
        };
        let mut all = iter::once(first).chain(&self.others);
        if all.any(|waiting| waiting.will_wake(waker)) {
            return displaced;
        }
        // Tasks that gave up leave their wakers behind; those that still wait come back.
        // Each time there is room for more of them, so that many who do wait settle.
        if self.others.len() >= self.others.capacity().max(MIN_WAKERS) {
            let room = Vec::with_capacity(2 * self.others.len());
            displaced.0 = mem::replace(&mut self.others, room);
        }
        self.others.push(waker.clone());
        displaced
    }

    fn wake(self) {
        let all = self.first.into_iter().chain(self.others);
        all.for_each(Waker::wake);
    }
}

/// Tasks that may have given up, to be woken once no lock is held: a waker may poll at once.
#[derive(Debug, Default)]
#[must_use]
pub(crate) struct Displaced(Vec<Waker>);

impl Displaced {
    pub(crate) fn wake(self) {
        self.0.into_iter().for_each(Waker::wake);
    }
}

const MIN_WAKERS: usize = 16;

const HELD: u8 = 1;
const WOKEN: u8 = 2;
