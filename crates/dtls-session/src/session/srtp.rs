//! Keys for SRTP (RFC 5764).

use std::fmt;

use openssl::ssl::SslRef;
use zeroize::Zeroizing;

use crate::session::exporter::ExportError;

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
        let known = |profile| PROFILES.into_iter().find(|known| known.1 == profile);
        let Some((_, profile, key, salt)) = profile.and_then(known) else {
            return Ok(None);
        };
        let mut material = Zeroizing::new(vec![0; 2 * (key + salt)]);
        export(&mut material, LABEL)?;
        Ok(Some(Self {
            profile,
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

/// Returns the name of the profile that was agreed upon.
pub(crate) fn profile(ssl: &SslRef) -> Option<&'static str> {
    let id = ssl.selected_srtp_profile()?.id().as_raw();
    let profile = PROFILES.into_iter().find(|profile| profile.0 == id)?;
    Some(profile.1)
}

/// Whether this crate can make keys for the profile.
pub(crate) fn is_known(name: &str) -> bool {
    PROFILES.iter().any(|profile| profile.1 == name)
}

type Profile = (std::ffi::c_ulong, &'static str, usize, usize);

const LABEL: &str = "EXTRACTOR-dtls_srtp";

/// Number, name, and the lengths of key and salt (RFC 5764 4.1.2, RFC 7714 14.2).
const PROFILES: [Profile; 4] = [
    (1, "SRTP_AES128_CM_SHA1_80", 16, 14),
    (2, "SRTP_AES128_CM_SHA1_32", 16, 14),
    (7, "SRTP_AEAD_AES_128_GCM", 16, 12),
    (8, "SRTP_AEAD_AES_256_GCM", 32, 12),
];
