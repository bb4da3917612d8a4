//! What OpenSSL calls with an `Ssl`, to time its flights, tell of alerts and make tickets.

use openssl::{
    cipher_ctx::CipherCtxRef,
    error::ErrorStack,
    ssl::{SslContextBuilder, SslRef},
};

use crate::openssl::{
    attached::Attached,
    ffi::{self, AlertTap, NewTicket, OldTicket, TicketKeeper, Timer},
};

/// Makes `ssl` call.
pub(super) fn install(ssl: &SslRef) {
    install_timer(ssl);
    ffi::set_alert_callback::<Callbacks>(ssl);
}

/// Makes `ssl` ask the [attached](Attached::timer) intervals; what resets an `Ssl` ends it.
pub(super) fn install_timer(ssl: &SslRef) {
    ffi::set_timer_callback::<Callbacks>(ssl);
}

/// Makes the context's sessions make tickets.
pub(super) fn install_tickets(context: &mut SslContextBuilder) {
    ffi::set_ticket_callback::<Callbacks>(context);
}

enum Callbacks {}

impl Timer for Callbacks {
    fn interval(ssl: &SslRef, previous: u32) -> u32 {
        let timer = Attached::of(ssl).and_then(|attached| attached.timer.as_ref());
        let Some(timer) = timer else {
            // OpenSSL's own policy.
            return previous.saturating_mul(2).clamp(1_000_000, 60_000_000);
        };
        let interval = match previous {
            0 => timer.begin(ssl.is_server() && ssl.session_reused()),
            _ => timer.expire(),
        };
        interval.as_micros().try_into().unwrap_or(u32::MAX)
    }
}

impl AlertTap for Callbacks {
    fn alert(ssl: &SslRef, level: u8, description: u8) {
        let warned = |attached: &Attached| attached.alerts.warn(level, description);
        if Attached::of(ssl).is_some_and(warned) {
            ffi::set_received_shutdown(ssl, true);
        }
    }
}

impl TicketKeeper for Callbacks {
    fn seal(ssl: &SslRef, cipher: &mut CipherCtxRef) -> Result<Option<NewTicket>, ErrorStack> {
        let Some(attached) = Attached::of(ssl) else {
            return Ok(None);
        };
        // Who comes back with it could not be asked about in time.
        if attached.answer.is_some() && ffi::psk_identity(ssl).is_some() {
            return Ok(None);
        }
        match &attached.tickets {
            Some(keys) => keys.seal(cipher),
            None => Ok(None),
        }
    }

    fn open(
        ssl: &SslRef,
        name: &[u8; 16],
        iv: &[u8; 16],
        cipher: &mut CipherCtxRef,
    ) -> Result<Option<OldTicket>, ErrorStack> {
        match Attached::of(ssl).and_then(|attached| attached.tickets.as_ref()) {
            Some(keys) => keys.open(name, iv, cipher),
            None => Ok(None),
        }
    }
}
