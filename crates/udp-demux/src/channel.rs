use std::{
    fmt,
    future::poll_fn,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;

use crate::{
    error::{RecvError, SendError},
    inbox::Inbox,
    path::{self, PathMtu},
    shared::Handle,
    stats::{ChannelStats, Counter, Stats},
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
    // A polled socket keeps one waker a direction, so each channel that waits has its own future.
    writable: Option<Writable>,
    /// What the sink could not send yet.
    pub(crate) outgoing: Option<Bytes>,
    /// Whether the stream has told why it ended.
    pub(crate) exhausted: bool,
}

type Writable = Pin<Box<dyn Future<Output = io::Result<()>> + Send + Sync>>;

impl Channel {
    pub(crate) fn new(handle: Arc<Handle>, inbox: Arc<Inbox>, local_ip: Option<IpAddr>) -> Self {
        Self {
            handle,
            inbox,
            local_ip,
            sent: Counter::default(),
            send_errors: Counter::default(),
            path: PathMtu::default(),
            writable: None,
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

    /// Sends one datagram, and waits while the socket's send buffer is full.
    ///
    /// # Errors
    ///
    /// [`SendError::Io`] is what the system says of this datagram, for example that it is too long or the host
    /// unreachable; a later one may pass. The other errors are final.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a datagram is sent as a whole or not at all. Which of both is unknown to who cancels.
    pub async fn send(&self, datagram: &[u8]) -> Result<(), SendError> {
        loop {
            match self.send_ready(datagram) {
                Err(SendError::WouldBlock) => {
                    self.handle.socket.writable().await.map_err(SendError::Io)?
                }
                result => return result,
            }
        }
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
        self.poll_until_taken(cx, |channel| channel.send_ready(datagram))
    }

    /// Polls to send one datagram soon, with those of other channels where that saves a system call.
    pub(crate) fn poll_queue(
        &mut self,
        cx: &mut Context<'_>,
        datagram: &[u8],
    ) -> Poll<Result<(), SendError>> {
        self.poll_until_taken(cx, |channel| channel.queue(datagram))
    }

    pub(crate) fn queue(&self, datagram: &[u8]) -> Result<(), SendError> {
        self.inbox.check_sendable()?;
        if datagram.is_empty() {
            return Ok(());
        }
        let peer = self.inbox.peer();
        let queued = self.handle.queue(peer, self.local_ip, datagram);
        self.count(queued, datagram.len())
    }

    fn poll_until_taken(
        &mut self,
        cx: &mut Context<'_>,
        send: impl Fn(&Self) -> Result<(), SendError>,
    ) -> Poll<Result<(), SendError>> {
        loop {
            if self.writable.is_none() {
                match send(self) {
                    Err(SendError::WouldBlock) => {}
                    result => return Poll::Ready(result),
                }
            }
            let handle = &self.handle;
            let writable = self.writable.get_or_insert_with(|| {
                let shared = Arc::clone(handle.shared());
                Box::pin(async move { shared.socket.writable().await })
            });
            let result = ready!(writable.as_mut().poll(cx));
            self.writable = None;
            result.map_err(SendError::Io)?;
        }
    }

    /// Sends one datagram if the socket takes it at once.
    ///
    /// # Errors
    ///
    /// [`SendError::WouldBlock`] if the send buffer is full, otherwise as for [`send`](Self::send).
    pub fn try_send(&self, datagram: &[u8]) -> Result<(), SendError> {
        self.send_with(datagram, || {
            self.handle
                .socket
                .try_send(self.inbox.peer(), self.local_ip, datagram)
        })
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

    fn send_ready(&self, datagram: &[u8]) -> Result<(), SendError> {
        self.send_with(datagram, || {
            self.handle
                .socket
                .try_send_ready(self.inbox.peer(), self.local_ip, datagram)
        })
    }

    fn send_with(
        &self,
        datagram: &[u8],
        send: impl FnOnce() -> io::Result<()>,
    ) -> Result<(), SendError> {
        self.inbox.check_sendable()?;
        // No peer of this crate would see it.
        if datagram.is_empty() {
            return Ok(());
        }
        let sent = self.handle.send_now(datagram.len(), send);
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

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel")
            .field("peer", &self.peer_addr())
            .field("local", &self.local_addr())
            .finish_non_exhaustive()
    }
}
