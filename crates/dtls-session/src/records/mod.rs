//! Records of DTLS 1.2 under keys of an AEAD cipher suite (RFC 6347 4.1, RFC 5246 6.2.3.3), sealed
//! and opened without OpenSSL's `SSL`. It uses `openssl` only.

#[cfg(test)]
mod agreement;
pub(crate) mod key;
pub(crate) mod last_flight;
pub(crate) mod layout;
pub(crate) mod open;
pub(crate) mod seal;
pub(crate) mod secrets;
pub(crate) mod suite;
#[cfg(test)]
mod testing;
pub(crate) mod window;
