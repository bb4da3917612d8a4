//! The end of the server, in two steps.

use std::{io, process, thread, time::Duration};

use tokio::{
    runtime, signal,
    time::{Instant, sleep, sleep_until},
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
    /// or at the next signal. If the process is still there some time after that, `overdue` is called.
    ///
    /// A thread of its own listens, so that whatever keeps the others busy cannot keep a signal from
    /// being heard.
    ///
    /// # Errors
    ///
    /// If signals cannot be listened to.
    pub(crate) fn at_signals(
        patience: Duration,
        overdue: impl FnOnce() + Send + 'static,
    ) -> io::Result<Self> {
        let stop = Self::default();
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let signals = {
            let _within = runtime.enter();
            Signals::new()?
        };
        let ours = stop.clone();
        let listen = move || {
            runtime.block_on(async {
                ours.follow(signals, patience).await;
                sleep(OVERDUE).await;
                overdue();
            });
        };
        thread::Builder::new().name("stop".into()).spawn(listen)?;
        Ok(stop)
    }

    async fn follow(self, mut signals: Signals, patience: Duration) {
        tokio::select! {
            () = signals.next() => self.drain.cancel(),
            () = self.drain.cancelled() => {}
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
        self.close.cancel();
    }
}

/// Ends the process although a thread does not.
pub(crate) fn overdue() {
    tracing::error!("a thread does not hear that the server stops: it ends without it");
    dtls_echo::flush();
    process::exit(1);
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

/// Twice as long as the sessions get to say goodbye.
const OVERDUE: Duration = Duration::from_secs(10);

#[cfg(all(test, unix))]
mod tests {
    use std::process::Command;

    use super::*;

    #[tokio::test]
    async fn a_signal_is_heard_while_the_runtime_is_busy_for_ever() {
        let stop = Stop::at_signals(Duration::ZERO, || {}).unwrap();
        let id = process::id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().unwrap();
        assert!(sent.success());
        let deadline = Instant::now() + Duration::from_secs(60);
        // Nothing here lets another task of this runtime run.
        while !stop.close.is_cancelled() {
            assert!(Instant::now() < deadline, "nobody listens");
            thread::sleep(Duration::from_millis(1));
        }
        assert!(stop.drain.is_cancelled());
    }
}
