//! What the servers of one address have in common.

use std::{fmt, path::Path, sync::Arc};

use zeroize::Zeroizing;

use crate::{
    error::{OpenSslError, SecretError},
    file,
    openssl::{hmac::HmacKey, random},
};

/// A secret that cookie keys and ticket keys are derived from, and former ones that are still
/// accepted; cheap to clone.
///
/// Servers that have the same secret know one another's cookies, and resume one another's
/// sessions, wherever they run. The keys come from HKDF-SHA256 (RFC 5869), one label each, and
/// from the time, so that cookies have another key each minute and tickets every four hours;
/// none of them tells of another or of the secret. A ticket stays good for its two hours, also where
/// the servers' clocks differ by up to as much.
///
/// Whoever knows the secret can read sessions that were resumed with it, and forge cookies. It is
/// to be as well kept as the private key, and renewed: see [`Self::accept_also`].
///
/// ```
/// use dtls_session::SharedSecret;
///
/// # fn main() -> Result<(), dtls_session::SecretError> {
/// let secret = SharedSecret::from_bytes(b"thirty-two bytes that are random")?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SharedSecret(Arc<[HmacKey]>);

impl SharedSecret {
    /// The fewest bytes of a secret.
    pub const LEAST: usize = 32;

    /// Draws a secret that nobody else has.
    ///
    /// # Errors
    ///
    /// OpenSSL's, if it has no random bytes to give.
    pub fn random() -> Result<Self, OpenSslError> {
        let mut secret = Zeroizing::new([0; Self::LEAST]);
        random::fill(&mut *secret)?;
        Ok(Self(Arc::new([extract(&*secret)])))
    }

    /// Takes a secret of [`Self::LEAST`] or more bytes, which have to be random: it is not
    /// stretched as a password would need.
    ///
    /// # Errors
    ///
    /// [`SecretError::TooShort`].
    pub fn from_bytes(secret: &[u8]) -> Result<Self, SecretError> {
        Ok(Self(Arc::new([checked(secret)?])))
    }

    /// Reads a secret in hexadecimal digits, as `openssl rand -hex 32` prints it, from the first
    /// line, and from further lines those that are still accepted. Empty lines and those that
    /// start with `#` are passed over.
    ///
    /// # Errors
    ///
    /// A [`SecretError`] that names the line.
    pub fn from_hex_lines(text: &str) -> Result<Self, SecretError> {
        let secrets: Arc<[_]> = file::unmarked(text)
            .lines()
            .zip(1..)
            .map(|(text, line)| (text.trim(), line))
            .filter(|(text, _)| !text.is_empty() && !text.starts_with('#'))
            .map(|(text, line)| {
                let secret = unhex(text).ok_or(SecretError::NotHex { line })?;
                checked(&secret).map_err(|_| SecretError::ShortLine {
                    line,
                    bytes: secret.len(),
                })
            })
            .collect::<Result<_, _>>()?;
        if secrets.is_empty() {
            return Err(SecretError::Missing);
        }
        Ok(Self(secrets))
    }

    /// Reads a regular file of up to 64 MiB as [`Self::from_hex_lines`] does its text.
    ///
    /// A file that is being written may be read in part: it should be written under another name,
    /// and renamed.
    ///
    /// # Errors
    ///
    /// A [`SecretError`]; it names the file if that cannot be read, otherwise the line.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, SecretError> {
        let path = path.as_ref();
        let text = file::read_text(path).map_err(|source| SecretError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::from_hex_lines(&text)
    }

    /// Also accepts what was made with another secret, one that is on its way in or out.
    ///
    /// A fleet goes from one to the next in three steps, each finished everywhere before the
    /// next: all accept the new secret also; all use it, and accept the old one also; all forget
    /// the old one, once the tickets made with it have expired, which takes two hours. A ticket
    /// that is resumed before then is replaced by one of the new secret.
    ///
    /// # Errors
    ///
    /// [`SecretError::TooShort`].
    pub fn accept_also(self, other: &[u8]) -> Result<Self, SecretError> {
        let other = checked(other)?;
        let secrets = self.0.iter().cloned().chain([other]);
        Ok(Self(secrets.collect()))
    }

