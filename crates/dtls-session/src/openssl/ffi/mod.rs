//! What OpenSSL offers and the `openssl` crate does not: the only unsafe code.
//!
//! It uses nothing else of this crate. Names, numbers and signatures are those of OpenSSL 3.0 to 4.0's headers.

#![expect(
    unsafe_code,
    reason = "calls into OpenSSL that the openssl crate does not offer"
)]

mod aead;
mod callbacks;
mod context;
mod facts;
mod kdf;
mod library;
mod security;
mod session;
mod ssl;
mod ticket;

use std::ffi::c_long;

use openssl::error::ErrorStack;

pub(crate) use self::{
    aead::*, callbacks::*, context::*, facts::*, kdf::*, library::*, security::*, session::*,
    ssl::*, ticket::*,
};

/// Reads the result of the many functions that return 1 or more for success, and otherwise 0.
fn succeeded(outcome: impl Into<c_long>) -> Result<(), ErrorStack> {
    if outcome.into() > 0 {
        Ok(())
    } else {
        Err(ErrorStack::get())
    }
}
