//! Authenticated encryption (RFC 5116), on contexts that stay keyed or on the thread's own.

use std::{cell::RefCell, fmt, sync::OnceLock, thread::LocalKey};

use openssl::{cipher::Cipher, error::ErrorStack};

use crate::{
    error::OpenSslError,
    openssl::ffi::{MessageCipher, Mode},
};

pub(crate) use crate::openssl::ffi::NONCE;

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
            Self::Aes128Ccm | Self::Aes256Ccm | Self::Aes128Ccm8 | Self::Aes256Ccm8 => Mode::Ccm,
            Self::ChaCha20Poly1305 => Mode::ChaCha20,
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
        MessageCipher::new(cipher, self.mode(), self.tag_length(), encrypts)
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
        cipher.set_key(key)?;
        Ok(Self { aead, cipher })
    }

    /// Seals in place what `data` holds, but for its end: that is room for the tag.
    pub(crate) fn seal(
        &mut self,
        nonce: &[u8; NONCE],
        aad: &[u8],
        data: &mut [u8],
    ) -> Result<(), OpenSslError> {
        Ok(self.cipher.seal(None, nonce, aad, data)?)
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
        cipher.set_key(key)?;
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
        open(&mut self.cipher, None, nonce, aad, sealed, out)
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
    with_threads(&SEALERS, aead, true, |cipher| {
        Ok(cipher.seal(Some(key), nonce, aad, data)?)
    })?
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
    let opened = with_threads(&OPENERS, aead, false, |cipher| {
        open(cipher, Some(key), nonce, aad, sealed, out)
    });
    opened.map_err(|_| Forged)?
}

/// Works with the thread's context. A thread that ends has none any more, but may still have sessions to
/// close.
fn with_threads<T>(
    owner: &'static LocalKey<Ciphers>,
    aead: Aead,
    encrypts: bool,
    work: impl FnOnce(&mut MessageCipher) -> T,
) -> Result<T, ErrorStack> {
    let place = aead as usize;
    let taken = owner.try_with(|ciphers| ciphers.borrow_mut()[place].take());
    let mut cipher = match taken {
        Ok(Some(cipher)) => cipher,
        Ok(None) | Err(_) => aead.cipher(encrypts)?,
    };
    let outcome = work(&mut cipher);
    let _ = owner.try_with(|ciphers| ciphers.borrow_mut()[place] = Some(cipher));
    Ok(outcome)
}

fn open(
    cipher: &mut MessageCipher,
    key: Option<&[u8]>,
    nonce: &[u8; NONCE],
    aad: &[u8],
    sealed: &[u8],
    out: &mut [u8],
) -> Result<(), Forged> {
    let opened = cipher.open(key, nonce, aad, sealed, out);
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

#[cfg(test)]
mod tests {
    use openssl::cipher_ctx::CipherCtx;
    use proptest::prelude::*;

    use super::*;

    const ALL: [Aead; COUNT] = [
        Aead::Aes128Gcm,
        Aead::Aes256Gcm,
        Aead::Aes128Ccm,
        Aead::Aes256Ccm,
        Aead::Aes128Ccm8,
        Aead::Aes256Ccm8,
        Aead::ChaCha20Poly1305,
    ];

    /// One message: some look like a record of TLS, some do not.
    fn message() -> impl Strategy<Value = (Vec<u8>, [u8; NONCE], Vec<u8>)> {
        let aad = prop_oneof![
            4 => prop::collection::vec(any::<u8>(), 13),
            1 => prop::collection::vec(any::<u8>(), 1..40),
        ];
        let text = prop::collection::vec(any::<u8>(), 0..300);
        (aad, any::<[u8; NONCE]>(), text, prop::bool::weighted(0.8)).prop_map(
            |(mut aad, mut nonce, text, record)| {
                if record && aad.len() == 13 {
                    aad[11..].copy_from_slice(&(text.len() as u16).to_be_bytes());
                    // As in a session, there are few IVs, whatever comes in between.
                    nonce = [nonce[0] & 1; NONCE];
                    for (byte, number) in nonce[4..].iter_mut().zip(&aad) {
                        *byte ^= number;
                    }
                }
                (aad, nonce, text)
            },
        )
    }

    proptest! {
        #[test]
        fn it_does_what_openssls_usual_calls_do(
            aead in prop::sample::select(&ALL[..]),
            keys: [[u8; 32]; 2],
            messages in prop::collection::vec((message(), any::<bool>(), any::<bool>()), 1..8),
        ) {
            let keys = keys.map(|key| key[..aead.key_length()].to_vec());
            let mut sealers = keys.clone().map(|key| Sealer::new(aead, &key).unwrap());
            let mut openers = keys.clone().map(|key| Opener::new(aead, &key).unwrap());
            for ((aad, nonce, text), damage, other) in messages {
                let key = usize::from(other);
                let expected = usual(aead, &keys[key], &nonce, &aad, &text);
                let room = [&text[..], &vec![0; aead.tag_length()]].concat();
                let (mut warm, mut cold) = (room.clone(), room);
                sealers[key].seal(&nonce, &aad, &mut warm).unwrap();
                seal_with(aead, &keys[key], &nonce, &aad, &mut cold).unwrap();
                prop_assert_eq!(&warm, &expected);
                prop_assert_eq!(&cold, &expected);

                // Behind the text, nothing is to be written.
                let mut out = vec![0xaa; text.len() + 64];
                let (to, behind) = out.split_at_mut(text.len());
                if damage {
                    let place = usize::from(nonce[11]) % warm.len();
                    warm[place] ^= 1;
                    prop_assert!(openers[key].open(&nonce, &aad, &warm, to).is_err());
                    prop_assert!(to.iter().all(|byte| *byte == 0));
                    prop_assert!(open_with(aead, &keys[key], &nonce, &aad, &warm, to).is_err());
                    prop_assert!(to.iter().all(|byte| *byte == 0));
                    prop_assert!(ErrorStack::get().errors().is_empty());
                }
                openers[key].open(&nonce, &aad, &expected, to).unwrap();
                prop_assert_eq!(&*to, &text);
                to.fill(0);
                open_with(aead, &keys[key], &nonce, &aad, &expected, to).unwrap();
                prop_assert_eq!(&*to, &text);
                prop_assert!(behind.iter().all(|byte| *byte == 0xaa));
            }
        }
    }

    /// By the calls that OpenSSL's manual has (EVP_EncryptInit(3)), on a context of its own.
    fn usual(aead: Aead, key: &[u8], nonce: &[u8], aad: &[u8], text: &[u8]) -> Vec<u8> {
        let mut context = CipherCtx::new().unwrap();
        let cipher = Cipher::fetch(None, aead.name(), None).unwrap();
        context.encrypt_init(Some(&cipher), None, None).unwrap();
        context.set_iv_length(12).unwrap();
        let ccm = aead.mode() == Mode::Ccm;
        if ccm {
            context.set_tag_length(aead.tag_length()).unwrap();
        }
        context.encrypt_init(None, Some(key), Some(nonce)).unwrap();
        if ccm {
            context.set_data_len(text.len()).unwrap();
        }
        context.cipher_update(aad, None).unwrap();
        let mut sealed = Vec::new();
        context.cipher_update_vec(text, &mut sealed).unwrap();
        context.cipher_final_vec(&mut sealed).unwrap();
        let mut tag = vec![0; aead.tag_length()];
        context.tag(&mut tag).unwrap();
        [sealed, tag].concat()
    }
}
