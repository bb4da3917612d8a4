//! HMAC-SHA256 (RFC 2104) with the key's two blocks hashed once.
//!
//! OpenSSL's own HMAC costs some thirty times as much a call, and this one runs for each hello
//! of a flood.

use std::hint::black_box;

use openssl::sha::{Sha256, sha256};
use zeroize::Zeroizing;

const BLOCK: usize = 64;

#[derive(Clone)]
pub(crate) struct HmacKey {
    inner: Sha256,
    outer: Sha256,
}

impl HmacKey {
    pub(crate) fn new(key: &[u8]) -> Self {
        #[cfg(test)]
        OPERATIONS.set(OPERATIONS.get() + 1);
        let mut block = Zeroizing::new([0; BLOCK]);
        if key.len() > BLOCK {
            block[..32].copy_from_slice(&sha256(key));
        } else {
            block[..key.len()].copy_from_slice(key);
        }
        let padded = |pad: u8| {
            let mut state = Sha256::new();
            let padded = Zeroizing::new(block.map(|byte| byte ^ pad));
            state.update(&*padded);
            state
        };
        Self {
            inner: padded(0x36),
            outer: padded(0x5c),
        }
    }

    pub(crate) fn sign(&self, parts: &[&[u8]]) -> [u8; 32] {
        #[cfg(test)]
        OPERATIONS.set(OPERATIONS.get() + 1);
        let mut inner = self.inner.clone();
        for part in parts {
            inner.update(part);
        }
        let mut outer = self.outer.clone();
        outer.update(&inner.finish());
        outer.finish()
    }
}

impl Drop for HmacKey {
    fn drop(&mut self) {
        (self.inner, self.outer) = (Sha256::new(), Sha256::new());
        // Keeps the compiler from leaving out a store that nobody reads.
        black_box(&*self);
    }
}

#[cfg(test)]
thread_local! {
    static OPERATIONS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// How many keys this thread has made ready, and how often it has signed.
#[cfg(test)]
pub(crate) fn count() -> u64 {
    OPERATIONS.get()
}

/// OpenSSL's HKDF-SHA256 (RFC 5869), to compare with.
#[cfg(test)]
pub(crate) fn hkdf(secret: &[u8], salt: &[u8], label: &[u8]) -> [u8; 32] {
    use openssl::{
        md::Md,
        pkey::Id,
        pkey_ctx::{HkdfMode, PkeyCtx},
    };
    let mut hkdf = PkeyCtx::new_id(Id::HKDF).unwrap();
    hkdf.derive_init().unwrap();
    hkdf.set_hkdf_mode(HkdfMode::EXTRACT_THEN_EXPAND).unwrap();
    hkdf.set_hkdf_md(Md::sha256()).unwrap();
    hkdf.set_hkdf_key(secret).unwrap();
    hkdf.set_hkdf_salt(salt).unwrap();
    hkdf.add_hkdf_info(label).unwrap();
    let mut derived = [0; 32];
    hkdf.derive(Some(&mut derived)).unwrap();
    derived
}

#[cfg(test)]
mod tests {
    use super::*;
    use openssl::{hash::MessageDigest, pkey::PKey, sign::Signer};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_openssl(
            key in prop::collection::vec(any::<u8>(), 1..200),
            data: Vec<u8>,
            cut: prop::sample::Index,
        ) {
            let pkey = PKey::hmac(&key).unwrap();
            let mut signer = Signer::new(MessageDigest::sha256(), &pkey).unwrap();
            let expected = signer.sign_oneshot_to_vec(&data).unwrap();
            let (a, b) = data.split_at(cut.index(data.len() + 1));
            prop_assert_eq!(&HmacKey::new(&key).sign(&[a, b])[..], &expected[..]);
        }
    }
}
