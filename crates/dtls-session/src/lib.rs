//! DTLS 1.2 sessions for Tokio, on OpenSSL.
//!
//! A [`Listener`] accepts clients on one UDP socket, a [`Connector`] connects to a server; either
//! gives a [`Handshake`], a future that becomes a [`Session`], which sends and receives whole
//! datagrams. [`Acceptor`], [`Connector`] and [`CookieGate`] also work over pipes and sockets of
//! your own: anything that is `AsyncRead` and `AsyncWrite` with one datagram a read and one a
//! write.
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
//! let session = connector.connect("localhost", channel).await?;
//! session.send(b"hello").await?;
//! let mut buf = [0; 2048];
//! assert_eq!(session.recv(&mut buf).await?, Some(5));
//! session.close().await;
//! # Ok(())
//! # }
//! ```

mod acceptor;
mod acceptor_builder;
mod admission;
mod alert;
mod allowance;
mod clock;
mod config;
mod connector;
mod context;
mod cookie;
mod cookie_callbacks;
mod egress;
mod error;
mod eviction;
mod exporter;
mod ffi;
mod gate;
pub mod guide;
mod handshake;
mod hello;
mod hmac;
mod identity;
mod info;
mod ingress;
mod keeper;
mod key_log;
mod limits;
mod listener;
mod message_log;
mod pace;
mod preferences;
mod psk;
mod psk_choice;
mod psk_inquiry;
mod psk_lookup;
mod reach;
mod record;
mod record_layer;
mod refusal;
mod registry;
mod resumption;
mod roots;
mod scope;
mod scratch;
mod secret;
mod server_names;
mod session;
mod session_io;
mod session_store;
mod shared;
mod srtp;
mod stats;
mod suites;
mod supported_versions;
mod tickets;
mod transport;
mod unified;
mod version;
mod waiters;

pub use acceptor::Acceptor;
pub use acceptor_builder::AcceptorBuilder;
pub use alert::Alert;
pub use config::SessionConfig;
pub use connector::{Connector, ConnectorBuilder};
pub use error::{
    BuildError, HandshakeError, MtuError, PemError, PskError, RecvError, ResumptionError,
    SecretError, SendError,
};
pub use exporter::ExportError;
pub use gate::{CookieGate, HelloVerifyRequest, Verdict, VerifiedHello};
pub use handshake::Handshake;
pub use identity::Identity;
pub use info::SessionInfo;
pub use limits::Limits;
pub use listener::Listener;
pub use message_log::PassedMessage;
pub use preferences::Preferences;
pub use psk::{Psk, PskKey, PskKeys};
pub use reach::ConnectError;
pub use refusal::{Fault, Refusal};
pub use resumption::Resumption;
pub use roots::Roots;
pub use secret::SharedSecret;
pub use session::Session;
pub use session_store::SessionStore;
pub use srtp::SrtpKeys;
pub use stats::{ListenerStats, SessionStats};
pub use version::{UnknownVersion, Version};
