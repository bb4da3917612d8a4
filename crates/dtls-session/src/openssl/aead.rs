//! Authenticated encryption (RFC 5116), on contexts that stay keyed or on the thread's own.

use std::{cell::RefCell, fmt, sync::OnceLock};

use openssl::{
    cipher::{Cipher, CipherRef},
    cipher_ctx::CipherCtx,
    error::ErrorStack,
};

use crate::error::OpenSslError;

/// An algorithm of authenticated encryption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aead {
    Aes128Gcm,
    Aes256Gcm,
    Aes128Ccm,
    Aes256Ccm,
    Aes128Ccm8,
    Aes256Ccm8,
    ChaCha20Poly1305,
}

impl Aead {
    pub(crate) const fn key_length(self) -> usize {
        match self {
            Self::Aes128Gcm | Self::Aes128Ccm | Self::Aes128Ccm8 => 16,
            Self::Aes256Gcm | Self::Aes256Ccm | Self::Aes256Ccm8 | Self::ChaCha20Poly1305 => 32,
        }
    }

    pub(crate) const fn tag_length(self) -> usize {
        match self {
            Self::Aes128Ccm8 | Self::Aes256Ccm8 => 8,
            _ => 16,
        }
    }

    /// CCM has to know the length before it begins.
    const fn is_ccm(self) -> bool {
        matches!(
            self,
            Self::Aes128Ccm | Self::Aes256Ccm | Self::Aes128Ccm8 | Self::Aes256Ccm8
        )
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Aes128Gcm => "AES-128-GCM",
            Self::Aes256Gcm => "AES-256-GCM",
            Self::Aes128Ccm | Self::Aes128Ccm8 => "AES-128-CCM",
            Self::Aes256Ccm | Self::Aes256Ccm8 => "AES-256-CCM",
            Self::ChaCha20Poly1305 => "ChaCha20-Poly1305",
        }
    }

    /// Looked up once, because OpenSSL 3.0 takes long to find one.
    fn cipher(self) -> Result<&'static CipherRef, ErrorStack> {
        static CIPHERS: [OnceLock<Cipher>; COUNT] = [const { OnceLock::new() }; COUNT];
        let place = &CIPHERS[self as usize];
        if let Some(cipher) = place.get() {
            return Ok(cipher);
        }
        let cipher = Cipher::fetch(None, self.name(), None)?;
        Ok(place.get_or_init(|| cipher))
    }
}

/// Seals with one key.
pub(crate) struct Sealer {
    aead: Aead,
    context: CipherCtx,
}

impl Sealer {
    pub(crate) fn new(aead: Aead, key: &[u8]) -> Result<Self, OpenSslError> {
        let mut sealer = Self::unkeyed(aead)?;
        sealer.set_key(key)?;
        Ok(sealer)
    }

    /// Seals in place what `data` holds, but for its end: that is room for the tag.
    pub(crate) fn seal(
        &mut self,
        nonce: &[u8; NONCE],
        aad: &[u8],
        data: &mut [u8],
    ) -> Result<(), OpenSslError> {
        let length = data.len() - self.aead.tag_length();
        let (text, tag) = data.split_at_mut(length);
        self.context.encrypt_init(None, None, Some(nonce))?;
        if self.aead.is_ccm() {
            self.context.set_data_len(length)?;
        }
        self.context.cipher_update(aad, None)?;
        self.context.cipher_update_inplace(text, length)?;
        self.context.cipher_final(&mut [])?;
        Ok(self.context.tag(tag)?)
    }

    fn unkeyed(aead: Aead) -> Result<Self, OpenSslError> {
        let mut context = CipherCtx::new()?;
        context.encrypt_init(Some(aead.cipher()?), None, None)?;
        // CCM's own is 7.
        context.set_iv_length(NONCE)?;
        if aead.is_ccm() {
            context.set_tag_length(aead.tag_length())?;
        }
        Ok(Self { aead, context })
    }

    fn set_key(&mut self, key: &[u8]) -> Result<(), OpenSslError> {
        Ok(self.context.encrypt_init(None, Some(key), None)?)
    }
}

/// Opens with one key.
pub(crate) struct Opener {
    aead: Aead,
    context: CipherCtx,
}

