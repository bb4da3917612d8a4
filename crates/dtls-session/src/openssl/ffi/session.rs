//! What an `SSL_SESSION` knows.

use std::{
    ffi::{c_int, c_uchar, c_uint, c_ulong, c_void},
    ptr,
};

use foreign_types::ForeignTypeRef;
use openssl::{
    error::ErrorStack,
    ssl::{SslRef, SslSessionRef},
};
use openssl_sys as sys;

use super::succeeded;

/// Returns the largest plaintext of one record that was negotiated (`SSL_SESSION_get_max_fragment_length`, RFC
/// 6066 4), in bytes.
pub(crate) fn max_fragment_length(ssl: &SslRef) -> Option<usize> {
    let session = ssl.session()?;
    // SAFETY: the session is live; the function only reads it.
    let code = unsafe { SSL_SESSION_get_max_fragment_length(session.as_ptr()) };
    (1..=4).contains(&code).then(|| 256 << code)
}

/// Returns what was set where the session began (`SSL_SESSION_get0_id_context`).
pub(crate) fn session_id_context(session: &SslSessionRef) -> &[u8] {
    let mut length = 0;
    // SAFETY: the session is live, and `length` is written.
    let start = unsafe { SSL_SESSION_get0_id_context(session.as_ptr(), &raw mut length) };
    // SAFETY: `start` points to `length` bytes inside the session, which outlives the result.
    unsafe { std::slice::from_raw_parts(start, length as usize) }
}

/// Whether there is a ticket or a session ID to resume it by (`SSL_SESSION_is_resumable`).
pub(crate) fn is_resumable(session: &SslSessionRef) -> bool {
    // SAFETY: the session is live; the function only reads it.
    unsafe { SSL_SESSION_is_resumable(session.as_ptr()) == 1 }
}

/// Returns how many seconds its ticket is good for (`SSL_SESSION_get_ticket_lifetime_hint`), or 0
/// if the server did not say.
pub(crate) fn ticket_lifetime_hint(session: &SslSessionRef) -> u64 {
    // SAFETY: the session is live; the function only reads it.
    let hint = unsafe { SSL_SESSION_get_ticket_lifetime_hint(session.as_ptr()) };
    // An unsigned long has 32 bits on some platforms.
    #[allow(clippy::useless_conversion, reason = "it has 64 on this one")]
    hint.into()
}

/// Leaves bytes in the session, which its ticket brings back (`SSL_SESSION_set1_ticket_appdata`).
pub(crate) fn set_ticket_data(session: &SslSessionRef, data: &[u8]) -> Result<(), ErrorStack> {
    let (start, length) = (data.as_ptr().cast(), data.len());
    // SAFETY: the session is live and used by this thread only, and the bytes are copied.
    succeeded(unsafe { SSL_SESSION_set1_ticket_appdata(session.as_ptr(), start, length) })
}

/// Returns what [`set_ticket_data`] has left (`SSL_SESSION_get0_ticket_appdata`).
pub(crate) fn ticket_data(session: &SslSessionRef) -> &[u8] {
    let (mut start, mut length) = (ptr::null_mut(), 0);
    // SAFETY: the session is live, and both places are written.
    let got = unsafe {
        SSL_SESSION_get0_ticket_appdata(session.as_ptr(), &raw mut start, &raw mut length)
    };
    if got != 1 || start.is_null() {
        return &[];
    }
    // SAFETY: `start` points to `length` bytes inside the session, which outlives the result.
    unsafe { std::slice::from_raw_parts(start.cast(), length) }
}

// SAFETY: the signatures are those of ssl.h.
unsafe extern "C" {
    fn SSL_SESSION_get_max_fragment_length(session: *const sys::SSL_SESSION) -> u8;
    fn SSL_SESSION_get0_id_context(
        session: *const sys::SSL_SESSION,
        length: *mut c_uint,
    ) -> *const c_uchar;
    fn SSL_SESSION_is_resumable(session: *const sys::SSL_SESSION) -> c_int;
    fn SSL_SESSION_get_ticket_lifetime_hint(session: *const sys::SSL_SESSION) -> c_ulong;
    fn SSL_SESSION_set1_ticket_appdata(
        session: *mut sys::SSL_SESSION,
        data: *const c_void,
        length: usize,
    ) -> c_int;
    fn SSL_SESSION_get0_ticket_appdata(
        session: *mut sys::SSL_SESSION,
        data: *mut *mut c_void,
        length: *mut usize,
    ) -> c_int;
}
