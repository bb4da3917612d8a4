//! What certificates tell, as values: it uses no other folder.

pub(crate) mod general_name;
pub(crate) mod identity_fault;
pub(crate) mod refusal;

use bytes::Bytes;

/// A certificate (RFC 5280), as the bytes of its DER; it clones without copying them.
///
/// Each method reads anew what it tells. None of it is more than the certificate says of itself:
/// whether to believe that is decided in the handshake.
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
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Certificate {
    /// What OpenSSL has read as a certificate, and written.
    pub(crate) der: Bytes,
}

impl Certificate {
    /// Returns its DER.
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }
}
