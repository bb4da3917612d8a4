//! One direction's key.

use zeroize::Zeroizing;

use crate::{
    error::OpenSslError,
    openssl::aead::{Forged, NONCE, Opener, Sealer, open_with, seal_with},
    records::suite::Suite,
};

/// What seals, or opens, the records of one direction: raw bytes, of which an idle session keeps
/// no more, and a context of OpenSSL's for a busy one.
pub(crate) struct Key {
    suite: Suite,
    bytes: Zeroizing<[u8; MAX_KEY]>,
    iv: Zeroizing<[u8; NONCE]>,
}

impl Key {
    /// Takes what the key block has for one direction.
    ///
    /// # Panics
    ///
    /// The lengths are not the suite's.
    pub(crate) fn new(suite: Suite, key: &[u8], iv: &[u8]) -> Self {
        let mut bytes = Zeroizing::new([0; MAX_KEY]);
        bytes[..suite.key_length()].copy_from_slice(key);
        let mut fixed = Zeroizing::new([0; NONCE]);
        fixed[..suite.fixed_iv_length()].copy_from_slice(iv);
        Self {
            suite,
            bytes,
            iv: fixed,
        }
    }

    pub(crate) const fn suite(&self) -> Suite {
        self.suite
    }

    /// Returns the nonce of a record by what is its own of it: the explicit nonce, or where there is
    /// none, epoch and sequence (RFC 5288 3, RFC 7905 2).
    pub(crate) fn nonce(&self, own: [u8; 8]) -> [u8; NONCE] {
        let mut nonce = *self.iv;
        // Where there is an explicit nonce, these bytes of the IV are zero.
        for (byte, own) in nonce[4..].iter_mut().zip(own) {
            *byte ^= own;
        }
        nonce
    }

    /// Returns a context that seals with this key.
    pub(crate) fn sealer(&self) -> Result<Sealer, OpenSslError> {
        Sealer::new(self.suite.aead(), self.bytes())
    }

    /// Returns a context that opens with this key.
    pub(crate) fn opener(&self) -> Result<Opener, OpenSslError> {
        Opener::new(self.suite.aead(), self.bytes())
    }

    /// Seals as a context does, without one.
    pub(crate) fn seal(
        &self,
        nonce: &[u8; NONCE],
        aad: &[u8],
        data: &mut [u8],
    ) -> Result<(), OpenSslError> {
        seal_with(self.suite.aead(), self.bytes(), nonce, aad, data)
    }

    /// Opens as a context does, without one.
    pub(crate) fn open(
        &self,
        nonce: &[u8; NONCE],
        aad: &[u8],
        sealed: &[u8],
        out: &mut [u8],
    ) -> Result<(), Forged> {
        open_with(self.suite.aead(), self.bytes(), nonce, aad, sealed, out)
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.suite.key_length()]
    }
}

/// Shows no byte of it.
impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key")
            .field("suite", &self.suite)
            .finish_non_exhaustive()
    }
}

const MAX_KEY: usize = 32;
