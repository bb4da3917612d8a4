//! What a session does with its records.

use std::{
    collections::VecDeque,
    mem,
    sync::Weak,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use tokio::time::Instant;

use crate::{
    error::{Closed, ClosedBy, MtuError, RecvError, SendError, failure::Failure},
    established::Records,
    guard::{Close, Guard},
    records::{Opened, room::Room},
    session::watch::{State, Watch},
    settings::config::SessionConfig,
    stats::SessionStats,
};

pub(crate) struct Core {
    pub(crate) records: Records,
    /// Datagrams that were opened while nobody took them.
    unread: VecDeque<Bytes>,
    /// Where datagrams that leave as `Bytes` are cut from, again and again.
    spare: BytesMut,
    /// Why nothing more will come.
    end: Option<Closed>,
    /// When this side has sent its close_notify.
    closed: Option<Instant>,
    /// Whether a stream has told of the end.
    pub(crate) told: bool,
    most_mtu: usize,
    counts: Counts,
    /// How many datagrams had been sent and received at the last [rest](Self::rest).
    rested: u64,
    /// Whether there may be something that only a busy session needs.
    busy: bool,
    pub(crate) watch: Watch,
    /// Held until the session is dropped.
    guard: Option<Box<dyn Guard>>,
}

impl Core {
    pub(crate) fn new(
        records: Records,
        most_mtu: usize,
        guard: Option<Box<dyn Guard>>,
        watch: Watch,
    ) -> Self {
        Self {
            records,
            unread: VecDeque::new(),
            spare: BytesMut::new(),
            end: None,
            closed: None,
            told: false,
            most_mtu,
            counts: Counts::default(),
            rested: 0,
            // The handshake has left something behind.
            busy: true,
            watch,
            guard,
        }
    }

    /// Copies the next datagram to `buf`; None once a close_notify has ended the session.
    pub(crate) fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<Option<usize>, RecvError>> {
        if self.closed.is_some() && self.unread.is_empty() {
            return Poll::Ready(self.ending().map(|()| None));
        }
        // OpenSSL cannot be asked for less than a byte.
        if self.unread.is_empty() && !buf.is_empty() {
            match ready!(self.poll_open(cx, Room::Slice(buf))) {
                None => return Poll::Ready(self.ending().map(|()| None)),
                Some(Plaintext::Here(length)) => return Poll::Ready(Ok(Some(length))),
                Some(Plaintext::Long(datagram)) => self.unread.push_front(datagram),
            }
        }
        if self.unread.is_empty() {
            match ready!(self.poll_open_one(cx)) {
                None => return Poll::Ready(self.ending().map(|()| None)),
                Some(datagram) => self.unread.push_front(datagram),
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

    /// Takes the next datagram; None once a close_notify has ended the session.
    pub(crate) fn poll_recv_bytes(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Bytes>, RecvError>> {
        if let Some(datagram) = self.unread.pop_front() {
            return Poll::Ready(Ok(Some(datagram)));
        }
        if self.closed.is_some() {
            return Poll::Ready(self.ending().map(|()| None));
        }
        match ready!(self.poll_open_one(cx)) {
            Some(datagram) => Poll::Ready(Ok(Some(datagram))),
            None => Poll::Ready(self.ending().map(|()| None)),
        }
    }

    /// Opens what has come while nobody receives; true if there is anything to tell of.
    ///
    /// It looks a few datagrams ahead and no further: the others wait in the pipe's own queue, so
    /// that there is one queue to set.
    pub(crate) fn keep(&mut self, cx: &mut Context<'_>) -> bool {
        let mut news = false;
        for _ in 0..LOOK_AHEAD {
            if self.is_full() {
                return news;
            }
            match self.poll_open_one(cx) {
                Poll::Pending => return news,
                Poll::Ready(None) => return true,
                // After our own close nobody is left to read it (RFC 5246 7.2.1).
                Poll::Ready(Some(_)) if self.closed.is_some() => self.counts.dropped_closed += 1,
                Poll::Ready(Some(datagram)) => self.unread.push_back(datagram),
            }
            news = true;
        }
        cx.waker().wake_by_ref();
        news
    }

    /// Waits until the pipe has taken what was sent before.
    pub(crate) fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.records.poll_drain(cx)
    }

    pub(crate) fn send(&mut self, cx: &mut Context<'_>, datagram: &[u8]) -> Result<(), SendError> {
        if let Some(closed) = self.close_reason() {
            return Err(SendError::Closed(closed));
        }
        let (size, max) = (datagram.len(), self.max_datagram_size());
        if size == 0 {
            return Err(SendError::Empty);
        }
        if size > max {
            return Err(SendError::TooLarge { size, max });
        }
        if let Err(failure) = self.records.seal(cx, datagram) {
            return Err(SendError::Closed(self.finish(failure)));
        }
        if self.records.take_refused() {
            let max = self.max_datagram_size();
            if size > max {
                return Err(SendError::TooLarge { size, max });
            }
        }
        self.counts.sent += 1;
        self.counts.sent_bytes += size as u64;
        if !mem::replace(&mut self.busy, true) {
            // So that the keeper comes by for the next rest, even if the peer never sends anything.
            cx.waker().wake_by_ref();
        }
        Ok(())
    }

    /// Sends close_notify unless that was done or nobody is left to read it.
    pub(crate) fn close(&mut self, cx: &mut Context<'_>) {
        if self.closed.is_some() {
            return;
        }
        let heard = self.end.as_ref().is_none_or(|end| {
            matches!(
                end.by,
                ClosedBy::Peer | ClosedBy::Idle(_) | ClosedBy::KeyLimit
            )
        });
        if heard {
            self.records.seal_close(cx);
        }
        self.closed = Some(Instant::now());
        // What the pipe does not take at once, the next poll of anybody sends.
        let _ = self.poll_drain(cx);
    }

    /// Sets the MTU, which OpenSSL's buffers do not let grow beyond what was configured.
    pub(crate) fn set_mtu(&mut self, asked: usize) -> Result<(), MtuError> {
        let (least, most) = (*SessionConfig::MTU.start(), self.most_mtu);
        if !(least..=most).contains(&asked) {
            return Err(MtuError { asked, least, most });
        }
        self.records.set_mtu(asked);
        Ok(())
    }

    /// Lets go of what only a busy session needs, if nothing was sent or received since this was called before.
    pub(crate) fn rest(&mut self) {
        let moved = self.counts.received + self.counts.sent;
        let idle = mem::replace(&mut self.rested, moved) == moved;
        self.records.rest(idle);
        if idle {
            self.spare = BytesMut::new();
        }
        self.busy = !idle;
    }

    /// Lets the session be closed by its listener, if it has one; false if that has closed already.
    #[must_use]
    pub(crate) fn closes(&self, session: Weak<dyn Close>) -> bool {
        let guard = self.guard.as_ref();
        guard.is_none_or(|guard| guard.closes(session))
    }

    /// Ends the session, unless it has ended already.
    pub(crate) fn end(&mut self, by: ClosedBy) {
        self.end.get_or_insert_with(|| Closed::by(by));
    }

    /// Whether nothing more is to be waited for.
    pub(crate) fn is_over(&self) -> bool {
        self.end.is_some()
    }

    /// Why nothing can be sent any more.
    pub(crate) fn close_reason(&self) -> Option<Closed> {
        let ours = || self.closed.map(|_| Closed::by(ClosedBy::Us));
        self.end.clone().or_else(ours)
    }

    /// Whether datagrams wait for the application, and perhaps others behind them in the pipe.
    pub(crate) fn is_full(&self) -> bool {
        self.closed.is_none() && self.unread.len() >= LOOK_AHEAD
    }

    /// Whether something waits for the pipe to take it.
    pub(crate) fn is_unsent(&self) -> bool {
        self.records.is_unsent()
    }

    pub(crate) fn mtu(&self) -> usize {
        self.records.mtu()
    }

    pub(crate) fn max_datagram_size(&mut self) -> usize {
        self.records.max_plaintext()
    }

    /// How the session is, for whoever looks at the clock.
    pub(crate) fn state(&self) -> State {
        State {
            // While this grows, the peer lives.
            signs_of_life: self.counts.received,
            is_full: self.is_full(),
            is_busy: self.busy,
            closing: self.closed.map(|closed| closed.elapsed()),
            forgets: self.records.forgets(),
        }
    }

    pub(crate) fn stats(&self) -> SessionStats {
        SessionStats {
            received: self.counts.received,
            received_bytes: self.counts.received_bytes,
            sent: self.counts.sent,
            sent_bytes: self.counts.sent_bytes,
            dropped_closed: self.counts.dropped_closed,
            ..self.records.stats()
        }
    }

    fn poll_open_one(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let mut spare = mem::take(&mut self.spare);
        let opened = self.poll_open(cx, Room::Bytes(&mut spare));
        let opened = opened.map(|opened| {
            opened.map(|plaintext| match plaintext {
                Plaintext::Here(_) => spare.split().freeze(),
                Plaintext::Long(datagram) => datagram,
            })
        });
        self.spare = spare;
        opened
    }

    /// Opens a record into `room`; None once the session has ended.
    fn poll_open(&mut self, cx: &mut Context<'_>, room: Room<'_>) -> Poll<Option<Plaintext>> {
        if self.end.is_some() {
            return Poll::Ready(None);
        }
        match ready!(self.records.poll_open(cx, room)) {
            Ok(Opened::Record(length)) => {
                self.count_received(length);
                return Poll::Ready(Some(Plaintext::Here(length)));
            }
            Ok(Opened::Long(datagram)) => {
                self.count_received(datagram.len());
                return Poll::Ready(Some(Plaintext::Long(datagram)));
            }
            // Both sides have said it: who did so first has ended it.
            Ok(Opened::CloseNotify) if self.closed.is_some() => self.end(ClosedBy::Us),
            Ok(Opened::CloseNotify) => {
                self.end(ClosedBy::Peer);
                // It is answered at once (RFC 5246 7.2.1): the peer may wait for that.
                self.close(cx);
            }
            Err(failure) => {
                self.finish(failure);
            }
        }
        Poll::Ready(None)
    }

    fn count_received(&mut self, bytes: usize) {
        self.busy = true;
        self.counts.received += 1;
        self.counts.received_bytes += bytes as u64;
    }

    fn finish(&mut self, failure: Failure) -> Closed {
        let closed = Closed::from(failure);
        self.end.get_or_insert_with(|| closed.clone());
        closed
    }

    fn ending(&self) -> Result<(), RecvError> {
        match &self.end {
            Some(closed) if !closed.is_orderly() => Err(RecvError::Closed(closed.clone())),
            _ => Ok(()),
        }
    }
}

/// What the application has sent and received.
#[derive(Debug, Default)]
struct Counts {
    received: u64,
    received_bytes: u64,
    sent: u64,
    sent_bytes: u64,
    dropped_closed: u64,
}

/// A datagram that was opened.
enum Plaintext {
    /// In the room that was given, of so many bytes.
    Here(usize),
    /// It did not fit there.
    Long(Bytes),
}

/// How many datagrams are opened ahead of the application.
const LOOK_AHEAD: usize = 16;
