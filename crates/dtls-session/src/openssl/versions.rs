//! Which versions of DTLS the linked OpenSSL can, and which an `Ssl` speaks.

use openssl::{
    ssl::{SslContextBuilder, SslMethod, SslOptions, SslRef},
    version,
};

use crate::{
    error::{BuildError, OpenSslError},
    openssl::{context::ContextBuilder, ffi},
    settings::version::{Version, Versions},
};

impl Version {
    /// Returns whether the linked OpenSSL can do it: OpenSSL is asked, whatever its number.
    pub fn is_available(self) -> bool {
        SslContextBuilder::new(SslMethod::dtls()).is_ok_and(|mut context| {
            ffi::set_versions(&mut context, self.number(), self.number()).is_ok()
        })
    }

    /// The one that was negotiated.
    pub(crate) fn of(ssl: &SslRef) -> Self {
        match ssl.version_str() {
            "DTLSv1.3" => Self::Dtls13,
            "DTLSv1.2" => Self::Dtls12,
            _ => Self::Dtls10,
        }
    }
}

impl ContextBuilder {
    /// Bounds the versions to negotiate.
    pub(super) fn bound_versions(&mut self, versions: Versions) -> Result<(), BuildError> {
        let Versions { min, max } = versions;
        if min > max {
            return Err(BuildError::NoVersion { min, max });
        }
        for version in [max, min] {
            if !version.is_available() {
                return Err(BuildError::VersionUnavailable {
                    version,
                    needed: version.needs(),
                    found: version::version(),
                });
            }
        }
        ffi::set_versions(&mut self.ssl, min.number(), max.number()).map_err(OpenSslError::from)?;
        if versions.allow_1_0() {
            self.ssl.set_security_level(0);
            // A forged record is then dropped; with Encrypt-then-MAC it would end the session.
            self.ssl
                .set_options(SslOptions::from_bits_retain(NO_ENCRYPT_THEN_MAC));
        }
        Ok(())
    }
}

/// `SSL_OP_NO_ENCRYPT_THEN_MAC`.
const NO_ENCRYPT_THEN_MAC: u64 = 1 << 19;
