//! What a stranger sends who knows no more than two addresses.

use std::{
    io,
    net::{IpAddr, SocketAddr},
};

use socket2::{Domain, Protocol, Socket, Type};

use crate::net::Net;

/// An ICMP message: its type, its code and the word behind the checksum.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Icmp(pub(crate) u8, pub(crate) u8, pub(crate) u32);

/// Sends an ICMP message about a datagram that one socket has supposedly sent to another; both are
/// addresses of this namespace.
pub(crate) fn icmp(net: &Net, message: Icmp, from: SocketAddr, to: SocketAddr) {
    let Icmp(kind, code, word) = message;
    let mut bytes = vec![kind, code, 0, 0];
    bytes.extend(word.to_be_bytes());
    bytes.extend(datagram(from, to, 1000));
    let protocol = match from {
        SocketAddr::V4(_) => {
            let sum = checksum(&bytes);
            bytes[2..4].copy_from_slice(&sum.to_be_bytes());
            Protocol::ICMPV4
        }
        // The kernel reckons these itself.
        SocketAddr::V6(_) => Protocol::ICMPV6,
    };
    send(net, protocol, &bytes, from).unwrap();
}

/// Sends empty datagrams with somebody else's address.
pub(crate) fn empty(net: &Net, from: SocketAddr, to: SocketAddr, times: usize) {
    let header = datagram(from, to, 0);
    net.inside(|| {
        let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::UDP)).unwrap();
        socket.set_header_included_v4(true).unwrap();
        for _ in 0..times {
            socket
                .send_to(&header, &SocketAddr::new(to.ip(), 0).into())
                .unwrap();
        }
    });
}

fn send(net: &Net, protocol: Protocol, bytes: &[u8], to: SocketAddr) -> io::Result<()> {
    net.inside(|| {
        let socket = Socket::new(Domain::for_address(to), Type::RAW, Some(protocol))?;
        socket.send_to(bytes, &SocketAddr::new(to.ip(), 0).into())?;
        Ok(())
    })
}

/// The headers of a datagram with so much payload.
fn datagram(from: SocketAddr, to: SocketAddr, length: u16) -> Vec<u8> {
    let mut udp = Vec::new();
    for word in [from.port(), to.port(), 8 + length, 0] {
        udp.extend(word.to_be_bytes());
    }
    let mut bytes = match (from.ip(), to.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let total = 20 + 8 + length;
            let mut ip = vec![0x45, 0];
            ip.extend(total.to_be_bytes());
            // Number 1, don't fragment, 64 hops, UDP.
            ip.extend([0, 1, 0x40, 0, 64, 17, 0, 0]);
            ip.extend(from.octets());
            ip.extend(to.octets());
            let sum = checksum(&ip);
            ip[10..12].copy_from_slice(&sum.to_be_bytes());
            ip
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            let mut ip = vec![0x60, 0, 0, 0];
            ip.extend((8 + length).to_be_bytes());
            ip.extend([17, 64]);
            ip.extend(from.octets());
            ip.extend(to.octets());
            ip
        }
        _ => unreachable!("both ends have one family"),
    };
    bytes.extend(udp);
    bytes
}

/// RFC 1071.
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|word| match word {
        [high, low] => u32::from(u16::from_be_bytes([*high, *low])),
        [high] => u32::from(*high) << 8,
        _ => 0,
    });
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap()
}
