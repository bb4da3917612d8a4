//! What can go wrong, one enum an operation.

mod build;
mod handshake;
mod material;
mod reason;
mod transfer;

pub use build::BuildError;
pub use handshake::HandshakeError;
pub use material::{PemError, PskError, ResumptionError, SecretError};
pub use transfer::{MtuError, RecvError, SendError};
