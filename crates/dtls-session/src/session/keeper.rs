//! The task that goes on polling sessions while the application does not.
//!
//! A peer whose last handshake flight got no answer repeats it, and only a read repeats the
//! answer; a close_notify is noticed by reading; a silent peer is noticed by a clock. While a
//! task of the application waits to receive, it does that reading itself. The keeper then only
//! looks in at intervals, as long as anything happens, and costs nothing when nothing does.
//!
//! There is one for all sessions of a runtime, so that an idle session has neither a task nor a timer.

use std::{
    future::Future,
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context, Poll, Waker},
    thread,
    time::Duration,
};

use tokio::{
    runtime::{self, Handle},
    time::{Instant, Sleep, sleep_until},
};
use tracing::Span;

use crate::session::{
    agenda::{Agenda, round_up},
    shared::Shared,
};

/// What the sessions of a runtime have of its keeper; its task ends when they have.
pub(crate) struct Keeper {
    started: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    called: Vec<Weak<Shared>>,
    task: Option<Waker>,
}

/// What comes of a look.
enum Look {
    /// When to look again, if that is not on the agenda already.
    Again(Option<u64>),
    Over,
}

impl Keeper {
    /// Returns the keeper of the runtime that this is called in, and starts it if there is none.
    ///
    /// # Panics
    ///
    /// Outside a runtime.
    pub(crate) fn current() -> Arc<Self> {
        let runtime = Handle::current().id();
        let mut keepers = KEEPERS.lock().unwrap_or_else(PoisonError::into_inner);
        keepers.retain(|(_, keeper)| keeper.strong_count() > 0);
        let known = keepers.iter().find(|(id, _)| *id == runtime);
        if let Some(keeper) = known.and_then(|(_, keeper)| keeper.upgrade()) {
            return keeper;
        }
        let (keeper, task) = Self::new();
        keepers.push((runtime, Arc::downgrade(&keeper)));
        drop(keepers);
        tokio::spawn(task);
        keeper
    }

    fn new() -> (Arc<Self>, Task) {
        let keeper = Arc::new(Self {
            started: Instant::now(),
            state: Mutex::default(),
        });
        let task = Task {
            keeper: Arc::downgrade(&keeper),
            agenda: Agenda::default(),
            gone: 0,
            due: Vec::new(),
            timer: Box::pin(sleep_until(keeper.started)),
        };
        (keeper, task)
    }

    /// Has a session looked at as soon as possible.
    pub(crate) fn call(&self, session: Weak<Shared>) {
        let mut state = self.lock();
        state.called.push(session);
        let task = state.task.take();
        drop(state);
        task.into_iter().for_each(Waker::wake);
    }

    /// The time that sessions are watched by, in milliseconds.
    pub(crate) fn now(&self) -> u64 {
        let passed = Instant::now().duration_since(self.started);
        u64::try_from(passed.as_millis()).unwrap_or(u64::MAX)
    }

    /// Looks after a session.
    fn attend(&self, session: &Shared) -> Look {
        let _entered = session.span.as_deref().map(Span::enter);
        let mut core = session.lock();
        let mut cx_below = session.context();
        session.waiters.begin_look();
        let news = session.waiters.is_stirred() && {
            session.waiters.settle();
            let _ = core.poll_drain(&mut cx_below);
            core.keep(&mut cx_below)
        };
        let (now, mut watch) = (self.now(), core.watch);
        let active = watch.observe(now, &core.state());
        if watch.rests(now) {
            core.rest();
        }
        core.records.forget();
        let state = core.state();
        if let Some(by) = watch.expire(now, &state) {
            core.end(by);
        }
        let next = watch.next_look(now, active, &state);
        let next = next.map(|at| round_up(now, at));
        let next = next.filter(|at| watch.enters(now, *at));
        core.watch = watch;
        let over = core.is_over();
        // Under the lock, so that what a receiver leaves behind is not missed.
        session.waiters.end_look(active && !over);
        drop(core);
        if over {
            return Look::Over;
        }
        if news {
            session.waiters.wake_receivers();
        }
        Look::Again(next)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        state.task.take().into_iter().for_each(Waker::wake);
    }
}

