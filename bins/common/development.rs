//! The identity that makes the first run on one machine need no certificates.

use dtls_session::{Identity, PemError, Roots};

/// Returns the server's identity from `certs/`, whose private key everybody knows: it is for
/// loopback addresses only.
///
/// # Errors
///
/// None in practice: the files are part of the program.
pub fn development_identity() -> Result<Identity, PemError> {
    Identity::from_pem(
        include_bytes!("../../certs/server.pem"),
        include_bytes!("../../certs/server.key"),
    )
}

/// Returns the authority that has signed it.
///
/// # Errors
///
/// None in practice: the file is part of the program.
pub fn development_roots() -> Result<Roots, PemError> {
    Roots::from_pem(include_bytes!("../../certs/ca.pem"))
}
