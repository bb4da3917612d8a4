use std::{
    io,
    net::{SocketAddr, UdpSocket},
};

use crate::socket::open;

/// Binds several sockets to one address, among which the system divides the peers: each peer's datagrams
/// always come to the same one. A port of zero is chosen once.
///
/// Make an endpoint of each by [`Endpoint::from_socket`](crate::Endpoint::from_socket), best on a
/// current-thread runtime and a thread of its own: so no datagram wakes another thread.
///
/// The sockets share the port by `SO_REUSEPORT` (socket(7)). The first is bound without it, so an
/// address that anybody else uses is refused, also if they would share it.
///
/// # Errors
///
/// What the system says of the address, and [`Unsupported`](io::ErrorKind::Unsupported) for more than one
/// socket where it does not divide the peers, which is everywhere but on Linux.
pub fn bind_shards(addr: SocketAddr, count: usize) -> io::Result<Vec<UdpSocket>> {
    let first = open(addr)?;
    first.bind(&addr.into())?;
    if count <= 1 {
        return Ok(vec![first.into()]);
    }
    share(&first)?;
    let first = UdpSocket::from(first);
    let addr = first.local_addr()?;
    let mut sockets = vec![first];
    for _ in 1..count {
        let socket = open(addr)?;
        share(&socket)?;
        socket.bind(&addr.into())?;
        sockets.push(socket.into());
    }
    Ok(sockets)
}

#[cfg(target_os = "linux")]
fn share(socket: &socket2::Socket) -> io::Result<()> {
    socket.set_reuse_port(true)
}

#[cfg(not(target_os = "linux"))]
fn share(_: &socket2::Socket) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
