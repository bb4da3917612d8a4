//! The keys of tickets.

use std::ffi::{CStr, c_char, c_int, c_uchar};

use foreign_types::ForeignTypeRef;
use openssl::{
    cipher_ctx::CipherCtxRef,
    error::ErrorStack,
    ssl::{SslContextBuilder, SslRef},
};
use openssl_sys as sys;
use zeroize::Zeroizing;

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

/// Makes the context's sessions ask for the keys of tickets
/// (`SSL_CTX_set_tlsext_ticket_key_evp_cb`).
pub(crate) fn set_ticket_callback<T: TicketKeeper>(context: &mut SslContextBuilder) {
    // SAFETY: the context is live, and the callback has the type that the header asks for. It
    // returns 1 always.
    unsafe { SSL_CTX_set_tlsext_ticket_key_evp_cb(context.as_ptr(), Some(on_ticket::<T>)) };
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

// SAFETY: the signatures are those of params.h and ssl.h.
unsafe extern "C" {
    fn SSL_CTX_set_tlsext_ticket_key_evp_cb(
        context: *mut sys::SSL_CTX,
        callback: Option<TicketCallback>,
    ) -> c_int;
    fn OSSL_PARAM_construct_utf8_string(
        key: *const c_char,
        value: *mut c_char,
        length: usize,
    ) -> sys::OSSL_PARAM;
}

const MAC_DIGEST: &CStr = c"digest";
const DIGEST_SHA256: &CStr = c"SHA2-256";
