//! Keys derived from secrets.

use std::{
    ffi::{CStr, c_char},
    ptr::{self, NonNull},
    sync::OnceLock,
};

use openssl::error::ErrorStack;
use openssl_sys as sys;

/// Fills `out` with the PRF of TLS 1.2 over a seed that begins with the label (`EVP_KDF_derive`
/// with `TLS1-PRF`).
pub(crate) fn tls1_prf(
    digest: &CStr,
    secret: &[u8],
    seed: &[u8],
    out: &mut [u8],
) -> Result<(), ErrorStack> {
    let context = Context::new(prf()?)?;
    // SAFETY: all of these are read only, while this function borrows them.
    let digest = unsafe {
        OSSL_PARAM_construct_utf8_string(c"digest".as_ptr(), digest.as_ptr().cast_mut(), 0)
    };
    let parameters = [
        digest,
        octets(c"secret", secret),
        octets(c"seed", seed),
        // SAFETY: takes nothing.
        unsafe { sys::OSSL_PARAM_construct_end() },
    ];
    let (start, length) = (out.as_mut_ptr(), out.len());
    // SAFETY: the context is live, `length` bytes have room at `start`, and the parameters are
    // copied.
    match unsafe { sys::EVP_KDF_derive(context.0.as_ptr(), start, length, parameters.as_ptr()) } {
        1 => Ok(()),
        _ => Err(ErrorStack::get()),
    }
}

/// Bytes for as long as the caller keeps them: `EVP_KDF_derive` does not write to them.
fn octets(name: &'static CStr, bytes: &[u8]) -> sys::OSSL_PARAM {
    let (start, length) = (bytes.as_ptr().cast_mut().cast(), bytes.len());
    // SAFETY: only stores the pointers.
    unsafe { sys::OSSL_PARAM_construct_octet_string(name.as_ptr(), start, length) }
}

/// Looked up once, because that costs more than to use it.
fn prf() -> Result<NonNull<sys::EVP_KDF>, ErrorStack> {
    static PRF: OnceLock<Kdf> = OnceLock::new();
    if let Some(kdf) = PRF.get() {
        return Ok(kdf.0);
    }
    // SAFETY: the name is static, and null stands for the default library and properties.
    let found = unsafe { sys::EVP_KDF_fetch(ptr::null_mut(), c"TLS1-PRF".as_ptr(), ptr::null()) };
    let found = NonNull::new(found).ok_or_else(ErrorStack::get)?;
    // Of two that arrive at once, one reference is never given back: it costs nothing.
    Ok(PRF.get_or_init(|| Kdf(found)).0)
}

struct Kdf(NonNull<sys::EVP_KDF>);

// SAFETY: nothing changes it after it was fetched, but its counter of references, atomically.
unsafe impl Send for Kdf {}

// SAFETY: as above.
unsafe impl Sync for Kdf {}

struct Context(NonNull<sys::EVP_KDF_CTX>);

impl Context {
    fn new(kdf: NonNull<sys::EVP_KDF>) -> Result<Self, ErrorStack> {
        // SAFETY: the function is never freed, and the context takes a reference of its own.
        let context = unsafe { sys::EVP_KDF_CTX_new(kdf.as_ptr()) };
        NonNull::new(context).map(Self).ok_or_else(ErrorStack::get)
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: it is live, and nobody uses it after this. What it has of the secret is wiped.
        unsafe { sys::EVP_KDF_CTX_free(self.0.as_ptr()) };
    }
}

// SAFETY: the signature is that of params.h.
unsafe extern "C" {
    fn OSSL_PARAM_construct_utf8_string(
        key: *const c_char,
        value: *mut c_char,
        length: usize,
    ) -> sys::OSSL_PARAM;
}
