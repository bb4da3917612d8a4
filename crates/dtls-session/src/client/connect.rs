//! From a server's name to a session.

use std::{
    fmt,
    future::{Future, IntoFuture},
    io,
    net::SocketAddr,
    pin::Pin,
};

use udp_demux::ConnectedSocket;

use crate::{
    client::{
        attempts::{self, Former},
        connector::Connector,
        target,
    },
    datagrams::{Datagrams, Pipe},
    error::ConnectError,
    handshake::Handshake,
    resumption::{Resumption, store::Place},
    session::Session,
};

/// A connection to a server, which is made when this is awaited.
///
/// It resolves the name, [connects a socket](ConnectedSocket) to each address, and takes the first that
/// answers: IPv6 and IPv4 by turns, each 250 ms after the one before, or as soon as that has
/// failed (RFC 8305 4, 5). The certificate has to have the host's name. The session is remembered in the
/// connector's [store](crate::ConnectorBuilder::session_store).
///
/// ```no_run
/// use dtls_session::{Connector, Roots};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let connector = Connector::builder(Roots::system()).build()?;
/// let session = connector.connect("coap.example:5684").await?;
/// session.send(b"hello").await?;
/// // Later, or from another network:
/// let session = connector.connect("coap.example:5684").resume().await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// A [`ConnectError`]. If the server has several addresses and all of them fail, it is the error of an address
/// that answered, or, if none answered, of one that stayed silent.
///
/// # Cancel safety
///
/// Dropping it ends all attempts; nothing is sent.
#[must_use = "it connects when it is awaited"]
pub struct Connect<'a> {
    connector: &'a Connector,
    server: &'a str,
    name: Option<&'a str>,
    addresses: Option<&'a [SocketAddr]>,
    former: Former<'a>,
    open: Box<Open<'a>>,
}

type Open<'a> = dyn Fn(SocketAddr) -> io::Result<Pipe> + Send + Sync + 'a;

impl<'a> Connect<'a> {
    pub(super) fn new(connector: &'a Connector, server: &'a str) -> Self {
        Self {
            connector,
            server,
            name: None,
            addresses: None,
            former: Former::Nothing,
            open: Box::new(|peer| ConnectedSocket::connect(peer).map(Pipe::from)),
        }
    }

    /// Sets the name, a DNS name or an IP address, that the server's certificate has to have (default: the
    /// host that was named).
    pub fn name(mut self, name: &'a str) -> Self {
        self.name = Some(name);
        self
    }

    /// Connects to the first of these addresses that answers, and resolves nothing.
    pub fn to(mut self, addresses: &'a [SocketAddr]) -> Self {
        self.addresses = Some(addresses);
        self
    }

    /// Offers to resume the last session with the server that the
    /// [store](crate::ConnectorBuilder::session_store) has. The server has the last word, and
    /// [`SessionInfo::resumed`](crate::SessionInfo::resumed) tells of it.
    ///
    /// If the handshake that resumes fails, the store forgets that session, and a full handshake follows. It has
    /// the whole [`handshake_timeout`](crate::SessionConfig::handshake_timeout) again.
    ///
    /// A server that has taken back the client's key or certificate finishes such a handshake and closes the
    /// session at once: the client sees [`ClosedBy::Peer`](crate::ClosedBy::Peer). The next try should not
    /// resume, so that it learns whether the server still accepts the key.
    pub fn resume(mut self) -> Self {
        self.former = Former::Stored;
        self
    }

    /// Offers to resume a session, as [`Self::resume`] does. What is not
    /// [usable](Connector::can_resume) is not offered.
    pub fn resume_from(mut self, resumption: &'a Resumption) -> Self {
        self.former = Former::This(resumption);
        self
    }

    /// Lets `open` make the pipe to each address: for sockets of your own, or for pipes that look at what
    /// passes (default: [`ConnectedSocket::connect`]).
    ///
    /// ```
    /// use std::{io, net::SocketAddr};
    /// use dtls_session::{ConnectError, Connector, Session, udp_demux::ConnectedSocket};
    ///
    /// async fn from_port_5684(connector: &Connector) -> Result<Session, ConnectError> {
    ///     let open = |peer| {
    ///         let socket = std::net::UdpSocket::bind(("0.0.0.0", 5684))?;
    ///         socket.connect(peer)?;
    ///         ConnectedSocket::from_socket(socket)
    ///     };
    ///     connector.connect("coap.example:5684").open(open).await
    /// }
    /// ```
    pub fn open<P: Into<Pipe>>(
        mut self,
        open: impl Fn(SocketAddr) -> io::Result<P> + Send + Sync + 'a,
    ) -> Self {
        self.open = Box::new(move |peer| open(peer).map(Into::into));
        self
    }

    /// Starts the handshake over a pipe that leads to the server, whose name may then stand without a port.
    ///
    /// The store is left alone unless [`Self::resume`] was asked for; then it remembers the new session
    /// under the name and the address that [`Self::to`] has given, or else the pipe's.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    pub fn over(self, pipe: impl Into<Pipe>) -> Handshake {
        let pipe = pipe.into();
        let name = self.name.unwrap_or_else(|| target::host(self.server));
        match self.former {
            Former::Nothing => self.connector.handshake(name, None, pipe),
            Former::This(former) => self.connector.handshake(name, Some(former), pipe),
            Former::Stored => {
                let named = self.addresses.and_then(<[_]>::first);
                let peer = named.copied().unwrap_or_else(|| pipe.peer_addr());
                let mut place = Place::new(&self.connector.sessions, name, peer);
                let offered = place.offer().cloned();
                let handshake = self.connector.handshake(name, offered.as_ref(), pipe);
                handshake.with_place(place)
            }
        }
    }

    async fn connect(self) -> Result<Session, ConnectError> {
        let resolved;
        let (host, addresses) = match self.addresses {
            Some(addresses) => (target::host(self.server), addresses),
            None => {
                let (host, addresses) = target::resolve(self.server).await?;
                resolved = addresses;
                (host, &resolved[..])
            }
        };
        let name = self.name.unwrap_or(host);
        attempts::first(addresses, |peer| {
            attempts::attempt(self.connector, name, peer, self.former, &*self.open)
        })
        .await
    }
}

impl<'a> IntoFuture for Connect<'a> {
    type Output = Result<Session, ConnectError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.connect())
    }
}

impl fmt::Debug for Connect<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect")
            .field("server", &self.server)
            .field("name", &self.name)
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}
