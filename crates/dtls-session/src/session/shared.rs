//! A session's state, as its handle and its keeper share it.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::{Bytes, BytesMut};

use crate::{
    config::SessionConfig,
    error::{MtuError, RecvError, SendError},
    listener::registry::Permit,
    record_layer::{Failure, Opened, RecordLayer, scratch::with_plaintext},
    session::{info::SessionInfo, waiters::Waiters},
    stats::SessionStats,
};

#[derive(Debug)]
pub(crate) struct Shared {
    core: Mutex<Core>,
    pub(crate) waiters: Arc<Waiters>,
    waker: Waker,
}

impl Shared {
    pub(crate) fn new(
        layer: RecordLayer,
        config: &SessionConfig,
        permit: Option<Permit>,
        handshake_time: Duration,
    ) -> Self {
        let waiters = Arc::new(Waiters::default());
        // The handshake may have left something behind.
        waiters.stir();
        let core = Core {
            layer,
            unread: VecDeque::new(),
            spare: BytesMut::new(),
            recv_queue: config.recv_queue,
            end: None,
            closed: false,
            handshake_time,
            configured_mtu: config.mtu,
            counts: SessionStats::default(),
            _permit: permit,
        };
        Self {
            core: Mutex::new(core),
            waker: Arc::clone(&waiters).into(),
            waiters,
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The context to poll the record layer with, whoever asks.
    pub(crate) fn context(&self) -> Context<'_> {
        Context::from_waker(&self.waker)
    }
}

#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) layer: RecordLayer,
    /// Datagrams that were opened while nobody took them.
    unread: VecDeque<Bytes>,
    /// Where datagrams that leave as `Bytes` are cut from, again and again.
    spare: BytesMut,
    recv_queue: usize,
    end: Option<End>,
    /// Whether this side has sent its close_notify.
    closed: bool,
    handshake_time: Duration,
    configured_mtu: usize,
    counts: SessionStats,
    /// Held until the session is dropped.
    _permit: Option<Permit>,
}

/// Why nothing more is received.
#[derive(Clone, Debug)]
pub(crate) enum End {
    CloseNotify,
    Error(RecvError),
}

