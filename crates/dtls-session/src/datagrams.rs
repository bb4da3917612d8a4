//! What carries the datagrams of a session. It uses nothing else of this crate.

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use udp_demux::{Channel, ConnectedSocket};

/// Carries datagrams to and from one peer.
///
/// # Datagram semantics
///
/// Each call carries one whole datagram. There is no end of file: the session ignores an empty datagram, and an
/// error is about one datagram only, unless it is one of those that [end the pipe](Self::poll_recv).
///
/// A pipe that has no addresses, such as a serial line, calls both ends 0.0.0.0:0.
pub trait Datagrams: Send {
    /// Receives one datagram into `buf`, and tells its length in bytes and where it came from.
    ///
    /// A datagram that is longer than `buf` may be dropped.
    ///
    /// # Errors
    ///
    /// An error with a number of the operating system is taken as an error of one datagram, and the session goes on,
    /// because anybody can cause it with a forged ICMP message. [`NotConnected`](io::ErrorKind::NotConnected),
    /// [`ConnectionReset`](io::ErrorKind::ConnectionReset) and errors without such a number
    /// end the session.
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>>;

    /// Sends one datagram to an address that datagrams came from, or to [`Self::peer_addr`].
    ///
    /// # Errors
    ///
    /// Why this one datagram was not sent. The session takes it for lost and goes on.
    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        datagram: &[u8],
        to: SocketAddr,
    ) -> Poll<io::Result<()>>;

    /// Sends what earlier calls have only gathered (default: they gather nothing).
    ///
    /// # Errors
    ///
    /// Why a gathered datagram was not sent. The session takes it for lost and goes on.
    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Returns the address of the peer that the pipe was made for (default: it has none, 0.0.0.0:0).
    fn peer_addr(&self) -> SocketAddr {
        NOWHERE
    }

    /// Returns the address that datagrams leave from (default: it has none, 0.0.0.0:0).
    fn local_addr(&self) -> SocketAddr {
        NOWHERE
    }

    /// Returns the largest datagram, in bytes of UDP payload, that is known to get through to the peer
    /// (default: nothing is known).
    fn path_mtu(&self) -> Option<usize> {
        None
    }
}

/// What a session runs over: a [`Channel`], a [`ConnectedSocket`], or anything else that carries datagrams.
///
/// A server's session over a pipe of its own does not notice a client that restarts (RFC 6347 4.2.8): it goes on
/// until its [idle timeout](crate::SessionConfig::idle_timeout). Only a [`Listener`](crate::Listener) begins a
/// new handshake for such a client.
///
/// ```
/// use dtls_session::{Connector, HandshakeError, Pipe, Session};
/// use tokio::io::{AsyncRead, AsyncWrite};
///
/// async fn over_a_serial_line<S>(connector: &Connector, line: S) -> Result<Session, HandshakeError>
/// where
///     S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
/// {
///     connector.connect("meter.example").over(Pipe::from_io(line)).await
/// }
/// ```
pub struct Pipe(Kind);

/// A channel is by far the most usual pipe, and need not be boxed.
enum Kind {
    Channel(Channel),
    Other(Box<dyn Datagrams>),
}

impl Pipe {
    /// Makes a pipe of what carries datagrams.
    pub fn new(datagrams: impl Datagrams + 'static) -> Self {
        Self(Kind::Other(Box::new(datagrams)))
    }

    /// Makes a pipe of anything that reads one datagram a read, and writes one a write.
    pub fn from_io<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(io: S) -> Self {
        Self::new(Io(io))
    }

    /// Receives one datagram: from the queue that it lies in, where the pipe has one, and otherwise to `scratch`.
    pub(crate) fn poll_take(
        &mut self,
        cx: &mut Context<'_>,
        scratch: &mut [u8],
    ) -> Poll<io::Result<(Received, SocketAddr)>> {
        let (received, from) = match &mut self.0 {
            Kind::Channel(channel) => {
                let (datagram, from) = ready!(channel.poll_recv_bytes(cx))?;
                (Received::Queued(datagram), from)
            }
            Kind::Other(datagrams) => {
                let (length, from) = ready!(datagrams.poll_recv(cx, scratch))?;
                (Received::Copied(length), from)
            }
        };
        Poll::Ready(Ok((received, from)))
    }

    /// Lets go of memory that only a busy session needs.
    pub(crate) fn rest(&mut self) {
        if let Kind::Channel(channel) = &self.0 {
            channel.shrink_to_fit();
        }
    }

