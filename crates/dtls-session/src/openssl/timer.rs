//! The intervals of OpenSSL's retransmission timer.

use std::time::Duration;

use openssl::ssl::SslRef;

use crate::openssl::{
    attached::Attached,
    ffi::{self, Timer},
};

/// Says how long OpenSSL waits before it repeats a flight.
///
/// It is asked in the midst of a handshake.
pub(crate) trait Intervals: Send + Sync {
    /// Returns the first interval of a new flight; `resumed` is whether it is a server's, in a session that is
    /// resumed.
    fn begin(&self, resumed: bool) -> Duration;

    /// Returns the next interval of a flight that OpenSSL is about to repeat.
    fn expire(&self) -> Duration;
}

/// Makes `ssl` ask the [attached](Attached::timer) intervals; what resets an `Ssl` ends it.
pub(crate) fn install(ssl: &SslRef) {
    ffi::set_timer_callback::<Ask>(ssl);
}

enum Ask {}

impl Timer for Ask {
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