impl Opener {
    pub(crate) fn new(aead: Aead, key: &[u8]) -> Result<Self, OpenSslError> {
        let mut opener = Self::unkeyed(aead)?;
        opener.set_key(key)?;
        Ok(opener)
    }

    /// Opens `sealed`, which ends with the tag, into `out`, which is shorter by that.
    ///
    /// # Errors
    ///
    /// It was not sealed with this key, nonce and additional data, or OpenSSL has no memory: it does not
    /// tell these apart. `out` is wiped.
    pub(crate) fn open(
        &mut self,
        nonce: &[u8; NONCE],
        aad: &[u8],
        sealed: &[u8],
        out: &mut [u8],
    ) -> Result<(), Forged> {
        // The stack takes what there is off the thread's queue of errors.
        let opened: Result<_, ErrorStack> = self.try_open(nonce, aad, sealed, out);
        opened.map_err(|_| {
            // Not for secrecy from the caller: what nobody has vouched for is not to be used by mistake.
            out.fill(0);
            Forged
        })
    }

    fn try_open(
        &mut self,
        nonce: &[u8; NONCE],
        aad: &[u8],
        sealed: &[u8],
        out: &mut [u8],
    ) -> Result<(), ErrorStack> {
        let (text, tag) = sealed.split_at(sealed.len() - self.aead.tag_length());
        self.context.decrypt_init(None, None, Some(nonce))?;
        self.context.set_tag(tag)?;
        if self.aead.is_ccm() {
            self.context.set_data_len(text.len())?;
        }
        self.context.cipher_update(aad, None)?;
        self.context.cipher_update(text, Some(out))?;
        // CCM has verified already, and has nothing to end.
        if !self.aead.is_ccm() {
            self.context.cipher_final(&mut [])?;
        }
        Ok(())
    }

    fn unkeyed(aead: Aead) -> Result<Self, ErrorStack> {
        let mut context = CipherCtx::new()?;
        context.decrypt_init(Some(aead.cipher()?), None, None)?;
        context.set_iv_length(NONCE)?;
        if aead.is_ccm() {
            context.set_tag_length(aead.tag_length())?;
        }
        Ok(Self { aead, context })
    }

    fn set_key(&mut self, key: &[u8]) -> Result<(), ErrorStack> {
        self.context.decrypt_init(None, Some(key), None)
    }
}

/// Works with the thread's context for sealing with `aead`, keyed anew: a session that is idle most
/// of the time has no context of its own then, which is larger than all its other state.
///
/// The context keeps the key until the thread's next use of it.
pub(crate) fn with_sealer<T>(
    aead: Aead,
    key: &[u8],
    work: impl FnOnce(&mut Sealer) -> Result<T, OpenSslError>,
) -> Result<T, OpenSslError> {
    SEALERS.with_borrow_mut(|sealers| {
        let place = &mut sealers[aead as usize];
        let sealer = match place {
            Some(sealer) => sealer,
            None => place.insert(Sealer::unkeyed(aead)?),
        };
        sealer.set_key(key)?;
        work(sealer)
    })
}

/// As [`with_sealer`], for opening.
pub(crate) fn with_opener<T>(
    aead: Aead,
    key: &[u8],
    work: impl FnOnce(&mut Opener) -> Result<T, Forged>,
) -> Result<T, Forged> {
    OPENERS.with_borrow_mut(|openers| {
        let place = &mut openers[aead as usize];
        let opener = match place {
            Some(opener) => opener,
            None => place.insert(Opener::unkeyed(aead).map_err(|_| Forged)?),
        };
        opener.set_key(key).map_err(|_| Forged)?;
        work(opener)
    })
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sealer").field(&self.aead).finish()
    }
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Opener").field(&self.aead).finish()
    }
}

/// What was to be opened is not authentic.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Forged;

/// The length of a nonce in bytes, for all of them.
pub(crate) const NONCE: usize = 12;
const COUNT: usize = Aead::ChaCha20Poly1305 as usize + 1;

thread_local! {
    static SEALERS: RefCell<[Option<Sealer>; COUNT]> = const { RefCell::new([const { None }; COUNT]) };
    static OPENERS: RefCell<[Option<Opener>; COUNT]> = const { RefCell::new([const { None }; COUNT]) };
}
