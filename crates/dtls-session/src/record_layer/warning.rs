//! Warning alerts, which end no session (RFC 5246 7.2.2).
//!
//! OpenSSL 3.0 reads the record of one again and again, until it has seen five; later ones take five
//! in a row for the end. So each alert is read by a call of its own ([`Gate`]), and when OpenSSL tells
//! of a warning, the peer is marked as having shut down: 3.0 then drops the record. Once four have come
//! in a row, alerts are not read until data has come, and a close_notify among them is missed.

/// Lets OpenSSL read an alert, by a call that reads nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Gate {
    #[default]
    Shut,
    /// An alert is next.
    Asked,
    /// The next read yields it.
    Open,
    /// The last read has yielded it, and nothing else is to be read.
    Passed,
}

/// How many warnings have come since the last data.
#[derive(Debug, Default)]
pub(crate) struct Warnings {
    in_a_row: u8,
}

impl Warnings {
    /// Whether another one would end the session.
    pub(crate) fn are_many(&self) -> bool {
        self.in_a_row >= MAX_IN_A_ROW
    }

    /// Takes note of one.
    pub(crate) fn count(&mut self) {
        self.in_a_row += 1;
    }

    /// Takes note of data: OpenSSL counts anew, too.
    pub(crate) fn interrupt(&mut self) {
        self.in_a_row = 0;
    }
}

/// The fifth would end the session (`MAX_WARN_ALERT_COUNT`).
const MAX_IN_A_ROW: u8 = 4;
