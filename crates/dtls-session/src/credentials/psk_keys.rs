//! The keys of many identities.

use std::{
    collections::{
        HashMap,
        hash_map::{self, Entry},
    },
    fmt,
    path::Path,
};

use crate::{
    credentials::psk::{Psk, PskKey, Shown},
    error::PskError,
    file,
};

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
#[derive(Clone, Default)]
pub struct PskKeys(HashMap<Vec<u8>, PskKey>);

impl PskKeys {
    /// Reads a key a line, in one of the forms of [`Psk::parse`]. Empty lines and those that start with
    /// `#` are passed over, and so is a byte-order mark at the start.
    ///
    /// # Errors
    ///
    /// A [`PskError`] that names the line.
    pub fn from_lines(text: &str) -> Result<Self, PskError> {
        let mut keys = Self::default();
        for (text, line) in file::unmarked(text).lines().zip(1..) {
            // What stands behind the key is no part of anything.
            let text = text.trim_end();
            if text.is_empty() || text.trim_start().starts_with('#') {
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
        self.0.get(identity)
    }

    /// Returns all identities with their keys, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &PskKey)> {
        self.0.iter().map(|(identity, key)| (&**identity, key))
    }
}

impl fmt::Debug for PskKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.0.keys().map(|identity| Shown(identity)))
            .finish()
    }
}

impl IntoIterator for PskKeys {
    type Item = Psk;
    type IntoIter =
        std::iter::Map<hash_map::IntoIter<Vec<u8>, PskKey>, fn((Vec<u8>, PskKey)) -> Psk>;

    fn into_iter(self) -> Self::IntoIter {
        self.0
            .into_iter()
            .map(|(identity, key)| Psk { identity, key })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_below_128_bits_are_short() {
        let keys = PskKeys::from_lines(&format!("a:{}\nb:{}", "0a".repeat(15), "0b".repeat(16)));
        let keys = keys.unwrap();
        let short: Vec<_> = keys.iter().filter(|(_, key)| key.is_short()).collect();
        assert!(matches!(short[..], [(b"a", _)]), "{short:?}");
    }

    #[test]
    fn lines_are_named_by_their_numbers() {
        let keys =
            PskKeys::from_lines("# ours\n \na:00\r\nb:ff01 \n  # theirs\nhex=ff,02").unwrap();
        assert_eq!(**keys.get(b"b").unwrap().0, [255, 1]);
        assert!(keys.get(b"c").is_none() && keys.get(b"\xff").is_some());
        assert!(keys.get("\u{fffd}".as_bytes()).is_none());
        for (text, line) in [
            ("a:00\na:01", 2),
            ("a:00\nhex=61,01", 2),
            ("a:00\n\nsecret", 3),
            ("a:00\n b:00", 2),
        ] {
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

    #[test]
    fn keys_come_apart_again() {
        let keys = PskKeys::from_lines("a:00ff").unwrap();
        let all: Vec<_> = keys.into_iter().collect();
        assert!(matches!(&all[..], [psk] if psk.identity() == b"a" && **psk.key().0 == [0, 255]));
    }
}
