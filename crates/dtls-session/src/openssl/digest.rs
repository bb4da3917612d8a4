//! SHA-256, and how tags that were made with it are compared.

use openssl::{memcmp, sha};

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    sha::sha256(bytes)
}

/// Compares in a time that tells nothing of where the two differ.
pub(crate) fn is_equal(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && memcmp::eq(one, other)
}
