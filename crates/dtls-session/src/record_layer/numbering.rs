//! The record numbers of epoch 0.

use dtls_wire::Record;

use crate::record_layer::ingress::asks_for_cookie;

/// How epoch 0 is numbered: the server's first record has to carry the number of the hello it
/// answers (RFC 6347 4.2.1), but OpenSSL has counted its own records only. A client that has
/// already seen a HelloVerifyRequest of that number would take it for a replay.
///
/// What is sent again without OpenSSL shifts all that comes after it.
#[derive(Debug)]
pub(crate) struct Numbering {
    first: Option<u64>,
    shift: u64,
    last: u64,
}

impl Numbering {
    pub(crate) fn new(first: Option<u64>) -> Self {
        Self {
            first,
            shift: 0,
            last: 0,
        }
    }

    /// Whether a record is a HelloVerifyRequest for a hello that came from nobody: the client's own
    /// has a good cookie.
    pub(crate) fn precedes(&self, record: &Record<'_>) -> bool {
        self.first.is_some() && asks_for_cookie(record).is_some()
    }

    /// The number of what OpenSSL has written with this one.
    pub(crate) fn number(&mut self, written: u64) -> u64 {
        if let Some(first) = self.first.take() {
            self.shift = first.saturating_sub(written);
        }
        self.last = written.wrapping_add(self.shift);
        self.last
    }

    /// The number of what OpenSSL has not written.
    pub(crate) fn another(&mut self) -> u64 {
        self.shift = self.shift.wrapping_add(1);
        self.last = self.last.wrapping_add(1);
        self.last
    }

    /// The number of what comes next.
    pub(crate) fn next(&self) -> u64 {
        self.last + 1
    }
}
