use std::{
    io,
    net::{IpAddr, SocketAddr},
    task::{Context, Poll, ready},
};

use crate::{
    address::{canonical, is_source, mapped, mapped_ip},
    batch::Batch,
    config::Config,
    gauge::Fill,
    outbox::Run,
    path,
    readiness::{Io, Room},
};
#[cfg(target_os = "linux")]
use crate::{burst::send_burst, memory};
use quinn_udp::{Transmit, UdpSockRef, UdpSocketState};
use socket2::{Domain, Protocol, SockRef, Type};

/// The UDP socket, in terms of canonical addresses.
#[derive(Debug)]
pub(crate) struct Socket {
    io: Io,
    state: UdpSocketState,
    local_addr: SocketAddr,
    families: Families,
}

impl Socket {
    pub(crate) fn bind(addr: SocketAddr, config: &Config) -> io::Result<Self> {
        let socket = open(addr)?;
        socket.bind(&addr.into())?;
        Self::new(socket.into(), config)
    }

    pub(crate) fn new(socket: std::net::UdpSocket, config: &Config) -> io::Result<Self> {
        let bound = socket.local_addr()?;
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        let options = SockRef::from(&socket);
        // After `UdpSocketState`, which would have datagrams of any length try the path.
        path::discover(&socket, bound);
        // Best effort: the system caps what an unprivileged process may have.
        let _ = options.set_recv_buffer_size(config.recv_buffer_size);
        let _ = options.set_send_buffer_size(config.send_buffer_size);
        #[cfg(target_os = "linux")]
        forgo_unread(&socket, bound);
        let families = match bound {
            SocketAddr::V4(_) => Families::V4,
            SocketAddr::V6(_) if options.only_v6()? => Families::V6,
            SocketAddr::V6(_) => Families::Both,
        };
        Ok(Self {
            io: Io::new(socket)?,
            state,
            local_addr: canonical(bound),
            families,
        })
    }

    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// The canonical form of a peer's address, if datagrams can be sent there.
    pub(crate) fn destination(&self, peer: SocketAddr) -> Result<SocketAddr, Unfit> {
        let peer = canonical(peer);
        if peer.ip().is_unspecified() || peer.port() == 0 {
            return Err(Unfit::Unspecified(peer));
        }
        let reached = match self.families {
            Families::V4 => peer.is_ipv4(),
            Families::V6 => peer.is_ipv6(),
            Families::Both => true,
        };
        if reached {
            Ok(peer)
        } else {
            Err(Unfit::AddressFamily(peer))
        }
    }

    pub(crate) fn batch(&self, config: &Config) -> Batch {
        Batch::new(
            config.batch,
            config.max_datagram,
            self.state.gro_segments() > 1,
        )
    }

