//! The intervals of OpenSSL's retransmission timer.

use std::time::Duration;

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
