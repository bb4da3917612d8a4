//! Keys for SRTP (RFC 5764).

use std::fmt;

use zeroize::Zeroizing;

use crate::{
    error::ExportError,
    openssl::srtp::{self, Profile},
};

/// The keys and salts of a session's SRTP profile (RFC 5764 4.2); wiped when dropped.
///
/// ```
/// use dtls_session::{Connector, ExportError, Preferences, Roots, Session};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let preferences = Preferences::default().srtp_profiles("SRTP_AEAD_AES_128_GCM");
/// let connector = Connector::builder(Roots::system()).preferences(preferences).build()?;
/// # Ok(())
/// # }
///
/// fn protect(session: &Session) -> Result<(), ExportError> {
///     if let Some(keys) = session.srtp_keys()? {
///         let (key, salt) = (keys.client_key(), keys.client_salt());
///         println!("{} with {} and {} bytes", keys.profile(), key.len(), salt.len());
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct SrtpKeys {
    profile: &'static str,
    key: usize,
    salt: usize,
    material: Zeroizing<Vec<u8>>,
}

impl SrtpKeys {
    /// Derives the keys of a profile.
    pub(crate) fn of(
        profile: Option<&str>,
        export: impl FnOnce(&mut [u8], &str) -> Result<(), ExportError>,
    ) -> Result<Option<Self>, ExportError> {
        let Some(profile) = profile.and_then(srtp::named) else {
            return Ok(None);
        };
        let Profile {
            name, key, salt, ..
        } = profile;
        let mut material = Zeroizing::new(vec![0; 2 * (key + salt)]);
        export(&mut material, LABEL)?;
        Ok(Some(Self {
            profile: name,
            key,
            salt,
            material,
        }))
    }

    /// Returns the profile's name, as OpenSSL and the RFCs have it.
    pub fn profile(&self) -> &'static str {
        self.profile
    }

    /// Returns the key of what the client sends.
    pub fn client_key(&self) -> &[u8] {
        &self.material[..self.key]
    }

    /// Returns the key of what the server sends.
    pub fn server_key(&self) -> &[u8] {
        &self.material[self.key..2 * self.key]
    }

    /// Returns the salt of what the client sends.
    pub fn client_salt(&self) -> &[u8] {
        &self.material[2 * self.key..2 * self.key + self.salt]
    }

    /// Returns the salt of what the server sends.
    pub fn server_salt(&self) -> &[u8] {
        &self.material[2 * self.key + self.salt..]
    }
}

impl fmt::Debug for SrtpKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SrtpKeys")
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}

const LABEL: &str = "EXTRACTOR-dtls_srtp";
