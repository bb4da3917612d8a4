//! Keys for media streams beside the session (DTLS-SRTP, RFC 5764).

use std::{fmt, str::FromStr};

use openssl::ssl::SslRef;
use zeroize::Zeroizing;

use crate::error::{ExportError, SrtpProfileError};

/// How media packets are protected, by its name in RFC 5764 4.1.2 and RFC 7714 14.2.
///
/// ```
/// use dtls_session::SrtpProfile;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let profile: SrtpProfile = "SRTP_AEAD_AES_128_GCM".parse()?;
/// assert_eq!((profile.key_len(), profile.salt_len()), (16, 12));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SrtpProfile {
    /// `SRTP_AES128_CM_HMAC_SHA1_80`, which everybody knows.
    Aes128CmHmacSha1_80,
    /// `SRTP_AES128_CM_HMAC_SHA1_32`, with a short tag.
    Aes128CmHmacSha1_32,
    /// `SRTP_AEAD_AES_128_GCM`.
    AeadAes128Gcm,
    /// `SRTP_AEAD_AES_256_GCM`.
    AeadAes256Gcm,
}

impl SrtpProfile {
    /// All that there are.
    pub const ALL: [Self; 4] = [
        Self::AeadAes256Gcm,
        Self::AeadAes128Gcm,
        Self::Aes128CmHmacSha1_80,
        Self::Aes128CmHmacSha1_32,
    ];

    /// Returns its number in IANA's registry.
    pub const fn id(self) -> u16 {
        match self {
            Self::Aes128CmHmacSha1_80 => 1,
            Self::Aes128CmHmacSha1_32 => 2,
            Self::AeadAes128Gcm => 7,
            Self::AeadAes256Gcm => 8,
        }
    }

    /// Returns the length of a master key in bytes.
    pub const fn key_len(self) -> usize {
        match self {
            Self::AeadAes256Gcm => 32,
            _ => 16,
        }
    }

    /// Returns the length of a master salt in bytes.
    pub const fn salt_len(self) -> usize {
        match self {
            Self::Aes128CmHmacSha1_80 | Self::Aes128CmHmacSha1_32 => 14,
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => 12,
        }
    }

    pub(crate) fn selected(ssl: &SslRef) -> Option<Self> {
        let id = u16::try_from(ssl.selected_srtp_profile()?.id().as_raw()).ok()?;
        Self::ALL.into_iter().find(|profile| profile.id() == id)
    }

    /// What `SSL_CTX_set_tlsext_use_srtp` takes.
    pub(crate) fn list(profiles: &[Self]) -> String {
        let names: Vec<_> = profiles.iter().map(|profile| profile.openssl()).collect();
        names.join(":")
    }

    fn openssl(self) -> &'static str {
        match self {
            Self::Aes128CmHmacSha1_80 => "SRTP_AES128_CM_SHA1_80",
            Self::Aes128CmHmacSha1_32 => "SRTP_AES128_CM_SHA1_32",
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => self.name(),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Aes128CmHmacSha1_80 => "SRTP_AES128_CM_HMAC_SHA1_80",
            Self::Aes128CmHmacSha1_32 => "SRTP_AES128_CM_HMAC_SHA1_32",
            Self::AeadAes128Gcm => "SRTP_AEAD_AES_128_GCM",
            Self::AeadAes256Gcm => "SRTP_AEAD_AES_256_GCM",
        }
    }
}

impl fmt::Display for SrtpProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Takes the RFCs' names, and OpenSSL's, which leave out `HMAC`.
impl FromStr for SrtpProfile {
    type Err = SrtpProfileError;

    fn from_str(name: &str) -> Result<Self, SrtpProfileError> {
        Self::ALL
            .into_iter()
            .find(|profile| [profile.name(), profile.openssl()].contains(&name))
            .ok_or_else(|| SrtpProfileError {
                name: name.to_owned(),
            })
    }
}

/// The keys of both directions of SRTP, which a session's two sides agree on (RFC 5764 4.2); wiped
/// when dropped.
///
/// ```
/// use dtls_session::Session;
/// # use tokio::io::{AsyncRead, AsyncWrite};
///
/// fn media<S>(session: &Session<S>) -> Result<(), Box<dyn std::error::Error>>
/// where
///     S: AsyncRead + AsyncWrite + Unpin,
/// {
///     if let Some(keys) = session.srtp_keys()? {
///         println!("{} keys of {} bytes", keys.profile(), keys.client().key.len());
///     }
///     Ok(())
/// }
/// ```
pub struct SrtpKeys {
    profile: SrtpProfile,
    material: Zeroizing<Vec<u8>>,
}

/// What one side protects its packets with.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SrtpKey<'a> {
    /// The master key.
    pub key: &'a [u8],
    /// The master salt.
    pub salt: &'a [u8],
}

impl SrtpKeys {
    pub(crate) fn of(ssl: &SslRef) -> Result<Option<Self>, ExportError> {
        let Some(profile) = SrtpProfile::selected(ssl) else {
            return Ok(None);
        };
        let length = 2 * (profile.key_len() + profile.salt_len());
        let mut material = Zeroizing::new(vec![0; length]);
        crate::exporter::export(ssl, &mut material, LABEL, None)?;
        Ok(Some(Self { profile, material }))
    }

    /// Returns the profile that was agreed on.
    pub fn profile(&self) -> SrtpProfile {
        self.profile
    }

    /// Returns what the DTLS client's packets are protected with.
    pub fn client(&self) -> SrtpKey<'_> {
        self.side(0)
    }

    /// Returns what the DTLS server's packets are protected with.
    pub fn server(&self) -> SrtpKey<'_> {
        self.side(1)
    }

    /// Both keys stand before both salts, and the client's before the server's.
    fn side(&self, side: usize) -> SrtpKey<'_> {
        let (key, salt) = (self.profile.key_len(), self.profile.salt_len());
        let (keys, salts) = self.material.split_at(2 * key);
        SrtpKey {
            key: &keys[side * key..][..key],
            salt: &salts[side * salt..][..salt],
        }
    }
}

impl fmt::Debug for SrtpKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SrtpKeys")
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for SrtpKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SrtpKey").finish_non_exhaustive()
    }
}

const LABEL: &str = "EXTRACTOR-dtls_srtp";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for profile in SrtpProfile::ALL {
            assert_eq!(profile.to_string().parse(), Ok(profile));
            assert_eq!(profile.openssl().parse(), Ok(profile));
        }
        let error = "SRTP_NULL_HMAC_SHA1_80".parse::<SrtpProfile>().unwrap_err();
        let error = error.to_string();
        assert!(error.contains("SRTP_NULL_HMAC_SHA1_80"), "{error}");
        assert!(error.contains("SRTP_AEAD_AES_128_GCM"), "{error}");
    }

    #[test]
    fn the_material_is_cut_as_rfc_5764_has_it() {
        let profile = SrtpProfile::Aes128CmHmacSha1_80;
        let keys = SrtpKeys {
            profile,
            material: Zeroizing::new((0..60).collect()),
        };
        let bytes = |range: std::ops::Range<u8>| range.collect::<Vec<_>>();
        let (client, server) = (keys.client(), keys.server());
        assert_eq!(client.key, bytes(0..16));
        assert_eq!(server.key, bytes(16..32));
        assert_eq!(client.salt, bytes(32..46));
        assert_eq!(server.salt, bytes(46..60));
        let shown = format!("{keys:?} {client:?}");
        assert_eq!(
            shown,
            "SrtpKeys { profile: Aes128CmHmacSha1_80, .. } SrtpKey { .. }"
        );
    }
}