    /// Derives one key of each secret, the current one's first (HKDF-Expand, RFC 5869 2.3).
    pub(crate) fn derive(&self, label: &str) -> impl Iterator<Item = Zeroizing<[u8; 32]>> {
        self.0
            .iter()
            .map(move |secret| Zeroizing::new(secret.sign(&[label.as_bytes(), &[1]])))
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedSecret").finish_non_exhaustive()
    }
}

fn checked(secret: &[u8]) -> Result<HmacKey, SecretError> {
    if secret.len() < SharedSecret::LEAST {
        return Err(SecretError::TooShort {
            bytes: secret.len(),
        });
    }
    Ok(extract(secret))
}

/// HKDF-Extract (RFC 5869 2.2): what is kept of a secret.
fn extract(secret: &[u8]) -> HmacKey {
    HmacKey::new(&*Zeroizing::new(HmacKey::new(SALT).sign(&[secret])))
}

pub(crate) fn unhex(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let digits = text.as_bytes();
    let mut bytes = Zeroizing::new(Vec::with_capacity(digits.len() / 2));
    for pair in digits.chunks(2) {
        let &[high, low] = pair else { return None };
        let digit = |digit| char::from(digit).to_digit(16);
        bytes.push((digit(high)? << 4 | digit(low)?) as u8);
    }
    Some(bytes)
}

const SALT: &[u8] = b"dtls-session shared secret";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openssl::hmac::hkdf;

    fn first(secret: &SharedSecret, label: &str) -> [u8; 32] {
        *secret.derive(label).next().unwrap()
    }

    #[test]
    fn keys_are_those_of_openssls_hkdf() {
        let bytes = [7; 50];
        let expected = hkdf(&bytes, SALT, b"label");
        let secret = SharedSecret::from_bytes(&bytes).unwrap();
        assert_eq!(first(&secret, "label"), expected);
        assert_ne!(first(&secret, "other"), expected);
    }

    #[test]
    fn lines_are_secrets_in_order() {
        let (a, b) = ("0a".repeat(32), "0B".repeat(40));
        let text = format!("# current\n{a}\n\n  {b}\r\n");
        let secret = SharedSecret::from_hex_lines(&text).unwrap();
        let expected = SharedSecret::from_bytes(&[10; 32])
            .unwrap()
            .accept_also(&[11; 40])
            .unwrap();
        assert!(secret.derive("x").eq(expected.derive("x")));
        assert_eq!(secret.derive("x").count(), 2);
    }

    #[test]
    fn errors_name_the_line_and_not_the_secret() {
        let good = "ab".repeat(32);
        for (text, words) in [
            (String::new(), "no secret"),
            ("# nothing\n".to_owned(), "no secret"),
            (format!("{good}\n{good}a\n"), "line 2 "),
            (format!("\n{}\n", "xy".repeat(32)), "line 2 "),
            (format!("# x\n\n{}", "cd".repeat(31)), "line 3 has 31 bytes"),
        ] {
            let error = SharedSecret::from_hex_lines(&text).unwrap_err();
            let error = error.to_string();
            assert!(error.contains(words), "{error}");
            assert!(!error.contains("cd") && !error.contains("xy"), "{error}");
        }
        let error = SharedSecret::from_bytes(&[1; 31]).unwrap_err();
        assert!(error.to_string().contains("31 bytes"), "{error}");
        assert!(SharedSecret::from_hex_lines(&format!("\u{feff}{good}")).is_ok());
        let error = SharedSecret::from_file("/no/secret").unwrap_err();
        assert!(error.to_string().contains("/no/secret"), "{error}");
    }

    #[test]
    fn debug_output_shows_no_secret() {
        let secret = SharedSecret::random().unwrap();
        assert_eq!(format!("{secret:?}"), "SharedSecret { .. }");
    }
}
