//! Versions of DTLS.

use super::registry;

registry! {
    /// A version as DTLS writes it: the complement of its number, so that 0xfefd is DTLS 1.2 (RFC 6347 4.1).
    ProtocolVersion(u16), "0x{:04x}";
    0xfeff DTLS_1_0 "DTLS 1.0",
    0xfefd DTLS_1_2 "DTLS 1.2",
    0xfefc DTLS_1_3 "DTLS 1.3",
}

impl ProtocolVersion {
    /// Whether this is some version of DTLS, known or not: all have 0xfe for their first byte.
    #[inline]
    pub const fn is_dtls(self) -> bool {
        self.0 >> 8 == 0xfe
    }
}
