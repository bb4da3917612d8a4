//! Pre-shared keys (RFC 4279).

use std::fmt;

use zeroize::Zeroizing;

use crate::{
    credentials::secret::unhex,
    error::PskError,
    file,
    openssl::{hmac::HmacKey, scope::Scope},
};

/// A key that two sides have agreed upon, with the identity that the client names it by.
///
/// The identity is bytes, of any value but zero: RFC 4279 5.1 has it as UTF-8, and devices as they
/// please. Its memory is wiped when it is dropped, and no output shows the key.
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
    pub(crate) identity: Vec<u8>,
    pub(crate) key: PskKey,
}

impl Psk {
    /// The most bytes of an identity (what a client's OpenSSL has room for: one less than
    /// `PSK_MAX_IDENTITY_LEN`).
    pub const MAX_IDENTITY: usize = 255;

    /// Makes one of an identity and its key.
    ///
    /// # Errors
    ///
    /// A [`PskError`] if either has no length that OpenSSL takes, or the identity has a zero byte, where
    /// OpenSSL would cut it.
    pub fn new(identity: impl Into<Vec<u8>>, key: impl AsRef<[u8]>) -> Result<Self, PskError> {
        let identity = identity.into();
        if identity.len() > Self::MAX_IDENTITY || identity.contains(&0) {
            return Err(PskError::Identity);
        }
        Ok(Self {
            identity,
            key: PskKey::new(key)?,
        })
    }

    /// Reads `IDENTITY:KEY`, the key in hexadecimal digits, or `hex=IDENTITY,KEY`, both in them, which
    /// is for identities of any bytes; `hex=,KEY` has an empty one. In the first form the identity may
    /// have colons itself.
    ///
    /// # Errors
    ///
    /// A [`PskError`], which repeats nothing of the text; also for an identity that may be a mistake: an
    /// empty one in the first form, one with white space at an end or a control character, or one behind a
    /// byte-order mark.
    pub fn parse(text: &str) -> Result<Self, PskError> {
        if text.starts_with(file::BYTE_ORDER_MARK) {
            return Err(PskError::Mark);
        }
        let hex = |digits| unhex(digits).ok_or(PskError::NotHex);
        if let Some(both) = text.strip_prefix(HEX) {
            let (identity, key) = both.split_once(',').ok_or(PskError::HexForm)?;
            let identity = unhex(identity).ok_or(PskError::HexForm)?;
            return Self::new(identity.to_vec(), &*hex(key)?);
        }
        let (identity, key) = text.rsplit_once(':').ok_or(PskError::Form)?;
        if identity.is_empty() {
            return Err(PskError::Empty);
        }
        if identity.trim() != identity || identity.contains(char::is_control) {
            return Err(PskError::Ambiguous);
        }
        Self::new(identity, &*hex(key)?)
    }

    /// Returns the identity.
    pub fn identity(&self) -> &[u8] {
        &self.identity
    }

    /// Returns the key.
    pub fn key(&self) -> &PskKey {
        &self.key
    }

    /// Lets sessions be resumed only with the same identity and key.
    pub(crate) fn narrow(&self, scope: Scope) -> Scope {
        let key = HmacKey::new(&self.key.0).sign(&[b"dtls-session scope"]);
        scope.with(b"psk").with(&self.identity).with(&key)
    }
}

impl fmt::Debug for Psk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Psk")
            .field("identity", &Shown(&self.identity))
            .finish_non_exhaustive()
    }
}

/// An identity as a string literal of bytes.
pub(super) struct Shown<'a>(pub(super) &'a [u8]);

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

/// A pre-shared key without its identity; its memory is wiped when it is dropped.
#[derive(Clone)]
pub struct PskKey(pub(crate) Zeroizing<Vec<u8>>);

impl PskKey {
    /// The most bytes of a key (OpenSSL's `PSK_MAX_PSK_LEN`).
    pub const MAX: usize = 512;

    /// The least bytes that keep a secret, if they are random (RFC 9257 6: 128 bits).
    pub const ADVISED: usize = 16;

    /// Copies a key of 1 to [`Self::MAX`] bytes; [`Self::is_short`] tells whether they are enough.
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

    /// Whether it has less than [`Self::ADVISED`] bytes, so that it can be found by trying.
    pub fn is_short(&self) -> bool {
        self.0.len() < Self::ADVISED
    }

    /// What a ticket carries to tell this key from one that takes its place.
    pub(crate) fn mark(&self) -> [u8; 32] {
        HmacKey::new(&self.0).sign(&[b"dtls-session ticket"])
    }
}

impl fmt::Debug for PskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PskKey").finish_non_exhaustive()
    }
}

const HEX: &str = "hex=";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_an_identity_and_a_key_and_shows_only_the_former() {
        let psk = Psk::parse("urn:device:1:00fF").unwrap();
        assert_eq!(
            (psk.identity(), &**psk.key().0),
            (&b"urn:device:1"[..], &[0, 255][..])
        );
        assert_eq!(format!("{psk:?}"), "Psk { identity: \"urn:device:1\", .. }");
        assert_eq!(format!("{:?}", psk.key()), "PskKey { .. }");
    }

    #[test]
    fn an_identity_is_any_bytes_but_zero() {
        for (text, identity) in [
            ("hex=,00ff", &b""[..]),
            ("hex=FF20,00ff", b"\xff "),
            ("hex=2368657821,00ff", b"#hex!"),
            ("gerät 7:00ff", "gerät 7".as_bytes()),
            ("hex:00ff", b"hex"),
            ("a=b,c:00ff", b"a=b,c"),
        ] {
            let psk = Psk::parse(text).unwrap();
            assert_eq!((psk.identity(), &**psk.key().0), (identity, &[0, 255][..]));
        }
        let psk = Psk::new(b"\xff\\\n".to_vec(), [1]).unwrap();
        assert_eq!(format!("{psk:?}"), r#"Psk { identity: "\xff\\\n", .. }"#);
        assert!(Psk::new("x".repeat(255), [1]).is_ok());
        for identity in ["x".repeat(256), "a\0b".to_owned()] {
            assert!(matches!(Psk::new(identity, [1]), Err(PskError::Identity)));
        }
    }

    #[test]
    fn what_is_no_key_is_named_and_not_repeated() {
        for (text, error) in [
            ("", "IDENTITY:KEY"),
            ("secret", "IDENTITY:KEY"),
            (":00", "hex=,KEY"),
            (" secret:00", "hex=IDENTITY,KEY"),
            ("secret :00", "white space"),
            ("se\tcret:00", "control character"),
            ("\u{feff}secret:00", "byte-order mark"),
            ("\u{feff}hex=73,00", "byte-order mark"),
            ("se\0cret:00", "control character"),
            ("hex=73656372:00", "hex=IDENTITY,KEY"),
            ("hex=73656372", "hex=IDENTITY,KEY"),
            ("hex=7,00", "hex=IDENTITY,KEY"),
            ("hex=secret,00", "hex=IDENTITY,KEY"),
            ("hex=730065,00", "up to 255 bytes, none of them zero"),
            ("hex=73,secret", "hexadecimal"),
            ("x:", "from 1 to 512 bytes"),
            ("x:0", "hexadecimal"),
            ("x:secret", "hexadecimal"),
        ] {
            let shown = Psk::parse(text).unwrap_err().to_string();
            assert!(
                shown.contains(error) && !shown.contains("secret"),
                "{shown}"
            );
        }
    }
}
