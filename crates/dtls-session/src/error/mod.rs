//! What can go wrong, one enum an operation: it may use `settings` and `certificate`.

mod build;
pub(crate) mod closed;
mod connect;
mod export;
pub(crate) mod failure;
mod handshake;
mod library;
mod material;
mod reason;
mod transfer;

pub use build::BuildError;
pub use closed::{Closed, ClosedBy};
pub use connect::ConnectError;
pub use export::ExportError;
pub use handshake::HandshakeError;
pub use library::OpenSslError;
pub use material::{CertificateError, PemError, PskError, ResumptionError, SecretError};
pub use transfer::{MtuError, RecvError, SendError};
