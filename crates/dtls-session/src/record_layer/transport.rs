//! The pipe as OpenSSL sees it: every work-around for datagrams below OpenSSL is here.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Buf, BytesMut};
use dtls_wire::{AnyRecord, ContentType, Record, UnifiedRecord};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

use crate::{
    datagrams::Pipe,
    record_layer::{
        dialogue::Dialogue,
        early::Early,
        egress::Egress,
        ingress::{Ingress, Role, asks_for_cookie},
        inquiry::PskInquiry,
        last_flight::LastFlight,
        pace::{Pace, Turn},
        warning::Gate,
        witness::Witness,
    },
    records::{link::Link, scratch::with_datagram},
};

/// Stands between an `SslStream` and a pipe of datagrams.
///
/// A read yields one admitted record and never an empty one; a write is always taken, and never
/// fails: OpenSSL would drop a parked record or, from 3.2 on, the session.
pub(crate) struct Transport {
    link: Link,
    ingress: Ingress,
    egress: Egress,
    /// Admitted records that stood behind the first one in their datagram.
    held: BytesMut,
    /// Records that OpenSSL is not to see before the handshake has finished.
    early: Early,
    last_flight: LastFlight,
    witness: Witness,
    gate: Gate,
    /// What OpenSSL may have to wait for.
    inquiry: Option<PskInquiry>,
    /// Whether the last read yielded a record.
    fed: bool,
    /// Whether the server has asked for another cookie than the one it got.
    cookie_refused: bool,
    pace: Arc<Pace>,
    dialogue: Dialogue,
    /// Whether OpenSSL has read a record since it last wrote of a flight.
    heard: bool,
    /// How many of OpenSSL's repeats have begun.
    repeats: u32,
    /// Whether it started from a hello whose cookie was good.
    verified: bool,
}

impl Transport {
    /// Makes the transport of a handshake that starts, for a server, from the verified hello's
    /// message number and its record's.
    pub(crate) fn new(
        pipe: Pipe,
        role: Role,
        mtu: usize,
        pace: &Arc<Pace>,
        hello: Option<(u16, u64)>,
    ) -> Self {
        let hello_sequence = hello.map(|(_, record)| record);
        Self {
            link: Link::new(pipe),
            ingress: Ingress::new(role, hello_sequence.unwrap_or(0)),
            egress: Egress::new(mtu, hello_sequence),
            held: BytesMut::new(),
            early: Early::default(),
            last_flight: LastFlight::default(),
            witness: Witness::default(),
            gate: Gate::default(),
            inquiry: None,
            fed: false,
            cookie_refused: false,
            pace: Arc::clone(pace),
            dialogue: Dialogue::new(role, pace, hello),
            heard: true,
            repeats: 0,
            verified: hello.is_some(),
        }
    }

    /// Holds back the message that asks for a key until it is there.
    pub(crate) fn inquire(&mut self, inquiry: Option<PskInquiry>) {
        self.inquiry = inquiry;
    }

    /// Whether OpenSSL is to wait for [`Self::poll_inquiry`].
    pub(crate) fn inquires(&self) -> bool {
        self.inquiry.as_ref().is_some_and(PskInquiry::is_waiting)
    }

    /// Waits for a key that is being fetched.
    pub(crate) fn poll_inquiry(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.inquiry {
            Some(inquiry) => inquiry.poll(cx),
            None => Poll::Ready(()),
        }
    }

    /// Lets the records of DTLS 1.3 pass, if it may be negotiated.
    pub(crate) fn allow_1_3(mut self, allowed: bool) -> Self {
        if allowed {
            self.ingress.allow_unified();
        }
        self
    }

    /// Takes a record that OpenSSL has to see first, or behind those taken before, under a number
    /// above theirs.
    pub(crate) fn precede(&mut self, record: &mut [u8], number: u64) {
        Record::set_sequence(record, number);
        self.held.extend_from_slice(record);
        self.ingress.follow(number);
    }

    /// Takes records that came before the transport was made.
    pub(crate) fn hold(&mut self, datagram: &mut [u8]) {
        let mut others = self.held.split();
        let first = self.sift(datagram);
        // The first record belongs before those behind it, which are held by now.
        others.extend_from_slice(first);
        others.unsplit(self.held.split());
        self.held = others;
    }

    pub(crate) fn link(&self) -> &Link {
        &self.link
    }

    pub(crate) fn link_mut(&mut self) -> &mut Link {
        &mut self.link
    }

    pub(crate) fn into_link(self) -> Link {
        self.link
    }

    pub(crate) fn ingress(&self) -> &Ingress {
        &self.ingress
    }

    pub(crate) fn egress(&self) -> &Egress {
        &self.egress
    }

    /// Whether the client had to return a cookie.
    pub(crate) fn cookie_exchange(&self) -> bool {
        self.verified || self.ingress.cookie_asked_for()
    }

    pub(crate) fn egress_mut(&mut self) -> &mut Egress {
        &mut self.egress
    }

