//! A session's state, as its handles and its keeper share it.

use std::{
    io,
    ops::{Deref, DerefMut},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Waker},
};

use tokio::sync::Notify;
use tracing::Span;

use crate::{
    error::ClosedBy,
    guard::Close,
    info::SessionInfo,
    resumption::Resumption,
    session::{core::Core, waiters::Waiters},
};

pub(crate) struct Shared {
    core: Mutex<Core>,
    pub(crate) waiters: Arc<Waiters>,
    waker: Waker,
    pub(crate) info: Arc<SessionInfo>,
    pub(crate) resumption: Option<Resumption>,
    /// Where the session was made, for what the keeper's looks have to tell; None if nobody listens.
    pub(crate) span: Option<Box<Span>>,
    /// How many handles there are.
    pub(crate) handles: AtomicUsize,
    max_datagram_size: AtomicUsize,
    /// Told when the session has ended, or when its largest datagram has changed.
    pub(crate) changed: Notify,
}

impl Shared {
    pub(crate) fn new(
        mut core: Core,
        info: Arc<SessionInfo>,
        resumption: Option<Resumption>,
        waiters: Waiters,
    ) -> Self {
        let waiters = Arc::new(waiters);
        // The handshake may have left something behind.
        waiters.stir();
        Self {
            max_datagram_size: AtomicUsize::new(core.max_datagram_size()),
            core: Mutex::new(core),
            waker: Arc::clone(&waiters).into(),
            waiters,
            info,
            resumption,
            span: Some(Span::current())
                .filter(|span| !span.is_none())
                .map(Box::new),
            handles: AtomicUsize::new(1),
            changed: Notify::new(),
        }
    }

    pub(crate) fn lock(&self) -> Locked<'_> {
        let mut locked = self.lock_alone();
        locked.records.follow_path();
        locked
    }

    /// The same, without a question to the pipe.
    fn lock_alone(&self) -> Locked<'_> {
        let core = self.core.lock().unwrap_or_else(PoisonError::into_inner);
        self.waiters.hold();
        Locked {
            was_over: core.is_over(),
            mtu: core.mtu(),
            shared: self,
            core: Some(core),
        }
    }

    /// Ends the session of a pipe that has panicked, and may do so again.
    pub(crate) fn fail(&self) {
        let error = io::Error::other("it has panicked");
        self.lock_alone().end(ClosedBy::Pipe(Arc::new(error)));
    }

    /// The context to poll the record layer with, whoever asks.
    pub(crate) fn context(&self) -> Context<'_> {
        Context::from_waker(&self.waker)
    }

    pub(crate) fn max_datagram_size(&self) -> usize {
        self.max_datagram_size.load(Ordering::Acquire)
    }
}

impl Close for Shared {
    fn close(&self) {
        self.lock().close(&mut self.context());
        // The keeper has a time to wait for.
        self.waiters.wake_all();
    }
}

/// The state while it is locked; what has changed is made known once it is released, because
/// wakers are called without locks.
pub(crate) struct Locked<'a> {
    shared: &'a Shared,
    core: Option<MutexGuard<'a, Core>>,
    was_over: bool,
    mtu: usize,
}

impl Deref for Locked<'_> {
    type Target = Core;

    fn deref(&self) -> &Core {
        self.core.as_ref().expect(HELD)
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut Core {
        self.core.as_mut().expect(HELD)
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        let ended = !self.was_over && self.is_over();
        let resized = self.mtu != self.mtu();
        if resized {
            let size = self.max_datagram_size();
            self.shared.max_datagram_size.store(size, Ordering::Release);
        }
        self.shared.waiters.set_unsent(self.is_unsent());
        // While the lock is held, for whoever takes it next holds anew.
        let woken = self.shared.waiters.let_go();
        drop(self.core.take());
        if ended || resized {
            self.shared.changed.notify_waiters();
        }
        if ended {
            self.shared.waiters.wake_all();
        } else if woken {
            self.shared.waiters.wake_waiting();
        }
    }
}

const HELD: &str = "the lock is held until the drop";
