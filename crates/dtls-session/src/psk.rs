//! Pre-shared keys (RFC 4279).

use std::{fmt, sync::Arc};

use openssl::{error::ErrorStack, ssl::SslContextBuilder};
use zeroize::Zeroizing;

use crate::{error::PskError, hmac::HmacKey, secret::unhex};

/// A key that two sides have agreed upon, with the identity that the client names it by.
///
/// Its memory is wiped when it is dropped, and no output shows the key.
///
/// ```
/// use dtls_session::{Connector, Psk};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let psk = Psk::new("device-7", [7; 16])?;
/// let connector = Connector::with_psk(psk).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Psk {
    identity: String,
    key: PskKey,
}

impl Psk {
    /// The most bytes of an identity (OpenSSL's `PSK_MAX_IDENTITY_LEN` of all versions).
    pub const MAX_IDENTITY: usize = 128;

    /// Makes one of an identity and its key.
    ///
    /// # Errors
    ///
    /// A [`PskError`] if either has no length that OpenSSL takes.
    pub fn new(identity: impl Into<String>, key: impl AsRef<[u8]>) -> Result<Self, PskError> {
        let identity = identity.into();
        if !(1..=Self::MAX_IDENTITY).contains(&identity.len()) || identity.contains('\0') {
            return Err(PskError::Identity);
        }
        Ok(Self {
            identity,
            key: PskKey::new(key)?,
        })
    }

    /// Reads `IDENTITY:KEY`, the key in hexadecimal digits; the identity may have colons itself.
    ///
    /// # Errors
    ///
    /// A [`PskError`], which repeats nothing of the text.
    pub fn parse(text: &str) -> Result<Self, PskError> {
        let (identity, key) = text.rsplit_once(':').ok_or(PskError::Form)?;
        Self::new(identity, &*unhex(key).ok_or(PskError::NotHex)?)
    }

    /// Returns the identity.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// Returns the key.
    pub fn key(&self) -> &PskKey {
        &self.key
    }

    pub(crate) fn install(self, context: &mut SslContextBuilder) {
        context.set_psk_client_callback(move |_, _hint, identity, key| {
            let name = self.identity.as_bytes();
            // The identity ends with a zero byte.
            let Some(room) = identity.get_mut(..=name.len()) else {
                return Ok(0);
            };
            room[..name.len()].copy_from_slice(name);
            room[name.len()] = 0;
            Ok(self.key.write(key))
        });
    }
}

impl fmt::Debug for Psk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Psk")
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

/// A pre-shared key without its identity; its memory is wiped when it is dropped.
#[derive(Clone)]
pub struct PskKey(Zeroizing<Vec<u8>>);

impl PskKey {
    /// The most bytes of a key (OpenSSL's `PSK_MAX_PSK_LEN` of all versions).
    pub const MAX: usize = 256;

    /// Copies a key of 1 to [`Self::MAX`] bytes; 16 random ones are the least that keep a secret.
    ///
    /// # Errors
    ///
    /// [`PskError::Key`] if it is empty or longer.
    pub fn new(key: impl AsRef<[u8]>) -> Result<Self, PskError> {
        let key = key.as_ref();
        if (1..=Self::MAX).contains(&key.len()) {
            Ok(Self(Zeroizing::new(key.to_vec())))
        } else {
            Err(PskError::Key)
        }
    }

    /// Writes the key to the start of OpenSSL's buffer and returns its length; 0 is none.
    fn write(&self, buffer: &mut [u8]) -> usize {
        match buffer.get_mut(..self.0.len()) {
            Some(room) => {
                room.copy_from_slice(&self.0);
                self.0.len()
            }
            None => 0,
        }
    }
}

impl fmt::Debug for PskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PskKey").finish_non_exhaustive()
    }
}

/// How a server finds the key of an identity.
#[derive(Clone)]
pub(crate) struct PskLookup(Arc<dyn Fn(&[u8]) -> Option<PskKey> + Send + Sync>);

impl PskLookup {
    pub(crate) fn new(lookup: impl Fn(&[u8]) -> Option<PskKey> + Send + Sync + 'static) -> Self {
        Self(Arc::new(lookup))
    }

    /// Strangers get a key nobody has, and fail where those with a wrong key do: who guesses
    /// identities learns nothing (RFC 4279 2).
    pub(crate) fn install(self, context: &mut SslContextBuilder, decoy: [u8; 32]) {
        let decoy = HmacKey::new(&*Zeroizing::new(decoy));
        context.set_psk_server_callback(move |_, identity, key| {
            let identity = identity.unwrap_or_default();
            let stranger = Zeroizing::new(decoy.sign(&[identity]).to_vec());
            let found = (self.0)(identity).unwrap_or(PskKey(stranger));
            Ok::<_, ErrorStack>(found.write(key))
        });
    }
}

/// With forward secrecy, which a key alone does not give.
pub(crate) const SUITES: &str = "ECDHE-PSK-CHACHA20-POLY1305";

/// Whoever learns the key later can read all that was said; what small devices have.
pub(crate) const PLAIN_SUITES: &str = "PSK-AES128-GCM-SHA256:PSK-AES256-GCM-SHA384:\
    PSK-CHACHA20-POLY1305:PSK-AES128-CCM:PSK-AES256-CCM:PSK-AES128-CCM8:PSK-AES256-CCM8";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_an_identity_and_a_key_and_shows_only_the_former() {
        let psk = Psk::parse("urn:device:1:00fF").unwrap();
        assert_eq!((psk.identity(), &**psk.key().0), ("urn:device:1", &[0, 255][..]));
        assert_eq!(format!("{psk:?}"), "Psk { identity: \"urn:device:1\", .. }");
        assert_eq!(format!("{:?}", psk.key()), "PskKey { .. }");
    }

    #[test]
    fn what_is_no_key_is_named_and_not_repeated() {
        for (text, error) in [
            ("", "IDENTITY:KEY"),
            ("secret", "IDENTITY:KEY"),
            (":00", "identity"),
            ("x:", "from 1 to 256 bytes"),
            ("x:0", "hexadecimal"),
            ("x:secret", "hexadecimal"),
        ] {
            let shown = Psk::parse(text).unwrap_err().to_string();
            assert!(shown.contains(error) && !shown.contains("secret"), "{shown}");
        }
    }
}
