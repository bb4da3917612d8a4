//! From a name to a session: all that a client otherwise does by hand.

use std::{
    collections::VecDeque,
    io, mem,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use futures::{StreamExt, stream::FuturesUnordered};
use thiserror::Error;
use tokio::{net::lookup_host, time::timeout};
use udp_demux::ConnectedSocket;

use crate::{connector::Connector, datagrams::Pipe, error::HandshakeError, session::Session};

impl Connector {
    /// Connects to `HOST:PORT`, and remembers the session for [`Self::reconnect`].
    ///
    /// It resolves the name, [connects a socket](ConnectedSocket) to each address, and takes the first that
    /// answers: IPv6 and IPv4 by turns, each 250 ms after the one before, or as soon as that has
    /// failed (RFC 8305 4, 5). The certificate has to have HOST's name.
    ///
    /// ```no_run
    /// use dtls_session::{Connector, Roots};
    ///
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let connector = Connector::builder(Roots::system()).build()?;
    /// let session = connector.connect_to("coap.example:5684").await?;
    /// session.send(b"hello").await?;
    /// // Later, or from another network:
    /// let session = connector.reconnect("coap.example:5684").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// A [`ConnectError`]; of several addresses', what a server said rather than another's
    /// silence.
    ///
    /// # Cancel safety
    ///
    /// Dropping it ends all attempts; nothing is sent.
    pub async fn connect_to(&self, server: &str) -> Result<Session, ConnectError> {
        let (host, addresses) = resolve(server).await?;
        self.connect_any(host, &addresses).await
    }

    /// Connects as [`Self::connect_to`] does, and offers to resume the last session with the
    /// server. If the server stumbles over that, it gets a full handshake, which has the whole
    /// [`handshake_timeout`](crate::SessionConfig::handshake_timeout) again.
    ///
    /// # Errors
    ///
    /// As for [`Self::connect_to`].
    ///
    /// # Cancel safety
    ///
    /// As for [`Self::connect_to`].
    pub async fn reconnect(&self, server: &str) -> Result<Session, ConnectError> {
        let (host, addresses) = resolve(server).await?;
        self.reconnect_any(host, &addresses).await
    }

    /// Connects as [`Self::connect_to`] does, to the first of some addresses of the server called
    /// `name`.
    ///
    /// A session that the store has of it is not offered, and stays there unless this handshake leaves
    /// another.
    ///
    /// # Errors
    ///
    /// As for [`Self::connect_to`].
    ///
    /// # Cancel safety
    ///
    /// As for [`Self::connect_to`].
    pub async fn connect_any(
        &self,
        name: &str,
        addresses: &[SocketAddr],
    ) -> Result<Session, ConnectError> {
        self.reach(name, addresses, ConnectedSocket::connect, false)
            .await
    }

    /// Connects as [`Self::reconnect`] does, to the first of some addresses of the server called
    /// `name`.
    ///
    /// # Errors
    ///
    /// As for [`Self::connect_to`].
    ///
    /// # Cancel safety
    ///
    /// As for [`Self::connect_to`].
    pub async fn reconnect_any(
        &self,
        name: &str,
        addresses: &[SocketAddr],
    ) -> Result<Session, ConnectError> {
        self.reconnect_over(name, addresses, ConnectedSocket::connect)
            .await
    }

    /// Connects as [`Self::reconnect_any`] does, over pipes that `open` makes: for sockets of your
    /// own, or for pipes that look at what passes.
    ///
    /// ```
    /// use std::{io, net::SocketAddr};
    /// use dtls_session::{ConnectError, Connector, Session};
    /// use udp_demux::ConnectedSocket;
    ///
    /// async fn from_port_5684(
    ///     connector: &Connector,
    ///     server: SocketAddr,
    /// ) -> Result<Session, ConnectError> {
    ///     let open = |peer| {
    ///         let socket = std::net::UdpSocket::bind(("0.0.0.0", 5684))?;
    ///         socket.connect(peer)?;
    ///         ConnectedSocket::from_socket(socket)
    ///     };
    ///     connector.reconnect_over("coap.example", &[server], open).await
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`Self::connect_to`]; what `open` reports is a [`ConnectError::Socket`].
    ///
    /// # Cancel safety
    ///
    /// As for [`Self::connect_to`].
    pub async fn reconnect_over<P: Into<Pipe>>(
        &self,
        name: &str,
        addresses: &[SocketAddr],
        open: impl Fn(SocketAddr) -> io::Result<P>,
    ) -> Result<Session, ConnectError> {
        self.reach(name, addresses, open, true).await
    }

    /// Takes the first that answers; `resumes` says whether the last session is offered to it.
    async fn reach<P: Into<Pipe>>(
        &self,
        name: &str,
        addresses: &[SocketAddr],
        open: impl Fn(SocketAddr) -> io::Result<P>,
        resumes: bool,
    ) -> Result<Session, ConnectError> {
        let open = &open;
        let mut untried = addresses.iter();
        let mut attempts = FuturesUnordered::new();
        let mut failure = None;
        loop {
            if let Some(peer) = untried.next() {
                attempts.push(self.attempt(name, *peer, open, resumes));
            }
            let outcome = if untried.len() == 0 {
                attempts.next().await
            } else if let Ok(outcome) = timeout(STAGGER, attempts.next()).await {
                outcome
            } else {
                continue;
            };
            match outcome {
                Some(Ok(session)) => return Ok(session),
                Some(Err(error)) => {
                    let former = failure.as_ref().map(ConnectError::weight);
                    if former.is_none_or(|former| former < error.weight()) {
                        failure = Some(error);
                    }
                }
                None => return Err(failure.unwrap_or(ConnectError::NoAddress)),
            }
        }
    }

    async fn attempt<P: Into<Pipe>>(
        &self,
        name: &str,
        peer: SocketAddr,
        open: &impl Fn(SocketAddr) -> io::Result<P>,
        resumes: bool,
    ) -> Result<Session, ConnectError> {
        let open = || open(peer).map_err(|source| ConnectError::Socket { peer, source });
        let offers = resumes && self.sessions().get(name, peer).is_some();
        let outcome = if offers {
            self.connect_resuming(name, peer, open()?).await
        } else {
            self.connect_anew(name, peer, open()?).await
        };
        let outcome = match outcome {
            Err(error) if offers && !error.is_silence() => {
                tracing::debug!(%error, "cannot resume, and starts anew");
                self.connect_anew(name, peer, open()?).await
            }
            outcome => outcome,
        };
        outcome.map_err(|source| ConnectError::Handshake { peer, source })
    }
}

