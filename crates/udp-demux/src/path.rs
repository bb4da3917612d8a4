use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

#[cfg(target_os = "linux")]
use rustix::{fd::AsFd, net::sockopt};

/// What the system knows of the path to one peer, in bytes of UDP payload.
///
/// It is asked where it has refused a datagram, and not believed for ever: its own knowledge ages, too.
#[derive(Debug, Default)]
pub(crate) struct PathMtu {
    /// Beside the lock, because each datagram asks for it; 0 is unknown.
    known: AtomicUsize,
    asked: Mutex<Option<Instant>>,
}

impl PathMtu {
    /// What is known, found out anew if it has become old.
    pub(crate) fn get(&self, ask: impl FnOnce() -> Option<usize>) -> Option<usize> {
        if self.known.load(Relaxed) == 0 {
            return None;
        }
        if self.lock().is_none_or(|asked| asked.elapsed() > LIFETIME) {
            self.learn(ask());
        }
        Some(self.known.load(Relaxed)).filter(|known| *known > 0)
    }

    /// Takes note of what the system says.
    #[expect(
        clippy::disallowed_methods,
        reason = "the system's memory ages by this clock, and the runtime may have none"
    )]
    pub(crate) fn learn(&self, answer: Option<usize>) {
        self.known.store(answer.unwrap_or(0), Relaxed);
        *self.lock() = Some(Instant::now());
    }

    /// Takes note that the system has refused a datagram for its length. It is asked only for news.
    pub(crate) fn refused(&self, length: usize, ask: impl FnOnce() -> Option<usize>) {
        let known = self.known.load(Relaxed);
        if known == 0 || length <= known {
            // Whatever it says, this length is too much for it.
            let most = length.saturating_sub(1).max(1);
            self.learn(Some(ask().map_or(most, |answer| answer.min(most))));
        }
    }

    /// Knows nothing again: the path is another.
    pub(crate) fn forget(&self) {
        self.known.store(0, Relaxed);
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an error says that a datagram is longer than its path allows.
pub(crate) fn is_too_long(error: &io::Error) -> bool {
    #[cfg(unix)]
    let code = rustix::io::Errno::MSGSIZE.raw_os_error();
    #[cfg(not(unix))]
    let code = 10_040;
    error.raw_os_error() == Some(code)
}

/// Makes the system keep to the MTU of each path, and cut no datagram: RFC 1191, RFC 8201.
///
/// What is longer is refused, where it would otherwise be lost on the way without a word.
#[cfg(target_os = "linux")]
pub(crate) fn discover(socket: impl AsFd, addr: SocketAddr) {
    // Best effort, as a sandbox may forbid it. A socket for both families needs both.
    let _ = sockopt::set_ip_mtu_discover(&socket, sockopt::Ipv4PathMtuDiscovery::DO);
    if addr.is_ipv6() {
        let _ = sockopt::set_ipv6_mtu_discover(&socket, sockopt::Ipv6PathMtuDiscovery::DO);
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn discover<S>(_: S, _: SocketAddr) {}

/// Asks how long a datagram to the peer of a connected socket may be.
#[cfg(target_os = "linux")]
pub(crate) fn of_connected(socket: impl AsFd, peer: SocketAddr) -> Option<usize> {
    let (mtu, headers) = match peer {
        SocketAddr::V4(_) => (sockopt::ip_mtu(socket), IPV4_AND_UDP),
        SocketAddr::V6(_) => (sockopt::ipv6_mtu(socket), IPV6_AND_UDP),
    };
    usize::try_from(mtu.ok()?).ok()?.checked_sub(headers)
}

/// Elsewhere nobody can be asked.
#[cfg(not(target_os = "linux"))]
pub(crate) fn of_connected<S>(_: S, _: SocketAddr) -> Option<usize> {
    None
}

/// Asks how long a datagram to a peer may be, by a socket that is gone afterwards; nothing is sent.
pub(crate) fn to(peer: SocketAddr, from: Option<IpAddr>) -> Option<usize> {
    let any = match peer {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let from = from.filter(|ip| ip.is_ipv4() == peer.is_ipv4());
    let socket = std::net::UdpSocket::bind((from.unwrap_or(any), 0)).ok()?;
    socket.connect(peer).ok()?;
    of_connected(&socket, peer)
}

/// Linux itself forgets after ten minutes (RFC 1191 6.3).
const LIFETIME: Duration = Duration::from_secs(60);
#[cfg(target_os = "linux")]
const IPV4_AND_UDP: usize = 28;
#[cfg(target_os = "linux")]
const IPV6_AND_UDP: usize = 48;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_is_asked_only_for_news() {
        let path = PathMtu::default();
        assert_eq!(path.get(|| unreachable!("nothing was refused")), None);
        path.refused(1200, || Some(600));
        path.refused(1200, || unreachable!("it is known"));
        assert_eq!(path.get(|| unreachable!("it is fresh")), Some(600));
        // It says that this fits, and refuses it all the same.
        path.refused(600, || Some(1472));
        assert_eq!(path.get(|| None), Some(599));
        path.refused(500, || None);
        assert_eq!(path.get(|| None), Some(499));
    }

    #[test]
    fn what_is_old_is_found_out_anew() {
        let path = PathMtu::default();
        path.refused(1200, || Some(600));
        *path.lock() = None;
        assert_eq!(path.get(|| Some(1472)), Some(1472));
        assert_eq!(path.get(|| None), Some(1472));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn loopback_has_the_interfaces_mtu() {
        let peer = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let mtu = to(peer.local_addr().unwrap(), None).unwrap();
        assert!((500..=65_507).contains(&mtu), "{mtu}");
    }
}