    /// Ends the handshake; `ours` if this side has sent the last flight.
    pub(crate) fn establish(&mut self, ours: bool) {
        self.ingress.establish();
        self.last_flight.establish(ours);
        self.early.release(&mut self.held);
        self.inquiry = None;
        let flight = self.egress.establish();
        self.witness.last_flight = flight.filter(|_| ours);
        self.dialogue.end();
    }

    /// Forgets what belongs to a handshake that is given up.
    pub(crate) fn restart(&mut self) {
        self.ingress.restart();
        self.egress.restart();
        self.dialogue.restart();
        self.heard = true;
        self.cookie_refused = false;
        self.held.clear();
        self.early = Early::default();
        self.last_flight = LastFlight::default();
        self.witness = Witness::default();
    }

    /// What the handshake had under keys.
    pub(crate) fn witness(&self) -> &Witness {
        &self.witness
    }

    /// Forgets what only the end of a handshake needs.
    pub(crate) fn forget(&mut self) {
        self.witness = Witness::default();
    }

    /// Gives up the link, the records that OpenSSL has not seen, and the datagrams that have not left.
    pub(crate) fn into_parts(self) -> (Link, BytesMut, VecDeque<Vec<u8>>) {
        (self.link, self.held, self.egress.into_unsent())
    }

    /// Lets the next read yield the alert that is next, if one is, or drops it.
    pub(crate) fn open_gate(&mut self, drop: bool) -> bool {
        let asked = std::mem::take(&mut self.gate) == Gate::Asked;
        if asked && drop {
            let next = AnyRecord::split(&self.held);
            let length = next.map_or(self.held.len(), |(record, _)| record.wire_len());
            self.held.advance(length);
            self.link.seldom().filtered_alerts += 1;
            return false;
        }
        if asked {
            self.gate = Gate::Open;
        }
        asked
    }

    /// Whether there may be more than was read, because of an alert.
    pub(crate) fn shut_gate(&mut self) -> bool {
        if self.gate == Gate::Passed {
            self.gate = Gate::Shut;
            return true;
        }
        self.gate == Gate::Asked
    }

    pub(crate) fn count_warning(&mut self) {
        self.link.seldom().warnings += 1;
    }

    /// Whether the last read since this was asked before yielded a record: then there may be more.
    pub(crate) fn take_fed(&mut self) -> bool {
        std::mem::take(&mut self.fed)
    }

    /// Whether a client's cookie is worth nothing to the server, as after a restart of that.
    pub(crate) fn cookie_refused(&self) -> bool {
        self.cookie_refused
    }

    pub(crate) fn dialogue(&self) -> &Dialogue {
        &self.dialogue
    }

    pub(crate) fn dialogue_mut(&mut self) -> &mut Dialogue {
        &mut self.dialogue
    }

    /// Queues the present flight again, in datagrams of up to `smaller` bytes or as large as the MTU
    /// allows; false if it is too long to be kept.
    pub(crate) fn repeat_flight(&mut self, smaller: Option<usize>) -> bool {
        let most = smaller.unwrap_or_else(|| self.egress.mtu());
        let repeated = self.egress.repeat_flight(most);
        if repeated {
            self.dialogue.repeat(smaller);
            self.pace.answered();
        }
        repeated
    }

    pub(crate) fn count_answer(&mut self) {
        self.link.seldom().repeats_answered += 1;
    }

