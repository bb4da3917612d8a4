//! How what waits for the send buffer leaves it.
//!
//! The system tells how full the send buffer is, but not of whose datagrams. So ways are asked, one
//! after the other: each is given a little, and if that stays in the buffer, the way is slow and waits
//! until as much has left. What leaves at once holds up nobody, so those who are quick go on as if
//! nobody were slow.

use std::{
    future::pending,
    io,
    pin::pin,
    thread,
    time::{Duration, Instant},
};

use futures::future::{Either, select};
use tokio::task::spawn_blocking;

use crate::{
    departure::{Question, State},
    gauge::{Fill, cost},
    path,
    shared::Shared,
};

impl Shared {
    /// Lets queued datagrams wait for the next [`flush`](Self::flush).
    pub(crate) fn gather(&self) {
        self.departure.lock().gathering = true;
    }

    /// Sends what was gathered and what has waited, and returns whether anything was gathered.
    pub(crate) fn flush(&self) -> bool {
        let mut state = self.departure.lock();
        state.gathering = false;
        let busy = !state.outbox.is_empty();
        if state.is_waiting() {
            state.blocked = false;
            self.send_gathered(&mut state);
            self.pump(&mut state);
        }
        self.leave(state);
        busy
    }

    /// Whether something waits for the socket.
    pub(crate) fn is_blocked(&self) -> bool {
        self.departure.lock().is_waiting()
    }

    /// Waits until a flush can do something, or it is worth a try.
    pub(crate) async fn room(&self) -> io::Result<()> {
        let look_again = self.departure.lock().asks(self.socket.fill());
        let timer = async {
            if look_again {
                pause(PATIENCE).await;
            } else {
                pending::<()>().await;
            }
        };
        match select(pin!(self.drained()), pin!(timer)).await {
            Either::Left((drained, _)) => drained,
            Either::Right(_) => Ok(()),
        }
    }

    /// Gives up what waits: nobody will send it.
    pub(crate) fn give_up(&self) {
        let mut state = self.departure.lock();
        state.closed = true;
        let dropped = state.urgent.clear() + state.data.clear();
        self.leave(state);
        self.counters.dropped_unsent.add(dropped);
    }

    /// Waits until so much has left that somebody may go on: the system tells of each datagram that
    /// leaves, as long as the send buffer is less than half full.
    async fn drained(&self) -> io::Result<()> {
        let mut before = None;
        loop {
            self.socket.writable().await?;
            let mut now = None;
            let may_go_on = || {
                now = self.socket.fill();
                self.departure.lock().may_go_on(now)
            };
            if self.socket.is_writable_and(may_go_on) {
                return Ok(());
            }
            // A wake-up without a change: a socket that is always ready must not keep us busy.
            if now == before {
                pause(RETRY).await;
            }
            before = now;
        }
    }

    fn pump(&self, state: &mut State) {
        for _ in 0..MAX_TURNS {
            if state.blocked {
                return;
            }
            if let Some(way) = state.urgent.turn(0) {
                state.urgent.take(&way, QUANTUM, &mut state.outbox);
                self.send_gathered(state);
                continue;
            }
            if !self.serve(state) {
                return;
            }
        }
    }

    /// Lets the data of one way go, if any may.
    fn serve(&self, state: &mut State) -> bool {
        let Some(fill) = self.socket.fill() else {
            let Some(way) = state.data.turn(0) else {
                return false;
            };
            state.data.take(&way, QUANTUM, &mut state.outbox);
            self.send_gathered(state);
            return true;
        };
        state.see(fill);
        if !state.settle(fill) || fill.is_high() {
            return false;
        }
        let Some(way) = state.data.turn(fill.used) else {
            return false;
        };
        let quantum = fill.allowance().min(QUANTUM);
        let bytes = state.data.take(&way, quantum, &mut state.outbox);
        self.send_gathered(state);
        if let Some(after) = self.socket.fill()
            && !after.is_low()
            && after.used > fill.used + cost(bytes) / 2
        {
            state.question = Some(Question {
                way,
                used: fill.used,
                asked: now(),
            });
        }
        true
    }

    /// Sends what was gathered, as far as the system takes it.
    pub(crate) fn send_gathered(&self, state: &mut State) {
        while !state.outbox.is_empty() {
            let (runs, bytes) = state.outbox.next_burst();
            match self.socket.try_send_runs(runs, bytes) {
                Ok(count) => {
                    for run in &runs[..count] {
                        self.counters.sent.add(run.datagrams);
                        self.counters.sent_bytes.add(run.len);
                    }
                    state.outbox.advance(count);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.counters.send_would_block.add(1);
                    state.blocked = true;
                    return;
                }
                Err(error) => {
                    tracing::trace!(%error, "a burst was not sent");
                    self.send_apart(state);
                }
            }
        }
    }

    /// Sends the first run, which the system has just refused, in pieces that it may take: whether
    /// it can segment depends on the route and the interface.
    fn send_apart(&self, state: &mut State) {
        let (runs, bytes) = state.outbox.next_burst();
        let run = runs[0];
        let mut refused = false;
        for datagram in bytes[..run.len].chunks(run.segment) {
            let sent = self.socket.try_send_ready(run.peer, run.from, datagram);
            if sent.as_ref().is_err_and(path::is_too_long) {
                state.refused.push((run.peer, datagram.len()));
            }
            refused |= self.sent(sent, datagram.len()).is_err();
        }
        state.outbox.advance(1);
        if run.datagrams > 1 && !refused {
            state.outbox.stop_segmenting();
        }
    }
}

impl State {
    /// Answers the question if it can be answered, and returns whether nothing is asked any more.
    fn settle(&mut self, fill: Fill) -> bool {
        let Some(question) = &self.question else {
            return true;
        };
        let left = fill.used <= question.used;
        if !left && question.asked.elapsed() < PATIENCE {
            return false;
        }
        if !left {
            self.data.hold(question.way, question.used);
        }
        self.question = None;
        true
    }

    /// Whether it is worth to look again soon, though nothing tells when.
    fn asks(&self, fill: Option<Fill>) -> bool {
        self.question.is_some() || fill.is_some_and(Fill::is_full)
    }

    fn may_go_on(&self, fill: Option<Fill>) -> bool {
        let Some(fill) = fill else {
            return true;
        };
        if self.blocked || !self.outbox.is_empty() || !self.urgent.is_empty() || fill.is_low() {
            return true;
        }
        let settled = self.question.as_ref().is_none_or(|question| {
            fill.used <= question.used || question.asked.elapsed() >= PATIENCE
        });
        settled && !fill.is_high() && self.data.has_turn(fill.used)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the runtime may have no clock, and the system's send buffer knows no other"
)]
fn now() -> Instant {
    Instant::now()
}

/// Waits a little. Not by Tokio's clock, because the runtime may have none.
pub(crate) async fn pause(time: Duration) {
    // Fails only if the runtime is shutting down, which ends the driver as well.
    let _ = spawn_blocking(move || thread::sleep(time)).await;
}

/// What one way may send in its turn, in bytes.
const QUANTUM: usize = 8 << 10;

/// How many turns there are before others run.
const MAX_TURNS: usize = 32;

/// How long what is quick may stay in the send buffer: an interface at work tells within less.
const PATIENCE: Duration = Duration::from_millis(5);

const RETRY: Duration = Duration::from_millis(1);
