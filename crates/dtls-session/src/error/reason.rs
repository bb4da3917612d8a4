//! OpenSSL's reason codes (`sslerr.h`).

use super::OpenSslError;
use crate::alert::Alert;

/// The alert that the peer sent, if that is what went wrong.
pub(super) fn peer_alert(error: &OpenSslError) -> Option<Alert> {
    error.reasons().iter().find_map(|reason| {
        let description = reason.checked_sub(ALERT)?;
        u8::try_from(description).ok().map(Alert::new)
    })
}

/// Added to the description of an alert that the peer sent.
const ALERT: i32 = 1000;
pub(super) const VERIFY_FAILED: i32 = 134;
pub(super) const NO_CERTIFICATE: i32 = 199;
pub(super) const NO_PROTOCOL: i32 = 235;
pub(super) const NO_PSK: i32 = 223;
pub(super) const TIMEOUT_EXPIRED: i32 = 312;
/// No shared cipher, no ciphers available, no suitable signature algorithm, no shared groups.
pub(super) const CIPHER: [i32; 4] = [193, 181, 118, 410];
/// Unsupported protocol, version too low or high, wrong version, no protocols available.
pub(super) const VERSION: [i32; 6] = [258, 396, 166, 266, 267, 191];
