//! What can go wrong, one enum an operation.

mod build;
pub(crate) mod closed;
mod connect;
pub(crate) mod failure;
mod handshake;
mod material;
mod openssl;
mod reason;
mod transfer;

pub use build::BuildError;
pub use closed::{Closed, ClosedBy};
pub use connect::ConnectError;
pub use handshake::HandshakeError;
pub use material::{CertificateError, PemError, PskError, ResumptionError, SecretError};
pub use openssl::OpenSslError;
pub use transfer::{MtuError, RecvError, SendError};
