//! DTLS 1.2 sessions for Tokio, on OpenSSL.
//!
//! A [`Listener`] accepts clients on one UDP socket: [`Listener::sessions`] yields established
//! sessions, [`Listener::accept`] the handshakes. [`Connector::connect`] connects to a server. A
//! [`Session`] sends and receives whole datagrams; it is a handle that clones. [`Acceptor`] and
//! [`Connector`] also work over a [`Pipe`] of your own: anything that carries datagrams.
//! [`CookieGate`] works without I/O. The UDP layer below is here as [`udp_demux`].
//!
//! The [`guide`] has an example for each usual thing.
//!
//! OpenSSL leaves to its user, for DTLS, what TCP does for TLS. This crate does it:
//!
//! - It exchanges cookies with clients, and keeps nothing about one that has not returned its cookie.
//! - It repeats lost flights on time, packs them into datagrams that fit the path, and makes these
//!   smaller where larger ones do not get through.
//! - It keeps from OpenSSL what a stranger could end a handshake with: forged alerts, records and fragments.
//! - A task in the background reads on while the application does not, so that a peer that has lost
//!   the last flight of the handshake gets it again.
//!
//! ```
//! use dtls_session::{Acceptor, Connector, Identity, Limits, Listener, Roots};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let certs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../certs");
//! let identity =
//!     Identity::from_pem_files(format!("{certs}/server.pem"), format!("{certs}/server.key"))?;
//! let acceptor = Acceptor::builder(identity).build()?;
//! let listener = Listener::bind("127.0.0.1:0".parse()?, acceptor, Limits::default())?;
//! let server = listener.local_addr().to_string();
//! tokio::spawn(async move {
//!     let mut sessions = listener.sessions();
//!     while let Some(Ok(session)) = sessions.next().await {
//!         tokio::spawn(async move {
//!             while let Ok(Some(datagram)) = session.recv_bytes().await {
//!                 let _ = session.send(&datagram).await;
//!             }
//!         });
//!     }
//! });
//!
//! let roots = Roots::from_pem_file(format!("{certs}/ca.pem"))?;
//! let connector = Connector::builder(roots).build()?;
//! let session = connector.connect(&server).await?;
//! session.send(b"hello").await?;
//! assert_eq!(session.recv_bytes().await?.as_deref(), Some(&b"hello"[..]));
//! session.close();
//! # Ok(())
//! # }
//! ```

mod alert;
mod certificate;
mod client;
mod cookie;
mod credentials;
mod datagrams;
mod deadline;
mod error;
mod established;
mod file;
mod guard;
pub mod guide;
mod handshake;
mod info;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod internals;
mod openssl;
mod record_layer;
mod records;
mod resumption;
mod server;
mod session;
mod settings;
mod stats;
mod wall_clock;

pub use alert::Alert;
pub use certificate::{
    Certificate,
    general_name::GeneralName,
    identity_fault::IdentityFault,
    refusal::{CertificateFault, CertificateRefusal},
};
pub use client::{builder::ConnectorBuilder, connect::Connect, connector::Connector};
pub use cookie::gate::{CookieGate, HelloVerifyRequest, Verdict, VerifiedHello};
pub use credentials::{
    identity::Identity,
    psk::{Psk, PskKey},
    psk_keys::PskKeys,
    roots::Roots,
    secret::SharedSecret,
};
pub use datagrams::{Datagrams, Pipe};
pub use error::{
    BuildError, CertificateError, Closed, ClosedBy, ConnectError, ExportError, HandshakeError,
    MtuError, OpenSslError, PemError, PskError, RecvError, ResumptionError, SecretError, SendError,
};
pub use handshake::Handshake;
pub use info::SessionInfo;
pub use openssl::linked;
pub use resumption::{Resumption, store::SessionStore};
pub use server::{
    acceptor::Acceptor,
    builder::AcceptorBuilder,
    listener::Listener,
    refusal::{Limit, Refused},
    sessions::Sessions,
};
pub use session::{Session, srtp::SrtpKeys};
pub use settings::{
    config::SessionConfig,
    limits::Limits,
    message_log::PassedMessage,
    preferences::Preferences,
    protection::RecordProtection,
    version::{Version, VersionError},
};
pub use stats::{ListenerStats, SessionStats};
pub use udp_demux;