    fn as_ref(&self) -> &dyn Datagrams {
        match &self.0 {
            Kind::Channel(channel) => channel,
            Kind::Other(datagrams) => &**datagrams,
        }
    }
}

/// A datagram that was received.
pub(crate) enum Received {
    Queued(Bytes),
    /// It lies in the buffer that was given, and has so many bytes.
    Copied(usize),
}

impl Received {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Queued(datagram) => datagram.len(),
            Self::Copied(length) => *length,
        }
    }
}

/// A pipe can be carried by another one, such as one that looks at what passes.
impl Datagrams for Pipe {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        match &mut self.0 {
            Kind::Channel(channel) => Datagrams::poll_recv(channel, cx, buf),
            Kind::Other(datagrams) => datagrams.poll_recv(cx, buf),
        }
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        datagram: &[u8],
        to: SocketAddr,
    ) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Kind::Channel(channel) => Datagrams::poll_send(channel, cx, datagram, to),
            Kind::Other(datagrams) => datagrams.poll_send(cx, datagram, to),
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Kind::Channel(channel) => Datagrams::poll_flush(channel, cx),
            Kind::Other(datagrams) => datagrams.poll_flush(cx),
        }
    }

    fn peer_addr(&self) -> SocketAddr {
        self.as_ref().peer_addr()
    }

    fn local_addr(&self) -> SocketAddr {
        self.as_ref().local_addr()
    }

    fn path_mtu(&self) -> Option<usize> {
        self.as_ref().path_mtu()
    }
}

impl From<Channel> for Pipe {
    fn from(channel: Channel) -> Self {
        Self(Kind::Channel(channel))
    }
}

impl fmt::Debug for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipe")
            .field("peer", &self.peer_addr())
            .field("local", &self.local_addr())
            .finish_non_exhaustive()
    }
}

impl Datagrams for Channel {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        let received = ready!(Self::poll_recv_from(self, cx, buf))?;
        Poll::Ready(Ok(received))
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        datagram: &[u8],
        to: SocketAddr,
    ) -> Poll<io::Result<()>> {
        // Written rather than sent, so that it may leave together with others.
        Self::poll_write_to(self, cx, datagram, to).map_err(Into::into)
    }

    fn peer_addr(&self) -> SocketAddr {
        Self::peer_addr(self)
    }

    fn local_addr(&self) -> SocketAddr {
        Self::local_addr(self)
    }

    fn path_mtu(&self) -> Option<usize> {
        Self::path_mtu(self)
    }
}

impl From<ConnectedSocket> for Pipe {
    fn from(socket: ConnectedSocket) -> Self {
        Self::new(socket)
    }
}

impl Datagrams for ConnectedSocket {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        let received = Self::poll_recv(self, cx, buf);
        // Datagrams first: a peer that answers is there, whatever the network says.
        if received.is_pending()
            && let Some(error) = self.take_error()
        {
            return Poll::Ready(Err(error));
        }
        received.map_ok(|length| (length, Self::peer_addr(self)))
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        datagram: &[u8],
        _: SocketAddr,
    ) -> Poll<io::Result<()>> {
        // Written rather than sent, so that it does not wait for this task's next turn.
        Pin::new(self).poll_write(cx, datagram).map_ok(drop)
    }

    fn peer_addr(&self) -> SocketAddr {
        Self::peer_addr(self)
    }

    fn local_addr(&self) -> SocketAddr {
        Self::local_addr(self)
    }

    fn path_mtu(&self) -> Option<usize> {
        Self::path_mtu(self)
    }
}

/// One datagram a read, one a write.
struct Io<S>(S);

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Datagrams for Io<S> {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        let mut datagram = ReadBuf::new(buf);
        ready!(Pin::new(&mut self.0).poll_read(cx, &mut datagram))?;
        Poll::Ready(Ok((datagram.filled().len(), NOWHERE)))
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        datagram: &[u8],
        _: SocketAddr,
    ) -> Poll<io::Result<()>> {
        let mut written = ready!(Pin::new(&mut self.0).poll_write(cx, datagram));
        // A UDP socket tells who sends next of an earlier datagram's error, once, and sends nothing.
        if matches!(&written, Err(error) if error.raw_os_error().is_some()) {
            written = ready!(Pin::new(&mut self.0).poll_write(cx, datagram));
        }
        Poll::Ready(written.map(drop))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }
}

/// The address of both ends of a pipe that has none.
const NOWHERE: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0));
