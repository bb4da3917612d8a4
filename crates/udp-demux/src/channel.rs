use std::{
    fmt,
    future::poll_fn,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use tokio::task::coop;

use crate::{
    departure::{Origin, Patience},
    error::{RecvError, SendError},
    inbox::Inbox,
    path::{self, PathMtu},
    shared::{Handle, Shared},
    stats::{ChannelStats, Counter, Stats},
    waiting::Way,
};

/// One peer of an endpoint: whole datagrams to it and from it.
///
/// It also is a [`Stream`](futures::Stream) and [`Sink`](futures::Sink) of [`Bytes`], and
/// [`AsyncRead`](tokio::io::AsyncRead) and [`AsyncWrite`](tokio::io::AsyncWrite), for what is made for these.
///
/// # Datagram semantics
///
/// One datagram a read, one a write, in each of these forms. Empty datagrams are neither delivered nor sent.
/// A buffer that is too short for the next datagram is an error, and the datagram stays. A full queue drops
/// the newest. Nothing ever ends the channel but a successor ([`Incoming::accept`](crate::Incoming::accept))
/// and the death of the socket.
pub struct Channel {
    handle: Arc<Handle>,
    inbox: Arc<Inbox>,
    local_ip: Option<IpAddr>,
    sent: Counter,
    send_errors: Counter,
    path: PathMtu,
    /// What the sink could not send yet.
    pub(crate) outgoing: Option<Bytes>,
    /// Whether the stream has told why it ended.
    pub(crate) exhausted: bool,
}

impl Channel {
    pub(crate) fn new(handle: Arc<Handle>, inbox: Arc<Inbox>, local_ip: Option<IpAddr>) -> Self {
        Self {
            handle,
            inbox,
            local_ip,
            sent: Counter::default(),
            send_errors: Counter::default(),
            path: PathMtu::default(),
            outgoing: None,
            exhausted: false,
        }
    }

    /// Receives a datagram into `buf` and returns its length, which is never zero.
    ///
    /// # Errors
    ///
    /// [`RecvError::BufferTooShort`] if the datagram does not fit: it stays for the next call. The other errors
    /// are final.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: no datagram is lost.
    pub async fn recv(&mut self, buf: &mut [u8]) -> Result<usize, RecvError> {
        poll_fn(|cx| self.poll_recv(cx, buf)).await
    }

    /// Polls for a datagram; see [`recv`](Self::recv).
    ///
    /// # Errors
    ///
    /// As for [`recv`](Self::recv).
    pub fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<usize, RecvError>> {
        self.inbox.poll_recv(cx, buf)
    }

    /// Receives a datagram if there is one, and returns `None` if not.
    ///
    /// # Errors
    ///
    /// As for [`recv`](Self::recv).
    pub fn try_recv(&mut self, buf: &mut [u8]) -> Result<Option<usize>, RecvError> {
        self.inbox.try_recv(buf)
    }

    /// Sends one datagram, or queues it while the socket's send buffer is full or the peer has its part of it
    /// already, and waits while that queue is full ([`Config::send_queue_bytes`](crate::Config::send_queue_bytes)).
    ///
    /// So who sends to a slow peer waits, and holds up nobody else.
    ///
    /// # Errors
    ///
    /// [`SendError::Io`] is what the system says of this datagram, for example that it is too long or the host
    /// unreachable; a later one may pass. Of one that was queued it is only counted. The other errors are final.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a datagram is sent as a whole or not at all. Which of both is unknown to who cancels.
    pub async fn send(&self, datagram: &[u8]) -> Result<(), SendError> {
        poll_fn(|cx| self.poll_transmit(cx, datagram)).await
    }

    /// Polls to send one datagram; see [`send`](Self::send).
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send).
    pub fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        datagram: &[u8],
    ) -> Poll<Result<(), SendError>> {
        self.poll_transmit(cx, datagram)
    }

    /// Polls to send one datagram soon, with those of other channels where that saves a system call.
    pub(crate) fn poll_queue(
        &mut self,
        cx: &Context<'_>,
        datagram: &[u8],
    ) -> Poll<Result<(), SendError>> {
        waits(self.queue(datagram, Patience::Wait(cx)))
    }

    pub(crate) fn queue(
        &self,
        datagram: &[u8],
        patience: Patience<'_, '_>,
    ) -> Result<(), SendError> {
        self.send_by(Shared::queue, datagram, patience)
    }

    /// Sends one datagram if the socket takes it at once.
    ///
    /// # Errors
    ///
    /// [`SendError::WouldBlock`] if the send buffer is full, or the peer has its part of it already, otherwise as for
    /// [`send`](Self::send).
    pub fn try_send(&self, datagram: &[u8]) -> Result<(), SendError> {
        self.send_by(Shared::send_now, datagram, Patience::None)
    }

    /// The address of the peer.
    pub fn peer_addr(&self) -> SocketAddr {
        self.inbox.peer()
    }

    /// The address that datagrams to the peer leave from: the one that the peer wrote to, or the socket's if
    /// the channel was opened from this side.
    pub fn local_addr(&self) -> SocketAddr {
        self.handle.local_addr(self.local_ip)
    }

    /// How long a datagram may be, in bytes of UDP payload, by what the system knows of the path (RFC 1191, RFC
    /// 8201); `None` as long as it has refused none.
    ///
    /// It may change with each datagram that is sent. The ICMP messages that the system knows it of may be forged.
    pub fn path_mtu(&self) -> Option<usize> {
        if let Some(length) = self.inbox.take_refused() {
            self.path.refused(length, || self.ask_path());
        }
        self.path.get(|| self.ask_path())
    }

    /// What was counted until now.
    pub fn stats(&self) -> ChannelStats {
        let (received, dropped_queue_full) = self.inbox.counts();
        let (sent, send_errors) = (self.sent.value(), self.send_errors.value());
        ChannelStats {
            received,
            dropped_queue_full,
            sent,
            send_errors,
        }
    }

    /// What the whole endpoint has counted until now, also when the [`Endpoint`](crate::Endpoint) was dropped.
    pub fn endpoint_stats(&self) -> Stats {
        self.handle.counters.snapshot()
    }

    pub(crate) fn inbox(&self) -> &Arc<Inbox> {
        &self.inbox
    }

    fn poll_transmit(&self, cx: &mut Context<'_>, datagram: &[u8]) -> Poll<Result<(), SendError>> {
        let budget = ready!(coop::poll_proceed(cx));
        let sent = waits(self.send_by(Shared::send_now, datagram, Patience::Wait(cx)));
        if sent.is_ready() {
            budget.made_progress();
        }
        sent
    }

    fn send_by(
        &self,
        send: impl FnOnce(&Shared, Origin<'_>, &[u8], Patience<'_, '_>) -> Result<(), SendError>,
        datagram: &[u8],
        patience: Patience<'_, '_>,
    ) -> Result<(), SendError> {
        self.inbox.check_sendable()?;
        // No peer of this crate would see it.
        if datagram.is_empty() {
            return Ok(());
        }
        let origin = Origin {
            way: Way {
                peer: self.inbox.peer(),
                from: self.local_ip,
            },
            meter: Some(self.inbox.meter()),
        };
        let sent = send(&self.handle, origin, datagram, patience);
        self.count(sent, datagram.len())
    }

    fn count(&self, result: Result<(), SendError>, length: usize) -> Result<(), SendError> {
        match &result {
            Ok(()) => self.sent.add(1),
            Err(SendError::WouldBlock) => {}
            Err(error) => {
                self.send_errors.add(1);
                if matches!(error, SendError::Io(error) if path::is_too_long(error)) {
                    self.path.refused(length, || self.ask_path());
                }
            }
        }
        result
    }

    fn ask_path(&self) -> Option<usize> {
        path::to(self.inbox.peer(), self.local_ip)
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.handle.remove(&self.inbox);
    }
}

/// Who was enlisted waits.
fn waits(sent: Result<(), SendError>) -> Poll<Result<(), SendError>> {
    match sent {
        Err(SendError::WouldBlock) => Poll::Pending,
        sent => Poll::Ready(sent),
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel")
            .field("peer", &self.peer_addr())
            .field("local", &self.local_addr())
            .finish_non_exhaustive()
    }
}
