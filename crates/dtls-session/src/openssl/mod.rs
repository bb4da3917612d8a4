//! Contexts, callbacks, the facts of an `SSL`, ciphers: all that imports OpenSSL.

pub(crate) mod aead;
pub(crate) mod alerts;
pub(crate) mod answer;
pub(crate) mod attached;
pub(crate) mod client;
pub(crate) mod context;
pub(crate) mod cookies;
pub(crate) mod digest;
pub(crate) mod engine;
mod errors;
pub(crate) mod ffi;
pub(crate) mod hmac;
pub(crate) mod key_log;
pub(crate) mod message_log;
pub(crate) mod preferences;
pub(crate) mod prelude;
pub(crate) mod presented;
pub(crate) mod prf;
pub(crate) mod psk;
pub(crate) mod random;
pub(crate) mod scope;
pub(crate) mod server;
pub(crate) mod suites;
pub(crate) mod tickets;
pub(crate) mod timer;
