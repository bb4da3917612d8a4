//! Whom OpenSSL believes.

use openssl::{
    stack::Stack,
    x509::{X509, store::X509StoreBuilder},
};

use crate::{certificate::Certificate, error::OpenSslError, openssl::context::ContextBuilder};

impl ContextBuilder {
    /// Believes these authorities; None are the system's.
    pub(crate) fn trust(
        &mut self,
        authorities: Option<&[Certificate]>,
    ) -> Result<(), OpenSslError> {
        let Some(authorities) = authorities else {
            return Ok(self.ssl.set_default_verify_paths()?);
        };
        let mut store = X509StoreBuilder::new()?;
        for authority in authorities {
            store.add_cert(X509::from_der(authority.as_der())?)?;
        }
        self.ssl.set_cert_store(store.build());
        Ok(())
    }

    /// Lets a server name these authorities when it asks for a certificate.
    ///
    /// A list that a CertificateRequest has no room for is left out: then a client may send any
    /// certificate (RFC 5246 7.4.4), and OpenSSL would end each handshake otherwise.
    pub(crate) fn name_authorities(
        &mut self,
        authorities: &[Certificate],
    ) -> Result<(), OpenSslError> {
        let mut names = Stack::new()?;
        let mut length = 0;
        for authority in authorities {
            let authority = X509::from_der(authority.as_der())?;
            let name = authority.subject_name();
            length += 2 + name.to_der()?.len();
            names.push(name.to_owned()?)?;
        }
        if length <= MAX_NAMES {
            self.ssl.set_client_ca_list(names);
        }
        Ok(())
    }
}

/// How many bytes of names, each with its length, a CertificateRequest can hold.
const MAX_NAMES: usize = 0xffff;
