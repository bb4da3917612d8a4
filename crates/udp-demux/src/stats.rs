use std::sync::atomic::{AtomicU64, Ordering};

/// What an [`Endpoint`](crate::Endpoint) has counted since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Datagrams that the socket yielded, dropped ones included.
    pub received: u64,
    /// Bytes in those datagrams.
    pub received_bytes: u64,
    /// Receive calls that yielded something: `received / receive_calls` is the mean batch.
    pub receive_calls: u64,
    /// Receive calls that failed; the endpoint carried on.
    pub receive_errors: u64,
    /// Empty datagrams, which are dropped.
    pub dropped_empty: u64,
    /// Datagrams longer than [`Config::max_datagram`](crate::Config::max_datagram), which are dropped.
    pub dropped_too_long: u64,
    /// Datagrams of known peers, dropped because the channel's queue was full.
    pub dropped_queue_full: u64,
    /// Datagrams for [`Endpoint::accept`](crate::Endpoint::accept), dropped because the backlog was full.
    pub dropped_backlog_full: u64,
    /// Datagrams for [`Endpoint::accept`](crate::Endpoint::accept), dropped because the endpoint was.
    pub dropped_no_acceptor: u64,
    /// Datagrams with an identifier that no channel has, which are dropped
    /// ([`Route::Identifier`](crate::Route::Identifier)).
    pub dropped_unknown_identifier: u64,
    /// Datagrams of known peers that went to [`Endpoint::accept`](crate::Endpoint::accept).
    pub diverted: u64,
    /// Datagrams that belonged to no channel and were answered where they were received
    /// ([`Endpoint::set_responder`](crate::Endpoint::set_responder)).
    pub answered: u64,
    /// Datagrams that belonged to no channel and that the responder dropped.
    pub discarded: u64,
    /// Datagrams that the system took for sending, stateless replies included.
    pub sent: u64,
    /// Bytes in those datagrams.
    pub sent_bytes: u64,
    /// Attempts to send that failed for another reason than a full send buffer.
    pub send_errors: u64,
    /// Attempts to send that met a full send buffer.
    pub send_would_block: u64,
    /// Datagrams that waited for the send buffer: it was full, or their peer had its part of it.
    pub send_delayed: u64,
    /// Datagrams that were to be sent and dropped, because as many waited as may
    /// ([`Config::send_queue_bytes`](crate::Config::send_queue_bytes)), or because they were replies to strangers
    /// and the send buffer was full.
    pub dropped_unsent: u64,
}

/// What a [`Channel`](crate::Channel) has counted since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChannelStats {
    /// Datagrams that were put into the queue.
    pub received: u64,
    /// Datagrams dropped because the queue was full.
    pub dropped_queue_full: u64,
    /// Datagrams that the system took for sending.
    pub sent: u64,
    /// Attempts to send that failed for another reason than a full send buffer.
    pub send_errors: u64,
}

/// What a [`ConnectedSocket`](crate::ConnectedSocket) has counted since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectedStats {
    /// Datagrams that were received.
    pub received: u64,
    /// Empty datagrams, which are dropped.
    pub dropped_empty: u64,
    /// Datagrams that the system took for sending.
    pub sent: u64,
    /// Datagrams that the system did not take, for another reason than a full send buffer.
    pub send_errors: u64,
    /// Errors of earlier datagrams, such as come of ICMP messages; each ended nothing.
    pub errors: u64,
    /// Those among them that said that nobody listens on the peer's port.
    pub refusals: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) received: Counter,
    pub(crate) received_bytes: Counter,
    pub(crate) receive_calls: Counter,
    pub(crate) receive_errors: Counter,
    pub(crate) dropped_empty: Counter,
    pub(crate) dropped_too_long: Counter,
    pub(crate) dropped_queue_full: Counter,
    pub(crate) dropped_backlog_full: Counter,
    pub(crate) dropped_no_acceptor: Counter,
    pub(crate) dropped_unknown_identifier: Counter,
    pub(crate) diverted: Counter,
    pub(crate) answered: Counter,
    pub(crate) discarded: Counter,
    pub(crate) sent: Counter,
    pub(crate) sent_bytes: Counter,
    pub(crate) send_errors: Counter,
    pub(crate) send_would_block: Counter,
    pub(crate) send_delayed: Counter,
    pub(crate) dropped_unsent: Counter,
}

impl Counters {
    pub(crate) fn snapshot(&self) -> Stats {
        Stats {
            received: self.received.value(),
            received_bytes: self.received_bytes.value(),
            receive_calls: self.receive_calls.value(),
            receive_errors: self.receive_errors.value(),
            dropped_empty: self.dropped_empty.value(),
            dropped_too_long: self.dropped_too_long.value(),
            dropped_queue_full: self.dropped_queue_full.value(),
            dropped_backlog_full: self.dropped_backlog_full.value(),
            dropped_no_acceptor: self.dropped_no_acceptor.value(),
            dropped_unknown_identifier: self.dropped_unknown_identifier.value(),
            diverted: self.diverted.value(),
            answered: self.answered.value(),
            discarded: self.discarded.value(),
            sent: self.sent.value(),
            sent_bytes: self.sent_bytes.value(),
            send_errors: self.send_errors.value(),
            send_would_block: self.send_would_block.value(),
            send_delayed: self.send_delayed.value(),
            dropped_unsent: self.dropped_unsent.value(),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, n: usize) {
        self.0.fetch_add(n as u64, Ordering::Relaxed);
    }

    pub(crate) fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
