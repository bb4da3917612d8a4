//! What an `SSL` has agreed upon with its peer, or was told by it.

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    ptr,
};

use foreign_types::ForeignTypeRef;
use openssl::{nid::Nid, ssl::SslRef};
use openssl_sys as sys;

/// Returns the largest plaintext that makes a datagram within the MTU (`DTLS_get_data_mtu`).
pub(crate) fn data_mtu(ssl: &SslRef) -> usize {
    // SAFETY: the SSL is live; the function only reads it.
    unsafe { DTLS_get_data_mtu(ssl.as_ptr()) }
}

/// Returns the server_name extension of the client's hello as it came
/// (`SSL_client_hello_get0_ext`); None outside the callback that OpenSSL has for hellos.
pub(crate) fn requested_server_name(ssl: &SslRef) -> Option<&[u8]> {
    const SERVER_NAME: u32 = 0;
    let (mut start, mut length) = (ptr::null(), 0);
    // SAFETY: the SSL is live, and the function looks whether it has a hello.
    let found = unsafe {
        sys::SSL_client_hello_get0_ext(ssl.as_ptr(), SERVER_NAME, &raw mut start, &raw mut length)
    };
    if found != 1 {
        return None;
    }
    // SAFETY: `start` points to `length` bytes of the hello, which is there while the callback runs.
    Some(unsafe { std::slice::from_raw_parts(start, length) })
}

/// Returns the identity of the pre-shared key in use (`SSL_get_psk_identity`).
pub(crate) fn psk_identity(ssl: &SslRef) -> Option<Vec<u8>> {
    // SAFETY: the SSL is live; the function only reads it.
    let identity = unsafe { sys::SSL_get_psk_identity(ssl.as_ptr()) };
    if identity.is_null() {
        return None;
    }
    // SAFETY: it is a C string inside the session, which outlives the copy that is made here.
    let identity = unsafe { CStr::from_ptr(identity) };
    Some(identity.to_bytes().to_vec())
}

/// Returns the name of the group of the last key exchange (`SSL_get_negotiated_group`,
/// `SSL_group_to_name`).
pub(crate) fn group(ssl: &SslRef) -> Option<String> {
    // SAFETY: the SSL is live, and this control only reads it.
    let group = unsafe {
        sys::SSL_ctrl(
            ssl.as_ptr(),
            SSL_CTRL_GET_NEGOTIATED_GROUP,
            0,
            ptr::null_mut(),
        )
    };
    let group = c_int::try_from(group).ok().filter(|group| *group > 0)?;
    // SAFETY: the SSL is live; an unknown group's name is null.
    let name = unsafe { SSL_group_to_name(ssl.as_ptr(), group) };
    if name.is_null() {
        return None;
    }
    // SAFETY: it is a C string in tables of the SSL's context and of OpenSSL.
    let name = unsafe { CStr::from_ptr(name) };
    Some(name.to_string_lossy().into_owned())
}

/// Returns the kind of key and the digest that the peer has signed with
/// (`SSL_get_peer_signature_type_nid`, `SSL_get_peer_signature_nid`).
pub(crate) fn peer_signature(ssl: &SslRef) -> Option<(&'static str, Option<&'static str>)> {
    let (mut key, mut digest): (c_int, c_int) = (0, 0);
    // SAFETY: the SSL is live, and `key` is written on success only.
    if unsafe { SSL_get_peer_signature_type_nid(ssl.as_ptr(), &raw mut key) } != 1 {
        return None;
    }
    let pointer: *mut c_void = (&raw mut digest).cast();
    // SAFETY: this control writes one int on success, and `digest` is one.
    let known =
        unsafe { sys::SSL_ctrl(ssl.as_ptr(), SSL_CTRL_GET_PEER_SIGNATURE_NID, 0, pointer) } == 1;
    let key = match Nid::from_raw(key) {
        Nid::X9_62_ID_ECPUBLICKEY => "ECDSA",
        Nid::RSAENCRYPTION => "RSA",
        Nid::RSASSAPSS => "RSA-PSS",
        other => other.short_name().ok()?,
    };
    let digest = Nid::from_raw(digest);
    let digest = (known && digest != Nid::UNDEF).then(|| digest.short_name().ok());
    Some((key, digest.flatten()))
}

/// Whether both sides would renegotiate safely (RFC 5746, `SSL_get_secure_renegotiation_support`).
pub(crate) fn secure_renegotiation(ssl: &SslRef) -> bool {
    // SAFETY: the SSL is live, and this control only reads it.
    let support =
        unsafe { sys::SSL_ctrl(ssl.as_ptr(), SSL_CTRL_GET_RI_SUPPORT, 0, ptr::null_mut()) };
    support == 1
}

// SAFETY: the signatures are those of ssl.h.
unsafe extern "C" {
    fn DTLS_get_data_mtu(ssl: *const sys::SSL) -> usize;
    fn SSL_group_to_name(ssl: *mut sys::SSL, id: c_int) -> *const c_char;
    fn SSL_get_peer_signature_type_nid(ssl: *const sys::SSL, nid: *mut c_int) -> c_int;
}

const SSL_CTRL_GET_RI_SUPPORT: c_int = 76;
const SSL_CTRL_GET_PEER_SIGNATURE_NID: c_int = 108;
const SSL_CTRL_GET_NEGOTIATED_GROUP: c_int = 134;
