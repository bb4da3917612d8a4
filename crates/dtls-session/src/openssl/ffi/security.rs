//! What an `SSL_CTX` takes for secure enough.

use std::{
    ffi::{c_int, c_void},
    sync::OnceLock,
};

use openssl::ssl::SslContextBuilder;
use openssl_sys as sys;

/// Lets the context have suites with CCM-8, which newer OpenSSL counts as 64 bits of security and
/// leaves out (`SSL_CTX_set_security_callback`); everything else is judged as before.
pub(crate) fn allow_ccm8(context: &mut SslContextBuilder) {
    // SAFETY: the context is live; the function only reads it.
    let usual = unsafe { SSL_CTX_get_security_callback(context.as_ptr()) };
    // The library's own, which is the same for all contexts.
    let _ = USUAL_SECURITY.get_or_init(|| usual);
    // SAFETY: the context is live, and the callback has the type that the header asks for.
    unsafe { SSL_CTX_set_security_callback(context.as_ptr(), Some(on_security)) };
}

static USUAL_SECURITY: OnceLock<Option<SecurityCallback>> = OnceLock::new();

/// Returns 1 for what is secure enough.
unsafe extern "C" fn on_security(
    ssl: *const sys::SSL,
    context: *const sys::SSL_CTX,
    operation: c_int,
    bits: c_int,
    nid: c_int,
    other: *mut c_void,
    extra: *mut c_void,
) -> c_int {
    // No other AEAD has so few.
    if operation & SSL_SECOP_OTHER_TYPE == SSL_SECOP_OTHER_CIPHER && bits == CCM8_BITS {
        // SAFETY: in operations of this type it is a cipher suite.
        let cipher = unsafe { SSL_CIPHER_get_cipher_nid(other.cast()) };
        if [sys::NID_aes_128_ccm, sys::NID_aes_256_ccm].contains(&cipher) {
            return 1;
        }
    }
    let Some(usual) = USUAL_SECURITY.get().copied().flatten() else {
        return 0;
    };
    // SAFETY: it is OpenSSL's own, and gets what OpenSSL has given.
    unsafe { usual(ssl, context, operation, bits, nid, other, extra) }
}

type SecurityCallback = unsafe extern "C" fn(
    *const sys::SSL,
    *const sys::SSL_CTX,
    c_int,
    c_int,
    c_int,
    *mut c_void,
    *mut c_void,
) -> c_int;

// SAFETY: the signatures are those of ssl.h.
unsafe extern "C" {
    fn SSL_CIPHER_get_cipher_nid(cipher: *const sys::SSL_CIPHER) -> c_int;
    fn SSL_CTX_get_security_callback(context: *const sys::SSL_CTX) -> Option<SecurityCallback>;
    fn SSL_CTX_set_security_callback(
        context: *mut sys::SSL_CTX,
        callback: Option<SecurityCallback>,
    );
}

const CCM8_BITS: c_int = 64;
const SSL_SECOP_OTHER_TYPE: c_int = 0xffff_0000_u32.cast_signed();
const SSL_SECOP_OTHER_CIPHER: c_int = 1 << 16;
