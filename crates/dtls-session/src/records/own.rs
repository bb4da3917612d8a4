//! A session's records, sealed and opened by this crate.

use std::{
    fmt, mem,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use dtls_wire::{
    AlertLevel, AnyRecord, ContentType, Decode, Encode, Fragment, HandshakeType, Record, fragments,
};
use tokio::time::Instant;

use crate::{
    alert::Alert,
    datagrams::Received,
    error::failure::Failure,
    records::{
        Opened,
        exporter::Exporter,
        last_flight::{self, LastFlight},
        layout::MAX_PLAINTEXT,
        link::Link,
        open::{OpenError, Opening},
        outbound::Outbound,
        room::Room,
        scratch::{with_datagram, with_record},
        seal::{SealError, Sealing},
    },
    settings::message_log::{self, MessageLog},
    stats::SessionStats,
};

/// What a handshake hands over to the session's own records.
pub(crate) struct Takeover {
    pub(crate) link: Link,
    pub(crate) sealing: Sealing,
    pub(crate) opening: Opening,
    pub(crate) exporter: Exporter,
    /// Where this side has sent it.
    pub(crate) last_flight: Option<LastFlight>,
    /// What has come behind the peer's Finished.
    pub(crate) held: BytesMut,
    /// What the pipe has not taken yet.
    pub(crate) outbound: Outbound,
    pub(crate) is_server: bool,
    pub(crate) mtu: usize,
    /// The largest plaintext that was agreed upon (RFC 6066 4).
    pub(crate) max_fragment: Option<usize>,
    pub(crate) retransmissions: u64,
    pub(crate) log: Option<MessageLog>,
}

/// Seals and opens the records of a DTLS 1.2 session; of OpenSSL it needs the ciphers only.
pub(crate) struct Own {
    link: Link,
    outbound: Outbound,
    sealing: Sealing,
    opening: Opening,
    pub(crate) exporter: Exporter,
    last_flight: Option<Box<LastFlight>>,
    /// Records behind those that were opened, where they have come.
    held: Bytes,
    is_server: bool,
    /// Whether a close_notify was sealed.
    closed: bool,
    /// When the peer was last told that nobody renegotiates.
    refused: Option<Instant>,
    /// The MTU that was asked for; the path's own may be smaller.
    asked_mtu: usize,
    mtu: usize,
    max_fragment: usize,
    /// How many records were opened and sealed since the last [rest](Self::rest).
    moved: u32,
    log: Option<MessageLog>,
}

/// What came of a record.
enum Outcome {
    Opened(Opened),
    Failed(Failure),
    /// It was dropped, or dealt with.
    Nothing,
}

impl Own {
    pub(crate) fn new(from: Takeover) -> Self {
        let mut link = from.link;
        if from.retransmissions > 0 {
            link.seldom().retransmissions = from.retransmissions;
        }
        link.settle();
        let mut own = Self {
            link,
            outbound: from.outbound,
            sealing: from.sealing,
            opening: from.opening,
            exporter: from.exporter,
            last_flight: from.last_flight.map(Box::new),
            held: Bytes::copy_from_slice(&from.held),
            is_server: from.is_server,
            closed: false,
            refused: None,
            asked_mtu: from.mtu,
            mtu: from.mtu,
            max_fragment: from.max_fragment.unwrap_or(MAX_PLAINTEXT),
            moved: 0,
            log: from.log,
        };
        own.follow_path();
        own
    }

    /// Opens the next record of data into `room`.
    pub(crate) fn poll_open(
        &mut self,
        cx: &mut Context<'_>,
        room: &mut Room<'_>,
    ) -> Poll<Result<Opened, Failure>> {
        self.link.begin_poll();
        for _ in 0..MAX_UNMOVED {
            let outcome = if self.held.is_empty() {
                match self.poll_datagram(cx, room) {
                    Poll::Ready(outcome) => outcome,
                    Poll::Pending => return self.poll_idle(cx),
                }
            } else {
                let held = mem::take(&mut self.held);
                self.open_bytes(cx, held, room)
            };
            match outcome {
                Outcome::Opened(opened) => return Poll::Ready(Ok(opened)),
                Outcome::Failed(failure) => return Poll::Ready(Err(failure)),
                Outcome::Nothing => {}
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_datagram(&mut self, cx: &mut Context<'_>, room: &mut Room<'_>) -> Poll<Outcome> {
        with_datagram(|scratch| match ready!(self.link.poll_take(cx, scratch)) {
            Received::Queued(datagram) => Poll::Ready(self.open_bytes(cx, datagram, room)),
            Received::Copied(length) => {
                let (outcome, rest) = self.open_first(cx, &scratch[..length], room);
                self.held = Bytes::copy_from_slice(rest);
                Poll::Ready(outcome)
            }
        })
    }

    /// Opens the first record, and holds the others.
    fn open_bytes(
        &mut self,
        cx: &mut Context<'_>,
        mut records: Bytes,
        room: &mut Room<'_>,
    ) -> Outcome {
        let (outcome, rest) = self.open_first(cx, &records, room);
        let behind = rest.len();
        // None of its memory is kept when there is nothing behind it.
        if behind > 0 {
            self.held = records.split_off(records.len() - behind);
        }
        outcome
    }

    /// Uses the time in which nothing comes.
    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<Result<Opened, Failure>> {
        let _ = self.poll_drain(cx);
        match self.link.take_failure() {
            Some(error) => Poll::Ready(Err(Failure::of_pipe(error))),
            None => Poll::Pending,
        }
    }

    /// Opens the first record of a datagram, and returns what is behind it.
    fn open_first<'a>(
        &mut self,
        cx: &mut Context<'_>,
        datagram: &'a [u8],
        room: &mut Room<'_>,
    ) -> (Outcome, &'a [u8]) {
        match AnyRecord::split(datagram) {
            Ok((AnyRecord::Full(record), rest)) => (self.open(cx, &record, room), rest),
            Ok((AnyRecord::Unified(_), rest)) => {
                self.link.seldom().filtered_malformed += 1;
                (Outcome::Nothing, rest)
            }
            Err(_) => {
                self.link.seldom().filtered_malformed += 1;
                (Outcome::Nothing, &[])
            }
        }
    }

    fn open(&mut self, cx: &mut Context<'_>, record: &Record<'_>, room: &mut Room<'_>) -> Outcome {
        let needed = match self.opening.room(record) {
            Ok(needed) => needed,
            Err(error) => return self.refuse(record, error),
        };
        if record.content_type == ContentType::APPLICATION_DATA
            && let Some(out) = room.lend(needed)
        {
            let opened = self.opening.open(record, out);
            room.fill(opened.as_ref().map_or(0, |opened| opened.length));
            return match opened {
                Ok(opened) => self.take_data(opened.length, || Opened::Record(opened.length)),
                Err(error) => self.refuse(record, error),
            };
        }
        let mut content = Vec::new();
        match self.opening.open_vec(record, &mut content) {
            Ok(opened) => self.take(cx, opened.content_type, content),
            Err(error) => self.refuse(record, error),
        }
    }

    /// Counts a record that was not opened.
    fn refuse(&mut self, record: &Record<'_>, error: OpenError) -> Outcome {
        let stats = self.link.seldom();
        let counter = match error {
            OpenError::Foreign if record.epoch == 0 => &mut stats.filtered_plaintext,
            OpenError::Replayed => &mut stats.replayed,
            OpenError::Forged => &mut stats.forged,
            OpenError::Exhausted => return Outcome::Failed(Failure::KeyLimit),
            _ => &mut stats.filtered_malformed,
        };
        *counter += 1;
        tracing::trace!(content_type = %record.content_type, sequence = record.sequence, %error, "record dropped");
        Outcome::Nothing
    }

    /// Takes the content of an authentic record.
    fn take(
        &mut self,
        cx: &mut Context<'_>,
        content_type: ContentType,
        content: Vec<u8>,
    ) -> Outcome {
        match content_type {
            ContentType::APPLICATION_DATA => {
                let length = content.len();
                self.take_data(length, || Opened::Long(content.into()))
            }
            ContentType::ALERT => self.take_alert(&content),
            ContentType::HANDSHAKE => self.take_handshake(cx, &content),
            _ => {
                self.link.seldom().filtered_malformed += 1;
                Outcome::Nothing
            }
        }
    }

    fn take_data(&mut self, length: usize, opened: impl FnOnce() -> Opened) -> Outcome {
        self.moves();
        if length == 0 {
            self.link.seldom().empty_records += 1;
            return Outcome::Nothing;
        }
        Outcome::Opened(opened())
    }

    fn take_alert(&mut self, content: &[u8]) -> Outcome {
        self.tell(false, ContentType::ALERT, content);
        let Ok(alert) = dtls_wire::Alert::parse(content) else {
            self.link.seldom().filtered_malformed += 1;
            return Outcome::Nothing;
        };
        if alert.description == Alert::CLOSE_NOTIFY {
            return Outcome::Opened(Opened::CloseNotify);
        }
        if alert.level == AlertLevel::FATAL {
            return Outcome::Failed(Failure::Alert(alert.description));
        }
        self.link.seldom().warnings += 1;
        Outcome::Nothing
    }

    /// Answers a peer that has missed the last flight (RFC 6347 4.2.4), or wants to renegotiate (RFC 5246
    /// 7.4.1.1).
    fn take_handshake(&mut self, cx: &mut Context<'_>, content: &[u8]) -> Outcome {
        self.tell(false, ContentType::HANDSHAKE, content);
        let answered = if last_flight::asks(ContentType::HANDSHAKE, content) {
            self.answer(cx)
        } else {
            self.refuse_to_renegotiate(cx, content)
        };
        match answered {
            Ok(true) => self.link.seldom().repeats_answered += 1,
            Ok(false) => self.link.seldom().filtered_handshake += 1,
            Err(error) => return Outcome::Failed(error.into()),
        }
        Outcome::Nothing
    }

    fn answer(&mut self, cx: &mut Context<'_>) -> Result<bool, SealError> {
        let now = Instant::now();
        let Some(flight) = &mut self.last_flight else {
            return Ok(false);
        };
        let mut records = Vec::new();
        let answered = flight.answer(now, &mut self.sealing, &mut records)?;
        if let Some(log) = self.log.as_ref().filter(|_| answered) {
            message_log::tell(log, true, HANDSHAKE, flight.finished());
        }
        let dropped = self.outbound.push_flight(&records, self.mtu);
        if dropped > 0 {
            self.link.seldom().dropped_unsent += dropped;
        }
        let _ = self.poll_drain(cx);
        Ok(answered)
    }

    fn refuse_to_renegotiate(
        &mut self,
        cx: &mut Context<'_>,
        content: &[u8],
    ) -> Result<bool, SealError> {
        let asked = if self.is_server {
            HandshakeType::CLIENT_HELLO
        } else {
            HandshakeType::HELLO_REQUEST
        };
        let asks =
            |fragment: &Fragment<'_>| fragment.handshake_type == asked && fragment.offset == 0;
        let renegotiates = fragments(content).flatten().any(|fragment| asks(&fragment));
        let now = Instant::now();
        let early = |last| now.saturating_duration_since(last) < BETWEEN_REFUSALS;
        if renegotiates && !self.refused.is_some_and(early) {
            self.refused = Some(now);
            self.send_alert(cx, AlertLevel::WARNING, Alert::NO_RENEGOTIATION)?;
        }
        Ok(false)
    }

    /// Takes note of a record of data: whoever has several of them is busy.
    fn moves(&mut self) {
        self.moved = self.moved.saturating_add(1);
        if self.moved == BUSY {
            // Without memory for that each record costs a little more.
            let _ = self.opening.warm().and_then(|()| self.sealing.warm());
        }
    }

    /// Seals a datagram of data, and sends it, or queues it while the pipe takes nothing.
    pub(crate) fn seal(&mut self, cx: &mut Context<'_>, plaintext: &[u8]) -> Result<(), Failure> {
        self.moves();
        self.send(cx, ContentType::APPLICATION_DATA, plaintext)?;
        Ok(())
    }

    /// Seals a close_notify, once.
    pub(crate) fn seal_close(&mut self, cx: &mut Context<'_>) {
        if !mem::replace(&mut self.closed, true) {
            // Some records are left for it where the keys are used up.
            let _ = self.send_alert(cx, AlertLevel::WARNING, Alert::CLOSE_NOTIFY);
        }
    }

    fn send_alert(
        &mut self,
        cx: &mut Context<'_>,
        level: AlertLevel,
        description: Alert,
    ) -> Result<(), SealError> {
        let alert = dtls_wire::Alert { level, description };
        let content = alert.to_vec().expect("an alert has two bytes");
        self.tell(true, ContentType::ALERT, &content);
        self.send(cx, ContentType::ALERT, &content)
    }

    fn send(
        &mut self,
        cx: &mut Context<'_>,
        content_type: ContentType,
        content: &[u8],
    ) -> Result<(), SealError> {
        with_record(|record| {
            self.sealing.seal(content_type, content, record)?;
            if self.outbound.is_empty() && self.link.poll_send(cx, record).is_ready() {
                self.link.flush(cx);
            } else if !self.outbound.push(record) {
                self.link.seldom().dropped_unsent += 1;
            }
            Ok(())
        })
    }

    /// Sends what earlier calls could not.
    pub(crate) fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.outbound.poll_drain(cx, &mut self.link)
    }

    pub(crate) fn is_unsent(&self) -> bool {
        !self.outbound.is_empty()
    }

    pub(crate) fn mtu(&self) -> usize {
        self.mtu
    }

    pub(crate) fn set_mtu(&mut self, mtu: usize) {
        self.asked_mtu = mtu;
        self.follow_path();
    }

    /// Keeps to what the pipe knows of the path, smaller or larger than it was.
    pub(crate) fn follow_path(&mut self) {
        self.mtu = self.link.mtu_within(self.asked_mtu);
    }

    /// How much plaintext one datagram carries now.
    pub(crate) fn max_plaintext(&mut self) -> usize {
        self.follow_path();
        let most = self.mtu.min(self.max_fragment);
        let room = self.mtu.saturating_sub(self.sealing.overhead(most));
        room.min(self.max_fragment)
    }

    /// In how long the last flight may be forgotten.
    pub(crate) fn forgets(&self) -> Option<Duration> {
        let flight = self.last_flight.as_ref()?;
        Some(flight.left(Instant::now()))
    }

    /// How much of what the keys may protect is used, from 0 to 1.
    pub(crate) fn key_usage(&self) -> f64 {
        self.sealing.used().max(self.opening.used())
    }

    /// Forgets the last flight, if its time is over.
    pub(crate) fn forget(&mut self) {
        let over = |flight: &mut Box<LastFlight>| flight.is_over(Instant::now());
        self.last_flight.take_if(over);
    }

    /// Counts the records of data anew, and if the session is idle, lets go of what only a busy one needs.
    pub(crate) fn rest(&mut self, idle: bool) {
        self.moved = 0;
        if idle {
            self.opening.cool();
            self.sealing.cool();
            self.link.rest();
        }
    }

    #[cfg(test)]
    pub(crate) fn is_warm(&self) -> bool {
        self.opening.is_warm() || self.sealing.is_warm()
    }

    pub(crate) fn stats(&self) -> SessionStats {
        self.link.stats()
    }

    pub(crate) fn link(&self) -> &Link {
        &self.link
    }

    pub(crate) fn link_mut(&mut self) -> &mut Link {
        &mut self.link
    }

    fn tell(&self, sent: bool, content_type: ContentType, bytes: &[u8]) {
        if let Some(log) = &self.log {
            message_log::tell(log, sent, content_type.number(), bytes);
        }
    }
}

impl From<SealError> for Failure {
    fn from(error: SealError) -> Self {
        match error {
            SealError::OpenSsl(error) => Self::OpenSsl(error),
            // Nothing is sealed that is too long.
            SealError::Exhausted | SealError::TooLong { .. } => Self::KeyLimit,
        }
    }
}

/// Shows no byte of anything.
impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Own").finish_non_exhaustive()
    }
}

const HANDSHAKE: u8 = ContentType::HANDSHAKE.number();
/// How many records that yield nothing are looked at before others run.
const MAX_UNMOVED: u32 = 64;
/// From so many records on between two rests a session is busy.
const BUSY: u32 = 2;
const BETWEEN_REFUSALS: Duration = Duration::from_secs(1);