    pub(crate) fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        batch: &mut Batch,
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.io.poll_readable(cx))?;
            match self.try_recv(batch) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result),
            }
        }
    }

    /// Receives what is there already.
    pub(crate) fn try_recv(&self, batch: &mut Batch) -> io::Result<()> {
        let mut quiet = false;
        let received = self.io.try_read(|| {
            batch.fill(|slices, meta| self.state.recv(self.io.socket().into(), slices, meta))?;
            // So few were all there was: the runtime may wait for more without asking once again.
            quiet = batch.is_quiet();
            if quiet {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            Ok(())
        });
        if quiet { Ok(()) } else { received }
    }

    /// Sends now or fails, whatever the runtime believes of the socket: that hears of room only once half of
    /// the send buffer is free.
    pub(crate) fn try_send(
        &self,
        peer: SocketAddr,
        from: Option<IpAddr>,
        datagram: &[u8],
    ) -> io::Result<()> {
        let from = self.source(from);
        let (destination, src_ip) = match self.families {
            Families::V4 => (peer, from),
            Families::V6 | Families::Both => (mapped(peer), from.map(mapped_ip)),
        };
        let socket = self.io.socket();
        if src_ip.is_none() {
            // The cheapest call that there is.
            let sent = SockRef::from(socket).send_to(datagram, &destination.into());
            return sent.map(drop);
        }
        let transmit = Transmit {
            destination,
            ecn: None,
            contents: datagram,
            segment_size: None,
            src_ip,
        };
        self.state.try_send(socket.into(), &transmit)
    }

    /// The address to ask the system to send from, where it has a choice.
    fn source(&self, from: Option<IpAddr>) -> Option<IpAddr> {
        from.filter(|ip| self.local_addr.ip().is_unspecified() && is_source(*ip))
    }

    /// How many datagrams one send may be cut into.
    pub(crate) fn max_segments(&self) -> usize {
        if cfg!(target_os = "linux") {
            self.state.max_gso_segments()
        } else {
            1
        }
    }

    /// Sends as many of the runs as the system takes now, and returns how many those were.
    pub(crate) fn try_send_runs(&self, runs: &[Run], bytes: &[u8]) -> io::Result<usize> {
        let run = runs[0];
        #[cfg(target_os = "linux")]
        if runs.len() > 1 || run.datagrams > 1 {
            let (from, socket) = (self.source(run.from), self.io.socket());
            return match self.families {
                Families::V4 => send_burst(socket, runs, bytes, from, |peer| peer),
                Families::V6 | Families::Both => {
                    send_burst(socket, runs, bytes, from.map(mapped_ip), mapped)
                }
            };
        }
        self.try_send(run.peer, run.from, &bytes[..run.len])?;
        Ok(1)
    }

    /// Begins to watch for room in the send buffer.
    pub(crate) fn room(&self) -> io::Result<Room> {
        self.io.room()
    }

    /// How full the send buffer is, if the system tells.
    pub(crate) fn fill(&self) -> Option<Fill> {
        #[cfg(target_os = "linux")]
        return memory::fill(self.io.socket());
        #[cfg(not(target_os = "linux"))]
        None
    }

    /// Whether the descriptor itself is gone: then not even its name can be asked for.
    pub(crate) fn is_dead(&self) -> bool {
        self.io.socket().local_addr().is_err()
    }
}

/// Lets the kernel leave out what `UdpSocketState` asks for and nobody here reads: it is a tenth of
/// what a received datagram costs.
#[cfg(target_os = "linux")]
fn forgo_unread(socket: &std::net::UdpSocket, bound: SocketAddr) {
    use nix::sys::socket::{
        setsockopt,
        sockopt::{Ipv4PacketInfo, Ipv6RecvPacketInfo, ReceiveTimestampns},
    };
    // Where one fails, it costs a little, and no more.
    let _ = setsockopt(socket, ReceiveTimestampns, &false);
    let options = SockRef::from(socket);
    let _ = options.set_recv_tos_v4(false);
    let _ = options.set_recv_tclass_v6(false);
    if !bound.ip().is_unspecified() {
        let _ = setsockopt(socket, Ipv4PacketInfo, &false);
        let _ = setsockopt(socket, Ipv6RecvPacketInfo, &false);
    }
}

/// Opens a socket that is to be bound to `addr`.
pub(crate) fn open(addr: SocketAddr) -> io::Result<socket2::Socket> {
    let socket = socket2::Socket::new(Domain::for_address(addr), Type::DGRAM, Some(Protocol::UDP))?;
    if addr.is_ipv6() && addr.ip().is_unspecified() {
        socket.set_only_v6(false)?;
    }
    Ok(socket)
}

/// Why an address is none to send to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unfit {
    Unspecified(SocketAddr),
    AddressFamily(SocketAddr),
}

impl From<Unfit> for io::Error {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::Unspecified(_) => io::ErrorKind::InvalidInput.into(),
            Unfit::AddressFamily(_) => io::ErrorKind::Unsupported.into(),
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Families {
    V4,
    V6,
    Both,
}
