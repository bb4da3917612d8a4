//! Authenticated encryption (RFC 5116), on contexts that stay keyed or on the thread's own.

use std::{cell::RefCell, fmt, sync::OnceLock};

use openssl::{cipher::Cipher, error::ErrorStack};

use crate::{
    error::OpenSslError,
    ffi::{MessageCipher, Mode},
};

pub(crate) use crate::ffi::NONCE;

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

    const fn name(self) -> &'static str {
        match self {
            Self::Aes128Gcm => "AES-128-GCM",
            Self::Aes256Gcm => "AES-256-GCM",
            Self::Aes128Ccm | Self::Aes128Ccm8 => "AES-128-CCM",
            Self::Aes256Ccm | Self::Aes256Ccm8 => "AES-256-CCM",
            Self::ChaCha20Poly1305 => "ChaCha20-Poly1305",
        }
    }

    const fn mode(self) -> Mode {
        match self {
            Self::Aes128Gcm | Self::Aes256Gcm => Mode::Gcm,
            Self::Aes128Ccm | Self::Aes256Ccm | Self::Aes128Ccm8 | Self::Aes256Ccm8 => Mode::Ccm {
                tag: self.tag_length(),
            },
            Self::ChaCha20Poly1305 => Mode::Other,
        }
    }

    fn cipher(self, encrypts: bool) -> Result<MessageCipher, ErrorStack> {
        // Looked up once, because that takes OpenSSL longer than to use it.
        static CIPHERS: [OnceLock<Cipher>; COUNT] = [const { OnceLock::new() }; COUNT];
        let place = &CIPHERS[self as usize];
        let cipher = match place.get() {
            Some(cipher) => cipher,
            None => {
                let cipher = Cipher::fetch(None, self.name(), None)?;
                place.get_or_init(|| cipher)
            }
        };
        MessageCipher::new(cipher, self.mode(), encrypts)
    }
}

/// Seals with one key, on a context that stays keyed.
pub(crate) struct Sealer {
    aead: Aead,
    cipher: MessageCipher,
}

impl Sealer {
    pub(crate) fn new(aead: Aead, key: &[u8]) -> Result<Self, OpenSslError> {
        let mut cipher = aead.cipher(true)?;
        cipher.begin(Some(key), &[0; NONCE], None)?;
        Ok(Self { aead, cipher })
    }

    /// Seals in place what `data` holds, but for its end: that is room for the tag.
    pub(crate) fn seal(
        &mut self,
        nonce: &[u8; NONCE],
        aad: &[u8],
        data: &mut [u8],
    ) -> Result<(), OpenSslError> {
        Ok(seal(self.aead, &mut self.cipher, None, nonce, aad, data)?)
    }
}

/// Opens with one key, on a context that stays keyed.
pub(crate) struct Opener {
    aead: Aead,
    cipher: MessageCipher,
}

impl Opener {
    pub(crate) fn new(aead: Aead, key: &[u8]) -> Result<Self, OpenSslError> {
        let mut cipher = aead.cipher(false)?;
        cipher.begin(Some(key), &[0; NONCE], None)?;
        Ok(Self { aead, cipher })
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
        open(self.aead, &mut self.cipher, None, nonce, aad, sealed, out)
    }
}

/// As [`Sealer::seal`], on the thread's context, which takes the key for this once: a session that is
/// idle most of the time has no context of its own then, for that is larger than all its other state.
///
/// The context keeps the key until the thread's next use of it.
pub(crate) fn seal_with(
    aead: Aead,
    key: &[u8],
    nonce: &[u8; NONCE],
    aad: &[u8],
    data: &mut [u8],
) -> Result<(), OpenSslError> {
    SEALERS.with_borrow_mut(|ciphers| {
        let place = &mut ciphers[aead as usize];
        let cipher = match place {
            Some(cipher) => cipher,
            None => place.insert(aead.cipher(true)?),
        };
        Ok(seal(aead, cipher, Some(key), nonce, aad, data)?)
    })
}

/// As [`Opener::open`], on the thread's context: see [`seal_with`].
pub(crate) fn open_with(
    aead: Aead,
    key: &[u8],
    nonce: &[u8; NONCE],
    aad: &[u8],
    sealed: &[u8],
    out: &mut [u8],
) -> Result<(), Forged> {
    OPENERS.with_borrow_mut(|ciphers| {
        let place = &mut ciphers[aead as usize];
        let cipher = match place {
            Some(cipher) => cipher,
            None => place.insert(aead.cipher(false).map_err(|_| Forged)?),
        };
        open(aead, cipher, Some(key), nonce, aad, sealed, out)
    })
}

fn seal(
    aead: Aead,
    cipher: &mut MessageCipher,
    key: Option<&[u8]>,
    nonce: &[u8; NONCE],
    aad: &[u8],
    data: &mut [u8],
) -> Result<(), ErrorStack> {
    let (text, tag) = data.split_at_mut(data.len() - aead.tag_length());
    cipher.begin(key, nonce, None)?;
    cipher.authenticate(aad, text.len())?;
    cipher.encrypt(text, tag)
}

fn open(
    aead: Aead,
    cipher: &mut MessageCipher,
    key: Option<&[u8]>,
    nonce: &[u8; NONCE],
    aad: &[u8],
    sealed: &[u8],
    out: &mut [u8],
) -> Result<(), Forged> {
    let (text, tag) = sealed.split_at(sealed.len() - aead.tag_length());
    let opened = cipher
        .begin(key, nonce, Some(tag))
        .and_then(|()| cipher.authenticate(aad, text.len()))
        .and_then(|()| cipher.decrypt(text, out));
    // The error has taken what there is off the thread's queue.
    opened.map_err(|_| {
        // Not for secrecy from the caller: what nobody has vouched for is not to be used by mistake.
        out.fill(0);
        Forged
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

const COUNT: usize = Aead::ChaCha20Poly1305 as usize + 1;

/// A context for each algorithm, made when it is needed.
type Ciphers = RefCell<[Option<MessageCipher>; COUNT]>;

thread_local! {
    static SEALERS: Ciphers = const { RefCell::new([const { None }; COUNT]) };
    static OPENERS: Ciphers = const { RefCell::new([const { None }; COUNT]) };
}
