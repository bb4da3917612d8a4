//! What one side shows the other: a certificate chain and its key.

use std::{fmt, path::Path};

use openssl::{
    nid::Nid,
    pkey::{Id, PKey, Private},
    ssl::{SslContextBuilder, SslRef},
    stack::Stack,
    x509::{X509, X509Ref},
};
use zeroize::Zeroizing;

use crate::{
    certificate::Certificate,
    error::{OpenSslError, PemError},
    ffi, file,
    openssl::{scope::Scope, suites::Proofs},
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
    certificate: X509,
    intermediates: Vec<X509>,
    key: PKey<Private>,
    /// All of them, as they are told of.
    told: Vec<Certificate>,
}

impl Identity {
    /// Reads a chain, leaf first, and an unencrypted key in PKCS#8, SEC1 or PKCS#1 form.
    ///
    /// # Errors
    ///
    /// A [`PemError`] if either does not parse or the two do not belong together.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, PemError> {
        let chain = certificates(chain)?;
        let told = chain.iter().map(|it| Certificate::of(it));
        let told = told.collect::<Result<_, _>>()?;
        let mut chain = chain.into_iter();
        let certificate = chain.next().ok_or(PemError::NoCertificate)?;
        // Without a callback OpenSSL would ask at the terminal for an encrypted key's passphrase.
        let key = PKey::private_key_from_pem_callback(key, |_| Ok(0))
            .map_err(|error| PemError::Key(error.into()))?;
        let public = certificate.public_key().map_err(OpenSslError::from)?;
        if !public.public_eq(&key) {
            return Err(PemError::Mismatch);
        }
        Ok(Self {
            certificate,
            intermediates: chain.collect(),
            key,
            told,
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
        &self.told
    }

    /// The certificate that the key belongs to.
    pub(crate) fn own(&self) -> &X509Ref {
        &self.certificate
    }

    pub(crate) fn install(&self, context: &mut SslContextBuilder) -> Result<(), OpenSslError> {
        let chain = self.chain()?;
        Ok(ffi::set_identity(
            context,
            &self.certificate,
            &self.key,
            &chain,
        )?)
    }

    /// Shows this identity instead of the context's.
    pub(crate) fn show(&self, ssl: &SslRef) -> Result<(), OpenSslError> {
        let chain = self.chain()?;
        Ok(ffi::replace_identity(
            ssl,
            &self.certificate,
            &self.key,
            &chain,
        )?)
    }

    pub(crate) fn add_proof(&self, proofs: Proofs) -> Proofs {
        proofs.with_key(&self.key)
    }

    /// The kind of key, if it is one that serves nobody: OpenSSL counts others than RSA's and those of
    /// ECDSA for no cipher suite of a server before DTLS 1.3, though RFC 8422 has Ed25519 and RFC 8446
    /// 4.2.3 has RSA-PSS for DTLS 1.2, too.
    pub(crate) fn unusable(&self, allow_1_3: bool) -> Option<&'static str> {
        match self.key.id() {
            Id::RSA | Id::EC => None,
            Id::RSA_PSS | Id::ED25519 | Id::ED448 if allow_1_3 => None,
            Id::RSA_PSS => Some("RSA-PSS"),
            Id::ED25519 => Some("Ed25519"),
            Id::ED448 => Some("Ed448"),
            Id::DSA => Some("DSA"),
            other => Some(
                Nid::from_raw(other.as_raw())
                    .short_name()
                    .unwrap_or("unknown"),
            ),
        }
    }

    fn chain(&self) -> Result<Stack<X509>, OpenSslError> {
        let mut chain = Stack::new()?;
        for certificate in &self.intermediates {
            chain.push(certificate.clone())?;
        }
        Ok(chain)
    }

    /// Lets sessions be resumed only with the same certificate.
    pub(crate) fn narrow(&self, scope: Scope) -> Result<Scope, OpenSslError> {
        Ok(scope.with(b"identity").with(&self.certificate.to_der()?))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("certificate", &self.told.first())
            .finish_non_exhaustive()
    }
}

pub(crate) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, PemError> {
    file::read(path).map_err(|source| PemError::Read {
        path: path.to_owned(),
        source,
    })
}

pub(crate) fn certificates(pem: &[u8]) -> Result<Vec<X509>, PemError> {
    // OpenSSL would pass over a certificate behind a mark, and find the others.
    let pem = file::without_marks(pem);
    let certificates =
        X509::stack_from_pem(&pem).map_err(|error| PemError::Certificate(error.into()))?;
    if certificates.is_empty() {
        Err(PemError::NoCertificate)
    } else {
        Ok(certificates)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_certificate_is_passed_over() {
        let ca = include_bytes!("../../../certs/ca.pem");
        let marked = [&b"\xef\xbb\xbf"[..], ca].concat();
        assert_eq!(certificates(&marked).unwrap().len(), 1);
        // Two such files, one behind the other.
        assert_eq!(certificates(&marked.repeat(2)).unwrap().len(), 2);
        // A file that was cut off in a certificate.
        let begun = ca.len() + "-----BEGIN CERTIFICATE-----".len();
        for length in begun..2 * ca.len() - 1 {
            let cut = &ca.repeat(2)[..length];
            let found = certificates(cut).map_or(0, |certificates| certificates.len());
            assert_ne!(found, 1, "{:?}", String::from_utf8_lossy(&cut[ca.len()..]));
        }
    }

    #[test]
    fn debug_output_shows_the_name_and_not_the_key() {
        let chain = include_bytes!("../../../certs/server.pem");
        let key = include_bytes!("../../../certs/server.key");
        let identity = Identity::from_pem(chain, key).unwrap();
        let shown = format!("{identity:?}");
        assert!(shown.contains("DTLS echo development server"), "{shown}");
        assert!(shown.ends_with(", .. }") && shown.len() < 150, "{shown}");
    }
}
