//! Records of DTLS 1.2 under keys of an AEAD cipher suite (RFC 6347 4.1, RFC 5246 6.2.3.3), sealed
//! and opened without OpenSSL's `SSL`: it may use `openssl` and what that may use.

#[cfg(test)]
mod agreement;
pub(crate) mod exporter;
pub(crate) mod key;
pub(crate) mod last_flight;
pub(crate) mod layout;
pub(crate) mod link;
pub(crate) mod open;
pub(crate) mod outbound;
pub(crate) mod own;
pub(crate) mod refusals;
pub(crate) mod room;
pub(crate) mod scratch;
pub(crate) mod seal;
pub(crate) mod secrets;
pub(crate) mod suite;
#[cfg(test)]
mod testing;
pub(crate) mod window;

use bytes::Bytes;

/// What was found where data was looked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Opened {
    /// A record's plaintext, of so many bytes, in the caller's [room](room::Room).
    Record(usize),
    /// A record's plaintext that had no room there.
    Long(Bytes),
    CloseNotify,
}
