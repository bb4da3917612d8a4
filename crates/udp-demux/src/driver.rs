use std::{future::poll_fn, io, pin::pin, sync::Arc, task::Poll, time::Duration};

use futures::future::{Either, select};

use crate::{
    arrival::Scratch,
    batch::Batch,
    pump::{Lookout, pause},
    shared::Shared,
};

/// Receives for everybody until the last handle has gone or the descriptor is dead.
pub(crate) async fn drive(shared: Arc<Shared>) {
    let mut obituary = Obituary {
        shared,
        error: None,
    };
    let shared = &obituary.shared;
    obituary.error = receive(shared).await;
    if let Some(error) = &obituary.error {
        tracing::error!(%error, "the UDP socket is dead");
    }
}

/// Returns the error of which the socket has died, or none if nobody is left.
async fn receive(shared: &Shared) -> Option<io::Error> {
    let mut batch = shared.socket.batch(&shared.config);
    let mut scratch = Scratch::default();
    let mut failures: u32 = 0;
    let mut busy = false;
    let mut lookout = Lookout::default();
    while !shared.bell.is_abandoned() {
        let received = if busy {
            shared.socket.try_recv(&mut batch)
        } else {
            next(shared, &mut batch, &mut lookout).await
        };
        match received {
            Ok(()) => {
                failures = 0;
                let quiet = batch.is_quiet();
                let single = quiet && batch.is_single();
                if single {
                    // What it is answered with need not wait for anything else.
                    shared.send_first();
                } else {
                    // Answers, and what those send who run now, leave together.
                    shared.gather();
                }
                let woken = route(shared, &batch, &mut scratch);
                if single {
                    busy = false;
                    continue;
                }
                if quiet && !woken {
                    shared.flush();
                    busy = false;
                    continue;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                shared.flush();
                busy = false;
                continue;
            }
            Err(error) if shared.socket.is_dead() => return Some(error),
            // Usually the network's word about one peer. The others must not suffer for it.
            Err(error) => {
                shared.counters.receive_errors.add(1);
                failures += 1;
                tracing::trace!(%error, "receiving failed");
                if failures >= PATIENCE {
                    tracing::warn!(%error, failures, "receiving fails again and again");
                    failures = 0;
                    pause(PAUSE).await;
                }
            }
        }
        step_aside().await;
        // While those who were woken send, they may not be done.
        busy = shared.flush() && !shared.is_blocked();
    }
    None
}

/// Waits until there is something to receive, or something to do for who sends.
async fn next(shared: &Shared, batch: &mut Batch, lookout: &mut Lookout) -> io::Result<()> {
    let next = poll_fn(|cx| {
        let received = shared.socket.poll_recv(cx, batch);
        if received.is_pending() {
            return shared
                .bell
                .poll_rung(cx)
                .map(|()| Err(io::ErrorKind::WouldBlock.into()));
        }
        received
    });
    if !shared.is_blocked() {
        lookout.look_away();
        return next.await;
    }
    match select(next, pin!(shared.room(lookout))).await {
        Either::Left((received, _)) => received,
        Either::Right((Err(error), _)) => Err(error),
        Either::Right((Ok(()), _)) => Err(io::ErrorKind::WouldBlock.into()),
    }
}

/// Brings what was received to where it belongs, and returns whether somebody was woken.
fn route(shared: &Shared, batch: &Batch, scratch: &mut Scratch) -> bool {
    let mut woken = false;
    let counters = &shared.counters;
    counters.receive_calls.add(1);
    for run in batch.runs() {
        let datagrams = run.datagrams();
        counters.received.add(datagrams.len().max(1));
        counters.received_bytes.add(run.len());
        if run.len() == 0 {
            counters.dropped_empty.add(1);
            continue;
        }
        let too_long = datagrams
            .filter(|datagram| datagram.len() > shared.config.max_datagram)
            .count();
        counters.dropped_too_long.add(too_long);
        woken |= shared.deliver(run, scratch);
    }
    woken
}

/// Goes to the end of the run queue, behind those whom this batch woke.
///
/// Otherwise a driver that always finds another batch would fill queues that nobody gets to empty. Tokio's
/// `yield_now` would also poll the I/O driver, a system call a batch.
async fn step_aside() {
    let mut stepped = false;
    poll_fn(|cx| {
        if stepped {
            return Poll::Ready(());
        }
        stepped = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Tells everybody when the driver ends, also when the runtime drops it.
struct Obituary {
    shared: Arc<Shared>,
    error: Option<io::Error>,
}

impl Drop for Obituary {
    fn drop(&mut self) {
        // Such as the goodbyes of the last sessions.
        self.shared.flush();
        let gone = || {
            io::Error::new(
                io::ErrorKind::NotConnected,
                "the task that drives the UDP socket has ended",
            )
        };
        self.shared.die(self.error.take().unwrap_or_else(gone));
        // After that: who waited for room finds out why there will be none.
        self.shared.give_up();
    }
}

const PATIENCE: u32 = 64;
const PAUSE: Duration = Duration::from_millis(10);
