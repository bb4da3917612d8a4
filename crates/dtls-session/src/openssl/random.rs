//! Random bytes.

use openssl::rand::rand_bytes;

use crate::error::OpenSslError;

/// Fills `bytes` with random ones (`RAND_bytes`).
pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), OpenSslError> {
    Ok(rand_bytes(bytes)?)
}
