//! The alerts that an `Ssl` reads, as it tells of them.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use crate::alert::Alert;

/// What one `Ssl` is about to read, and has read.
#[derive(Debug)]
pub(crate) struct Alerts(AtomicU8);

impl Default for Alerts {
    fn default() -> Self {
        Self(AtomicU8::new(IDLE))
    }
}

impl Alerts {
    /// Takes note that an alert is about to be read.
    pub(super) fn expect(&self) {
        self.0.store(EXPECTING, Relaxed);
    }

    /// Takes an alert that was read, and returns whether it is a warning that was expected.
    pub(super) fn warn(&self, level: u8, description: u8) -> bool {
        let warns = level == WARNING && Alert::new(description) != Alert::CLOSE_NOTIFY;
        let change = || self.0.compare_exchange(EXPECTING, WARNED, Relaxed, Relaxed);
        warns && change().is_ok()
    }

    /// Whether a warning was read, which is then forgotten.
    pub(super) fn take_warning(&self) -> bool {
        self.0.swap(IDLE, Relaxed) == WARNED
    }
}

/// What an `SSL` reads.
const IDLE: u8 = 0;
const EXPECTING: u8 = 1;
const WARNED: u8 = 2;
const WARNING: u8 = 1;
