//! A socket that shows what passes.

use std::{
    io,
    net::SocketAddr,
    task::{Context, Poll, ready},
};

use dtls_session::{Datagrams, Pipe};
use udp_demux::ConnectedSocket;

use crate::{direction::Direction, watch::Watch};

/// Lets a [`Watch`] see every datagram of a socket, as it is on the wire.
#[derive(Debug)]
pub(crate) struct Tap {
    socket: ConnectedSocket,
    watch: Watch,
}

impl Tap {
    pub(crate) fn new(socket: ConnectedSocket, watch: Watch) -> Self {
        watch.bound_to(socket.local_addr());
        Self { socket, watch }
    }
}

impl From<Tap> for Pipe {
    fn from(tap: Tap) -> Self {
        Self::new(tap)
    }
}

impl Datagrams for Tap {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        let outcome = ready!(Datagrams::poll_recv(&mut self.socket, cx, buf));
        match &outcome {
            Ok((length, _)) => self.watch.passed(Direction::Received, &buf[..*length]),
            Err(error) => self.watch.failed(error),
        }
        Poll::Ready(outcome)
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        datagram: &[u8],
        to: SocketAddr,
    ) -> Poll<io::Result<()>> {
        let outcome = ready!(Datagrams::poll_send(&mut self.socket, cx, datagram, to));
        match &outcome {
            Ok(()) => self.watch.passed(Direction::Sent, datagram),
            Err(error) => self.watch.failed(error),
        }
        Poll::Ready(outcome)
    }

    fn peer_addr(&self) -> SocketAddr {
        self.socket.peer_addr()
    }

    fn local_addr(&self) -> SocketAddr {
        self.socket.local_addr()
    }

    fn path_mtu(&self) -> Option<usize> {
        self.socket.path_mtu()
    }
}
