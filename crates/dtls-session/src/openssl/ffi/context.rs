//! What holds for every `SSL` of an `SSL_CTX`.

use std::{
    ffi::{CStr, c_char, c_int, c_long},
    ptr,
};

use foreign_types::ForeignTypeRef;
use openssl::{
    error::ErrorStack,
    nid::Nid,
    pkey::{PKeyRef, Private},
    ssl::{SslCipher, SslContextBuilder},
    stack::StackRef,
    x509::{X509, X509Ref},
};
use openssl_sys as sys;

use super::succeeded;

/// Lets a client ask for records of up to 2^(8 + `code`) bytes (`SSL_CTX_set_tlsext_max_fragment_length`).
pub(crate) fn set_max_fragment_length(
    context: &mut SslContextBuilder,
    code: u8,
) -> Result<(), ErrorStack> {
    // SAFETY: the context is live; the function only stores the number.
    succeeded(unsafe { SSL_CTX_set_tlsext_max_fragment_length(context.as_ptr(), code) })
}

/// Bounds the versions to negotiate (`SSL_CTX_set_min_proto_version` and its like), by numbers
/// that an older OpenSSL does not know and refuses.
pub(crate) fn set_versions(
    context: &mut SslContextBuilder,
    min: u16,
    max: u16,
) -> Result<(), ErrorStack> {
    context_control(context, SSL_CTRL_SET_MIN_PROTO_VERSION, min.into())?;
    context_control(context, SSL_CTRL_SET_MAX_PROTO_VERSION, max.into())
}

/// Shows a certificate, with the chain behind it, to all peers (`SSL_CTX_use_cert_and_key`).
pub(crate) fn set_identity(
    context: &mut SslContextBuilder,
    certificate: &X509Ref,
    key: &PKeyRef<Private>,
    chain: &StackRef<X509>,
) -> Result<(), ErrorStack> {
    let (certificate, key, chain) = (certificate.as_ptr(), key.as_ptr(), chain.as_ptr());
    // SAFETY: all four are live, and the context takes references of its own.
    succeeded(unsafe { SSL_CTX_use_cert_and_key(context.as_ptr(), certificate, key, chain, 1) })
}

/// Tells clients which key to use (`SSL_CTX_use_psk_identity_hint`).
pub(crate) fn set_psk_hint(context: &mut SslContextBuilder, hint: &CStr) -> Result<(), ErrorStack> {
    // SAFETY: the context is live, and copies the text.
    succeeded(unsafe { SSL_CTX_use_psk_identity_hint(context.as_ptr(), hint.as_ptr()) })
}

/// Returns what each of the context's cipher suites proves the server with (`SSL_CIPHER_get_auth_nid`).
pub(crate) fn suites_proofs(context: &SslContextBuilder) -> impl Iterator<Item = Nid> {
    // SAFETY: the context is live, and the list is its own or null.
    let suites = unsafe { SSL_CTX_get_ciphers(context.as_ptr()) };
    let mut proofs = Vec::new();
    if !suites.is_null() {
        // SAFETY: nothing changes the list while this function borrows the context.
        let suites: &StackRef<SslCipher> = unsafe { StackRef::from_ptr(suites) };
        for suite in suites {
            // SAFETY: the suites are static.
            let proof = unsafe { SSL_CIPHER_get_auth_nid(suite.as_ptr()) };
            proofs.push(Nid::from_raw(proof));
        }
    }
    proofs.into_iter()
}

/// Bounds outgoing records, and with them the buffers (`SSL_CTX_set_max_send_fragment`).
pub(crate) fn set_max_send_fragment(
    context: &mut SslContextBuilder,
    bytes: usize,
) -> Result<(), ErrorStack> {
    context_control(context, SSL_CTRL_SET_MAX_SEND_FRAGMENT, bytes)
}

/// Bounds the peer's certificate message (`SSL_CTX_set_max_cert_list`).
pub(crate) fn set_max_cert_list(context: &mut SslContextBuilder, bytes: usize) {
    // This control returns the former value, so it cannot fail.
    let _ = context_control(context, SSL_CTRL_SET_MAX_CERT_LIST, bytes);
}

fn context_control(
    context: &mut SslContextBuilder,
    control: c_int,
    value: usize,
) -> Result<(), ErrorStack> {
    let value = c_long::try_from(value).unwrap_or(c_long::MAX);
    // SAFETY: the context is live, and these controls take a number and no pointer.
    succeeded(unsafe { sys::SSL_CTX_ctrl(context.as_ptr(), control, value, ptr::null_mut()) })
}

// SAFETY: the signatures are those of ssl.h.
unsafe extern "C" {
    fn SSL_CTX_set_tlsext_max_fragment_length(context: *mut sys::SSL_CTX, code: u8) -> c_int;
    fn SSL_CTX_get_ciphers(context: *const sys::SSL_CTX) -> *mut sys::stack_st_SSL_CIPHER;
    fn SSL_CIPHER_get_auth_nid(cipher: *const sys::SSL_CIPHER) -> c_int;
    fn SSL_CTX_use_cert_and_key(
        context: *mut sys::SSL_CTX,
        certificate: *mut sys::X509,
        key: *mut sys::EVP_PKEY,
        chain: *mut sys::stack_st_X509,
        replace: c_int,
    ) -> c_int;
    fn SSL_CTX_use_psk_identity_hint(context: *mut sys::SSL_CTX, hint: *const c_char) -> c_int;
}

const SSL_CTRL_SET_MAX_CERT_LIST: c_int = 51;
const SSL_CTRL_SET_MAX_SEND_FRAGMENT: c_int = 52;
const SSL_CTRL_SET_MIN_PROTO_VERSION: c_int = 123;
const SSL_CTRL_SET_MAX_PROTO_VERSION: c_int = 124;
