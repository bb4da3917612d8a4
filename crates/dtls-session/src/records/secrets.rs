//! What a handshake leaves to derive keys from.

use zeroize::Zeroizing;

use crate::{
    error::OpenSslError,
    openssl::prf::{Digest, prf},
    records::{key::Key, suite::Suite},
};

/// The master secret, and what both sides have put into the handshake.
pub(crate) struct Secrets {
    master: Zeroizing<[u8; MASTER]>,
    client_random: [u8; RANDOM],
    server_random: [u8; RANDOM],
    digest: Digest,
}

impl Secrets {
    pub(crate) fn new(
        master: &[u8; MASTER],
        client_random: [u8; RANDOM],
        server_random: [u8; RANDOM],
        digest: Digest,
    ) -> Self {
        Self {
            master: Zeroizing::new(*master),
            client_random,
            server_random,
            digest,
        }
    }

    /// Derives what the client seals with, and what the server seals with (RFC 5246 6.3).
    pub(crate) fn key_block(&self, suite: Suite) -> Result<(Key, Key), OpenSslError> {
        let (key, iv) = (suite.key_length(), suite.fixed_iv_length());
        let mut block = Zeroizing::new([0; MAX_KEY_BLOCK]);
        let block = &mut block[..2 * (key + iv)];
        let seed = [&self.server_random[..], &self.client_random];
        prf(self.digest, &*self.master, b"key expansion", &seed, block)?;
        let (keys, ivs) = block.split_at(2 * key);
        let (client_key, server_key) = keys.split_at(key);
        let (client_iv, server_iv) = ivs.split_at(iv);
        Ok((
            Key::new(suite, client_key, client_iv),
            Key::new(suite, server_key, server_iv),
        ))
    }

    /// Fills `out` with keying material for another use (RFC 5705 4).
    ///
    /// The context has 65535 bytes at most, and the label is not one of TLS's own: the caller has looked.
    pub(crate) fn export(
        &self,
        label: &[u8],
        context: Option<&[u8]>,
        out: &mut [u8],
    ) -> Result<(), OpenSslError> {
        let randoms = [&self.client_random[..], &self.server_random];
        let Some(context) = context else {
            return prf(self.digest, &*self.master, label, &randoms, out);
        };
        let length = u16::try_from(context.len()).expect("the caller bounds it");
        let seed = [randoms[0], randoms[1], &length.to_be_bytes(), context];
        prf(self.digest, &*self.master, label, &seed, out)
    }
}

/// Shows nothing of it.
impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}

/// The length of a master secret in bytes.
pub(crate) const MASTER: usize = 48;
/// The length of a hello's random in bytes.
pub(crate) const RANDOM: usize = 32;
const MAX_KEY_BLOCK: usize = 2 * (32 + 12);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_them_is_shown() {
        let secrets = Secrets::new(&[1; MASTER], [2; RANDOM], [3; RANDOM], Digest::Sha256);
        assert_eq!(format!("{secrets:?}"), "Secrets { .. }");
    }
}
