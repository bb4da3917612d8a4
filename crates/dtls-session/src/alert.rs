//! Alert descriptions by their RFC names.

use std::fmt;

/// An alert description, shown by the name that its RFC gives it (RFC 5246 7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Alert(u8);

impl Alert {
    /// The peer closes its side (RFC 5246 7.2.1).
    pub const CLOSE_NOTIFY: Self = Self(0);
    /// No set of security parameters was acceptable (RFC 5246 7.2.2).
    pub const HANDSHAKE_FAILURE: Self = Self(40);
    /// The certificate's issuer is not trusted (RFC 5246 7.2.2).
    pub const UNKNOWN_CA: Self = Self(48);
    /// The protocol version is not supported (RFC 5246 7.2.2).
    pub const PROTOCOL_VERSION: Self = Self(70);

    /// Wraps the number that stands on the wire.
    pub const fn new(description: u8) -> Self {
        Self(description)
    }

    /// Returns the number that stands on the wire.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// Returns the RFC's name, or None for a number that no RFC has given one.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0 => "close_notify",
            10 => "unexpected_message",
            20 => "bad_record_mac",
            21 => "decryption_failed",
            22 => "record_overflow",
            30 => "decompression_failure",
            40 => "handshake_failure",
            41 => "no_certificate",
            42 => "bad_certificate",
            43 => "unsupported_certificate",
            44 => "certificate_revoked",
            45 => "certificate_expired",
            46 => "certificate_unknown",
            47 => "illegal_parameter",
            48 => "unknown_ca",
            49 => "access_denied",
            50 => "decode_error",
            51 => "decrypt_error",
            60 => "export_restriction",
            70 => "protocol_version",
            71 => "insufficient_security",
            80 => "internal_error",
            86 => "inappropriate_fallback",
            90 => "user_canceled",
            100 => "no_renegotiation",
            109 => "missing_extension",
            110 => "unsupported_extension",
            111 => "certificate_unobtainable",
            112 => "unrecognized_name",
            113 => "bad_certificate_status_response",
            115 => "unknown_psk_identity",
            116 => "certificate_required",
            120 => "no_application_protocol",
            _ => return None,
        })
    }
}

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "alert {}", self.0),
        }
    }
}
