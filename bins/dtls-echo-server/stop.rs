//! The end of the server, in two steps.

use std::{io, time::Duration};

use tokio::{
    signal,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::service_manager;

/// Says when to stop; cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop {
    /// Nobody new is let in from then on.
    pub(crate) drain: CancellationToken,
    /// Sessions are closed from then on.
    pub(crate) close: CancellationToken,
}

impl Stop {
    /// Drains at Ctrl-C or SIGTERM, or when `drain` is cancelled otherwise, and closes after `patience`
    /// or at the next signal.
    ///
    /// # Errors
    ///
    /// If signals cannot be listened to.
    pub(crate) fn at_signals(patience: Duration) -> io::Result<Self> {
        let stop = Self::default();
        let mut signals = Signals::new()?;
        let ours = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = signals.next() => ours.drain.cancel(),
                () = ours.drain.cancelled() => {}
            }
            service_manager::stopping();
            let until = Instant::now() + patience;
            if !patience.is_zero() {
                tracing::info!(
                    ?patience,
                    "no new sessions; the present ones may go on for so long"
                );
            }
            tokio::select! {
                () = sleep_until(until) => {}
                () = signals.next() => {}
            }
            ours.close.cancel();
        });
        Ok(stop)
    }
}

#[cfg(unix)]
struct Signals(signal::unix::Signal, signal::unix::Signal);

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use signal::unix::{SignalKind, signal};
        Ok(Self(
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
        ))
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.0.recv() => {}
            _ = self.1.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        // Without it only the end of the process stops the server.
        if signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}
