//! What OpenSSL offers and the `openssl` crate does not: the only unsafe code.
//!
//! Names, numbers and signatures are those of OpenSSL 3.0 to 4.0's `ssl.h`.

#![expect(
    unsafe_code,
    reason = "calls into OpenSSL that the openssl crate does not offer"
)]

use std::{
    ffi::{CStr, c_char, c_int, c_long, c_uchar, c_uint, c_ulong, c_void},
    ptr,
    sync::OnceLock,
    time::Duration,
};

use foreign_types::ForeignTypeRef;
use openssl::{
    cipher_ctx::CipherCtxRef,
    error::ErrorStack,
    nid::Nid,
    pkey::{PKeyRef, Private},
    ssl::{SslCipher, SslContextBuilder, SslRef, SslSessionRef},
    stack::StackRef,
    x509::{X509, X509Ref},
};
use openssl_sys as sys;
use zeroize::Zeroizing;

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

/// Knows the keys of tickets.
pub(crate) trait TicketKeeper {
    /// Makes `cipher` ready to encrypt a ticket; None for no ticket.
    fn seal(ssl: &SslRef, cipher: &mut CipherCtxRef) -> Result<Option<NewTicket>, ErrorStack>;

    /// Makes `cipher` ready to decrypt a ticket; None for a full handshake.
    fn open(
        ssl: &SslRef,
        name: &[u8; 16],
        iv: &[u8; 16],
        cipher: &mut CipherCtxRef,
    ) -> Result<Option<OldTicket>, ErrorStack>;
}

/// What OpenSSL needs to know for a ticket that it makes.
pub(crate) struct NewTicket {
    pub(crate) name: [u8; 16],
    pub(crate) iv: [u8; 16],
    pub(crate) mac_key: Zeroizing<[u8; 32]>,
}

