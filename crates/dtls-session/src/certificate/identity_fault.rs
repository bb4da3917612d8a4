//! What clients hold against a server's identity.

use thiserror::Error;

/// Why clients will refuse an [`Identity`](crate::Identity) that a server shows them, as
/// [`Identity::server_faults`](crate::Identity::server_faults) finds out.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdentityFault {
    /// A certificate is not valid any more.
    #[error("certificate {depth} has expired")]
    Expired {
        /// Which of [`Identity::certificates`](crate::Identity::certificates): 0 is its own.
        depth: usize,
    },
    /// A certificate is not valid yet.
    #[error("certificate {depth} is not valid yet")]
    NotYetValid {
        /// Which of [`Identity::certificates`](crate::Identity::certificates): 0 is its own.
        depth: usize,
    },
    /// The key usage or the extended key usage of its own certificate is not for servers.
    #[error("the certificate is not for servers")]
    WrongPurpose,
    /// Its key is on a curve that clients do not take unless they are told to.
    #[error("the key is on a curve that clients do not take")]
    UnusualCurve {
        /// The curve in OpenSSL's words, such as `secp256k1`; None if it has no name.
        curve: Option<String>,
    },
    /// Its own certificate is not for the name that clients ask for.
    #[error("the certificate is not for {name}")]
    WrongName {
        /// The name that it should be for.
        name: String,
    },
}
