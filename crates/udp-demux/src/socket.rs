use std::{
    io,
    net::{IpAddr, SocketAddr},
};

use quinn_udp::{Transmit, UdpSockRef, UdpSocketState};
use socket2::{Domain, Protocol, SockRef, Type};
use tokio::{io::Interest, net::UdpSocket};

use crate::{
    address::{canonical, is_source, mapped, mapped_ip},
    batch::Batch,
    config::Config,
    gauge::Fill,
    outbox::Run,
    path,
};
#[cfg(target_os = "linux")]
use crate::{burst::send_burst, memory};

/// The UDP socket, in terms of canonical addresses.
#[derive(Debug)]
pub(crate) struct Socket {
    io: UdpSocket,
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
            io: UdpSocket::from_std(socket)?,
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

    pub(crate) async fn recv(&self, batch: &mut Batch) -> io::Result<()> {
        loop {
            self.io.readable().await?;
            match self.try_recv(batch) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
        }
    }

    /// Receives what is there already.
    pub(crate) fn try_recv(&self, batch: &mut Batch) -> io::Result<()> {
        let mut quiet = false;
        let received = self.io.try_io(Interest::READABLE, || {
            batch.fill(|slices, meta| self.state.recv((&self.io).into(), slices, meta))?;
            // So few were all there was: the runtime may wait for more without asking once again.
            quiet = batch.is_quiet();
            if quiet {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            Ok(())
        });
        if quiet { Ok(()) } else { received }
    }

    /// Sends now or fails, whatever the runtime believes of the socket's readiness.
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
        let transmit = Transmit {
            destination,
            ecn: None,
            contents: datagram,
            segment_size: None,
            src_ip,
        };
        self.state.try_send((&self.io).into(), &transmit)
    }

    /// Sends now, or fails and takes note that the socket is not ready, for [`writable`](Self::writable).
    pub(crate) fn try_send_ready(
        &self,
        peer: SocketAddr,
        from: Option<IpAddr>,
        datagram: &[u8],
    ) -> io::Result<()> {
        self.attempt(|| self.try_send(peer, from, datagram))
    }

    /// Sends now, or takes note that the socket is not ready. It is tried whatever the runtime
    /// believes: that hears of room only once half of the send buffer is free.
    fn attempt<T>(&self, send: impl Fn() -> io::Result<T>) -> io::Result<T> {
        match send() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.io.try_io(Interest::WRITABLE, send)
            }
            result => result,
        }
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
    #[cfg(target_os = "linux")]
    pub(crate) fn try_send_runs(&self, runs: &[Run], bytes: &[u8]) -> io::Result<usize> {
        let from = self.source(runs[0].from);
        self.attempt(|| match self.families {
            Families::V4 => send_burst(&self.io, runs, bytes, from, |peer| peer),
            Families::V6 | Families::Both => {
                send_burst(&self.io, runs, bytes, from.map(mapped_ip), mapped)
            }
        })
    }

    /// Sends the first of the runs, if the system takes it now.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn try_send_runs(&self, runs: &[Run], bytes: &[u8]) -> io::Result<usize> {
        let run = runs[0];
        self.try_send_ready(run.peer, run.from, &bytes[..run.len])?;
        Ok(1)
    }

    pub(crate) async fn writable(&self) -> io::Result<()> {
        self.io.writable().await
    }

    /// Whether `enough` holds; if not, [`writable`](Self::writable) waits for the next datagram that
    /// leaves.
    pub(crate) fn is_writable_and(&self, enough: impl FnOnce() -> bool) -> bool {
        let look = || match enough() {
            true => Ok(()),
            false => Err(io::ErrorKind::WouldBlock.into()),
        };
        self.io.try_io(Interest::WRITABLE, look).is_ok()
    }

    /// How full the send buffer is, if the system tells.
    pub(crate) fn fill(&self) -> Option<Fill> {
        #[cfg(target_os = "linux")]
        return memory::fill(&self.io);
        #[cfg(not(target_os = "linux"))]
        None
    }

    /// Whether the descriptor itself is gone: then not even its name can be asked for.
    pub(crate) fn is_dead(&self) -> bool {
        self.io.local_addr().is_err()
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

#[derive(Clone, Copy, Debug)]
enum Families {
    V4,
    V6,
    Both,
}
