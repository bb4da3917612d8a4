use std::{fmt, io, net::SocketAddr, sync::Arc};

use tokio::task::coop;

use crate::{
    channel::Channel,
    config::Config,
    driver::drive,
    error::OpenError,
    incoming::Incoming,
    responder::{Responder, Response},
    shared::{Entrance, Handle, Refused, Shared},
    socket::{Socket, Unfit},
    stats::Stats,
};

/// One UDP socket and its peers, for servers and clients alike.
///
/// [`accept`](Self::accept) yields datagrams of unknown peers, [`open`](Self::open) makes a channel to a peer
/// that may not know of it. An error about one peer never ends the endpoint.
///
/// Dropping the endpoint ends accepting: datagrams of unknown peers are dropped and counted from then on. Its
/// channels go on. The socket closes soon after the endpoint and the last [`Channel`] and [`Incoming`] have
/// been dropped.
///
/// Datagrams leave with "don't fragment" set: one that is longer than the interface takes is an error of
/// [`Channel::send`].
pub struct Endpoint {
    handle: Arc<Handle>,
}

impl Endpoint {
    /// Binds a socket. An unspecified IPv6 address takes IPv4 peers as well.
    ///
    /// # Errors
    ///
    /// What the system says of the address.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime with I/O enabled.
    pub fn bind(addr: SocketAddr, config: Config) -> io::Result<Self> {
        Ok(Self::start(Socket::bind(addr, &config)?, config))
    }

    /// Takes a socket that is bound already, for example with `SO_REUSEPORT`.
    ///
    /// # Errors
    ///
    /// If the socket does not take the options that are needed.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime with I/O enabled.
    pub fn from_socket(socket: std::net::UdpSocket, config: Config) -> io::Result<Self> {
        Ok(Self::start(Socket::new(socket, &config)?, config))
    }

    /// Waits for a datagram that belongs to no channel: of an unknown peer, or one that
    /// [`Config::route`] sends here.
    ///
    /// # Errors
    ///
    /// Only if the socket is dead or the runtime that drove it has gone. Trouble with a peer is no error here.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: no datagram is lost.
    pub async fn accept(&self) -> io::Result<Incoming> {
        let waiting = coop::cooperative(self.handle.accept()).await?;
        Ok(Incoming::new(Arc::clone(&self.handle), waiting))
    }

    /// Lets `respond` answer datagrams that belong to no channel where they are received, before
    /// [`accept`](Self::accept) sees them: no task is woken and nothing is allocated. Default: all go to `accept`.
    ///
    /// It is for servers that strangers may flood. `respond` gets the peer's address and the datagram, and an
    /// empty buffer for what is to go [back](Response::Reply). Replies leave as those of
    /// [`Incoming::reply`] do, several in one call. It replaces a responder set before, is dropped with the
    /// endpoint, and runs for one datagram after the other. It has to be quick, and must not panic: that would end the
    /// endpoint.
    ///
    /// ```
    /// use udp_demux::{Endpoint, Response};
    ///
    /// fn answer_pings(endpoint: &Endpoint) {
    ///     endpoint.set_responder(|_, datagram, reply| match datagram {
    ///         b"ping" => {
    ///             reply.extend(b"pong");
    ///             Response::Reply
    ///         }
    ///         _ => Response::Accept,
    ///     });
    /// }
    /// ```
    pub fn set_responder(
        &self,
        respond: impl Fn(SocketAddr, &[u8], &mut Vec<u8>) -> Response + Send + Sync + 'static,
    ) {
        self.handle.respond_by(Responder::new(respond));
    }

    /// Makes the channel to a peer. Nothing is sent.
    ///
    /// # Errors
    ///
    /// If the peer has a channel already, the limit of channels is reached, or the socket cannot reach the
    /// address.
    pub fn open(&self, peer: SocketAddr) -> Result<Channel, OpenError> {
        let peer = self
            .handle
            .socket
            .destination(peer)
            .map_err(|unfit| match unfit {
                Unfit::Unspecified(peer) => OpenError::Unspecified(peer),
                Unfit::AddressFamily(peer) => OpenError::AddressFamily(peer),
            })?;
        let inbox =
            self.handle
                .admit(peer, Entrance::Fresh, None)
                .map_err(|refused| match refused {
                    Refused::Known => OpenError::AlreadyOpen(peer),
                    Refused::Full => OpenError::LimitReached,
                    Refused::Dead => OpenError::SocketClosed,
                })?;
        Ok(Channel::new(Arc::clone(&self.handle), inbox, None))
    }

    /// The address of the socket.
    pub fn local_addr(&self) -> SocketAddr {
        self.handle.socket.local_addr()
    }

    /// The number of live channels, candidates included.
    pub fn channels(&self) -> usize {
        self.handle.channels()
    }

    /// What was counted until now.
    pub fn stats(&self) -> Stats {
        self.handle.counters.snapshot()
    }

    fn start(socket: Socket, config: Config) -> Self {
        let shared = Arc::new(Shared::new(socket, config));
        tokio::spawn(drive(Arc::clone(&shared)));
        Self {
            handle: Handle::new(shared),
        }
    }
}

/// What peers have sent stands nowhere in it.
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("local", &self.local_addr())
            .field("channels", &self.channels())
            .finish_non_exhaustive()
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.handle.stop_accepting();
    }
}
