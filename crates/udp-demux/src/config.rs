use crate::route::{Route, Router};

/// The limits and sizes of an [`Endpoint`](crate::Endpoint).
///
/// Setters chain; what is not set keeps its default.
///
/// ```
/// let config = udp_demux::Config::default().recv_queue(64).backlog(128);
/// # let _ = config;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Config {
    pub(crate) recv_queue: usize,
    pub(crate) recv_queue_bytes: usize,
    pub(crate) backlog: usize,
    pub(crate) backlog_bytes: usize,
    pub(crate) max_channels: usize,
    pub(crate) max_datagram: usize,
    pub(crate) batch: usize,
    pub(crate) recv_buffer_size: usize,
    pub(crate) send_buffer_size: usize,
    pub(crate) send_queue_bytes: usize,
    pub(crate) max_identifiers: usize,
    pub(crate) route: Router,
    pub(crate) urgent: fn(&[u8]) -> bool,
}

impl Config {
    /// Bounds the datagrams that wait in one channel; further ones are dropped. Default: 256 datagrams, at least 1.
    pub fn recv_queue(mut self, datagrams: usize) -> Self {
        self.recv_queue = datagrams.max(1);
        self
    }

    /// Bounds the bytes that wait in one channel. Default: 256 KiB.
    ///
    /// An empty queue takes one datagram of any size, so that no datagram is undeliverable for ever.
    pub fn recv_queue_bytes(mut self, bytes: usize) -> Self {
        self.recv_queue_bytes = bytes;
        self
    }

    /// Bounds the datagrams that wait for [`Endpoint::accept`](crate::Endpoint::accept); further ones are
    /// dropped. Default: 1024 datagrams, at least 1.
    pub fn backlog(mut self, datagrams: usize) -> Self {
        self.backlog = datagrams.max(1);
        self
    }

    /// Bounds the bytes that wait for [`Endpoint::accept`](crate::Endpoint::accept). Default: 2 MiB.
    ///
    /// An empty backlog takes one datagram of any size.
    pub fn backlog_bytes(mut self, bytes: usize) -> Self {
        self.backlog_bytes = bytes;
        self
    }

    /// Bounds the channels that are live at a time, candidates included. Default: 65 536 channels.
    pub fn max_channels(mut self, channels: usize) -> Self {
        self.max_channels = channels;
        self
    }

    /// Drops and counts received datagrams that are longer. Default and maximum: 65 535 bytes.
    pub fn max_datagram(mut self, bytes: usize) -> Self {
        self.max_datagram = bytes.clamp(1, MAX_DATAGRAM);
        self
    }

    /// Sets how many buffers one receive call may fill. Default and maximum: what the platform takes in one
    /// call, 32 buffers on Linux.
    ///
    /// A buffer is 64 KiB of address space where the kernel coalesces datagrams; it becomes memory only as far
    /// as it was ever filled. Many small endpoints in one process want a small batch.
    pub fn batch(mut self, buffers: usize) -> Self {
        self.batch = buffers.clamp(1, quinn_udp::BATCH_SIZE);
        self
    }

    /// Asks the system for a receive buffer of this size, best effort. Default: 4 MiB.
    pub fn recv_buffer_size(mut self, bytes: usize) -> Self {
        self.recv_buffer_size = bytes;
        self
    }

    /// Asks the system for a send buffer of this size, best effort. Default: 1 MiB.
    pub fn send_buffer_size(mut self, bytes: usize) -> Self {
        self.send_buffer_size = bytes;
        self
    }

    /// Bounds the bytes that wait for the send buffer, for each peer. Default: 32 KiB.
    ///
    /// They wait while the send buffer is full, or while the peer's own datagrams stay in it, as behind a slow
    /// interface; those of other peers do not. Peers take turns. All together 1 MiB of data wait at most, beyond
    /// which the newest of the peer that has most is dropped and counted
    /// ([`Stats::dropped_unsent`](crate::Stats::dropped_unsent)). An empty queue takes one datagram of any size.
    pub fn send_queue_bytes(mut self, bytes: usize) -> Self {
        self.send_queue_bytes = bytes;
        self
    }

    /// Lets those datagrams go first for which `urgent` returns true, while others wait for the send buffer.
    /// Default: none, and replies to strangers ([`Incoming::reply`](crate::Incoming::reply)) always.
    ///
    /// It is for what is small and what others wait for, such as handshakes. `urgent` runs only while something
    /// waits, and must not panic.
    pub fn urgent(mut self, urgent: fn(&[u8]) -> bool) -> Self {
        self.urgent = urgent;
        self
    }

    /// Bounds the [identifiers](crate::Channel::add_identifier) of each channel. Default: 8 identifiers.
    pub fn max_identifiers(mut self, identifiers: usize) -> Self {
        self.max_identifiers = identifiers;
        self
    }

    /// Decides by `route` where each datagram belongs. Default: [to the peer's channel](Route::Peer).
    ///
    /// This is how a peer that starts anew from the same address is noticed, and how one is known again that comes
    /// from another address. `route` runs for every datagram, so it has to be quick. It must neither panic, which would end the
    /// endpoint, nor use the endpoint or a channel of it.
    pub fn route(mut self, route: impl Fn(&[u8]) -> Route + Send + Sync + 'static) -> Self {
        self.route = Router::new(route);
        self
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            recv_queue: 256,
            recv_queue_bytes: 256 << 10,
            backlog: 1024,
            backlog_bytes: 2 << 20,
            max_channels: 65_536,
            max_datagram: MAX_DATAGRAM,
            batch: quinn_udp::BATCH_SIZE,
            recv_buffer_size: 4 << 20,
            send_buffer_size: 1 << 20,
            send_queue_bytes: 32 << 10,
            max_identifiers: 8,
            route: Router::new(|_| Route::Peer),
            urgent: |_| false,
        }
    }
}

pub(crate) const MAX_DATAGRAM: usize = 65_535;
