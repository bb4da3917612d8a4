//! Several sends in one system call.

use std::{
    cell::RefCell,
    io::{self, IoSlice},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    os::fd::AsRawFd,
};

use nix::{
    cmsg_space,
    libc::{in_addr, in_pktinfo, in6_addr, in6_pktinfo},
    sys::socket::{ControlMessage, MsgFlags, MultiHeaders, SockaddrStorage, sendmmsg},
};

use crate::outbox::{MAX_BURST, Run};

/// Sends runs, whose bytes follow one another and which share a source and a segment size, by
/// sendmmsg(2). Addresses are those of the socket's own family. Returns how many were sent.
pub(crate) fn send_burst(
    socket: &impl AsRawFd,
    runs: &[Run],
    mut bytes: &[u8],
    from: Option<IpAddr>,
    to: impl Fn(SocketAddr) -> SocketAddr,
) -> io::Result<usize> {
    let mut parts = [[IoSlice::new(&[])]; MAX_BURST];
    let mut peers = [None; MAX_BURST];
    for ((run, part), peer) in runs.iter().zip(&mut parts).zip(&mut peers) {
        let (of_run, rest) = bytes.split_at(run.len);
        bytes = rest;
        *part = [IoSlice::new(of_run)];
        *peer = Some(SockaddrStorage::from(to(run.peer)));
    }
    // A run is shorter than 64 KiB.
    let segment = runs.iter().find(|run| run.datagrams > 1);
    let segment = segment.map(|run| run.segment as u16);
    let source = from.map(Source::from);
    let shape = Shape::of(source.as_ref(), segment);
    let source = source.as_ref().map(Source::control);
    let segment = segment.as_ref().map(ControlMessage::UdpGsoSegments);
    let (one, two);
    let controls: &[ControlMessage<'_>] = match (source, segment) {
        (Some(source), Some(segment)) => {
            two = [source, segment];
            &two
        }
        (Some(only), None) | (None, Some(only)) => {
            one = [only];
            &one
        }
        (None, None) => &[],
    };
    HEADERS.with_borrow_mut(|headers| {
        let headers = headers[shape as usize].get_or_insert_with(|| shape.headers());
        let count = runs.len();
        let sent = sendmmsg(
            socket.as_raw_fd(),
            headers,
            &parts[..count],
            &peers[..count],
            controls,
            MsgFlags::MSG_DONTWAIT,
        )?;
        Ok(sent.count())
    })
}

/// The address to send from, in the kernel's words.
enum Source {
    V4(in_pktinfo),
    V6(in6_pktinfo),
}

impl From<IpAddr> for Source {
    fn from(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(ip) => Self::V4(in_pktinfo {
                ipi_ifindex: 0,
                ipi_spec_dst: in_addr {
                    s_addr: u32::from(ip).to_be(),
                },
                ipi_addr: in_addr {
                    s_addr: u32::from(Ipv4Addr::UNSPECIFIED),
                },
            }),
            IpAddr::V6(ip) => Self::V6(in6_pktinfo {
                ipi6_addr: in6_addr {
                    s6_addr: ip.octets(),
                },
                ipi6_ifindex: 0,
            }),
        }
    }
}

impl Source {
    fn control(&self) -> ControlMessage<'_> {
        match self {
            Self::V4(info) => ControlMessage::Ipv4PacketInfo(info),
            Self::V6(info) => ControlMessage::Ipv6PacketInfo(info),
        }
    }
}

/// Which control messages go with a burst: each kind has its own headers, with as much room as
/// they need, because the kernel reads all of it.
#[derive(Clone, Copy)]
enum Shape {
    Bare,
    Segmented,
    V4,
    V4Segmented,
    V6,
    V6Segmented,
}

impl Shape {
    fn of(source: Option<&Source>, segment: Option<u16>) -> Self {
        match (source, segment.is_some()) {
            (None, false) => Self::Bare,
            (None, true) => Self::Segmented,
            (Some(Source::V4(_)), false) => Self::V4,
            (Some(Source::V4(_)), true) => Self::V4Segmented,
            (Some(Source::V6(_)), false) => Self::V6,
            (Some(Source::V6(_)), true) => Self::V6Segmented,
        }
    }

    fn headers(self) -> MultiHeaders<SockaddrStorage> {
        let room = match self {
            Self::Bare => None,
            Self::Segmented => Some(cmsg_space!(u16)),
            Self::V4 => Some(cmsg_space!(in_pktinfo)),
            Self::V4Segmented => Some(cmsg_space!(in_pktinfo, u16)),
            Self::V6 => Some(cmsg_space!(in6_pktinfo)),
            Self::V6Segmented => Some(cmsg_space!(in6_pktinfo, u16)),
        };
        MultiHeaders::preallocate(MAX_BURST, room)
    }
}

thread_local! {
    static HEADERS: RefCell<[Option<MultiHeaders<SockaddrStorage>>; 6]> = const { RefCell::new([const { None }; 6]) };
}
