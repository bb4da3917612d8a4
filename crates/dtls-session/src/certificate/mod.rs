//! What certificates tell, as values: it uses no other folder.

pub(crate) mod general_name;
pub(crate) mod identity_fault;
pub(crate) mod refusal;

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
    time::SystemTime,
};

use crate::certificate::general_name::GeneralName;

/// A certificate (RFC 5280): the bytes of its DER and what they say; it clones without copying them.
///
/// It holds what the certificate says, and proves nothing by itself: the handshake decides whether to trust the
/// certificate. Two certificates are equal if their bytes are equal.
///
/// ```
/// use dtls_session::{Certificate, GeneralName};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../certs/server.pem");
/// let certificates = Certificate::from_pem(&std::fs::read(path)?)?;
/// let certificate = &certificates[0];
/// assert_eq!(certificate.subject(), "CN=DTLS echo development server");
/// assert!(certificate.names().contains(&GeneralName::Dns("localhost".to_owned())));
/// assert_eq!(Certificate::from_der(certificate.as_der())?, *certificate);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Certificate(pub(crate) Arc<Contents>);

/// What is in one, read once.
pub(crate) struct Contents {
    /// What OpenSSL has read as a certificate, and written.
    pub(crate) der: Vec<u8>,
    pub(crate) subject: String,
    pub(crate) issuer: String,
    pub(crate) common_name: Option<String>,
    pub(crate) names: Vec<GeneralName>,
    pub(crate) not_before: Option<SystemTime>,
    pub(crate) not_after: Option<SystemTime>,
}

impl Certificate {
    /// Returns its DER.
    pub fn as_der(&self) -> &[u8] {
        &self.0.der
    }

    /// Returns whom it is for, such as `O=Example, CN=example.org`: the attributes of its subject in
    /// their order, by their short names in OpenSSL. A comma or a backslash in a value has a backslash
    /// before it.
    pub fn subject(&self) -> &str {
        &self.0.subject
    }

    /// Returns who has signed it, in the form of [`Self::subject`].
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// Returns the common name (CN) of its subject; None if it has none, or several.
    pub fn common_name(&self) -> Option<&str> {
        self.0.common_name.as_deref()
    }

    /// Returns the names and addresses that it is good for (RFC 5280 4.2.1.6): its alternative names. A
    /// certificate of a client often has none, but only a [subject](Self::subject).
    pub fn names(&self) -> &[GeneralName] {
        &self.0.names
    }

    /// Returns the second from which on it is good; None if it is no time, or none that
    /// [`SystemTime`] can tell.
    pub fn not_before(&self) -> Option<SystemTime> {
        self.0.not_before
    }

    /// Returns the last second at which it is good; None if it is no time, or none that
    /// [`SystemTime`] can tell.
    pub fn not_after(&self) -> Option<SystemTime> {
        self.0.not_after
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.as_der() == other.as_der()
    }
}

impl Eq for Certificate {}

impl Hash for Certificate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_der().hash(state);
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Certificate").field(&self.subject()).finish()
    }
}
