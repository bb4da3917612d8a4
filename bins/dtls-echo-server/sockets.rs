//! Where the server listens.

use std::{
    io,
    net::{IpAddr, SocketAddr, UdpSocket},
    thread,
};

use anyhow::{Context, anyhow, ensure};
use dtls_echo::is_out_of_files;
use listenfd::ListenFd;
use udp_demux::bind_shards;

use crate::Args;

/// Opens one socket for each shard, or takes those that systemd has opened.
pub(crate) async fn open(args: &Args) -> anyhow::Result<Vec<UdpSocket>> {
    let Some(addr) = &args.addr else {
        return passed();
    };
    let addresses = addr.resolve().await?;
    bind(&addresses, shards(args)).map_err(|error| {
        if is_out_of_files(&error) {
            let what = format!("cannot listen on {addr} with a socket for each shard");
            return anyhow::Error::from(error).context(what);
        }
        let link_local = addresses.iter().any(is_link_local);
        let advice = match error.kind() {
            io::ErrorKind::InvalidInput if link_local => {
                " (an address of one link needs its interface: [fe80::1%eth0]:5684)"
            }
            _ => advice(&error),
        };
        anyhow!("cannot listen on {addr}: {error}{advice}")
    })
}

fn is_link_local(address: &SocketAddr) -> bool {
    matches!(address.ip(), IpAddr::V6(ip) if ip.is_unicast_link_local())
}

/// What to try where an address could not be bound.
fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => " (another program has the port: `ss -ulpn` names it)",
        io::ErrorKind::PermissionDenied => {
            " (ports below 1024 are for root, or need CAP_NET_BIND_SERVICE)"
        }
        io::ErrorKind::AddrNotAvailable => " (no interface of this machine has that address)",
        _ => "",
    }
}

fn passed() -> anyhow::Result<Vec<UdpSocket>> {
    let mut passed = ListenFd::from_env();
    let sockets: Vec<_> = (0..passed.len())
        .filter_map(|place| passed.take_udp_socket(place).transpose())
        .collect::<io::Result<_>>()
        .context("a socket that systemd has opened is of no use: ListenDatagram= is needed")?;
    ensure!(
        !sockets.is_empty(),
        "no socket was passed: --socket-activation is for services that systemd starts by a \
         .socket unit"
    );
    for socket in &sockets {
        socket.set_nonblocking(true)?;
    }
    Ok(sockets)
}

fn shards(args: &Args) -> usize {
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    let most = if cfg!(target_os = "linux") {
        usize::MAX
    } else {
        1
    };
    args.shards.map_or_else(|| cores().min(most), usize::from)
}

/// Binds the first address that can be had.
fn bind(addresses: &[SocketAddr], shards: usize) -> io::Result<Vec<UdpSocket>> {
    let mut failure = io::ErrorKind::AddrNotAvailable.into();
    for address in addresses {
        match bind_shards(*address, shards) {
            Ok(sockets) => return Ok(sockets),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}
