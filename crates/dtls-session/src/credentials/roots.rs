//! Whom to believe.

use std::path::Path;

use crate::{
    certificate::Certificate, credentials::identity::read, error::PemError, openssl::scope::Scope,
};

/// The certificate authorities that a peer's certificate has to lead to.
#[derive(Clone, Debug)]
pub struct Roots(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Given(Vec<Certificate>),
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
        Ok(Self(Source::Given(Certificate::from_pem(bundle)?)))
    }

    /// Trusts the authorities in a PEM file, a regular one of up to 64 MiB, and no others.
    ///
    /// # Errors
    ///
    /// A [`PemError`]; it names the file if it cannot be read.
    pub fn from_pem_file(path: impl AsRef<Path>) -> Result<Self, PemError> {
        Self::from_pem(&read(path.as_ref())?)
    }

    /// Those that were given; None if they are the system's.
    pub(crate) fn given(&self) -> Option<&[Certificate]> {
        match &self.0 {
            Source::System => None,
            Source::Given(authorities) => Some(authorities),
        }
    }

    /// Lets sessions be resumed only where the same authorities are believed.
    pub(crate) fn narrow(&self, scope: Scope) -> Scope {
        match &self.0 {
            Source::System => scope.with(b"system"),
            Source::Given(authorities) => {
                let scope = scope.with(&(authorities.len() as u64).to_be_bytes());
                let all = authorities.iter();
                all.fold(scope, |scope, authority| scope.with(authority.as_der()))
            }
        }
    }
}
