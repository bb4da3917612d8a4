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
    error::{IdentifierError, RecvError, SendError, SetPeerError},
    identifier::Identifier,
    inbox::Inbox,
    path::{self, PathMtu},
    shared::{Handle, Shared},
    socket::Unfit,
    stats::{ChannelStats, Counter, Stats},
    table::Denied,
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

    /// Receives a datagram into `buf` and returns its length, and the address that it came from: another one than
    /// the [peer's](Self::peer_addr) where it had one of the channel's [identifiers](Self::add_identifier).
    ///
    /// Who has written it is not known by that: anybody can write any address and any identifier on a datagram.
    ///
    /// # Errors
    ///
    /// As for [`recv`](Self::recv).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: no datagram is lost.
    pub async fn recv_from(&mut self, buf: &mut [u8]) -> Result<(usize, SocketAddr), RecvError> {
        poll_fn(|cx| self.poll_recv_from(cx, buf)).await
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
        self.poll_recv_from(cx, buf).map_ok(|(length, _)| length)
    }

    /// Polls for a datagram and its sender's address; see [`recv_from`](Self::recv_from).
    ///
    /// # Errors
    ///
    /// As for [`recv`](Self::recv).
    pub fn poll_recv_from(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<(usize, SocketAddr), RecvError>> {
        self.inbox.poll_recv(cx, buf)
    }

    /// Polls for a datagram and its sender's address, and copies nothing.
    ///
    /// The datagram shares its memory with those that came with it: none of it is free until all of them are dropped.
    /// So copy what you keep for long.
    ///
    /// # Errors
    ///
    /// [`RecvError`], but never [`BufferTooShort`](RecvError::BufferTooShort). They are final.
    pub fn poll_recv_bytes(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(Bytes, SocketAddr), RecvError>> {
        self.inbox.poll_recv_bytes(cx)
    }

    /// Gives back the memory that the queue of datagrams has used, if it is empty; the next one that comes allocates
    /// some anew. Up to 8 KiB stay otherwise: this is for a channel that will be idle.
    pub fn shrink_to_fit(&self) {
        self.inbox.shrink_to_fit();
    }

    /// Receives a datagram if there is one, and returns `None` if not.
    ///
    /// # Errors
    ///
    /// As for [`recv`](Self::recv).
    pub fn try_recv(&mut self, buf: &mut [u8]) -> Result<Option<usize>, RecvError> {
        let received = self.try_recv_from(buf)?;
        Ok(received.map(|(length, _)| length))
    }

    /// Receives a datagram and its sender's address if there is one, and returns `None` if not.
    ///
    /// # Errors
    ///
    /// As for [`recv`](Self::recv).
    pub fn try_recv_from(
        &mut self,
        buf: &mut [u8],
    ) -> Result<Option<(usize, SocketAddr)>, RecvError> {
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

    /// Sends one datagram to another address than the [peer's](Self::peer_addr), such as one that a datagram
    /// [came from](Self::recv_from), and otherwise as [`send`](Self::send) does.
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send); [`SendError::Io`] also if the socket cannot reach the address.
    ///
    /// # Cancel safety
    ///
    /// As for [`send`](Self::send).
    pub async fn send_to(&self, datagram: &[u8], to: SocketAddr) -> Result<(), SendError> {
        let way = self.way_to(to)?;
        poll_fn(|cx| {
            self.poll_by(cx, |cx| {
                self.send_by(Shared::send_now, way, datagram, Patience::Wait(cx))
            })
        })
        .await
    }

    /// Polls to send one datagram to another address soon, as writing does; see [`send_to`](Self::send_to).
    ///
    /// # Errors
    ///
    /// As for [`send_to`](Self::send_to).
    pub fn poll_write_to(
        &mut self,
        cx: &mut Context<'_>,
        datagram: &[u8],
        to: SocketAddr,
    ) -> Poll<Result<(), SendError>> {
        let way = self.way_to(to)?;
        waits(self.send_by(Shared::queue, way, datagram, Patience::Wait(cx)))
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
        self.send_by(Shared::queue, self.way(), datagram, patience)
    }

    /// Sends one datagram if the socket takes it at once.
    ///
    /// # Errors
    ///
    /// [`SendError::WouldBlock`] if the send buffer is full, or the peer has its part of it already, otherwise as for
    /// [`send`](Self::send).
    pub fn try_send(&self, datagram: &[u8]) -> Result<(), SendError> {
        self.send_by(Shared::send_now, self.way(), datagram, Patience::None)
    }

    /// Lets the channel get the datagrams that [`Config::route`](crate::Config::route) finds this identifier in,
    /// wherever they come from, besides those of its peer's address.
    ///
    /// A channel may have several ([`Config::max_identifiers`](crate::Config::max_identifiers)). It has them until they
    /// are [removed](Self::remove_identifier), or it ends or is dropped. One that it has already stays.
    ///
    /// # Errors
    ///
    /// If another channel has the identifier, this one has as many as it may, or has ended.
    pub fn add_identifier(&self, identifier: Identifier) -> Result<(), IdentifierError> {
        let added = self.handle.identify(&self.inbox, identifier);
        added.map_err(|denied| match denied {
            Denied::Taken => IdentifierError::InUse(identifier),
            Denied::Limit => IdentifierError::LimitReached,
            Denied::Replaced => IdentifierError::Replaced,
            Denied::Dead => IdentifierError::SocketClosed,
        })
    }

    /// Takes an identifier from the channel, and returns whether it had it. Datagrams that wait already stay.
    pub fn remove_identifier(&self, identifier: &Identifier) -> bool {
        self.handle.forget(&self.inbox, identifier)
    }

    /// Moves the channel to another address of its peer: datagrams from there come to it from now on, and its own go
    /// there. The address that it had is free for another peer.
    ///
    /// If another channel has the address, it loses it, provided that it has an
    /// [identifier](Self::add_identifier) by which its own peer can still reach it: so two channels can swap addresses.
    /// That one's [`peer_addr`](Self::peer_addr) stays as it was, and it still sends there. What waits to be sent goes to the old
    /// address. A candidate that moves is none any longer: it will not take the place of the channel that it stood beside.
    ///
    /// Call it only when the peer has proved that it is there, since anybody can write any address on a datagram.
    ///
    /// # Errors
    ///
    /// If the address is no peer's or cannot be reached, if a channel without an identifier has it, or if this channel
    /// has ended.
    pub fn set_peer(&self, peer: SocketAddr) -> Result<(), SetPeerError> {
        let socket = &self.handle.socket;
        let peer = socket.destination(peer).map_err(|unfit| match unfit {
            Unfit::Unspecified(peer) => SetPeerError::Unspecified(peer),
            Unfit::AddressFamily(peer) => SetPeerError::AddressFamily(peer),
        })?;
        let moved = self.handle.relocate(&self.inbox, peer);
        moved.map_err(|denied| match denied {
            Denied::Replaced => SetPeerError::Replaced,
            Denied::Dead => SetPeerError::SocketClosed,
            Denied::Taken | Denied::Limit => SetPeerError::InUse(peer),
        })?;
        // What is known is known of the old path.
        let _ = self.inbox.take_refused();
        self.path.forget();
        Ok(())
    }

    /// The address of the peer.
    pub fn peer_addr(&self) -> SocketAddr {
        self.inbox.peer()
    }

    /// The address that datagrams to the peer leave from: the one that the peer wrote to, or the socket's if
    /// the channel was opened from this side, or the peer has [moved](Self::set_peer) to the other family.
    pub fn local_addr(&self) -> SocketAddr {
        self.handle.local_addr(self.way().from)
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
        self.poll_by(cx, |cx| {
            self.send_by(Shared::send_now, self.way(), datagram, Patience::Wait(cx))
        })
    }

    fn poll_by(
        &self,
        cx: &mut Context<'_>,
        send: impl FnOnce(&mut Context<'_>) -> Result<(), SendError>,
    ) -> Poll<Result<(), SendError>> {
        let budget = ready!(coop::poll_proceed(cx));
        let sent = waits(send(cx));
        if sent.is_ready() {
            budget.made_progress();
        }
        sent
    }

    fn send_by(
        &self,
        send: impl FnOnce(&Shared, Origin<'_>, &[u8], Patience<'_, '_>) -> Result<(), SendError>,
        way: Way,
        datagram: &[u8],
        patience: Patience<'_, '_>,
    ) -> Result<(), SendError> {
        self.inbox.check_sendable()?;
        // No peer of this crate would see it.
        if datagram.is_empty() {
            return Ok(());
        }
        let origin = Origin {
            way,
            meter: Some(self.inbox.meter()),
        };
        let sent = send(&self.handle, origin, datagram, patience);
        self.count(sent, way, datagram.len())
    }

    fn count(
        &self,
        result: Result<(), SendError>,
        way: Way,
        length: usize,
    ) -> Result<(), SendError> {
        match &result {
            Ok(()) => self.sent.add(1),
            Err(SendError::WouldBlock) => {}
            Err(error) => {
                self.send_errors.add(1);
                // Of another path nothing is kept.
                let own = way.peer == self.inbox.peer();
                if own && matches!(error, SendError::Io(error) if path::is_too_long(error)) {
                    self.path.refused(length, || self.ask_path());
                }
            }
        }
        result
    }

    fn way(&self) -> Way {
        self.way_by(self.inbox.peer())
    }

    fn way_to(&self, peer: SocketAddr) -> Result<Way, SendError> {
        let peer = self.handle.socket.destination(peer);
        let peer = peer.map_err(|unfit| SendError::Io(unfit.into()))?;
        Ok(self.way_by(peer))
    }

    fn way_by(&self, peer: SocketAddr) -> Way {
        Way {
            peer,
            from: self.local_ip.filter(|ip| ip.is_ipv4() == peer.is_ipv4()),
        }
    }

    fn ask_path(&self) -> Option<usize> {
        let Way { peer, from } = self.way();
        path::to(peer, from)
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
