//! From a name to a session: addresses in turn, a socket for each, a second try where that helps.

use std::{
    fmt,
    future::{Future, IntoFuture},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::Pin,
};

use futures::{StreamExt, stream::FuturesUnordered};
use tokio::time::{Duration, timeout};
use udp_demux::{Channel, Config, Endpoint};

use crate::{
    connect_error::ConnectError,
    connector::Connector,
    error::HandshakeError,
    resumption::Resumption,
    server_addr::{ServerAddr, alternate},
    session::Session,
};

/// A session to be, with a server that is named by [`Connector::connect_to`]; await it.
///
/// The name is looked up, and its addresses are tried in turn, of IPv6 and IPv4 by turns: each
/// gets 250 ms before the next one is tried beside it (RFC 8305 5), and the first session wins.
/// Each try binds a socket of its own.
///
/// A try resumes the last session with that name and address, from
/// [the connector's store](crate::ConnectorBuilder::session_store), and leaves the new one there.
/// There is one more try with a full handshake
/// - after a resumption to which the server answered with anything but a session: the former
///   session may be what it stumbles over; and
/// - where the server answered first and then no more: one that starts anew between two flights
///   knows neither its cookie nor its half of the handshake again, and a new hello is all that it
///   understands (RFC 6347 4.2.1).
///
/// There is none where nothing came back, because the hello was repeated all that time, nor where
/// the certificate was refused. So an address takes twice
/// [`SessionConfig::handshake_timeout`](crate::SessionConfig::handshake_timeout) at most.
///
/// # Cancel safety
///
/// Dropping the future ends all tries.
///
/// ```no_run
/// use dtls_session::{Connector, Roots};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let connector = Connector::builder(Roots::system()).build()?;
/// let session = connector.connect_to("coap.example:5684").await?;
/// session.send(b"hello").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before it is awaited"]
pub struct Connect {
    connector: Connector,
    server: Server,
    name: Option<String>,
    resumption: Option<Resumption>,
}

#[derive(Clone, Debug)]
enum Server {
    At(String),
    /// Looked up already.
    Known {
        host: String,
        addresses: Vec<SocketAddr>,
    },
    None,
}

impl Connect {
    pub(crate) fn new(connector: &Connector, server: &str) -> Self {
        Self {
            connector: connector.clone(),
            server: Server::At(server.to_owned()),
            name: None,
            resumption: None,
        }
    }

    /// Goes back to the server of a session.
    pub(crate) fn again(connector: &Connector, former: &Session<Channel>) -> Self {
        let server = match former.server_name() {
            Some(host) => Server::Known {
                host,
                addresses: vec![former.peer_addr()],
            },
            None => Server::None,
        };
        Self {
            connector: connector.clone(),
            server,
            name: None,
            resumption: former.resumption(),
        }
    }

    /// Sets what the server's certificate has to be called, a DNS name or an IP address (default:
    /// the host that was named).
    pub fn server_name(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// Sets the addresses to try, in their order (default: those that the system finds for the
    /// name).
    pub fn addresses(mut self, addresses: impl IntoIterator<Item = SocketAddr>) -> Self {
        let host = match self.server {
            Server::At(server) => ServerAddr::host_of(&server),
            Server::Known { host, .. } => host,
            Server::None => return self,
        };
        let addresses = addresses.into_iter().collect();
        self.server = Server::Known { host, addresses };
        self
    }

    /// Sets what to resume, whichever address answers (default: what the store has for the name
    /// and the address). What is not [usable](Connector::can_resume) is not offered.
    pub fn resume(mut self, resumption: Resumption) -> Self {
        self.resumption = Some(resumption);
        self
    }

    async fn connect(self) -> Result<Session<Channel>, ConnectError> {
        let (host, addresses) = match &self.server {
            Server::At(server) => {
                let server: ServerAddr = server.parse()?;
                let addresses = server.look_up().await?;
                (server.into_host(), alternate(addresses))
            }
            Server::Known { host, addresses } => (host.clone(), addresses.clone()),
            Server::None => return Err(ConnectError::NoServer),
        };
        let name = self.name.as_deref().unwrap_or(&host);
        let mut untried = addresses.into_iter();
        let mut tries = FuturesUnordered::new();
        let mut failure = None;
        loop {
            if let Some(peer) = untried.next() {
                tries.push(self.connect_at(name, peer));
            }
            let outcome = if untried.len() == 0 {
                tries.next().await
            } else {
                match timeout(STAGGER, tries.next()).await {
                    Ok(outcome) => outcome,
                    Err(_) => continue,
                }
            };
            match outcome {
                Some(Ok(session)) => return Ok(session),
                // What a server said is worth more than another's silence.
                Some(Err(error)) if failure.is_none() || !error.is_silence() => {
                    failure = Some(error);
                }
                Some(Err(_)) => {}
                None => break,
            }
        }
        drop(tries);
        Err(failure.unwrap_or(ConnectError::NoAddress { host }))
    }

    async fn connect_at(
        &self,
        name: &str,
        peer: SocketAddr,
    ) -> Result<Session<Channel>, ConnectError> {
        let former = self
            .resumption
            .clone()
            .or_else(|| self.connector.former(name, peer))
            .filter(|former| self.connector.can_resume(name, former));
        let outcome = match self.handshake(name, peer, former.as_ref()).await {
            Err(ConnectError::Handshake { source, .. })
                if deserves_another(&source, former.is_some()) =>
            {
                if former.is_some() {
                    tracing::warn!(%peer, "cannot resume, so the handshake begins anew as a full one: {source}");
                } else {
                    tracing::debug!(%peer, "the handshake begins anew: {source}");
                }
                self.handshake(name, peer, None).await
            }
            outcome => outcome,
        };
        outcome.inspect_err(|error| tracing::debug!(%peer, %error, "no session"))
    }

    async fn handshake(
        &self,
        name: &str,
        peer: SocketAddr,
        former: Option<&Resumption>,
    ) -> Result<Session<Channel>, ConnectError> {
        let channel = open(peer).map_err(|source| ConnectError::Socket { peer, source })?;
        let handshake = self.connector.remembering(name, peer, former, channel);
        handshake
            .await
            .map_err(|source| ConnectError::Handshake { peer, source })
    }
}

impl IntoFuture for Connect {
    type Output = Result<Session<Channel>, ConnectError>;
    type IntoFuture = Connecting;

    /// Starts it; to be polled within a Tokio runtime.
    fn into_future(self) -> Self::IntoFuture {
        Connecting(Box::pin(self.connect()))
    }
}

/// The future of a [`Connect`].
#[must_use = "nothing is sent before it is awaited"]
pub struct Connecting(Pin<Box<dyn Future<Output = Result<Session<Channel>, ConnectError>> + Send>>);

impl Future for Connecting {
    type Output = Result<Session<Channel>, ConnectError>;

    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for Connecting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connecting").finish_non_exhaustive()
    }
}

fn deserves_another(error: &HandshakeError, resuming: bool) -> bool {
    match error {
        HandshakeError::TimedOut { heard, .. } => *heard,
        HandshakeError::CertificateRefused { .. } => false,
        _ => resuming,
    }
}

fn open(peer: SocketAddr) -> Result<Channel, std::io::Error> {
    let any: SocketAddr = match peer {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    // One peer needs no batch of a server's size.
    let endpoint = Endpoint::bind(any, Config::default().batch(4))?;
    endpoint.open(peer).map_err(std::io::Error::other)
}

/// The delay that RFC 8305 5 recommends between tries.
const STAGGER: Duration = Duration::from_millis(250);
