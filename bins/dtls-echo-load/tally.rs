//! What has been counted and timed.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use dtls_echo::describe;
use dtls_session::RecordProtection;
use hdrhistogram::Histogram;

/// The counts of all sessions.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<Counts>);

#[derive(Debug)]
pub(crate) struct Counts {
    pub(crate) established: u64,
    /// Who protects the records of the sessions.
    pub(crate) record_protection: Option<RecordProtection>,
    pub(crate) failed: u64,
    /// Sessions that were established, and ended before their time.
    pub(crate) broken: u64,
    /// Why the first handshake or session failed.
    pub(crate) failure: Option<String>,
    pub(crate) sent: u64,
    pub(crate) answered: u64,
    pub(crate) lost: u64,
    pub(crate) late: u64,
    pub(crate) wrong: u64,
    pub(crate) retransmissions: u64,
    pub(crate) handshakes: Histogram<u64>,
    pub(crate) round_trips: Histogram<u64>,
    /// How long requests were sent, or handshakes made.
    pub(crate) worked: Duration,
}

impl Tally {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a handshake that failed.
    pub(crate) fn fail(&self, error: &anyhow::Error) {
        let mut counts = self.lock();
        counts.failed += 1;
        counts.failure.get_or_insert_with(|| describe(error));
    }

    /// Counts a session that ended while it waited for some replies.
    pub(crate) fn break_off(&self, error: &anyhow::Error, unanswered: u64) {
        let mut counts = self.lock();
        counts.broken += 1;
        counts.lost += unanswered;
        counts.failure.get_or_insert_with(|| describe(error));
    }
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            established: 0,
            record_protection: None,
            failed: 0,
            broken: 0,
            failure: None,
            sent: 0,
            answered: 0,
            lost: 0,
            late: 0,
            wrong: 0,
            retransmissions: 0,
            handshakes: histogram(),
            round_trips: histogram(),
            worked: Duration::ZERO,
        }
    }
}

/// In nanoseconds, to three digits.
fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, MAX_NANOS, 3).expect("these bounds are good ones")
}

pub(crate) fn record(histogram: &mut Histogram<u64>, time: Duration) {
    let nanos = u64::try_from(time.as_nanos()).unwrap_or(MAX_NANOS);
    histogram.saturating_record(nanos.max(1));
}

const MAX_NANOS: u64 = 3600 * 1_000_000_000;
