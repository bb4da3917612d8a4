//! Who is to be woken when something happens below a session.

use std::{
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Wake, Waker},
};

/// The tasks that wait for one session.
///
/// The record layer is always polled with the one waker made from this, so it does not matter
/// who polled it last. While a task of the application waits to receive, the keeper is left
/// alone; but such a task may have given up without a word, so once there was activity the
/// keeper has a look from time to time ([`crate::keeper`]), and is woken to start that.
#[derive(Debug, Default)]
pub(crate) struct Waiters(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    receivers: Vec<Waker>,
    senders: Vec<Waker>,
    keeper: Option<Waker>,
    /// Whether the keeper has a timer running and need not be told of each event.
    watched: bool,
}

impl Waiters {
    pub(crate) fn receiver(&self, waker: &Waker) {
        enlist(&mut self.lock().receivers, waker);
    }

    pub(crate) fn sender(&self, waker: &Waker) {
        enlist(&mut self.lock().senders, waker);
    }

    pub(crate) fn keeper(&self, waker: &Waker, watched: bool) {
        let mut waiting = self.lock();
        waiting.watched = watched;
        match &mut waiting.keeper {
            Some(keeper) => keeper.clone_from(waker),
            empty => *empty = Some(waker.clone()),
        }
    }

    /// Wakes everybody, for a session that has ended.
    pub(crate) fn wake_all(&self) {
        self.lock().watched = false;
        self.wake_waiting();
    }

    pub(crate) fn wake_receivers(&self) {
        let receivers = mem::take(&mut self.lock().receivers);
        receivers.into_iter().for_each(Waker::wake);
    }

    fn wake_waiting(&self) {
        let mut waiting = self.lock();
        let receivers = mem::take(&mut waiting.receivers);
        let senders = mem::take(&mut waiting.senders);
        let attended = waiting.watched && !receivers.is_empty();
        let keeper = if attended {
            None
        } else {
            waiting.keeper.take()
        };
        drop(waiting);
        receivers
            .into_iter()
            .chain(senders)
            .chain(keeper)
            .for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Waiters {
    fn wake(self: std::sync::Arc<Self>) {
        self.wake_waiting();
    }

    fn wake_by_ref(self: &std::sync::Arc<Self>) {
        self.wake_waiting();
    }
}

fn enlist(wakers: &mut Vec<Waker>, waker: &Waker) {
    if wakers.iter().any(|waiting| waiting.will_wake(waker)) {
        return;
    }
    // Tasks that gave up leave their wakers behind; those that still wait come back.
    // Each time there is room for more of them, so that many who do wait settle.
    if wakers.len() >= wakers.capacity().max(MIN_WAKERS) {
        let room = 2 * wakers.len();
        wakers.drain(..).for_each(Waker::wake);
        wakers.reserve(room);
    }
    wakers.push(waker.clone());
}

const MIN_WAKERS: usize = 16;