impl ConnectError {
    /// How much it says of the server: what one address answered goes before another's silence, and
    /// both before a network that this machine is not in.
    fn weight(&self) -> u8 {
        match self {
            Self::Handshake { source, .. } if source.is_silence() => 1,
            Self::Handshake { .. } => 2,
            _ => 0,
        }
    }
}

impl HandshakeError {
    fn is_silence(&self) -> bool {
        matches!(
            self,
            Self::TimedOut { heard: false, .. } | Self::Unreachable(_)
        )
    }
}

async fn resolve(server: &str) -> Result<(&str, Vec<SocketAddr>), ConnectError> {
    let (host, port) = split(server).ok_or_else(|| ConnectError::Form {
        server: server.to_owned(),
    })?;
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok((host, vec![(ip, port).into()]));
    }
    let addresses = lookup_host((host, port)).await;
    let addresses = addresses.map_err(|source| ConnectError::Resolve {
        host: host.to_owned(),
        source,
    })?;
    // A certificate has a name without the root's dot (RFC 6066 3), or an address without the
    // interface that leads to it (RFC 4007 11).
    let name = host.strip_suffix('.').unwrap_or_else(|| unzoned(host));
    Ok((name, alternate(addresses.collect())))
}

/// Lets the families take turns (RFC 8305 4), each in the order that it was given in.
fn alternate(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (mut now, mut then): (VecDeque<_>, VecDeque<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv6() == first_is_v6);
    let mut alternating = Vec::with_capacity(now.len() + then.len());
    while let Some(address) = now.pop_front() {
        alternating.push(address);
        if !then.is_empty() {
            mem::swap(&mut now, &mut then);
        }
    }
    alternating
}

/// Host and port; an IPv6 address has to stand in brackets, which are taken off, and may have a zone.
fn split(server: &str) -> Option<(&str, u16)> {
    let (host, port) = server.rsplit_once(':')?;
    let port = port.parse().ok().filter(|port| *port != 0)?;
    match host.strip_prefix('[').map(|host| host.strip_suffix(']')) {
        Some(v6) => v6.filter(|v6| unzoned(v6).parse::<Ipv6Addr>().is_ok()),
        None => Some(host).filter(|host| !host.is_empty() && !host.contains(':')),
    }
    .map(|host| (host, port))
}

/// An address as it is without its zone, such as `%eth0`, which only the resolver understands.
fn unzoned(host: &str) -> &str {
    host.split_once('%').map_or(host, |(address, _)| address)
}

/// Why there is no session with a server that was named.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// What was named is no server.
    #[error("`{server}` is not HOST:PORT, with brackets around an IPv6 address")]
    Form {
        /// What was named.
        server: String,
    },
    /// The name could not be looked up.
    #[error("cannot resolve {host}")]
    Resolve {
        /// The name.
        host: String,
        /// The resolver's error.
        source: io::Error,
    },
    /// There is no address to connect to.
    #[error("there is no address to connect to")]
    NoAddress,
    /// No socket could be opened.
    #[error("cannot open a UDP socket for {peer}")]
    Socket {
        /// The server's.
        peer: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// A handshake failed.
    #[error("cannot connect to {peer}")]
    Handshake {
        /// The server's address.
        peer: SocketAddr,
        /// Why it failed.
        source: HandshakeError,
    },
}

/// The delay that RFC 8305 5 recommends between attempts.
const STAGGER: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_families_take_turns() {
        let [a, b, c] = ["192.0.2.1:1", "192.0.2.2:1", "192.0.2.3:1"].map(|a| a.parse().unwrap());
        let [x, y] = ["[2001:db8::1]:1", "[2001:db8::2]:1"].map(|a| a.parse().unwrap());
        assert_eq!(alternate(vec![x, y, a, b, c]), [x, a, y, b, c]);
        assert_eq!(alternate(vec![a, x, y]), [a, x, y]);
        assert_eq!(alternate(vec![]), []);
    }

    #[test]
    fn a_server_is_a_host_and_a_port() {
        for (server, parts) in [
            ("a.example:5684", Some(("a.example", 5684))),
            ("127.0.0.1:1", Some(("127.0.0.1", 1))),
            ("[::1]:2", Some(("::1", 2))),
            ("[fe80::1%eth0]:2", Some(("fe80::1%eth0", 2))),
            ("[a%eth0]:2", None),
            ("::1:2", None),
            ("[::1]", None),
            ("[a]:1", None),
            ("a", None),
            (":1", None),
            ("a:0", None),
            ("a:x", None),
        ] {
            assert_eq!(split(server), parts, "{server}");
        }
    }
}
