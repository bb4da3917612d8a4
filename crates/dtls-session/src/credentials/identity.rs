//! What one side shows the other: a certificate chain and its key.

use std::{fmt, path::Path, sync::Arc};

use zeroize::Zeroizing;

use crate::{
    certificate::{Certificate, identity_fault::IdentityFault},
    error::PemError,
    file,
    openssl::{identity::Shown, scope::Scope},
};

/// A certificate chain and the private key of its first certificate.
///
/// ```
/// use dtls_session::Identity;
///
/// # fn main() -> Result<(), dtls_session::PemError> {
/// # let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../certs");
/// let identity = Identity::from_pem_files(format!("{dir}/server.pem"), format!("{dir}/server.key"))?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Identity {
    /// At least one.
    certificates: Arc<[Certificate]>,
    pub(crate) shown: Arc<Shown>,
}

impl Identity {
    /// Reads a chain, leaf first, and an unencrypted key in PKCS#8, SEC1 or PKCS#1 form.
    ///
    /// # Errors
    ///
    /// A [`PemError`] if either does not parse or the two do not belong together.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, PemError> {
        let (shown, certificates) = Shown::from_pem(chain, key)?;
        Ok(Self {
            certificates: certificates.into(),
            shown: Arc::new(shown),
        })
    }

    /// Reads a chain and a key as [`Self::from_pem`] does, from two regular files of up to 64 MiB.
    ///
    /// # Errors
    ///
    /// A [`PemError`]; it names the file if one cannot be read.
    pub fn from_pem_files(
        chain: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Result<Self, PemError> {
        let chain = read(chain.as_ref())?;
        let key = read(key.as_ref())?;
        Self::from_pem(&chain, &key)
    }

    /// Returns its certificates: the one that the key belongs to, and those behind it.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// Returns why clients would refuse it now if a server shows it to those that ask for `name`, if
    /// any; `*.` at the name's start stands for any one label, as for
    /// [`AcceptorBuilder::server_name`](crate::AcceptorBuilder::server_name). Whom the clients trust it
    /// does not know.
    ///
    /// ```
    /// use dtls_session::{Identity, IdentityFault};
    ///
    /// # fn main() -> Result<(), dtls_session::PemError> {
    /// # let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../certs");
    /// let identity = Identity::from_pem_files(format!("{dir}/server.pem"), format!("{dir}/server.key"))?;
    /// assert!(identity.server_faults(Some("localhost")).is_empty());
    /// let name = "example.org".to_owned();
    /// assert_eq!(identity.server_faults(Some(&name)), [IdentityFault::WrongName { name }]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn server_faults(&self, name: Option<&str>) -> Vec<IdentityFault> {
        self.shown.server_faults(&self.certificates, name)
    }

    /// Lets sessions be resumed only with the same certificate.
    pub(crate) fn narrow(&self, scope: Scope) -> Scope {
        scope.with(b"identity").with(self.certificates[0].as_der())
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("certificate", &self.certificates[0])
            .finish_non_exhaustive()
    }
}

pub(crate) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, PemError> {
    file::read(path).map_err(|source| PemError::Read {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_shows_the_name_and_not_the_key() {
        let chain = include_bytes!("../../../../certs/server.pem");
        let key = include_bytes!("../../../../certs/server.key");
        let identity = Identity::from_pem(chain, key).unwrap();
        let shown = format!("{identity:?}");
        assert!(shown.contains("DTLS echo development server"), "{shown}");
        assert!(shown.ends_with(", .. }") && shown.len() < 150, "{shown}");
    }
}
