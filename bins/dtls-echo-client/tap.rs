//! A pipe that shows what passes.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, ready},
};

use dtls_session::{Datagrams, Pipe};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{direction::Direction, socket::Socket, watch::Watch};

/// Lets a [`Watch`] see every datagram of a socket, as it is on the wire.
#[derive(Debug)]
pub(crate) struct Tap {
    socket: Socket,
    peer: SocketAddr,
    watch: Watch,
}

impl Tap {
    pub(crate) fn new(socket: Socket, peer: SocketAddr, watch: Watch) -> Self {
        Self {
            socket,
            peer,
            watch,
        }
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
        let mut datagram = ReadBuf::new(buf);
        let outcome = ready!(Pin::new(&mut self.socket).poll_read(cx, &mut datagram));
        match &outcome {
            Ok(()) => self.watch.passed(Direction::Received, datagram.filled()),
            Err(error) => self.watch.failed(error),
        }
        Poll::Ready(outcome.map(|()| (datagram.filled().len(), self.peer)))
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        datagram: &[u8],
        _: SocketAddr,
    ) -> Poll<io::Result<()>> {
        let mut outcome = ready!(Pin::new(&mut self.socket).poll_write(cx, datagram));
        if let Err(error) = &outcome
            && error.kind() == io::ErrorKind::ConnectionRefused
        {
            // It is what came back for an earlier datagram, and this one has not left.
            self.watch.failed(error);
            outcome = ready!(Pin::new(&mut self.socket).poll_write(cx, datagram));
        }
        match &outcome {
            Ok(_) => self.watch.passed(Direction::Sent, datagram),
            Err(error) => self.watch.failed(error),
        }
        Poll::Ready(outcome.map(drop))
    }

    fn peer_addr(&self) -> SocketAddr {
        self.peer
    }
}
