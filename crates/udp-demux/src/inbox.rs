use std::{
    net::SocketAddr,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker, ready},
};

use bytes::Bytes;
use tokio::task::coop;

use crate::{
    config::Config,
    error::{RecvError, SendError},
    gauge::Meter,
    queue::Queue,
    sources::Sources,
    table::Standing,
};

/// The receiving half of one channel: the driver fills it, the channel empties it.
#[derive(Debug)]
pub(crate) struct Inbox {
    standing: Mutex<Standing>,
    // Beside the lock, because each send asks for it.
    end: AtomicU8,
    /// The shortest datagram that was queued and then refused as too long, since somebody looked; 0 is none.
    refused: AtomicUsize,
    /// What the peer was given of the send buffer.
    meter: Meter,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    queue: Queue,
    sources: Sources,
    waker: Option<Waker>,
    received: u64,
    dropped: u64,
}

/// Why nothing more will come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum End {
    Replaced = 1,
    SocketClosed = 2,
}

impl Inbox {
    pub(crate) fn new(peer: SocketAddr, config: &Config) -> Self {
        let queue = Queue::new(config.recv_queue, config.recv_queue_bytes);
        let state = State {
            queue,
            sources: Sources::default(),
            waker: None,
            received: 0,
            dropped: 0,
        };
        let standing = Standing {
            peer,
            listed: false,
            identifiers: Vec::new(),
        };
        Self {
            standing: Mutex::new(standing),
            end: AtomicU8::new(0),
            refused: AtomicUsize::new(0),
            meter: Meter::default(),
            state: Mutex::new(state),
        }
    }

    pub(crate) fn peer(&self) -> SocketAddr {
        self.standing().peer
    }

    /// What the table has of this; only the table changes it.
    pub(crate) fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Begins to deliver datagrams; the reader waits meanwhile.
    pub(crate) fn delivery(&self) -> Delivery<'_> {
        Delivery {
            state: self.lock(),
            delivered: false,
            dropped: 0,
        }
    }

    /// Ends the channel, once, and wakes its reader.
    pub(crate) fn end(&self, end: End) {
        let mut state = self.lock();
        if self.ended().is_some() {
            return;
        }
        self.end.store(end as u8, Ordering::Release);
        // A successor gets what comes from here on; what lies here belongs to an exchange that is over.
        if end == End::Replaced {
            state.queue.clear();
            state.sources.clear();
        }
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Takes note that the system has refused a queued datagram as too long, and wakes the reader: it may want to
    /// know at once.
    pub(crate) fn refuse(&self, length: usize) {
        let shortest = |refused| {
            Some(if refused == 0 {
                length
            } else {
                length.min(refused)
            })
        };
        let _ = self
            .refused
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, shortest);
        let waker = self.lock().waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// The length of the shortest datagram refused since this was asked before.
    pub(crate) fn take_refused(&self) -> Option<usize> {
        // Asked before each datagram that is sent, so it writes only where there is something.
        if self.refused.load(Ordering::Relaxed) == 0 {
            return None;
        }
        Some(self.refused.swap(0, Ordering::Relaxed)).filter(|length| *length > 0)
    }

    pub(crate) fn check_sendable(&self) -> Result<(), SendError> {
        match self.ended() {
            None => Ok(()),
            Some(End::Replaced) => Err(SendError::Replaced),
            Some(End::SocketClosed) => Err(SendError::SocketClosed),
        }
    }

    /// Yields the length, and where the datagram came from.
    pub(crate) fn try_recv(
        &self,
        buf: &mut [u8],
    ) -> Result<Option<(usize, SocketAddr)>, RecvError> {
        self.take(&mut self.lock(), |queue, len| copy_out(queue, len, buf))
            .transpose()
    }

    pub(crate) fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<(usize, SocketAddr), RecvError>> {
        self.poll_take(cx, |queue, len| copy_out(queue, len, buf))
    }

    pub(crate) fn poll_recv_bytes(
        &self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(Bytes, SocketAddr), RecvError>> {
        self.poll_take(cx, |queue, _| {
            Ok(queue.pop().expect("there is a first datagram"))
        })
    }

    /// Gives back the memory of a queue that is empty.
    pub(crate) fn shrink_to_fit(&self) {
        self.lock().queue.shrink_to_fit();
    }

    /// The numbers of datagrams received and dropped.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let state = self.lock();
        (state.received, state.dropped)
    }

    fn poll_take<T>(
        &self,
        cx: &mut Context<'_>,
        pop: impl FnOnce(&mut Queue, usize) -> Result<T, RecvError>,
    ) -> Poll<Result<(T, SocketAddr), RecvError>> {
        // A queue that never runs empty would let its reader run for ever.
        let budget = ready!(coop::poll_proceed(cx));
        let mut state = self.lock();
        if let Some(result) = self.take(&mut state, pop) {
            budget.made_progress();
            return Poll::Ready(result);
        }
        let waits = state.waker.as_ref();
        if !waits.is_some_and(|waker| waker.will_wake(cx.waker())) {
            let forgotten = state.waker.replace(cx.waker().clone());
            drop(state);
            drop(forgotten);
        }
        Poll::Pending
    }

    fn take<T>(
        &self,
        state: &mut State,
        pop: impl FnOnce(&mut Queue, usize) -> Result<T, RecvError>,
    ) -> Option<Result<(T, SocketAddr), RecvError>> {
        match (state.queue.first_len(), self.ended()) {
            (_, Some(End::Replaced)) => Some(Err(RecvError::Replaced)),
            (Some(len), _) => Some(pop(&mut state.queue, len).map(|taken| {
                let from = state.sources.pop();
                (taken, from.expect("each datagram came from somewhere"))
            })),
            (None, Some(End::SocketClosed)) => Some(Err(RecvError::SocketClosed)),
            (None, None) => None,
        }
    }

    fn ended(&self) -> Option<End> {
        match self.end.load(Ordering::Acquire) {
            0 => None,
            replaced if replaced == End::Replaced as u8 => Some(End::Replaced),
            _ => Some(End::SocketClosed),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Several datagrams for one inbox, under one lock and with one wake-up.
#[derive(Debug)]
pub(crate) struct Delivery<'a> {
    state: MutexGuard<'a, State>,
    delivered: bool,
    dropped: usize,
}

impl Delivery<'_> {
    /// A full queue drops the newest: what waits already is what the reader needs first.
    pub(crate) fn push(&mut self, datagram: &[u8], from: SocketAddr) {
        if self.state.queue.push(datagram) {
            self.state.sources.push(from);
            self.state.received += 1;
            self.delivered = true;
        } else {
            self.state.dropped += 1;
            self.dropped += 1;
        }
    }

    /// Returns whom to wake, once all locks are released, and how many datagrams were dropped.
    pub(crate) fn finish(mut self) -> (Option<Waker>, usize) {
        let waker = if self.delivered {
            self.state.waker.take()
        } else {
            None
        };
        (waker, self.dropped)
    }
}

fn copy_out(queue: &mut Queue, needed: usize, buf: &mut [u8]) -> Result<usize, RecvError> {
    let capacity = buf.len();
    let exact = buf
        .get_mut(..needed)
        .ok_or(RecvError::BufferTooShort { needed, capacity })?;
    queue.pop_into(exact);
    Ok(needed)
}
