//! DTLS 1.2 sessions for Tokio, on OpenSSL.
//!
//! A [`Listener`] accepts clients on one UDP socket, a [`Connector`] connects to a server; either
//! gives a [`Handshake`], a future that becomes a [`Session`], which sends and receives whole
//! datagrams. [`Acceptor`] and [`Connector`] also work over a [`Pipe`] of your own: anything that
//! carries datagrams. [`CookieGate`] works without I/O.
//!
//! The [`guide`] has an example for each usual thing.
//!
//! What OpenSSL leaves to its user is done here: the stateless cookie exchange, the timer that
//! repeats lost flights, flights packed into datagrams that fit the path, a falling MTU, records
//! that nobody should be able to end a handshake with, and somebody who goes on reading.
//!
//! ```
//! use dtls_session::{Acceptor, Connector, Identity, Limits, Listener, Roots};
//! use udp_demux::{Config, Endpoint};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let certs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../certs");
//! let identity =
//!     Identity::from_pem_files(format!("{certs}/server.pem"), format!("{certs}/server.key"))?;
//! let acceptor = Acceptor::builder(identity).build()?;
//! let listener = Listener::bind("127.0.0.1:0".parse()?, acceptor, Limits::default())?;
//! let server = listener.local_addr();
//! tokio::spawn(async move {
//!     let session = listener.accept().await?.await?;
//!     let mut buf = [0; 2048];
//!     while let Some(length) = session.recv(&mut buf).await? {
//!         session.send(&buf[..length]).await?;
//!     }
//!     Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
//! });
//!
//! let roots = Roots::from_pem_file(format!("{certs}/ca.pem"))?;
//! let connector = Connector::builder(roots).build()?;
//! let channel = Endpoint::bind("127.0.0.1:0".parse()?, Config::default())?.open(server)?;
//! let session = connector.connect("localhost").over(channel).await?;
//! session.send(b"hello").await?;
//! let mut buf = [0; 2048];
//! assert_eq!(session.recv(&mut buf).await?, Some(5));
//! session.close();
//! # Ok(())
//! # }
//! ```

mod acceptor;
mod alert;
mod clock;
mod config;
mod connector;
mod context;
mod datagrams;
mod error;
mod ffi;
mod file;
mod gate;
pub mod guide;
mod handshake;
mod hmac;
mod identity;
mod listener;
mod psk;
mod record_layer;
mod refusal;
mod resumption;
mod roots;
mod secret;
mod server_name;
mod session;
mod stats;
mod version;

pub use acceptor::{Acceptor, builder::AcceptorBuilder};
pub use alert::Alert;
pub use config::SessionConfig;
pub use connector::{Connector, builder::ConnectorBuilder, connect::Connect};
pub use context::{message_log::PassedMessage, preferences::Preferences};
pub use datagrams::{Datagrams, Pipe};
pub use error::{
    BuildError, Closed, ClosedBy, ConnectError, HandshakeError, MtuError, PemError, PskError,
    RecvError, ResumptionError, SecretError, SendError,
};
pub use gate::{CookieGate, HelloVerifyRequest, Verdict, VerifiedHello};
pub use handshake::Handshake;
pub use identity::Identity;
pub use listener::{
    Listener,
    limits::Limits,
    refusal::{Limit, Refused},
    sessions::Sessions,
};
pub use psk::{Psk, PskKey, keys::PskKeys};
pub use refusal::{CertificateFault, CertificateRefusal};
pub use resumption::{Resumption, store::SessionStore};
pub use roots::Roots;
pub use secret::SharedSecret;
pub use session::{Session, exporter::ExportError, info::SessionInfo, srtp::SrtpKeys};
pub use stats::{ListenerStats, SessionStats};
pub use udp_demux;
pub use version::{Version, VersionError};
