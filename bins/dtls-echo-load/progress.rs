//! A line on the terminal that tells how it goes.

use std::{
    io::{self, IsTerminal},
    sync::Arc,
    time::Duration,
};

use dtls_echo::tell;
use tokio::{
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval},
};

use crate::{
    plan::{Mode, Plan},
    tally::Tally,
};

/// Shows the state once a second while the returned task runs, if anybody looks.
pub(crate) fn show(plan: &Arc<Plan>, tally: &Arc<Tally>) -> JoinHandle<()> {
    let (plan, tally) = (Arc::clone(plan), Arc::clone(tally));
    tokio::spawn(async move {
        if !io::stderr().is_terminal() {
            return;
        }
        let _cleared = Cleared;
        let mut ticks = interval(Duration::from_secs(1));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let start = ticks.tick().await;
        let (mut before, mut then) = (0, start);
        loop {
            let now = ticks.tick().await;
            let (line, done) = line(&plan, &tally, start, (before, then), now);
            (before, then) = (done, now);
            tell(&format!("\r\x1b[K{line}"));
        }
    })
}

fn line(
    plan: &Plan,
    tally: &Tally,
    start: Instant,
    (before, then): (u64, Instant),
    now: Instant,
) -> (String, u64) {
    let counts = tally.lock();
    let (done, noun, times) = if plan.mode == Mode::Handshakes {
        (counts.established, "handshakes", &counts.handshakes)
    } else {
        (counts.answered, "replies", &counts.round_trips)
    };
    let rate = (done - before) as f64 / (now - then).as_secs_f64();
    let line = format!(
        "{:.0} s: {} sessions, {rate:.0} {noun}/s, p99 {:.2} ms, {} lost, {} failed",
        (now - start).as_secs_f64(),
        counts.established,
        times.value_at_quantile(0.99) as f64 / 1e6,
        counts.lost,
        counts.failed + counts.broken,
    );
    (line, done)
}

/// Leaves the terminal's line empty.
struct Cleared;

impl Drop for Cleared {
    fn drop(&mut self) {
        tell("\r\x1b[K");
    }
}