impl Core {
    /// Copies the next datagram to `buf`; None is the peer's close_notify.
    pub(crate) fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<Option<usize>, RecvError>> {
        // OpenSSL cannot be asked for less than a byte.
        if self.unread.is_empty() && !buf.is_empty() {
            match self.poll_open(cx, buf) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(self.ending()),
                Poll::Ready(Some(length)) if self.layer.pending() == 0 => {
                    return Poll::Ready(Ok(Some(length)));
                }
                Poll::Ready(Some(length)) => self.keep_long(&buf[..length]),
            }
        }
        if self.unread.is_empty() {
            match self.poll_open_one(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(self.ending()),
                Poll::Ready(Some(datagram)) => self.unread.push_front(datagram),
            }
        }
        let datagram = self.unread.front().expect("one was found or just pushed");
        let (needed, capacity) = (datagram.len(), buf.len());
        let Some(room) = buf.get_mut(..needed) else {
            return Poll::Ready(Err(RecvError::BufferTooShort { needed, capacity }));
        };
        room.copy_from_slice(datagram);
        self.unread.pop_front();
        Poll::Ready(Ok(Some(needed)))
    }

    /// Takes the next datagram; None is the peer's close_notify.
    pub(crate) fn poll_recv_bytes(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Bytes>, RecvError>> {
        if let Some(datagram) = self.unread.pop_front() {
            return Poll::Ready(Ok(Some(datagram)));
        }
        match self.poll_open_one(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(datagram)) => Poll::Ready(Ok(Some(datagram))),
            Poll::Ready(None) => Poll::Ready(self.ending().map(|_| None)),
        }
    }

    /// Opens what has come while nobody receives; true if there was anything to tell of.
    pub(crate) fn keep(&mut self, cx: &mut Context<'_>) -> bool {
        let mut news = false;
        for _ in 0..MAX_BURST {
            match self.poll_open_one(cx) {
                Poll::Pending => return news,
                Poll::Ready(None) => return true,
                Poll::Ready(Some(_)) if self.unread.len() >= self.recv_queue => {
                    self.counts.dropped_unread += 1;
                }
                Poll::Ready(Some(datagram)) => self.unread.push_back(datagram),
            }
            news = true;
        }
        cx.waker().wake_by_ref();
        news
    }

    /// Waits until the pipe has taken what was sent before.
    pub(crate) fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.layer.poll_drain(cx)
    }

    pub(crate) fn send(&mut self, cx: &mut Context<'_>, datagram: &[u8]) -> Result<(), SendError> {
        let (size, max) = (datagram.len(), self.layer.max_plaintext());
        match &self.end {
            _ if self.closed => return Err(SendError::Closed),
            Some(End::CloseNotify) => return Err(SendError::Closed),
            Some(End::Error(error)) => return Err(SendError::Ended(error.clone())),
            None if size == 0 => return Err(SendError::Empty),
            None if size > max => return Err(SendError::TooLarge { size, max }),
            None => {}
        }
        if let Err(failure) = self.layer.seal(cx, datagram) {
            let error = self.finish(failure);
            return Err(SendError::Ended(error));
        }
        if self.layer.take_refused() {
            let max = self.layer.max_plaintext();
            if size > max {
                return Err(SendError::TooLarge { size, max });
            }
        }
        self.counts.sent += 1;
        self.counts.sent_bytes += size as u64;
        Ok(())
    }

    /// Sends close_notify unless that was done or nobody is left to read it.
    pub(crate) fn close(&mut self, cx: &mut Context<'_>) {
        let gone = match &self.end {
            Some(End::Error(RecvError::IdleTimedOut(_))) | Some(End::CloseNotify) | None => false,
            Some(End::Error(_)) => true,
        };
        if !self.closed && !gone {
            self.layer.seal_close(cx);
        }
        self.closed = true;
    }

    /// Sets the MTU, which OpenSSL's buffers do not let grow beyond what was configured.
    pub(crate) fn set_mtu(&mut self, asked: usize) -> Result<(), MtuError> {
        let (least, most) = (*SessionConfig::MTU.start(), self.configured_mtu);
        if !(least..=most).contains(&asked) {
            return Err(MtuError { asked, least, most });
        }
        self.layer.set_mtu(asked);
        Ok(())
    }

    pub(crate) fn expire(&mut self, idle: Duration) {
        self.end
            .get_or_insert(End::Error(RecvError::IdleTimedOut(idle)));
    }

    fn poll_open_one(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        with_plaintext(|scratch| {
            self.poll_open(cx, scratch).map(|opened| {
                opened.map(|length| {
                    self.spare.extend_from_slice(&scratch[..length]);
                    self.spare.split().freeze()
                })
            })
        })
    }

    /// Opens a record into `buf`; None once the session has ended.
    fn poll_open(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<Option<usize>> {
        if self.end.is_some() {
            return Poll::Ready(None);
        }
        match std::task::ready!(self.layer.poll_open(cx, buf)) {
            Ok(Opened::Record(length)) => {
                self.counts.received += 1;
                self.counts.received_bytes += (length + self.layer.pending()) as u64;
                return Poll::Ready(Some(length));
            }
            Ok(Opened::CloseNotify) => self.end = Some(End::CloseNotify),
            Err(failure) => {
                self.finish(failure);
            }
        }
        Poll::Ready(None)
    }

    /// Puts a record together again of which only the start had room in the caller's buffer.
    fn keep_long(&mut self, start: &[u8]) {
        let mut whole = start.to_vec();
        whole.resize(start.len() + self.layer.pending(), 0);
        // What is pending is in memory already, so nobody has to be woken for it.
        let mut cx = Context::from_waker(Waker::noop());
        if let Poll::Ready(Ok(Opened::Record(_))) =
            self.layer.poll_open(&mut cx, &mut whole[start.len()..])
        {
            self.unread.push_front(whole.into());
        }
    }

    fn finish(&mut self, failure: Failure) -> RecvError {
        let error = RecvError::from(failure);
        self.end.get_or_insert_with(|| End::Error(error.clone()));
        error
    }

    fn ending(&self) -> Result<Option<usize>, RecvError> {
        match &self.end {
            Some(End::Error(error)) => Err(error.clone()),
            _ => Ok(None),
        }
    }

    /// Lets the keeper see that nobody is left to keep the session for.
    pub(crate) fn abandon(&mut self) {
        self.end.get_or_insert(End::CloseNotify);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.end.is_some()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// How many authentic datagrams have come: while this grows, the peer lives.
    pub(crate) fn signs_of_life(&self) -> u64 {
        self.counts.received
    }

    pub(crate) fn info(&mut self) -> SessionInfo {
        // It may lower the MTU.
        let max_datagram_size = self.layer.max_plaintext();
        SessionInfo {
            cookie_exchange: self.layer.transport_ref().cookie_exchange(),
            handshake_time: self.handshake_time,
            round_trip: self.layer.round_trip(),
            retransmissions: self.layer.retransmissions(),
            mtu: self.layer.transport_ref().egress().mtu(),
            max_datagram_size,
            ..SessionInfo::of(self.layer.ssl())
        }
    }

    pub(crate) fn stats(&self) -> SessionStats {
        SessionStats {
            received: self.counts.received,
            received_bytes: self.counts.received_bytes,
            sent: self.counts.sent,
            sent_bytes: self.counts.sent_bytes,
            dropped_unread: self.counts.dropped_unread,
            retransmissions: self.layer.retransmissions(),
            ..self.layer.transport_ref().stats()
        }
    }
}

/// How many datagrams the keeper opens before it lets others run.
const MAX_BURST: usize = 32;
