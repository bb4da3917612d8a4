//! Pre-shared keys (RFC 4279).

pub(crate) mod answer;
pub(crate) mod choice;
pub(crate) mod inquiry;
pub(crate) mod lookup;

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt,
    path::Path,
};

use zeroize::Zeroizing;

use crate::{error::PskError, file, hmac::HmacKey, resumption::scope::Scope, secret::unhex};

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
    /// The most bytes of an identity (what a client's OpenSSL has room for: one less than
    /// `PSK_MAX_IDENTITY_LEN`).
    pub const MAX_IDENTITY: usize = 255;

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
        if text.starts_with(file::BYTE_ORDER_MARK) {
            return Err(PskError::Mark);
        }
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

    /// Lets sessions be resumed only with the same identity and key.
    pub(crate) fn narrow(&self, scope: Scope) -> Scope {
        let key = HmacKey::new(&self.key.0).sign(&[b"dtls-session scope"]);
        scope.with(b"psk").with(self.identity.as_bytes()).with(&key)
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

    /// Writes the key to the start of OpenSSL's buffer and returns its length; 0 is none.
    pub(crate) fn write(&self, buffer: &mut [u8]) -> usize {
        match buffer.get_mut(..self.0.len()) {
            Some(room) => {
                room.copy_from_slice(&self.0);
                self.0.len()
            }
            None => 0,
        }
    }
}

impl From<Zeroizing<Vec<u8>>> for PskKey {
    fn from(key: Zeroizing<Vec<u8>>) -> Self {
        Self(key)
    }
}

impl fmt::Debug for PskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PskKey").finish_non_exhaustive()
    }
}

/// The keys of many identities.
///
/// ```
/// use dtls_session::PskKeys;
///
/// # fn main() -> Result<(), dtls_session::PskError> {
/// let keys = PskKeys::from_lines("device-7:00112233445566778899aabbccddeeff")?;
/// assert!(keys.get(b"device-7").is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct PskKeys(HashMap<String, PskKey>);

impl PskKeys {
    /// Reads one `IDENTITY:KEY` a line, the key in hexadecimal digits. Empty lines and those that
    /// start with `#` are passed over, and so is a byte-order mark at the start.
    ///
    /// # Errors
    ///
    /// A [`PskError`] that names the line.
    pub fn from_lines(text: &str) -> Result<Self, PskError> {
        let mut keys = Self::default();
        for (text, line) in file::unmarked(text).lines().zip(1..) {
            let text = text.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let added = Psk::parse(text).and_then(|psk| keys.add(psk));
            added.map_err(|source| PskError::Line {
                line,
                source: Box::new(source),
            })?;
        }
        if keys.0.is_empty() {
            return Err(PskError::Missing);
        }
        Ok(keys)
    }

    /// Reads a regular file of up to 64 MiB as [`Self::from_lines`] does its text.
    ///
    /// A file that is being written may be read in part, its last key cut short: it should be written
    /// under another name, and renamed.
    ///
    /// # Errors
    ///
    /// A [`PskError`]; it names the file if that cannot be read, otherwise the line.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, PskError> {
        let path = path.as_ref();
        let text = file::read_text(path).map_err(|source| PskError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::from_lines(&text)
    }

    /// Adds a key.
    ///
    /// # Errors
    ///
    /// [`PskError::Twice`] if its identity has one already.
    pub fn add(&mut self, psk: Psk) -> Result<(), PskError> {
        match self.0.entry(psk.identity) {
            Entry::Occupied(_) => Err(PskError::Twice),
            Entry::Vacant(place) => {
                place.insert(psk.key);
                Ok(())
            }
        }
    }

    /// Returns the key of an identity.
    pub fn get(&self, identity: &[u8]) -> Option<&PskKey> {
        self.0.get(str::from_utf8(identity).ok()?)
    }

    /// Returns all identities with their keys, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &PskKey)> {
        self.0.iter().map(|(identity, key)| (&**identity, key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_an_identity_and_a_key_and_shows_only_the_former() {
        let psk = Psk::parse("urn:device:1:00fF").unwrap();
        assert_eq!(
            (psk.identity(), &**psk.key().0),
            ("urn:device:1", &[0, 255][..])
        );
        assert_eq!(format!("{psk:?}"), "Psk { identity: \"urn:device:1\", .. }");
        assert_eq!(format!("{:?}", psk.key()), "PskKey { .. }");
    }

    #[test]
    fn keys_below_128_bits_are_short() {
        let keys = PskKeys::from_lines(&format!("a:{}\nb:{}", "0a".repeat(15), "0b".repeat(16)));
        let keys = keys.unwrap();
        let short: Vec<_> = keys.iter().filter(|(_, key)| key.is_short()).collect();
        assert!(matches!(short[..], [("a", _)]), "{short:?}");
    }

    #[test]
    fn what_is_no_key_is_named_and_not_repeated() {
        for (text, error) in [
            ("", "IDENTITY:KEY"),
            ("secret", "IDENTITY:KEY"),
            (":00", "identity"),
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

    #[test]
    fn lines_are_named_by_their_numbers() {
        let keys = PskKeys::from_lines("# ours\n\n a:00\nb:ff01\n").unwrap();
        assert_eq!(**keys.get(b"b").unwrap().0, [255, 1]);
        assert!(keys.get(b"c").is_none() && keys.get(b"\xff").is_none());
        for (text, line) in [("a:00\na:01", 2), ("a:00\n\nsecret", 3)] {
            let error = PskKeys::from_lines(text).unwrap_err();
            assert!(matches!(error, PskError::Line { line: it, .. } if it == line));
        }
        assert!(matches!(PskKeys::from_lines("#"), Err(PskError::Missing)));
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_an_identity() {
        let keys = PskKeys::from_lines("\u{feff}a:00\nb:01").unwrap();
        assert!(keys.get(b"a").is_some());
        // Two such files, one behind the other.
        let error = PskKeys::from_lines("a:00\n\u{feff}b:01").unwrap_err();
        let PskError::Line { line: 2, source } = error else {
            panic!("{error:?}");
        };
        assert!(matches!(*source, PskError::Mark), "{source:?}");
    }
}
