//! What an `SSL` tells while it works.

use std::ffi::{c_int, c_uint, c_void};

use foreign_types::ForeignTypeRef;
use openssl::ssl::{SslContextBuilder, SslRef};
use openssl_sys as sys;

/// Says how long OpenSSL waits before it repeats a flight.
pub(crate) trait Timer {
    /// Returns the next interval in microseconds; `previous` is 0 for a new flight.
    fn interval(ssl: &SslRef, previous: u32) -> u32;
}

/// Sees what the peer reports.
pub(crate) trait AlertTap {
    /// Takes an alert (RFC 5246 7.2), before OpenSSL obeys it.
    fn alert(ssl: &SslRef, level: u8, description: u8);
}

/// Sees what OpenSSL sends and receives.
pub(crate) trait MessageTap {
    /// Takes one message, by the number that OpenSSL has for its kind.
    fn message(ssl: &SslRef, sent: bool, content_type: i32, bytes: &[u8]);
}

/// Makes `ssl` tell of the alerts that it reads (`SSL_set_info_callback`).
pub(crate) fn set_alert_callback<T: AlertTap>(ssl: &SslRef) {
    // SAFETY: the SSL is live, and the callback has the type that the header asks for.
    unsafe { SSL_set_info_callback(ssl.as_ptr(), Some(on_info::<T>)) };
}

/// Makes `ssl` ask for its retransmission intervals (`DTLS_set_timer_cb`).
pub(crate) fn set_timer_callback<T: Timer>(ssl: &SslRef) {
    // SAFETY: the SSL is live, and the callback has the type that the header asks for.
    unsafe { DTLS_set_timer_cb(ssl.as_ptr(), Some(on_timer::<T>)) };
}

/// Makes the context's sessions report their messages (`SSL_CTX_set_msg_callback`).
pub(crate) fn set_message_callback<T: MessageTap>(context: &mut SslContextBuilder) {
    // SAFETY: the context is live, and the callback has the type that the header asks for.
    unsafe { SSL_CTX_set_msg_callback(context.as_ptr(), Some(on_message::<T>)) };
}

extern "C" fn on_timer<T: Timer>(ssl: *mut sys::SSL, previous: c_uint) -> c_uint {
    // SAFETY: OpenSSL calls this with the SSL whose timer it sets.
    let ssl = unsafe { SslRef::from_ptr(ssl) };
    T::interval(ssl, previous)
}

extern "C" fn on_info<T: AlertTap>(ssl: *const sys::SSL, event: c_int, value: c_int) {
    if event != SSL_CB_READ_ALERT || ssl.is_null() {
        return;
    }
    let [.., level, description] = value.to_be_bytes();
    // SAFETY: OpenSSL calls this with the SSL that has read the alert.
    let ssl = unsafe { SslRef::from_ptr(ssl.cast_mut()) };
    T::alert(ssl, level, description);
}

extern "C" fn on_message<T: MessageTap>(
    sent: c_int,
    _version: c_int,
    content_type: c_int,
    bytes: *const c_void,
    length: usize,
    ssl: *mut sys::SSL,
    _argument: *mut c_void,
) {
    if bytes.is_null() || ssl.is_null() {
        return;
    }
    // SAFETY: OpenSSL calls this with the SSL whose message it is.
    let ssl = unsafe { SslRef::from_ptr(ssl) };
    // SAFETY: `bytes` points to `length` bytes, which nobody changes during the call.
    let bytes = unsafe { std::slice::from_raw_parts(bytes.cast(), length) };
    T::message(ssl, sent == 1, content_type, bytes);
}

type MessageCallback =
    extern "C" fn(c_int, c_int, c_int, *const c_void, usize, *mut sys::SSL, *mut c_void);

// SAFETY: the signatures are those of ssl.h.
unsafe extern "C" {
    fn DTLS_set_timer_cb(
        ssl: *mut sys::SSL,
        callback: Option<extern "C" fn(*mut sys::SSL, c_uint) -> c_uint>,
    );
    fn SSL_set_info_callback(
        ssl: *mut sys::SSL,
        callback: Option<extern "C" fn(*const sys::SSL, c_int, c_int)>,
    );
    fn SSL_CTX_set_msg_callback(context: *mut sys::SSL_CTX, callback: Option<MessageCallback>);
}

const SSL_CB_READ_ALERT: c_int = 0x4004;
