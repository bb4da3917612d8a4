//! How to do the usual things, each in an example that compiles.
//!
//! # A server
//!
//! [`Listener::sessions`](crate::Listener::sessions) runs the handshakes and yields established sessions.
//!
//! ```no_run
//! use dtls_session::{Acceptor, Identity, Limits, Listener};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let identity = Identity::from_pem_files("cert.pem", "key.pem")?;
//! let acceptor = Acceptor::builder(identity).build()?;
//! let listener = Listener::bind("[::]:5684".parse()?, acceptor, Limits::default())?;
//! let mut sessions = listener.sessions();
//! while let Some(session) = sessions.next().await {
//!     let session = session?;
//!     tokio::spawn(async move {
//!         while let Ok(Some(datagram)) = session.recv_bytes().await {
//!             let _ = session.send(&datagram).await;
//!         }
//!     });
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`Listener::accept`](crate::Listener::accept) hands out the handshakes themselves and never waits for a peer:
//! spawn a task for each, which also learns why one fails. `sessions` tells nobody of a handshake that fails. Where
//! throughput counts, run the loop that accepts in a task as well: the datagrams that tasks send in one turn of the
//! runtime leave in one system call.
//!
//! # Who has come
//!
//! [`Session::info`](crate::Session::info) has the peer's certificates and the identity of its pre-shared
//! key, [`Session::peer_addr`](crate::Session::peer_addr) its address. An identity is any bytes: compare it
//! as bytes, since `String::from_utf8_lossy` may make one text of two identities.
//!
//! # Pushing
//!
//! A [`Session`](crate::Session) is a handle that clones: keep one in a table of your own, and send whenever there is
//! something to tell. [`Session::try_send`](crate::Session::try_send) never waits.
//!
//! # A graceful stop
//!
//! Stop accepting, give the tasks of the sessions some time, and close what is left:
//! [`Listener::close`](crate::Listener::close) sends close_notify to every client, and
//! [`Listener::wait_idle`](crate::Listener::wait_idle) waits until the last handle is dropped.
//!
//! ```no_run
//! # async fn example(listener: dtls_session::Listener, stop: impl Future<Output = ()>) {
//! let serve = async {
//!     let mut sessions = listener.sessions();
//!     while let Some(Ok(session)) = sessions.next().await {
//!         tokio::spawn(async move { while let Ok(Some(_)) = session.recv_bytes().await {} });
//!     }
//! };
//! tokio::select! {
//!     () = serve => {}
//!     () = stop => {}
//! }
//! listener.close();
//! listener.wait_idle().await;
//! # }
//! ```
//!
//! To give the sessions some time, call `wait_idle` within a timeout before `close`. The stream of sessions has
//! to be dropped by then, as here: it holds the handshakes that it runs, and `close` has not ended them yet.
//!
//! # How a session ends
//!
//! `recv` yields None after a close_notify of either side, and [`RecvError::Closed`](crate::RecvError::Closed)
//! otherwise; [`Session::closed`](crate::Session::closed) waits for the end and tells
//! [why](crate::ClosedBy). A client is right to connect anew where the end was not its own:
//! after an idle timeout, an error, or a close by the peer. Before a
//! [limit of the keys](crate::ClosedBy::KeyLimit) it connects in time, as
//! [`Session::key_usage`](crate::Session::key_usage) tells. Taking back a key or a certificate
//! ends no session: close it by a handle that you have kept.
//!
//! `docs/serving.md` of the repository has a table of which errors are worth a retry.
//!
//! # A client
//!
//! ```no_run
//! use dtls_session::{Connector, Roots};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let connector = Connector::builder(Roots::system()).build()?;
//! let session = connector.connect("coap.example:5684").await?;
//! session.send(b"hello").await?;
//! let received = session.recv_bytes().await?;
//! session.close();
//! # Ok(())
//! # }
//! ```
//!
//! A datagram may be lost: wrap `recv` in a timeout, and send again.
//!
//! # Pre-shared keys
//!
//! A server knows many, a client has one. A listener may have both keys and a certificate.
//!
//! ```
//! use dtls_session::{Acceptor, Connector, Psk, PskKeys};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let keys = PskKeys::from_lines("device-7:00112233445566778899aabbccddeeff")?;
//! let acceptor = Acceptor::with_psk(keys).build()?;
//! let psk = Psk::parse("device-7:00112233445566778899aabbccddeeff")?;
//! let connector = Connector::with_psk(psk).build()?;
//! # Ok(())
//! # }
//! ```
//!
//! [`AcceptorBuilder::psk_lookup`](crate::AcceptorBuilder::psk_lookup) asks a function instead of a list, and
//! [`psk_fetch`](crate::AcceptorBuilder::psk_fetch) an async one, such as a query to a database:
//!
//! ```
//! use dtls_session::{Acceptor, PskKey};
//!
//! # async fn ask_the_database(_: Vec<u8>) -> Option<[u8; 16]> { None }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let acceptor = Acceptor::with_psk_fetch(|identity| async move {
//!     let key = ask_the_database(identity).await?;
//!     PskKey::new(key).ok()
//! })
//! .build()?;
//! # Ok(())
//! # }
//! ```
//!
//! Small devices often can do no Diffie-Hellman exchange; `allow_plain_psk` of both builders lets
//! them in. A wrong key and an unknown identity look alike: the client's last flight is not
//! answered, and the handshake times out.
//!
//! # Client certificates
//!
//! ```
//! use dtls_session::{Acceptor, Connector, GeneralName, Identity, Roots};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let certs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../certs");
//! # let file = |name: &str| format!("{certs}/{name}");
//! let wanted = GeneralName::Dns("device-7.example".to_owned());
//! let roots = Roots::from_pem_file(file("ca.pem"))?;
//! let server = Identity::from_pem_files(file("server.pem"), file("server.key"))?;
//! let acceptor = Acceptor::builder(server)
//!     .require_client_certificate(roots.clone())
//!     .authorize_client(move |certificate| certificate.names().contains(&wanted))
//!     .build()?;
//! let client = Identity::from_pem_files(file("client.pem"), file("client.key"))?;
//! let connector = Connector::builder(roots).identity(client).build()?;
//! # Ok(())
//! # }
//! ```
//!
//! [`SessionInfo::peer_certificates`](crate::SessionInfo) tells the server who came: the first is the
//! peer's own, and a [`Certificate`](crate::Certificate) knows its subject and its names. Many clients'
//! certificates have a subject and no names.
//!
//! ```
//! use dtls_session::Session;
//!
//! fn who(session: &Session) -> Option<String> {
//!     let info = session.info();
//!     let certificate = info.peer_certificates.first()?;
//!     let names: Vec<_> = certificate.names().iter().map(ToString::to_string).collect();
//!     Some(format!("{} ({})", certificate.subject(), names.join(", ")))
//! }
//! ```
//!
//! # Several names, protocols and preferences
//!
//! ```
//! use dtls_session::{Acceptor, Identity, Preferences};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let certs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../certs");
//! # let identity = Identity::from_pem_files(format!("{certs}/server.pem"), format!("{certs}/server.key"))?;
//! let preferences = Preferences::default()
//!     .protocols(["coap"])
//!     .groups("X25519:P-256")
//!     .key_log(|line| eprintln!("{line}"));
//! let acceptor = Acceptor::builder(identity.clone())
//!     .server_name("*.example.org", identity)
//!     .preferences(preferences)
//!     .build()?;
//! # Ok(())
//! # }
//! ```
//!
//! For OpenSSL's settings that no method sets there is `configure` of either builder, which gives
//! `SslContextBuilder`.
//!
//! # Resumption
//!
//! A server gives tickets by itself; with a [`SharedSecret`](crate::SharedSecret) a whole fleet takes them.
//! [`Connect::resume`](crate::Connect::resume) resumes, and
//! [`Session::resumption`](crate::Session::resumption) is what survives a restart of the client.
//!
//! ```no_run
//! use dtls_session::{Connector, Resumption, Roots, udp_demux::ConnectedSocket};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let connector = Connector::builder(Roots::system()).build()?;
//! let session = connector.connect("coap.example:5684").await?;
//! let resumption = session.resumption().ok_or("the server gave nothing to resume by")?;
//! let socket = ConnectedSocket::connect(session.peer_addr())?;
//! let session = connector.connect("coap.example").resume_from(&resumption).over(socket).await?;
//! assert!(session.info().resumed);
//! # Ok(())
//! # }
//! ```
//!
//! # New certificates without a restart
//!
//! [`Listener::set_acceptor`](crate::Listener::set_acceptor) changes what new handshakes meet; sessions go on.
//!
//! # Keys for something else
//!
//! [`Session::export_keying_material`](crate::Session::export_keying_material) derives further keys from a session
//! (RFC 5705). Both sides get the same bytes for the same label and context, and nothing goes over the network.
//!
//! ```
//! use dtls_session::{ExportError, Session};
//!
//! /// A key for a file that follows over another connection.
//! fn file_key(session: &Session, file: &str) -> Result<[u8; 32], ExportError> {
//!     let mut key = [0; 32];
//!     session.export_keying_material(&mut key, "EXPERIMENTAL file key", Some(file.as_bytes()))?;
//!     Ok(key)
//! }
//! ```
//!
//! [`Session::srtp_keys`](crate::Session::srtp_keys) has the keys for WebRTC's media (RFC 5764). Both sides have to
//! allow a profile:
//!
//! ```
//! use dtls_session::{Connector, Preferences, Roots, Session};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let preferences = Preferences::default().srtp_profiles("SRTP_AEAD_AES_128_GCM");
//! let connector = Connector::builder(Roots::system()).preferences(preferences).build()?;
//! # Ok(())
//! # }
//! # fn example(session: Session) -> Result<(), Box<dyn std::error::Error>> {
//! // Once there is a session:
//! let keys = session.srtp_keys()?.ok_or("the other side allows none of these profiles")?;
//! # Ok(())
//! # }
//! ```
//!
//! # CoAP
//!
//! `examples/coap.rs` is a CoAP server that libcoap's `coap-client-openssl` talks to, with a key
//! or with certificates.
