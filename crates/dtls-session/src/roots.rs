//! Whom to believe.

use std::path::Path;

use openssl::{
    ssl::SslContextBuilder,
    stack::Stack,
    x509::{X509, store::X509StoreBuilder},
};

use crate::{
    error::{OpenSslError, PemError},
    identity::{certificates, read},
    openssl::scope::Scope,
};

/// The certificate authorities that a peer's certificate has to lead to.
#[derive(Clone, Debug)]
pub struct Roots(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Given(Vec<X509>),
}

impl Roots {
    /// Trusts the system's authorities, where OpenSSL looks for them
    /// (`SSL_CTX_set_default_verify_paths`).
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// Trusts the authorities in a PEM bundle, and no others.
    ///
    /// # Errors
    ///
    /// A [`PemError`] if there is no certificate in it or one does not parse.
    pub fn from_pem(bundle: &[u8]) -> Result<Self, PemError> {
        Ok(Self(Source::Given(certificates(bundle)?)))
    }

    /// Trusts the authorities in a PEM file, a regular one of up to 64 MiB, and no others.
    ///
    /// # Errors
    ///
    /// A [`PemError`]; it names the file if it cannot be read.
    pub fn from_pem_file(path: impl AsRef<Path>) -> Result<Self, PemError> {
        Self::from_pem(&read(path.as_ref())?)
    }

    pub(crate) fn install(&self, context: &mut SslContextBuilder) -> Result<(), OpenSslError> {
        match &self.0 {
            Source::System => Ok(context.set_default_verify_paths()?),
            Source::Given(authorities) => {
                let mut store = X509StoreBuilder::new()?;
                for authority in authorities {
                    store.add_cert(authority.clone())?;
                }
                context.set_cert_store(store.build());
                Ok(())
            }
        }
    }

    /// Lets sessions be resumed only where the same authorities are believed.
    pub(crate) fn narrow(&self, scope: Scope) -> Result<Scope, OpenSslError> {
        match &self.0 {
            Source::System => Ok(scope.with(b"system")),
            Source::Given(authorities) => {
                let scope = scope.with(&(authorities.len() as u64).to_be_bytes());
                authorities.iter().try_fold(scope, |scope, authority| {
                    Ok(scope.with(&authority.to_der()?))
                })
            }
        }
    }

    /// Lets a server name these authorities when it asks for a certificate.
    ///
    /// A list that a CertificateRequest has no room for is left out: then a client may send any
    /// certificate (RFC 5246 7.4.4), and OpenSSL would end each handshake otherwise.
    pub(crate) fn install_names(
        &self,
        context: &mut SslContextBuilder,
    ) -> Result<(), OpenSslError> {
        if let Source::Given(authorities) = &self.0 {
            let mut names = Stack::new()?;
            let mut length = 0;
            for authority in authorities {
                let name = authority.subject_name();
                length += 2 + name.to_der()?.len();
                names.push(name.to_owned()?)?;
            }
            if length <= MAX_NAMES {
                context.set_client_ca_list(names);
            }
        }
        Ok(())
    }
}

/// How many bytes of names, each with its length, a CertificateRequest can hold.
const MAX_NAMES: usize = 0xffff;
