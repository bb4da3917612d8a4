//! Contexts that encrypt messages with authentication, by the calls that cost least.

use std::{
    ffi::{CStr, c_int, c_uchar, c_uint},
    ptr,
};

use foreign_types::ForeignTypeRef;
use openssl::{cipher::CipherRef, cipher_ctx::CipherCtx, error::ErrorStack};
use openssl_sys as sys;

use super::succeeded;

/// Encrypts, or decrypts, one message after the other, each with a nonce of 12 bytes.
///
/// A method that takes no key goes on with the last.
pub(crate) struct MessageCipher {
    context: CipherCtx,
    cipher: &'static CipherRef,
    mode: Mode,
    /// The length of a tag in bytes.
    tag: usize,
    /// With what a context of ChaCha20 is ready for records (see [`Self::record`]).
    record_iv: Option<[u8; NONCE]>,
}

/// What a cipher needs to be told, or can be spared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Takes its nonce in two ways.
    Gcm,
    /// Has to know the lengths of the tag and of each message before it begins.
    Ccm,
    /// Takes a record of TLS by a call.
    ChaCha20,
}

impl MessageCipher {
    /// Makes one without a key.
    pub(crate) fn new(
        cipher: &'static CipherRef,
        mode: Mode,
        tag: usize,
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
        if mode == Mode::Ccm {
            context.set_tag_length(tag)?;
        }
        Ok(Self {
            context,
            cipher,
            mode,
            tag,
            record_iv: None,
        })
    }

    /// Takes a key for all that follows.
    ///
    /// # Panics
    ///
    /// The key is shorter than the cipher's.
    pub(crate) fn set_key(&mut self, key: &[u8]) -> Result<(), ErrorStack> {
        self.record_iv = None;
        self.init(Some(key), None, None)
    }

    /// Encrypts in place what `data` holds, but for its end: that is room for the tag.
    ///
    /// # Panics
    ///
    /// `data` or the key is too short.
    pub(crate) fn seal(
        &mut self,
        key: Option<&[u8]>,
        nonce: &[u8; NONCE],
        aad: &[u8],
        data: &mut [u8],
    ) -> Result<(), ErrorStack> {
        let length = data.len().checked_sub(self.tag).expect("room for a tag");
        if let Some(header) = self.record_header(aad, length) {
            self.begin_record(key, nonce, header, length)?;
            let start = data.as_mut_ptr();
            return self.record(start, start, data.len());
        }
        let (text, tag) = data.split_at_mut(length);
        self.begin(key, nonce, None)?;
        self.authenticate(aad, length)?;
        let start = text.as_mut_ptr();
        self.update(start, start, length)?;
        self.context.cipher_final(&mut [])?;
        let mut parameters = [octets(TAG, tag.as_mut_ptr(), tag.len()), END];
        // SAFETY: the context is live, and writes the tag's length at most.
        succeeded(unsafe {
            EVP_CIPHER_CTX_get_params(self.context.as_ptr(), parameters.as_mut_ptr())
        })
    }

    /// Decrypts `sealed`, which ends with the tag, into `out`; what it writes there is not to be used on
    /// failure.
    ///
    /// # Panics
    ///
    /// `out` is not shorter than `sealed` by just the tag, or the key is too short.
    pub(crate) fn open(
        &mut self,
        key: Option<&[u8]>,
        nonce: &[u8; NONCE],
        aad: &[u8],
        sealed: &[u8],
        out: &mut [u8],
    ) -> Result<(), ErrorStack> {
        let length = out.len();
        assert_eq!(sealed.len(), length + self.tag);
        if let Some(header) = self.record_header(aad, length) {
            self.begin_record(key, nonce, header, sealed.len())?;
            return self.record(sealed.as_ptr(), out.as_mut_ptr(), sealed.len());
        }
        let (text, tag) = sealed.split_at(length);
        self.begin(key, nonce, Some(tag))?;
        self.authenticate(aad, length)?;
        self.update(text.as_ptr(), out.as_mut_ptr(), length)?;
        // CCM has compared the tag already, and has nothing to end.
        if self.mode != Mode::Ccm {
            self.context.cipher_final(&mut [])?;
        }
        Ok(())
    }

    /// Begins a message: `EVP_CipherInit_ex2`, or `EVP_CIPHER_CTX_set_params` where that is enough.
    fn begin(
        &mut self,
        key: Option<&[u8]>,
        nonce: &[u8; NONCE],
        tag: Option<&[u8]>,
    ) -> Result<(), ErrorStack> {
        self.record_iv = None;
        if self.mode != Mode::Gcm {
            return self.init(key, Some(nonce), tag);
        }
        if key.is_some() {
            self.init(key, None, None)?;
        }
        // OpenSSL 3.0 would look up the nonce's length by its name, which takes a quarter of the time of a
        // small message. OpenSSH counts on this way, too: all of the nonce, for a length of -1.
        let tag = tag.map_or(END, |tag| octets(TAG, tag.as_ptr(), tag.len()));
        let parameters = [octets(WHOLE_IV, nonce.as_ptr(), usize::MAX), tag, END];
        // SAFETY: the context is live, and copies 12 bytes of the nonce, for that is its length.
        succeeded(unsafe { EVP_CIPHER_CTX_set_params(self.context.as_ptr(), parameters.as_ptr()) })
    }

