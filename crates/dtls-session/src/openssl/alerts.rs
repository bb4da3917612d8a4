//! The alerts that an `Ssl` reads, as it tells of them.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use openssl::ssl::SslRef;

use crate::{
    alert::Alert,
    openssl::{
        attached::Attached,
        ffi::{self, AlertTap},
    },
};

/// What one `Ssl` is about to read, and has read.
#[derive(Debug)]
pub(crate) struct Alerts(AtomicU8);

impl Default for Alerts {
    fn default() -> Self {
        Self(AtomicU8::new(IDLE))
    }
}

/// Makes `ssl` tell what it reads.
pub(crate) fn install(ssl: &SslRef) {
    ffi::set_alert_callback::<Tap>(ssl);
}

/// Prepares `ssl` to read an alert.
pub(crate) fn expect(ssl: &SslRef) {
    if let Some(Attached { alerts, .. }) = Attached::of(ssl) {
        alerts.0.store(EXPECTING, Relaxed);
    }
}

/// Whether `ssl` has read a warning, which is then passed over.
pub(crate) fn take_warning(ssl: &SslRef) -> bool {
    let warned = Attached::of(ssl)
        .is_some_and(|Attached { alerts, .. }| alerts.0.swap(IDLE, Relaxed) == WARNED);
    if warned {
        ffi::set_received_shutdown(ssl, false);
    }
    warned
}

enum Tap {}

impl AlertTap for Tap {
    fn alert(ssl: &SslRef, level: u8, description: u8) {
        if level == WARNING
            && Alert::new(description) != Alert::CLOSE_NOTIFY
            && let Some(Attached { alerts, .. }) = Attached::of(ssl)
            && alerts.0.load(Relaxed) == EXPECTING
        {
            alerts.0.store(WARNED, Relaxed);
            ffi::set_received_shutdown(ssl, true);
        }
    }
}

/// What an `SSL` reads.
const IDLE: u8 = 0;
const EXPECTING: u8 = 1;
const WARNED: u8 = 2;
const WARNING: u8 = 1;
