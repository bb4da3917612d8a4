//! How a pre-shared key is used.

use super::registry;

registry! {
    /// How a pre-shared key is used: PskKeyExchangeMode (RFC 8446 4.2.9).
    PskKeyExchangeMode(u8), "mode {}";
    0 PSK_KE "psk_ke",
    1 PSK_DHE_KE "psk_dhe_ke",
}