    /// Filters a datagram and returns its first admitted record; further ones are held.
    fn sift<'a>(&mut self, datagram: &'a mut [u8]) -> &'a [u8] {
        let mut first = 0..0;
        let mut at = 0;
        while let Ok((record, _)) = AnyRecord::split(&datagram[at..]) {
            let range = at..at + record.wire_len();
            at = range.end;
            let (admitted, number) = match record {
                AnyRecord::Full(record) => {
                    let number = self.admit(&record, &datagram[range.clone()]);
                    (number.is_some(), number)
                }
                AnyRecord::Unified(_) => (self.ingress.admit_unified(self.link.seldom()), None),
            };
            if !admitted {
                continue;
            }
            if let Some(number) = number {
                Record::set_sequence(&mut datagram[range.clone()], number);
            }
            if first.is_empty() && !self.inquires() {
                first = range;
            } else {
                self.held.extend_from_slice(&datagram[range]);
            }
        }
        if at < datagram.len() {
            self.link.seldom().filtered_malformed += 1;
        }
        &datagram[first]
    }

    /// Decides about one record, and returns the number under which it is admitted.
    fn admit(&mut self, record: &Record<'_>, bytes: &[u8]) -> Option<u64> {
        let Some(number) = self.ingress.admit(record, self.link.seldom()) else {
            let Record {
                content_type,
                epoch,
                sequence,
                ..
            } = record;
            tracing::trace!(%content_type, epoch, sequence, "record dropped");
            return None;
        };
        if self.ingress.is_established()
            && record.content_type == ContentType::HANDSHAKE
            && !self.last_flight.admits(self.ingress.role(), record)
        {
            self.link.seldom().filtered_handshake += 1;
            return None;
        }
        if self.ingress.postpones(record) {
            if !self.early.push(bytes) {
                self.link.seldom().filtered_early += 1;
            }
            return None;
        }
        if !self.ingress.is_established() {
            self.witness.heard(record, bytes);
        }
        // OpenSSL answers one with the number of its second hello, and takes message 0 for one that
        // it has had.
        self.cookie_refused |=
            asks_for_cookie(record) == Some(0) && self.egress.refuses_cookie(record.sequence);
        if let Some(inquiry) = &mut self.inquiry {
            inquiry.watch(record);
        }
        if (record.content_type, record.epoch) == (ContentType::HANDSHAKE, 0) {
            self.dialogue.heard(record, Instant::now());
        }
        Some(number)
    }

    fn hear(&mut self) {
        self.heard = true;
        self.pace.heard();
    }

    /// Puts what OpenSSL writes of a flight to the right one; false if it is not to be sent.
    fn take_turn(&mut self, written: &[u8]) -> bool {
        match self.pace.turn() {
            Turn::Withheld => return false,
            Turn::New if self.heard => {
                self.egress.begin_flight();
                self.dialogue.begin();
            }
            Turn::Repeat if self.repeats != self.pace.total_expiries() => {
                self.repeats = self.pace.total_expiries();
                self.egress.begin_flight();
                self.dialogue.repeat(None);
            }
            _ => {}
        }
        self.heard = false;
        self.egress.keep(written);
        true
    }

    fn take_held(&mut self, buf: &mut ReadBuf<'_>) -> bool {
        let Ok((record, _)) = AnyRecord::split(&self.held) else {
            return false;
        };
        let length = record.wire_len();
        if self.is_alert(&self.held) {
            if self.gate != Gate::Open {
                self.gate = Gate::Asked;
                return false;
            }
            self.gate = Gate::Passed;
        }
        let fits = length <= buf.remaining();
        if fits {
            buf.put_slice(&self.held[..length]);
        }
        self.held.advance(length);
        if self.held.is_empty() {
            self.held = BytesMut::new();
        }
        fits
    }

    /// Whether a record is an alert of a session's, which has to pass the gate.
    fn is_alert(&self, record: &[u8]) -> bool {
        self.ingress.is_established() && record.first() == Some(&ContentType::ALERT.number())
    }

    /// Sends what is queued.
    pub(crate) fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Some(datagram) = self.egress.front() {
            // Before it is written: the answer may be there when that returns.
            let at = Instant::now();
            let taken = ready!(self.link.poll_send(cx, datagram));
            if taken && !self.ingress.is_established() {
                self.dialogue.sent(datagram, at);
            }
            self.egress.pop();
        }
        self.link.flush(cx);
        Poll::Ready(())
    }

    /// Reads datagrams until one has an admitted record, which goes to `buf`.
    fn poll_datagrams(
        &mut self,
        cx: &mut Context<'_>,
        scratch: &mut [u8],
        buf: &mut ReadBuf<'_>,
    ) -> Poll<()> {
        loop {
            let length = ready!(self.link.poll_recv(cx, scratch));
            let first = self.sift(&mut scratch[..length]);
            if self.is_alert(first) {
                let behind = self.held.split();
                self.held.extend_from_slice(first);
                self.held.unsplit(behind);
                self.gate = Gate::Asked;
                return Poll::Pending;
            }
            if !first.is_empty() && first.len() <= buf.remaining() {
                buf.put_slice(first);
                return Poll::Ready(());
            }
            if self.inquires() {
                return Poll::Pending;
            }
        }
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.fed = false;
        if this.inquires() || this.gate == Gate::Passed {
            return Poll::Pending;
        }
        this.fed = this.take_held(buf);
        if this.fed {
            this.hear();
            return Poll::Ready(Ok(()));
        }
        if this.gate == Gate::Asked || this.link.has_failed() {
            return Poll::Pending;
        }
        // OpenSSL's own buffer is shorter than what UDP can carry.
        let read = with_datagram(|datagram| this.poll_datagrams(cx, datagram, buf));
        this.fed = read.is_ready();
        if this.fed {
            this.hear();
        }
        read.map(Ok)
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        // Data has nothing to be packed with, so it need not pass through the queue.
        let data = buf.first().is_some_and(|first| {
            *first == ContentType::APPLICATION_DATA.number()
                // Nothing tells data from the few messages that follow a handshake of DTLS 1.3.
                || (UnifiedRecord::starts(*first) && this.ingress.is_established())
        });
        if data && this.egress.front().is_none() && this.link.poll_send(cx, buf).is_ready() {
            return Poll::Ready(Ok(buf.len()));
        }
        let established = this.ingress.is_established();
        let flight = matches!(buf.first(), Some(20 | 22));
        if flight && !established && !this.take_turn(buf) {
            return Poll::Ready(Ok(buf.len()));
        }
        let mut rest = buf;
        while let Ok((record, behind)) = Record::split(rest) {
            this.last_flight.wrote(&record, established);
            if !established {
                this.witness
                    .wrote(&record, &rest[..rest.len() - behind.len()]);
            }
            rest = behind;
        }
        if !this.egress.push(buf) {
            this.link.seldom().dropped_unsent += 1;
        }
        Poll::Ready(Ok(buf.len()))
    }

    /// Does nothing: OpenSSL flushes after each message, and a flight leaves as a whole.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
