//! Why a peer's certificate was refused.

use std::fmt;

use crate::certificate::Certificate;

/// Why a peer's certificate was refused, and which of its chain was at fault.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CertificateRefusal {
    /// What was wrong with it.
    pub fault: CertificateFault,
    /// The same in OpenSSL's words (`X509_verify_cert_error_string`).
    pub reason: String,
    /// Where in the chain the fault is: 0 is the peer's own certificate, 1 its issuer's.
    pub depth: u32,
    /// The chain as far as it could be built, the peer's own certificate first; it ends with a
    /// trusted one where that was found. Empty if the peer showed no certificate.
    pub chain: Vec<Certificate>,
}

/// What is wrong with a certificate, as far as a caller may want to tell the cases apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateFault {
    /// The peer showed none.
    Missing,
    /// It is not valid any more.
    Expired,
    /// It is not valid yet.
    NotYetValid,
    /// It has not the name, or the address, that was expected.
    WrongName,
    /// No trusted authority has signed it.
    UnknownAuthority,
    /// It has signed itself, and is not trusted.
    SelfSigned,
    /// It is not meant for this side of a session, or its authority for signing.
    WrongPurpose,
    /// Its key or its digest is too weak.
    TooWeak,
    /// The application did not want it.
    Unwanted,
    /// Something else, which [`CertificateRefusal::reason`] names.
    Other,
}

impl CertificateRefusal {
    /// Returns the certificate at fault, where one was shown.
    pub fn certificate(&self) -> Option<&Certificate> {
        self.chain
            .get(self.depth as usize)
            .or_else(|| self.chain.last())
    }

    pub(crate) fn missing() -> Self {
        Self {
            fault: CertificateFault::Missing,
            reason: "it sent none".to_owned(),
            depth: 0,
            chain: Vec::new(),
        }
    }
}

impl fmt::Display for CertificateRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}
