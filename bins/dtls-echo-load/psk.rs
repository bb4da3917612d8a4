//! A pre-shared key, from the command line.

use std::{fmt, str::FromStr};

use openssl::{error::ErrorStack, ssl::SslContextBuilder};

/// An identity and its key.
#[derive(Clone)]
pub(crate) struct Psk {
    identity: String,
    key: Vec<u8>,
}

impl Psk {
    /// Makes a client's context offer this key and no certificates.
    pub(crate) fn install(self, context: &mut SslContextBuilder) -> Result<(), ErrorStack> {
        context.set_cipher_list(SUITES)?;
        context.set_psk_client_callback(move |_, _, identity, key| {
            let Self {
                identity: ours,
                key: secret,
            } = &self;
            // The identity ends with a zero byte, which the buffer has to have room for.
            if ours.len() >= identity.len() || secret.len() > key.len() {
                return Ok(0);
            }
            identity[..ours.len()].copy_from_slice(ours.as_bytes());
            identity[ours.len()] = 0;
            key[..secret.len()].copy_from_slice(secret);
            Ok(secret.len())
        });
        Ok(())
    }
}

impl FromStr for Psk {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (identity, hex) = text
            .rsplit_once(':')
            .ok_or("IDENTITY:HEX is needed, such as device:00112233445566778899aabbccddeeff")?;
        if identity.is_empty() || identity.len() > MAX_IDENTITY || identity.contains('\0') {
            return Err(format!("the identity has from 1 to {MAX_IDENTITY} bytes"));
        }
        let digits = hex.as_bytes();
        let key: Option<Vec<u8>> = digits
            .chunks(2)
            .map(|pair| match pair {
                [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
                _ => None,
            })
            .collect();
        match key {
            Some(key) if (1..=MAX_KEY).contains(&key.len()) => Ok(Self {
                identity: identity.to_owned(),
                key,
            }),
            _ => Err(format!(
                "the key has from 1 to {MAX_KEY} bytes, two hexadecimal digits each"
            )),
        }
    }
}

impl fmt::Debug for Psk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Psk")
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// What servers with pre-shared keys usually offer, with forward secrecy first.
const SUITES: &str = "ECDHE-PSK-CHACHA20-POLY1305:PSK-AES128-GCM-SHA256:PSK-AES256-GCM-SHA384:\
    PSK-CHACHA20-POLY1305:PSK-AES128-CCM:PSK-AES256-CCM:PSK-AES128-CCM8:PSK-AES256-CCM8";

/// OpenSSL's own limits (`PSK_MAX_IDENTITY_LEN`, and what its callback has room for).
const MAX_IDENTITY: usize = 256;
const MAX_KEY: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_an_identity_and_a_key() {
        let psk: Psk = "urn:device:1:00fF".parse().unwrap();
        assert_eq!((&*psk.identity, &*psk.key), ("urn:device:1", &[0, 255][..]));
        assert_eq!(format!("{psk:?}"), "Psk { identity: \"urn:device:1\", .. }");
        for text in ["", "x", "x:", ":00", "x:0", "x:0g"] {
            assert!(text.parse::<Psk>().is_err(), "{text}");
        }
    }
}
