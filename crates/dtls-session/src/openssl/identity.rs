//! A certificate chain and its key, as OpenSSL takes them.

use openssl::{
    nid::Nid,
    pkey::{Id, PKey, Private},
    ssl::SslRef,
    stack::Stack,
    x509::{X509, X509Ref},
};

use crate::{
    certificate::Certificate,
    error::{OpenSslError, PemError},
    openssl::{certificate::from_pem, context::ContextBuilder, ffi, suites::Proofs},
};

/// A chain and its key.
pub(crate) struct Shown {
    certificate: X509,
    intermediates: Stack<X509>,
    key: PKey<Private>,
}

impl Shown {
    /// Reads a chain, leaf first, and an unencrypted key, and returns the chain as values, too.
    pub(crate) fn from_pem(chain: &[u8], key: &[u8]) -> Result<(Self, Vec<Certificate>), PemError> {
        let chain = from_pem(chain)?;
        let values = chain.iter().map(|it| Certificate::of(it));
        let values = values.collect::<Result<_, _>>()?;
        let mut chain = chain.into_iter();
        let certificate = chain.next().ok_or(PemError::NoCertificate)?;
        // Without a callback OpenSSL would ask at the terminal for an encrypted key's passphrase.
        let key = PKey::private_key_from_pem_callback(key, |_| Ok(0))
            .map_err(|error| PemError::Key(error.into()))?;
        let public = certificate.public_key().map_err(OpenSslError::from)?;
        if !public.public_eq(&key) {
            return Err(PemError::Mismatch);
        }
        let mut intermediates = Stack::new().map_err(OpenSslError::from)?;
        for certificate in chain {
            intermediates
                .push(certificate)
                .map_err(OpenSslError::from)?;
        }
        let shown = Self {
            certificate,
            intermediates,
            key,
        };
        Ok((shown, values))
    }

    /// Shows it instead of the context's.
    pub(crate) fn replace(&self, ssl: &SslRef) -> Result<(), OpenSslError> {
        Ok(ffi::replace_identity(
            ssl,
            &self.certificate,
            &self.key,
            &self.intermediates,
        )?)
    }

    /// The certificate that the key belongs to.
    pub(crate) fn certificate(&self) -> &X509Ref {
        &self.certificate
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
}

impl ContextBuilder {
    /// Shows peers this chain.
    pub(crate) fn show(&mut self, shown: &Shown) -> Result<(), OpenSslError> {
        let Shown {
            certificate,
            intermediates,
            key,
        } = shown;
        Ok(ffi::set_identity(
            &mut self.ssl,
            certificate,
            key,
            intermediates,
        )?)
    }
}
