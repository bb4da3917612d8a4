//! One session's socket.

use std::{
    cell::RefCell,
    collections::VecDeque,
    io::{self, IoSliceMut},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use quinn_udp::{RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, Interest, ReadBuf},
    net::UdpSocket,
};

/// A connected UDP socket that receives many datagrams a call, and gathers what it sends until it is
/// flushed.
///
/// A [`udp_demux::Endpoint`] could do this as well, but it is made for many peers, and what puts
/// load on a server has to cost less than the server does.
#[derive(Clone, Debug)]
pub(crate) struct Socket(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    io: UdpSocket,
    state: UdpSocketState,
    server: SocketAddr,
    received: Mutex<Datagrams>,
    gathered: Mutex<Datagrams>,
    /// What the system said of an earlier datagram of a handshake when the next one was sent.
    told: Mutex<Option<io::Error>>,
}

/// Datagrams end to end, and their lengths.
#[derive(Debug, Default)]
struct Datagrams {
    bytes: Vec<u8>,
    lengths: VecDeque<usize>,
    taken: usize,
}

impl Socket {
    /// `bulk` asks for the receive buffer that one session needs for many datagrams.
    pub(crate) async fn connect(server: SocketAddr, bulk: bool) -> io::Result<Self> {
        let any: SocketAddr = match server {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let io = UdpSocket::bind(any).await?;
        io.connect(server).await?;
        let state = UdpSocketState::new(UdpSockRef::from(&io))?;
        if bulk {
            // Best effort: the system caps it.
            let _ = SockRef::from(&io).set_recv_buffer_size(4 << 20);
        }
        Ok(Self(Arc::new(Inner {
            io,
            state,
            server,
            received: Mutex::default(),
            gathered: Mutex::default(),
            told: Mutex::default(),
        })))
    }

    /// Sends what was gathered, neighbours of equal length in one call.
    pub(crate) async fn flush(&self) -> io::Result<()> {
        loop {
            match self.0.send_gathered() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.0.io.writable().await?;
                }
                result => return result,
            }
        }
    }
}

impl Inner {
    fn send_gathered(&self) -> io::Result<()> {
        let mut gathered = lock(&self.gathered);
        while let Some(&segment) = gathered.lengths.front() {
            let most = self.state.max_gso_segments().min(MAX_RUN / segment);
            let alike = gathered.lengths.iter().take(most);
            let count = alike.take_while(|length| **length == segment).count();
            let start = gathered.taken;
            let run = &gathered.bytes[start..start + segment * count];
            let sent = self.io.try_io(Interest::WRITABLE, || {
                self.send(run, (count > 1).then_some(segment), |_| ())
            });
            if let Err(error) = sent {
                if error.kind() == io::ErrorKind::WouldBlock {
                    return Err(error);
                }
                tracing::debug!(%error, "the system has refused {count} datagrams");
            }
            gathered.taken += run.len();
            gathered.lengths.drain(..count);
        }
        gathered.bytes.clear();
        gathered.taken = 0;
        Ok(())
    }

    fn send(
        &self,
        contents: &[u8],
        segment_size: Option<usize>,
        told: impl FnOnce(io::Error),
    ) -> io::Result<()> {
        let transmit = Transmit {
            destination: self.server,
            ecn: None,
            contents,
            segment_size,
            src_ip: None,
        };
        match self.state.try_send((&self.io).into(), &transmit) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
                // Most likely an earlier datagram's, and told only once.
                tracing::trace!(%error, "told of an earlier datagram");
                told(error);
                self.state.try_send((&self.io).into(), &transmit)
            }
            sent => sent,
        }
    }

    /// Receives what there is, up to a bound.
    fn receive(&self, datagrams: &mut Datagrams) -> io::Result<()> {
        thread_local!(static BUFFERS: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) });
        BUFFERS.with_borrow_mut(|buffers| {
            buffers.resize(BATCH * BUFFER, 0);
            let mut chunks = buffers.chunks_exact_mut(BUFFER);
            let mut slices: [IoSliceMut<'_>; BATCH] =
                std::array::from_fn(|_| IoSliceMut::new(chunks.next().unwrap_or_default()));
            let mut meta = [RecvMeta::default(); BATCH];
            let filled = self.state.recv((&self.io).into(), &mut slices, &mut meta)?;
            for (buffer, meta) in slices.iter().zip(&meta).take(filled) {
                for datagram in buffer[..meta.len].chunks(meta.stride.max(1)) {
                    datagrams.push(datagram);
                }
            }
            Ok(())
        })
    }
}

impl Datagrams {
    fn push(&mut self, datagram: &[u8]) {
        self.bytes.extend_from_slice(datagram);
        self.lengths.push_back(datagram.len());
    }

    fn pop(&mut self) -> Option<&[u8]> {
        let Some(length) = self.lengths.pop_front() else {
            self.bytes.clear();
            self.taken = 0;
            return None;
        };
        let start = self.taken;
        self.taken += length;
        Some(&self.bytes[start..self.taken])
    }
}

impl From<Socket> for dtls_session::Pipe {
    fn from(socket: Socket) -> Self {
        Self::from_io(socket)
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let inner = &self.0;
        if let Some(error) = lock(&inner.told).take() {
            return Poll::Ready(Err(error));
        }
        let mut received = lock(&inner.received);
        loop {
            if let Some(datagram) = received.pop() {
                if datagram.len() <= buf.remaining() {
                    buf.put_slice(datagram);
                }
                return Poll::Ready(Ok(()));
            }
            ready!(inner.io.poll_recv_ready(cx))?;
            match inner
                .io
                .try_io(Interest::READABLE, || inner.receive(&mut received))
            {
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
                    return Poll::Ready(Err(error));
                }
                _ => {}
            }
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let inner = &self.0;
        if buf.first().is_some_and(|kind| !HANDSHAKE.contains(kind)) {
            lock(&inner.gathered).push(buf);
            return Poll::Ready(Ok(buf.len()));
        }
        loop {
            match inner.io.try_io(Interest::WRITABLE, || {
                inner.send(buf, None, |error| *lock(&inner.told) = Some(error))
            }) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    ready!(inner.io.poll_send_ready(cx))?;
                }
                sent => return Poll::Ready(sent.map(|()| buf.len())),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The record types that cannot wait (RFC 5246 6.2.1).
const HANDSHAKE: std::ops::RangeInclusive<u8> = 20..=22;
const BATCH: usize = 8;
/// What one call may coalesce.
const BUFFER: usize = 65_535;
/// The payload of the largest IPv4 datagram, with which segmentation starts.
const MAX_RUN: usize = 65_507;
