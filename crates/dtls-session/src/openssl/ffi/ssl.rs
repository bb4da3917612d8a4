//! One `SSL`: what it is to do, and where it stands.

use std::{
    ffi::{c_int, c_long, c_uchar, c_uint, c_void},
    ptr,
    time::Duration,
};

use foreign_types::ForeignTypeRef;
use openssl::{
    error::ErrorStack,
    pkey::{PKeyRef, Private},
    ssl::{SslRef, SslSessionRef},
    stack::StackRef,
    x509::{X509, X509Ref},
};
use openssl_sys as sys;

use super::succeeded;

/// Returns the time until the retransmission timer expires (`DTLSv1_get_timeout`), or None while
/// it does not run. Up to 15 ms are reported as zero by OpenSSL itself.
pub(crate) fn timeout(ssl: &SslRef) -> Option<Duration> {
    let mut left = libc::timeval {
        tv_sec: 0,
        tv_usec: 0,
    };
    let left_pointer: *mut c_void = (&raw mut left).cast();
    // SAFETY: this control writes one timeval, and `left` is one.
    let running = unsafe { sys::SSL_ctrl(ssl.as_ptr(), DTLS_CTRL_GET_TIMEOUT, 0, left_pointer) };
    let seconds = Duration::from_secs(left.tv_sec.try_into().unwrap_or(0));
    let micros = Duration::from_micros(left.tv_usec.try_into().unwrap_or(0));
    (running == 1).then_some(seconds + micros)
}

/// Makes a client's `ssl` ready for a handshake from the start (`SSL_clear`); its BIOs stay, but the
/// MTU and the timer callback may not.
pub(crate) fn restart(ssl: &SslRef) -> Result<(), ErrorStack> {
    // SAFETY: the SSL is live, used by this thread only, and inside no other call.
    succeeded(unsafe { SSL_clear(ssl.as_ptr()) })
}

/// Sets the UDP payload that OpenSSL cuts its next flights to (`SSL_set_mtu`).
pub(crate) fn set_mtu(ssl: &SslRef, bytes: usize) {
    let bytes = c_long::try_from(bytes).unwrap_or(c_long::MAX);
    // SAFETY: the SSL is live and used by this thread only; the control takes a number.
    unsafe { sys::SSL_set_mtu(ssl.as_ptr(), bytes) };
}

/// Whether the peer's close_notify has been read (`SSL_get_shutdown`).
pub(crate) fn received_shutdown(ssl: &SslRef) -> bool {
    // SAFETY: the SSL is live; the function only reads it.
    let state = unsafe { sys::SSL_get_shutdown(ssl.as_ptr()) };
    state & SSL_RECEIVED_SHUTDOWN != 0
}

/// Marks the peer as having sent its close_notify, or as not having done so (`SSL_set_shutdown`).
pub(crate) fn set_received_shutdown(ssl: &SslRef, received: bool) {
    // SAFETY: the SSL is live; the function only reads it.
    let state = unsafe { sys::SSL_get_shutdown(ssl.as_ptr()) };
    let state = if received {
        state | SSL_RECEIVED_SHUTDOWN
    } else {
        state & !SSL_RECEIVED_SHUTDOWN
    };
    // SAFETY: the SSL is live and used by this thread only; the function only sets flags.
    unsafe { sys::SSL_set_shutdown(ssl.as_ptr(), state) };
}

/// Marks both directions as shut down without sending anything (`SSL_set_shutdown`), so that
/// freeing the SSL does not make its session unresumable.
pub(crate) fn mark_shut_down(ssl: &SslRef) {
    // SAFETY: the SSL is live; the function only sets flags.
    unsafe { sys::SSL_set_shutdown(ssl.as_ptr(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN) };
}

/// Offers the server to resume a session that nobody else uses, or none (`SSL_set_session`).
pub(crate) fn set_session(ssl: &SslRef, session: Option<&SslSessionRef>) -> Result<(), ErrorStack> {
    let session = session.map_or(ptr::null_mut(), ForeignTypeRef::as_ptr);
    // SAFETY: both are live and used by this thread only, and the SSL takes a reference of its
    // own. No context's cache has the session. Null is for none.
    succeeded(unsafe { sys::SSL_set_session(ssl.as_ptr(), session) })
}

/// Sets where `ssl`'s session may be resumed, up to 32 bytes (`SSL_set_session_id_context`).
pub(crate) fn set_session_id_context(ssl: &SslRef, scope: &[u8; 32]) -> Result<(), ErrorStack> {
    // SAFETY: the SSL is live, and the bytes are copied.
    succeeded(unsafe { SSL_set_session_id_context(ssl.as_ptr(), scope.as_ptr(), 32) })
}

/// Makes a server's handshake ask for a cookie before it answers in full: by a HelloVerifyRequest,
/// or a HelloRetryRequest in DTLS 1.3 (`SSL_set_options` with `SSL_OP_COOKIE_EXCHANGE`).
pub(crate) fn set_cookie_exchange(ssl: &SslRef) {
    // SAFETY: the SSL is live and used by this thread only; the function sets flags.
    unsafe { SSL_set_options(ssl.as_ptr(), SSL_OP_COOKIE_EXCHANGE) };
}

/// Shows another certificate than the context's, of whatever kind that is
/// (`SSL_use_cert_and_key`).
pub(crate) fn replace_identity(
    ssl: &SslRef,
    certificate: &X509Ref,
    key: &PKeyRef<Private>,
    chain: &StackRef<X509>,
) -> Result<(), ErrorStack> {
    // SAFETY: the SSL is live; nothing borrows what it has of the context.
    unsafe { SSL_certs_clear(ssl.as_ptr()) };
    let (certificate, key, chain) = (certificate.as_ptr(), key.as_ptr(), chain.as_ptr());
    // SAFETY: all four are live, and the SSL takes references of its own.
    succeeded(unsafe { SSL_use_cert_and_key(ssl.as_ptr(), certificate, key, chain, 1) })
}

// SAFETY: the signatures are those of ssl.h.
unsafe extern "C" {
    fn SSL_set_options(ssl: *mut sys::SSL, options: u64) -> u64;
    fn SSL_clear(ssl: *mut sys::SSL) -> c_int;
    fn SSL_set_session_id_context(
        ssl: *mut sys::SSL,
        context: *const c_uchar,
        length: c_uint,
    ) -> c_int;
    fn SSL_use_cert_and_key(
        ssl: *mut sys::SSL,
        certificate: *mut sys::X509,
        key: *mut sys::EVP_PKEY,
        chain: *mut sys::stack_st_X509,
        replace: c_int,
    ) -> c_int;
    fn SSL_certs_clear(ssl: *mut sys::SSL);
}

const DTLS_CTRL_GET_TIMEOUT: c_int = 73;
const SSL_OP_COOKIE_EXCHANGE: u64 = 1 << 13;
const SSL_SENT_SHUTDOWN: c_int = 1;
const SSL_RECEIVED_SHUTDOWN: c_int = 2;
