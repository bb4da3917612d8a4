//! Contexts that encrypt messages with authentication, by the calls that cost least.

use std::{
    ffi::{CStr, c_int, c_uchar},
    ptr,
};

use foreign_types::ForeignTypeRef;
use openssl::{cipher::CipherRef, cipher_ctx::CipherCtx, error::ErrorStack};
use openssl_sys as sys;

use super::succeeded;

/// Encrypts, or decrypts, one message after the other, each with a nonce of 12 bytes.
pub(crate) struct MessageCipher {
    context: CipherCtx,
    cipher: &'static CipherRef,
    mode: Mode,
}

/// What a cipher needs to be told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Takes its nonce in two ways.
    Gcm,
    /// Has to know the lengths of the tag and of each message before it begins.
    Ccm {
        tag: usize,
    },
    Other,
}

impl MessageCipher {
    /// Makes one without a key.
    pub(crate) fn new(
        cipher: &'static CipherRef,
        mode: Mode,
        encrypts: bool,
    ) -> Result<Self, ErrorStack> {
        let mut context = CipherCtx::new()?;
        if encrypts {
            context.encrypt_init(Some(cipher), None, None)?;
        } else {
            context.decrypt_init(Some(cipher), None, None)?;
        }
        // CCM's own is 7.
        context.set_iv_length(NONCE)?;
        if let Mode::Ccm { tag } = mode {
            context.set_tag_length(tag)?;
        }
        Ok(Self {
            context,
            cipher,
            mode,
        })
    }

    /// Begins a message, with another key than the last if there is one; `tag` is for decryption only
    /// (`EVP_CipherInit_ex2`, or `EVP_CIPHER_CTX_set_params` where that is enough).
    ///
    /// # Panics
    ///
    /// The key is shorter than the cipher's.
    pub(crate) fn begin(
        &mut self,
        key: Option<&[u8]>,
        nonce: &[u8; NONCE],
        tag: Option<&[u8]>,
    ) -> Result<(), ErrorStack> {
        assert!(key.is_none_or(|key| key.len() >= self.cipher.key_length()));
        let tag = tag.map_or_else(end, |tag| octets(TAG, tag.as_ptr(), tag.len()));
        if key.is_none() && self.mode == Mode::Gcm {
            // OpenSSL 3.0 would look up the nonce's length by its name, which takes a quarter of the
            // time of a small message. OpenSSH counts on this way, too: all of the nonce, for a length of -1.
            let parameters = [octets(WHOLE_IV, nonce.as_ptr(), usize::MAX), tag, end()];
            // SAFETY: the context is live, and copies 12 bytes of the nonce, for that is its length.
            return succeeded(unsafe {
                EVP_CIPHER_CTX_set_params(self.context.as_ptr(), parameters.as_ptr())
            });
        }
        let key = key.map_or_else(ptr::null, <[u8]>::as_ptr);
        let parameters = [tag, end()];
        // SAFETY: the context is live and has a cipher, whose key is not longer than this one, and a
        // nonce of 12 bytes. All is copied. -1 leaves the direction as it is.
        succeeded(unsafe {
            EVP_CipherInit_ex2(
                self.context.as_ptr(),
                ptr::null(),
                key,
                nonce.as_ptr(),
                -1,
                parameters.as_ptr(),
            )
        })
    }

    /// Takes what is authenticated and not encrypted, before a message of so many bytes.
    pub(crate) fn authenticate(&mut self, data: &[u8], length: usize) -> Result<(), ErrorStack> {
        if let Mode::Ccm { .. } = self.mode {
            self.context.set_data_len(length)?;
        }
        self.context.cipher_update(data, None)?;
        Ok(())
    }

    /// Encrypts a whole message in place, and writes its tag.
    pub(crate) fn encrypt(&mut self, text: &mut [u8], tag: &mut [u8]) -> Result<(), ErrorStack> {
        let length = text.len();
        self.context.cipher_update_inplace(text, length)?;
        self.context.cipher_final(&mut [])?;
        let mut parameters = [octets(TAG, tag.as_mut_ptr(), tag.len()), end()];
        // SAFETY: the context is live, and writes the tag's length at most.
        succeeded(unsafe {
            EVP_CIPHER_CTX_get_params(self.context.as_ptr(), parameters.as_mut_ptr())
        })
    }

    /// Decrypts a whole message; what it writes is not to be used on failure.
    pub(crate) fn decrypt(&mut self, text: &[u8], out: &mut [u8]) -> Result<(), ErrorStack> {
        self.context.cipher_update(text, Some(out))?;
        // CCM has compared the tag already, and has nothing to end.
        if !matches!(self.mode, Mode::Ccm { .. }) {
            self.context.cipher_final(&mut [])?;
        }
        Ok(())
    }
}

fn octets(name: &'static CStr, start: *const u8, length: usize) -> sys::OSSL_PARAM {
    // SAFETY: only stores the pointers.
    unsafe {
        sys::OSSL_PARAM_construct_octet_string(name.as_ptr(), start.cast_mut().cast(), length)
    }
}

fn end() -> sys::OSSL_PARAM {
    // SAFETY: takes nothing.
    unsafe { sys::OSSL_PARAM_construct_end() }
}

// SAFETY: the signatures are those of evp.h.
unsafe extern "C" {
    fn EVP_CipherInit_ex2(
        context: *mut sys::EVP_CIPHER_CTX,
        cipher: *const sys::EVP_CIPHER,
        key: *const c_uchar,
        iv: *const c_uchar,
        encrypts: c_int,
        parameters: *const sys::OSSL_PARAM,
    ) -> c_int;
    fn EVP_CIPHER_CTX_set_params(
        context: *mut sys::EVP_CIPHER_CTX,
        parameters: *const sys::OSSL_PARAM,
    ) -> c_int;
    fn EVP_CIPHER_CTX_get_params(
        context: *mut sys::EVP_CIPHER_CTX,
        parameters: *mut sys::OSSL_PARAM,
    ) -> c_int;
}

/// The length of a nonce in bytes.
pub(crate) const NONCE: usize = 12;
const TAG: &CStr = c"tag";
const WHOLE_IV: &CStr = c"tlsivfixed";
