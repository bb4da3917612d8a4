//! What OpenSSL is told of a handshake's cookie.
//!
//! An `Ssl` is primed only with a hello whose cookie the gate found good; this makes sure that the
//! one OpenSSL reads is the very same. One that was primed with nothing has a cookie of its own to
//! ask for.

use std::sync::LazyLock;

use openssl::{
    error::ErrorStack,
    ex_data::Index,
    rand::rand_bytes,
    ssl::{Ssl, SslContextBuilder},
};

use crate::ffi;

pub(crate) fn install(context: &mut SslContextBuilder) -> Result<(), ErrorStack> {
    let index = index()?;
    context.set_cookie_verify_cb(move |ssl, cookie| {
        ssl.ex_data(index)
            .is_some_and(|expected| expected == cookie)
    });
    context.set_cookie_generate_cb(move |ssl, room| write(ssl.ex_data(index), room));
    context.set_stateless_cookie_verify_cb(move |ssl, cookie| {
        ssl.ex_data(index)
            .is_some_and(|expected| expected == cookie)
    });
    context.set_stateless_cookie_generate_cb(move |ssl, room| write(ssl.ex_data(index), room));
    Ok(())
}

/// Expects a cookie that the client has returned already.
pub(crate) fn expect(ssl: &mut Ssl, cookie: &[u8]) -> Result<(), ErrorStack> {
    ssl.set_ex_data(index()?, cookie.to_vec());
    ffi::set_cookie_exchange(ssl);
    Ok(())
}

/// Makes the handshake ask for a cookie of its own.
pub(crate) fn ask(ssl: &mut Ssl) -> Result<(), ErrorStack> {
    let mut cookie = [0; 32];
    rand_bytes(&mut cookie)?;
    expect(ssl, &cookie)
}

fn write(cookie: Option<&Vec<u8>>, room: &mut [u8]) -> Result<usize, ErrorStack> {
    let cookie = cookie.ok_or_else(ErrorStack::get)?;
    let room = room.get_mut(..cookie.len()).ok_or_else(ErrorStack::get)?;
    room.copy_from_slice(cookie);
    Ok(cookie.len())
}

fn index() -> Result<Index<Ssl, Vec<u8>>, ErrorStack> {
    static INDEX: LazyLock<Result<Index<Ssl, Vec<u8>>, ErrorStack>> =
        LazyLock::new(Ssl::new_ex_index);
    INDEX.clone()
}
