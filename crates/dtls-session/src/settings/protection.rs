//! Who protects the records of a session.

use std::fmt;

/// Who protects the records of a session, once its handshake has finished.
///
/// ```
/// use dtls_session::{RecordProtection, SessionConfig};
///
/// let config = SessionConfig::default().record_protection(RecordProtection::OpenSsl);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordProtection {
    /// This crate, with OpenSSL's ciphers (`EVP`): a session takes a small part of the memory, and each
    /// record less time.
    ///
    /// It takes DTLS 1.2 and a suite with AES-GCM, AES-CCM or ChaCha20-Poly1305. With other suites and
    /// versions, and while OpenSSL is in FIPS mode, the records stay OpenSSL's.
    #[default]
    Own,
    /// OpenSSL (`SSL_read`, `SSL_write`).
    OpenSsl,
}

impl fmt::Display for RecordProtection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Own => "own",
            Self::OpenSsl => "openssl",
        })
    }
}
