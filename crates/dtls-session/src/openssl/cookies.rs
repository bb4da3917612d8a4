//! What OpenSSL is told of a handshake's cookie.
//!
//! An `Ssl` is primed only with a hello whose cookie the gate found good; this makes sure that the
//! one OpenSSL reads is the very same. One that was primed with nothing has a cookie of its own to
//! ask for.

use openssl::{
    error::ErrorStack,
    ssl::{SslContextBuilder, SslRef},
};

use crate::{
    error::OpenSslError,
    openssl::{attached::Attached, random},
};

pub(crate) fn install(context: &mut SslContextBuilder) {
    context.set_cookie_verify_cb(is_expected);
    context.set_cookie_generate_cb(write);
    context.set_stateless_cookie_verify_cb(is_expected);
    context.set_stateless_cookie_generate_cb(write);
}

/// Draws a cookie for a handshake to ask for.
pub(crate) fn draw() -> Result<Vec<u8>, OpenSslError> {
    let mut cookie = vec![0; 32];
    random::fill(&mut cookie)?;
    Ok(cookie)
}

fn is_expected(ssl: &mut SslRef, cookie: &[u8]) -> bool {
    expected(ssl).is_some_and(|expected| expected == cookie)
}

fn write(ssl: &mut SslRef, room: &mut [u8]) -> Result<usize, ErrorStack> {
    let cookie = expected(ssl).ok_or_else(ErrorStack::get)?;
    let room = room.get_mut(..cookie.len()).ok_or_else(ErrorStack::get)?;
    room.copy_from_slice(cookie);
    Ok(cookie.len())
}

fn expected(ssl: &SslRef) -> Option<&[u8]> {
    Attached::of(ssl)?.cookie.as_deref()
}
