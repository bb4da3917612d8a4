//! Warning alerts, which end no session (RFC 5246 7.2.2).
//!
//! OpenSSL 3.0 reads the record of one again and again, until it has seen five; later ones take five
//! in a row for the end. So each alert is read by a call of its own ([`Gate`]), and when OpenSSL tells
//! of a warning, the peer is marked as having shut down: 3.0 then drops the record. Once four have come
//! in a row, alerts are not read until data has come, and a close_notify among them is missed.

use std::sync::{
    LazyLock,
    atomic::{AtomicU8, Ordering::Relaxed},
};

use openssl::{
    error::ErrorStack,
    ex_data::Index,
    ssl::{Ssl, SslRef},
};

use crate::{
    alert::Alert,
    ffi::{self, AlertTap},
};

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

    /// Prepares `ssl` to read an alert.
    pub(crate) fn expect(&self, ssl: &SslRef) {
        if let Some(reads) = slot(ssl) {
            reads.store(EXPECTING, Relaxed);
        }
    }

    /// Whether `ssl` has read a warning, which is passed over.
    pub(crate) fn passed(&mut self, ssl: &SslRef) -> bool {
        let warned = slot(ssl).is_some_and(|reads| reads.swap(IDLE, Relaxed) == WARNED);
        if warned {
            ffi::set_received_shutdown(ssl, false);
            self.in_a_row += 1;
        }
        warned
    }

    /// Takes note of data: OpenSSL counts anew, too.
    pub(crate) fn interrupt(&mut self) {
        self.in_a_row = 0;
    }
}

/// Makes `ssl` remember what it reads.
pub(crate) fn attach(ssl: &mut SslRef) -> Result<(), ErrorStack> {
    ssl.set_ex_data(index()?, AtomicU8::new(IDLE));
    ffi::set_alert_callback::<Warnings>(ssl);
    Ok(())
}

impl AlertTap for Warnings {
    fn alert(ssl: &SslRef, level: u8, description: u8) {
        if level == WARNING
            && Alert::new(description) != Alert::CLOSE_NOTIFY
            && let Some(reads) = slot(ssl)
            && reads.load(Relaxed) == EXPECTING
        {
            reads.store(WARNED, Relaxed);
            ffi::set_received_shutdown(ssl, true);
        }
    }
}

fn slot(ssl: &SslRef) -> Option<&AtomicU8> {
    ssl.ex_data(index().ok()?)
}

fn index() -> Result<Index<Ssl, AtomicU8>, ErrorStack> {
    static INDEX: LazyLock<Result<Index<Ssl, AtomicU8>, ErrorStack>> =
        LazyLock::new(Ssl::new_ex_index);
    INDEX.clone()
}

/// The fifth would end the session (`MAX_WARN_ALERT_COUNT`).
const MAX_IN_A_ROW: u8 = 4;
/// What an `SSL` reads.
const IDLE: u8 = 0;
const EXPECTING: u8 = 1;
const WARNED: u8 = 2;
const WARNING: u8 = 1;