/// What OpenSSL needs to know for a ticket that a client brings.
pub(crate) struct OldTicket {
    pub(crate) mac_key: Zeroizing<[u8; 32]>,
    /// Whether the client gets another for it.
    pub(crate) renew: bool,
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

/// Returns the largest plaintext that makes a datagram within the MTU (`DTLS_get_data_mtu`).
pub(crate) fn data_mtu(ssl: &SslRef) -> usize {
    // SAFETY: the SSL is live; the function only reads it.
    unsafe { DTLS_get_data_mtu(ssl.as_ptr()) }
}

/// Returns the largest plaintext of one record that was negotiated (`SSL_SESSION_get_max_fragment_length`, RFC
/// 6066 4), in bytes.
pub(crate) fn max_fragment_length(ssl: &SslRef) -> Option<usize> {
    let session = ssl.session()?;
    // SAFETY: the session is live; the function only reads it.
    let code = unsafe { SSL_SESSION_get_max_fragment_length(session.as_ptr()) };
    (1..=4).contains(&code).then(|| 256 << code)
}

/// Lets a client ask for records of up to 2^(8 + `code`) bytes (`SSL_CTX_set_tlsext_max_fragment_length`).
pub(crate) fn set_max_fragment_length(
    context: &mut SslContextBuilder,
    code: u8,
) -> Result<(), ErrorStack> {
    // SAFETY: the context is live; the function only stores the number.
    succeeded(unsafe { SSL_CTX_set_tlsext_max_fragment_length(context.as_ptr(), code) })
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

/// Offers the server to resume a session that nobody else uses (`SSL_set_session`).
pub(crate) fn set_session(ssl: &SslRef, session: &SslSessionRef) -> Result<(), ErrorStack> {
    // SAFETY: both are live and used by this thread only, and the SSL takes a reference of its
    // own. No context's cache has the session.
    succeeded(unsafe { sys::SSL_set_session(ssl.as_ptr(), session.as_ptr()) })
}

/// Sets where `ssl`'s session may be resumed, up to 32 bytes (`SSL_set_session_id_context`).
pub(crate) fn set_session_id_context(ssl: &SslRef, scope: &[u8; 32]) -> Result<(), ErrorStack> {
    // SAFETY: the SSL is live, and the bytes are copied.
    succeeded(unsafe { SSL_set_session_id_context(ssl.as_ptr(), scope.as_ptr(), 32) })
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

/// Makes the context's sessions ask for the keys of tickets
/// (`SSL_CTX_set_tlsext_ticket_key_evp_cb`).
pub(crate) fn set_ticket_callback<T: TicketKeeper>(context: &mut SslContextBuilder) {
    // SAFETY: the context is live, and the callback has the type that the header asks for. It
    // returns 1 always.
    unsafe { SSL_CTX_set_tlsext_ticket_key_evp_cb(context.as_ptr(), Some(on_ticket::<T>)) };
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

/// Makes a server's handshake ask for a cookie before it answers in full: by a HelloVerifyRequest,
/// or a HelloRetryRequest in DTLS 1.3 (`SSL_set_options` with `SSL_OP_COOKIE_EXCHANGE`).
pub(crate) fn set_cookie_exchange(ssl: &SslRef) {
    // SAFETY: the SSL is live and used by this thread only; the function sets flags.
    unsafe { SSL_set_options(ssl.as_ptr(), SSL_OP_COOKIE_EXCHANGE) };
}

/// Makes the context's sessions report their messages (`SSL_CTX_set_msg_callback`).
pub(crate) fn set_message_callback<T: MessageTap>(context: &mut SslContextBuilder) {
    // SAFETY: the context is live, and the callback has the type that the header asks for.
    unsafe { SSL_CTX_set_msg_callback(context.as_ptr(), Some(on_message::<T>)) };
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

/// Tells clients which key to use (`SSL_CTX_use_psk_identity_hint`).
pub(crate) fn set_psk_hint(context: &mut SslContextBuilder, hint: &CStr) -> Result<(), ErrorStack> {
    // SAFETY: the context is live, and copies the text.
    succeeded(unsafe { SSL_CTX_use_psk_identity_hint(context.as_ptr(), hint.as_ptr()) })
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

/// Reads the result of the many functions that return 1 or more for success, and otherwise 0.
fn succeeded(outcome: impl Into<c_long>) -> Result<(), ErrorStack> {
    if outcome.into() > 0 {
        Ok(())
    } else {
        Err(ErrorStack::get())
    }
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

/// Returns 1 for a ticket that can be made or opened, 2 for one that is to be replaced as well, 0
/// for none (a full handshake), and -1 on failure.
extern "C" fn on_ticket<T: TicketKeeper>(
    ssl: *mut sys::SSL,
    name: *mut c_uchar,
    iv: *mut c_uchar,
    cipher: *mut sys::EVP_CIPHER_CTX,
    mac: *mut sys::EVP_MAC_CTX,
    encrypts: c_int,
) -> c_int {
    let (name, iv): (*mut [u8; 16], *mut [u8; 16]) = (name.cast(), iv.cast());
    // SAFETY: OpenSSL calls this with the SSL whose ticket it makes or opens.
    let ssl = unsafe { SslRef::from_ptr(ssl) };
    // SAFETY: the cipher's context is live, and nobody else's during the call.
    let cipher = unsafe { CipherCtxRef::from_ptr_mut(cipher) };
    if encrypts == 1 {
        let ticket = match T::seal(ssl, cipher) {
            Ok(Some(ticket)) => ticket,
            Ok(None) => return 0,
            Err(_) => return -1,
        };
        // SAFETY: 16 bytes have room there.
        unsafe { name.write(ticket.name) };
        // SAFETY: EVP_MAX_IV_LENGTH bytes have room there, which is 16.
        unsafe { iv.write(ticket.iv) };
        return set_mac_key(mac, &*ticket.mac_key);
    }
    // SAFETY: a ticket is not shorter than its key's name, 16 bytes, and EVP_MAX_IV_LENGTH.
    let name = unsafe { name.read() };
    // SAFETY: as above.
    let iv = unsafe { iv.read() };
    match T::open(ssl, &name, &iv, cipher) {
        Ok(Some(ticket)) => match set_mac_key(mac, &*ticket.mac_key) {
            1 if ticket.renew => 2,
            outcome => outcome,
        },
        Ok(None) => 0,
        Err(_) => -1,
    }
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

/// Makes an HMAC-SHA256 context ready (`EVP_MAC_init`); 1 on success, -1 otherwise.
fn set_mac_key(mac: *mut sys::EVP_MAC_CTX, key: &[u8]) -> c_int {
    let digest = DIGEST_SHA256.as_ptr().cast_mut();
    // SAFETY: both strings are static and end with a zero byte, and OpenSSL only reads them.
    let digest = unsafe { OSSL_PARAM_construct_utf8_string(MAC_DIGEST.as_ptr(), digest, 0) };
    // SAFETY: takes nothing.
    let end = unsafe { sys::OSSL_PARAM_construct_end() };
    let parameters = [digest, end];
    // SAFETY: the context is live, the key and the parameters are copied.
    match unsafe { sys::EVP_MAC_init(mac, key.as_ptr(), key.len(), parameters.as_ptr()) } {
        1 => 1,
        _ => -1,
    }
}

type TicketCallback = extern "C" fn(
    *mut sys::SSL,
    *mut c_uchar,
    *mut c_uchar,
    *mut sys::EVP_CIPHER_CTX,
    *mut sys::EVP_MAC_CTX,
    c_int,
) -> c_int;

type MessageCallback =
    extern "C" fn(c_int, c_int, c_int, *const c_void, usize, *mut sys::SSL, *mut c_void);

type SecurityCallback = unsafe extern "C" fn(
    *const sys::SSL,
    *const sys::SSL_CTX,
    c_int,
    c_int,
    c_int,
    *mut c_void,
    *mut c_void,
) -> c_int;

// SAFETY: the signatures are those of params.h and ssl.h.
unsafe extern "C" {
    fn DTLS_set_timer_cb(
        ssl: *mut sys::SSL,
        callback: Option<extern "C" fn(*mut sys::SSL, c_uint) -> c_uint>,
    );
    fn SSL_set_options(ssl: *mut sys::SSL, options: u64) -> u64;
    fn SSL_set_info_callback(
        ssl: *mut sys::SSL,
        callback: Option<extern "C" fn(*const sys::SSL, c_int, c_int)>,
    );
    fn SSL_clear(ssl: *mut sys::SSL) -> c_int;
    fn SSL_SESSION_get_max_fragment_length(session: *const sys::SSL_SESSION) -> u8;
    fn SSL_CTX_set_tlsext_max_fragment_length(context: *mut sys::SSL_CTX, code: u8) -> c_int;
    fn SSL_set_session_id_context(
        ssl: *mut sys::SSL,
        context: *const c_uchar,
        length: c_uint,
    ) -> c_int;
    fn SSL_SESSION_get0_id_context(
        session: *const sys::SSL_SESSION,
        length: *mut c_uint,
    ) -> *const c_uchar;
    fn SSL_SESSION_is_resumable(session: *const sys::SSL_SESSION) -> c_int;
    fn SSL_SESSION_get_ticket_lifetime_hint(session: *const sys::SSL_SESSION) -> c_ulong;
    fn DTLS_get_data_mtu(ssl: *const sys::SSL) -> usize;
    fn SSL_CTX_set_msg_callback(context: *mut sys::SSL_CTX, callback: Option<MessageCallback>);
    fn SSL_CTX_set_tlsext_ticket_key_evp_cb(
        context: *mut sys::SSL_CTX,
        callback: Option<TicketCallback>,
    ) -> c_int;
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
    fn SSL_CTX_get_ciphers(context: *const sys::SSL_CTX) -> *mut sys::stack_st_SSL_CIPHER;
    fn SSL_CIPHER_get_auth_nid(cipher: *const sys::SSL_CIPHER) -> c_int;
    fn SSL_CIPHER_get_cipher_nid(cipher: *const sys::SSL_CIPHER) -> c_int;
    fn SSL_CTX_get_security_callback(context: *const sys::SSL_CTX) -> Option<SecurityCallback>;
    fn SSL_CTX_set_security_callback(
        context: *mut sys::SSL_CTX,
        callback: Option<SecurityCallback>,
    );
    fn SSL_CTX_use_cert_and_key(
        context: *mut sys::SSL_CTX,
        certificate: *mut sys::X509,
        key: *mut sys::EVP_PKEY,
        chain: *mut sys::stack_st_X509,
        replace: c_int,
    ) -> c_int;
    fn SSL_use_cert_and_key(
        ssl: *mut sys::SSL,
        certificate: *mut sys::X509,
        key: *mut sys::EVP_PKEY,
        chain: *mut sys::stack_st_X509,
        replace: c_int,
    ) -> c_int;
    fn SSL_group_to_name(ssl: *mut sys::SSL, id: c_int) -> *const c_char;
    fn SSL_get_peer_signature_type_nid(ssl: *const sys::SSL, nid: *mut c_int) -> c_int;
    fn SSL_certs_clear(ssl: *mut sys::SSL);
    fn SSL_CTX_use_psk_identity_hint(context: *mut sys::SSL_CTX, hint: *const c_char) -> c_int;
    fn OSSL_PARAM_construct_utf8_string(
        key: *const c_char,
        value: *mut c_char,
        length: usize,
    ) -> sys::OSSL_PARAM;
}

const MAC_DIGEST: &CStr = c"digest";
const DIGEST_SHA256: &CStr = c"SHA2-256";
const DTLS_CTRL_GET_TIMEOUT: c_int = 73;
const SSL_CTRL_GET_RI_SUPPORT: c_int = 76;
const SSL_CTRL_GET_PEER_SIGNATURE_NID: c_int = 108;
const SSL_CTRL_GET_NEGOTIATED_GROUP: c_int = 134;
const SSL_CTRL_SET_MAX_CERT_LIST: c_int = 51;
const SSL_CTRL_SET_MAX_SEND_FRAGMENT: c_int = 52;
const CCM8_BITS: c_int = 64;
const SSL_SECOP_OTHER_TYPE: c_int = 0xffff_0000_u32.cast_signed();
const SSL_SECOP_OTHER_CIPHER: c_int = 1 << 16;
const SSL_CTRL_SET_MIN_PROTO_VERSION: c_int = 123;
const SSL_CTRL_SET_MAX_PROTO_VERSION: c_int = 124;
const SSL_OP_COOKIE_EXCHANGE: u64 = 1 << 13;
const SSL_CB_READ_ALERT: c_int = 0x4004;
const SSL_SENT_SHUTDOWN: c_int = 1;
const SSL_RECEIVED_SHUTDOWN: c_int = 2;
