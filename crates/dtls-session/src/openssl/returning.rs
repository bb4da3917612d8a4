//! Who comes back with a session, and proves nothing anew.

use openssl::ssl::SslRef;

use crate::{certificate::Certificate, error::OpenSslError, openssl::ffi};

/// What a session that is resumed remembers of its peer.
pub(crate) struct Returning {
    /// The identity of its pre-shared key, and the mark that the key left.
    pub(crate) psk: Option<(Vec<u8>, Vec<u8>)>,
    pub(crate) certificate: Option<Certificate>,
}

impl Returning {
    pub(crate) fn of(ssl: &SslRef) -> Result<Self, OpenSslError> {
        let mark = || ssl.session().map(ffi::ticket_data).unwrap_or_default();
        let certificate = ssl.peer_certificate();
        Ok(Self {
            psk: ffi::psk_identity(ssl).map(|identity| (identity, mark().to_vec())),
            certificate: certificate.map(|it| Certificate::of(&it)).transpose()?,
        })
    }
}
