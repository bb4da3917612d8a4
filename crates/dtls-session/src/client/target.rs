//! From a name to addresses.

use std::{
    collections::VecDeque,
    mem,
    net::{IpAddr, Ipv6Addr, SocketAddr},
};

use tokio::net::lookup_host;

use crate::error::ConnectError;

/// Finds the host's name and its addresses.
pub(super) async fn resolve(server: &str) -> Result<(&str, Vec<SocketAddr>), ConnectError> {
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

/// The name of a server that may be given with its port or without.
pub(super) fn host(server: &str) -> &str {
    split(server).map_or(server, |(host, _)| host)
}

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