struct Task {
    keeper: Weak<Keeper>,
    agenda: Agenda<Weak<Shared>>,
    /// How many sessions have ended since the agenda was cleared of such.
    gone: usize,
    due: Vec<Weak<Shared>>,
    timer: Pin<Box<Sleep>>,
}

impl Future for Task {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let Some(keeper) = this.keeper.upgrade() else {
            return Poll::Ready(());
        };
        let now = keeper.now();
        let mut state = keeper.lock();
        let called = mem::take(&mut state.called);
        state.task = Some(cx.waker().clone());
        drop(state);
        this.agenda.call(called);
        this.agenda.take_due(now, AT_A_TIME, &mut this.due);
        for entry in this.due.drain(..) {
            // What carries the datagrams may be the caller's, and ends no other session; it may go here, too.
            let look = unless_it_panics(|| match entry.upgrade() {
                Some(session) => keeper.attend(&session),
                None => Look::Over,
            });
            match look {
                Ok(Look::Again(Some(at))) => this.agenda.enter(at, entry),
                Ok(Look::Again(None)) => {}
                Ok(Look::Over) => this.gone += 1,
                Err(_) => {
                    let _ =
                        unless_it_panics(|| entry.upgrade().map_or((), |session| session.fail()));
                }
            }
        }
        this.clear();
        let next = this.agenda.next();
        let Some(next) = next else {
            return Poll::Pending;
        };
        let at = keeper.started + Duration::from_millis(next);
        this.timer.as_mut().reset(at);
        if this.timer.as_mut().poll(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl Task {
    /// Lets go of sessions that have gone long before their time: what stands on the agenda takes their memory.
    fn clear(&mut self) {
        if self.gone >= AT_A_TIME && self.gone >= self.agenda.len() / 2 {
            self.gone = 0;
            self.agenda.retain(|session| session.strong_count() > 0);
        }
    }
}

/// A runtime has ended, of which another may get the name.
impl Drop for Task {
    fn drop(&mut self) {
        let mut keepers = KEEPERS.lock().unwrap_or_else(PoisonError::into_inner);
        keepers.retain(|(_, keeper)| !keeper.ptr_eq(&self.keeper));
    }
}

fn unless_it_panics<T>(work: impl FnOnce() -> T) -> thread::Result<T> {
    catch_unwind(AssertUnwindSafe(work))
}

/// The keepers of the runtimes that have sessions.
static KEEPERS: Mutex<Vec<(runtime::Id, Weak<Keeper>)>> = Mutex::new(Vec::new());

/// How many sessions are looked at before others may run.
const AT_A_TIME: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sessions_that_have_gone_do_not_stay_on_the_agenda() {
        let (keeper, mut task) = Keeper::new();
        let mut poll = |sessions: usize| {
            for _ in 0..sessions {
                // One that has gone: a weak reference is all that there is of it.
                task.agenda.enter(1 << 40, Weak::new());
                keeper.call(Weak::new());
            }
            for _ in 0..=sessions / AT_A_TIME {
                let _ = Pin::new(&mut task).poll(&mut Context::from_waker(Waker::noop()));
            }
            task.agenda.len()
        };
        assert_eq!(
            poll(AT_A_TIME - 1),
            AT_A_TIME - 1,
            "so few are not worth it"
        );
        assert_eq!(poll(10 * AT_A_TIME), 0);
    }

    #[test]
    fn a_keeper_whose_runtime_has_ended_is_nobodys_any_more() {
        let runtime = runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let keeper = runtime.block_on(async { Keeper::current() });
        let is_known = || {
            let keepers = KEEPERS.lock().unwrap();
            keepers
                .iter()
                .any(|(_, known)| known.as_ptr() == Arc::as_ptr(&keeper))
        };
        assert!(is_known());
        drop(runtime);
        assert!(!is_known());
    }
}