    fn init(
        &mut self,
        key: Option<&[u8]>,
        nonce: Option<&[u8; NONCE]>,
        tag: Option<&[u8]>,
    ) -> Result<(), ErrorStack> {
        assert!(key.is_none_or(|key| key.len() >= self.cipher.key_length()));
        let key = key.map_or_else(ptr::null, <[u8]>::as_ptr);
        let nonce = nonce.map_or_else(ptr::null, |nonce| nonce.as_ptr());
        let tag = tag.map_or(END, |tag| octets(TAG, tag.as_ptr(), tag.len()));
        let parameters = [tag, END];
        // SAFETY: the context is live and has a cipher, whose key is not longer than this one, and a
        // nonce of 12 bytes, if they are there at all. All is copied. -1 leaves the direction as it is.
        succeeded(unsafe {
            EVP_CipherInit_ex2(
                self.context.as_ptr(),
                ptr::null(),
                key,
                nonce,
                -1,
                parameters.as_ptr(),
            )
        })
    }

    /// Takes what is authenticated and not encrypted, before a message of so many bytes.
    fn authenticate(&mut self, data: &[u8], length: usize) -> Result<(), ErrorStack> {
        if self.mode == Mode::Ccm {
            self.context.set_data_len(length)?;
        }
        self.context.cipher_update(data, None)?;
        Ok(())
    }

    /// Encrypts or decrypts from one place to another, or the same, both of so many bytes.
    fn update(&mut self, from: *const u8, to: *mut u8, length: usize) -> Result<(), ErrorStack> {
        let length = c_int::try_from(length).expect("a message is short");
        let mut written = 0;
        // SAFETY: the context is live, and no AEAD writes more than it reads.
        succeeded(unsafe {
            sys::EVP_CipherUpdate(self.context.as_ptr(), to, &raw mut written, from, length)
        })
    }

    /// Whether all this is a record of TLS for a cipher that takes one at once: returns its header then
    /// (RFC 5246 6.2.3.3).
    fn record_header(&self, aad: &[u8], length: usize) -> Option<[u8; RECORD]> {
        let header: [u8; RECORD] = aad.try_into().ok()?;
        let [.., high, low] = header;
        let told = usize::from(u16::from_be_bytes([high, low]));
        (self.mode == Mode::ChaCha20 && told == length).then_some(header)
    }

    /// Begins a record. OpenSSL makes its nonce, of an IV and the number that the header begins with (RFC 7905
    /// 2): so it takes the IV once, and saves a third of the time of a small record (`EVP_CTRL_AEAD_TLS1_AAD`).
    fn begin_record(
        &mut self,
        key: Option<&[u8]>,
        nonce: &[u8; NONCE],
        mut header: [u8; RECORD],
        length: usize,
    ) -> Result<(), ErrorStack> {
        let mut iv = *nonce;
        for (byte, number) in iv[4..].iter_mut().zip(header) {
            *byte ^= number;
        }
        if key.is_some() || self.record_iv != Some(iv) {
            self.record_iv = None;
            self.init(key, Some(&iv), None)?;
            self.record_iv = Some(iv);
        }
        // With the tag, where there is one yet.
        let length = u16::try_from(length).expect("a record is short");
        header[RECORD - 2..].copy_from_slice(&length.to_be_bytes());
        // SAFETY: the context is live, and copies the 13 bytes.
        succeeded(unsafe {
            sys::EVP_CIPHER_CTX_ctrl(
                self.context.as_ptr(),
                EVP_CTRL_AEAD_TLS1_AAD,
                RECORD as c_int,
                header.as_mut_ptr().cast(),
            )
        })
    }

    /// Encrypts or decrypts a record, of so many bytes with its tag (`EVP_Cipher`).
    fn record(&mut self, from: *const u8, to: *mut u8, length: usize) -> Result<(), ErrorStack> {
        let length = c_uint::try_from(length).expect("a record is short");
        // SAFETY: the context is live, and was told how long the record is. It reads all of it, and writes as
        // much when it encrypts, and the tag's length less when it decrypts.
        match unsafe { EVP_Cipher(self.context.as_ptr(), to, from, length) } {
            0.. => Ok(()),
            _ => Err(ErrorStack::get()),
        }
    }
}

/// What `OSSL_PARAM_construct_octet_string` returns, without the call.
const fn octets(name: &'static CStr, start: *const u8, length: usize) -> sys::OSSL_PARAM {
    sys::OSSL_PARAM {
        key: name.as_ptr(),
        data_type: OSSL_PARAM_OCTET_STRING,
        data: start.cast_mut().cast(),
        data_size: length,
        return_size: usize::MAX,
    }
}

/// What `OSSL_PARAM_construct_end` returns.
const END: sys::OSSL_PARAM = sys::OSSL_PARAM {
    key: ptr::null(),
    data_type: 0,
    data: ptr::null_mut(),
    data_size: 0,
    return_size: 0,
};

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
    fn EVP_Cipher(
        context: *mut sys::EVP_CIPHER_CTX,
        out: *mut c_uchar,
        from: *const c_uchar,
        length: c_uint,
    ) -> c_int;
}

/// The length of a nonce in bytes.
pub(crate) const NONCE: usize = 12;
/// The length of a record's header as it is authenticated, in bytes.
const RECORD: usize = 13;
const TAG: &CStr = c"tag";
const WHOLE_IV: &CStr = c"tlsivfixed";
const OSSL_PARAM_OCTET_STRING: c_uint = 5;
const EVP_CTRL_AEAD_TLS1_AAD: c_int = 0x16;
