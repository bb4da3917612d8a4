use std::net::{IpAddr, SocketAddr, SocketAddrV6};

/// Gives each peer one name: IPv4 where the address is IPv4 in disguise, no flow label, and a scope only where
/// it tells addresses apart.
pub(crate) fn canonical(addr: SocketAddr) -> SocketAddr {
    match (addr.ip().to_canonical(), addr) {
        (IpAddr::V6(ip), SocketAddr::V6(v6)) => {
            let scope_id = if ip.is_unicast_link_local() {
                v6.scope_id()
            } else {
                0
            };
            SocketAddrV6::new(ip, v6.port(), 0, scope_id).into()
        }
        (ip, _) => SocketAddr::new(ip, addr.port()),
    }
}

/// The opposite of [`canonical`], as an IPv6 socket wants it.
pub(crate) fn mapped(addr: SocketAddr) -> SocketAddr {
    match addr {
        SocketAddr::V4(v4) => SocketAddrV6::new(v4.ip().to_ipv6_mapped(), v4.port(), 0, 0).into(),
        SocketAddr::V6(_) => addr,
    }
}

pub(crate) fn mapped_ip(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().into(),
        IpAddr::V6(_) => ip,
    }
}

/// Whether a datagram may be sent *from* the address: a group's or a broadcast address only receives.
pub(crate) fn is_source(ip: IpAddr) -> bool {
    let broadcast = matches!(ip, IpAddr::V4(v4) if v4.is_broadcast());
    !(ip.is_multicast() || ip.is_unspecified() || broadcast)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapped_peer_appears_as_ipv4_and_back() {
        let plain: SocketAddr = "192.0.2.7:9".parse().unwrap();
        let disguised: SocketAddr = "[::ffff:192.0.2.7]:9".parse().unwrap();
        assert_eq!(canonical(disguised), plain);
        assert_eq!(mapped(plain), disguised);
        assert_eq!(canonical(plain), plain);
    }

    #[test]
    fn flow_label_and_needless_scope_do_not_make_another_peer() {
        let global = SocketAddrV6::new("2001:db8::1".parse().unwrap(), 9, 5, 3);
        assert_eq!(canonical(global.into()), "[2001:db8::1]:9".parse().unwrap());
        let local = SocketAddrV6::new("fe80::1".parse().unwrap(), 9, 5, 3);
        let scoped = SocketAddrV6::new("fe80::1".parse().unwrap(), 9, 0, 3);
        assert_eq!(canonical(local.into()), scoped.into());
    }

    #[test]
    fn nobody_sends_from_a_group() {
        for (ip, source) in [
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("ff02::1", false),
            ("::1", true),
        ] {
            assert_eq!(is_source(ip.parse().unwrap()), source, "{ip}");
        }
    }
}
