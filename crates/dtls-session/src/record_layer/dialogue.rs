//! Whose turn it is in a handshake: who has sent what again, and how long an answer takes.

use std::{sync::Arc, time::Duration};

use dtls_wire::{ContentType, Fragment, HandshakeType, Record};
use tokio::time::Instant;

use crate::record_layer::{
    ingress::Role,
    pace::Pace,
    progress::{Part, Progress},
};

/// Follows the flights of both sides (RFC 6347 4.2.4), and lets the [`Pace`] know what it learns.
#[derive(Debug)]
pub(crate) struct Dialogue {
    role: Role,
    pace: Arc<Pace>,
    theirs: Option<Start>,
    /// The highest message number that the peer has sent.
    highest: u16,
    /// Whether the peer's flight has been answered.
    answered: bool,
    /// Whether the peer has sent its flight again since anybody asked.
    repeated: bool,
    ours: Ours,
    /// The hellos that a client has sent, by record number.
    hellos: Vec<(u64, Instant)>,
    progress: Progress,
    /// Since when a part of the peer's flight is known to be missing.
    gap: Option<Instant>,
    /// The size of datagrams that came through where larger ones did not.
    proven: Option<usize>,
    /// Whether the peer has answered nothing yet.
    first_answer: bool,
    round_trip: Option<Duration>,
}

/// The first message of the peer's flight.
#[derive(Clone, Copy, Debug)]
struct Start {
    message: u16,
    /// The highest number of a record that it came in: what the network doubles has no new one.
    record: u64,
}

/// This side's present flight.
#[derive(Clone, Copy, Debug, Default)]
struct Ours {
    first_sent: Option<Instant>,
    last_sent: Option<Instant>,
    /// The first time that it left of which the peer has not shown yet that it was in vain.
    hoped_for: Option<Instant>,
    /// Whether it was sent again, so that nobody knows what is answered (Karn's rule).
    again: bool,
    /// Whether it waits to be sent.
    queued: bool,
    /// The datagrams' size, if it was made smaller for the last repeat only.
    smaller: Option<usize>,
    /// How often the peer has repeated its own although it might have had this one.
    missed: u32,
    /// How often the peer was asked for what is missing of its own.
    asked: u32,
}

impl Dialogue {
    /// Starts, for a server, with the hello that it was verified by: its message's number and its
    /// record's.
    pub(crate) fn new(role: Role, pace: &Arc<Pace>, hello: Option<(u16, u64)>) -> Self {
        if role == Role::Server {
            pace.expect_work(Duration::ZERO);
        }
        Self {
            role,
            pace: Arc::clone(pace),
            theirs: hello.map(|(message, record)| Start { message, record }),
            highest: hello.map_or(0, |(message, _)| message),
            answered: false,
            repeated: false,
            ours: Ours::default(),
            hellos: Vec::new(),
            progress: Progress::default(),
            gap: None,
            proven: None,
            first_answer: true,
            round_trip: None,
        }
    }

    /// Forgets a client's handshake that is given up.
    pub(crate) fn restart(&mut self) {
        self.pace.restart();
        *self = Self {
            round_trip: self.round_trip,
            ..Self::new(self.role, &self.pace, None)
        };
    }

    /// Takes the round trip that a cookie has shown: the client may have sent its hello twice.
    pub(crate) fn take_cookie_age(&mut self, age: Option<Duration>) {
        self.round_trip = age.filter(|age| *age < DOUBTFUL);
        match (age, self.round_trip) {
            (Some(age), None) => {
                let path = (age + age / 2).min(MAX_DOUBTFUL);
                self.pace.expect_work_within(path);
            }
            _ => self.pace.expect_work(self.round_trip.unwrap_or_default()),
        }
    }

    /// Tells that what is written next is a new flight.
    pub(crate) fn begin(&mut self) {
        self.answered = true;
        self.repeated = false;
        self.gap = None;
        self.ours = Ours::default();
    }

    /// Tells that the flight is sent again, in datagrams that are smaller than before or not.
    pub(crate) fn repeat(&mut self, smaller: Option<usize>) {
        self.ours.again = true;
        self.ours.queued = true;
        self.ours.smaller = smaller;
        self.gap = None;
    }

    /// Tells that the handshake has finished.
    pub(crate) fn end(&mut self) {
        self.gap = None;
        self.progress = Progress::default();
        self.hellos = Vec::new();
    }

    /// Takes a datagram of the flight that left at `at`.
    pub(crate) fn sent(&mut self, datagram: &[u8], at: Instant) {
        self.ours.first_sent.get_or_insert(at);
        self.ours.last_sent = Some(at);
        self.ours.hoped_for.get_or_insert(at);
        self.ours.queued = false;
        let hello = Record::split(datagram).ok().filter(|(record, _)| {
            let starts = |it: &Fragment<'_>| it.handshake_type == HandshakeType::CLIENT_HELLO;
            (record.content_type, record.epoch) == (ContentType::HANDSHAKE, 0)
                && record
                    .fragments()
                    .next()
                    .is_some_and(|it| it.is_ok_and(|it| starts(&it)))
        });
        if let Some((record, _)) = hello
            && self.hellos.len() < MAX_HELLOS
        {
            self.hellos.push((record.sequence, at));
        }
    }

    /// Takes a plaintext handshake record.
    pub(crate) fn heard(&mut self, record: &Record<'_>, at: Instant) {
        for fragment in record.fragments().map_while(Result::ok) {
            self.heard_fragment(&fragment, record.sequence, at);
        }
    }

    fn heard_fragment(&mut self, fragment: &Fragment<'_>, record: u64, at: Instant) {
        let (kind, message) = (fragment.handshake_type, fragment.message_sequence);
        let starts = fragment.offset == 0;
        // Anybody can write any number, and whatever is far ahead is nobody's next message.
        if message > self.highest.saturating_add(MAX_AHEAD) {
            return;
        }
        let part = Part {
            offset: fragment.offset,
            length: fragment.body.len(),
            whole: fragment.message_length,
        };
        match &mut self.theirs {
            Some(start) if starts && start.message == message => {
                let again = record > start.record;
                start.record = start.record.max(record);
                // A HelloVerifyRequest answers a copy of the first hello, and is no wish.
                self.repeated |=
                    again && self.answered && kind != HandshakeType::HELLO_VERIFY_REQUEST;
            }
            Some(_) if message <= self.highest && self.answered => return,
            Some(_) if !self.answered => {}
            _ => {
                self.learn(kind, record, at);
                self.progress = match self.theirs {
                    Some(_) => Progress::before(self.highest + 1),
                    None => Progress::before(message),
                };
                self.theirs = Some(Start { message, record });
                self.answered = false;
            }
        }
        if !self.answered && self.progress.add(message, part) {
            self.gap.get_or_insert(at);
        }
        self.highest = self.highest.max(message);
    }

    /// Takes the record number of a client's verified hello that has come again.
    pub(crate) fn heard_hello(&mut self, record: u64) {
        if let Some(start) = &mut self.theirs
            && record > start.record
            && start.message == self.highest
        {
            start.record = record;
            self.repeated |= self.answered;
        }
    }

    /// Whether the peer has sent its flight again, so that it wants this side's; not if it cannot
    /// have got that yet.
    ///
    /// Both sides' timers often expire together. Then this side's has just sent the flight, and a peer
    /// that repeats its own for the first time gets no other; but that an earlier one did not come still counts.
    pub(crate) fn take_repeat(&mut self) -> bool {
        let repeated = std::mem::take(&mut self.repeated);
        let on_its_way = self.round_trip.unwrap_or_default().max(LEAST_APART);
        let had_time = |at: Instant| at.elapsed() >= on_its_way;
        let lost =
            repeated && self.ours.hoped_for.is_some_and(had_time) && self.ours.missed < MAX_ANSWERS;
        if !lost {
            return false;
        }
        self.ours.missed += 1;
        self.ours.hoped_for = self.ours.last_sent.filter(|at| !had_time(*at));
        self.ours.hoped_for.is_none() || self.ours.missed > 1
    }

    /// When to ask for what is missing of the peer's flight, by sending this side's again.
    ///
    /// A gap shows that something was lost, unless the network has changed the order.
    pub(crate) fn gap_ends(&self) -> Option<Instant> {
        let gap = self.gap.filter(|_| self.ours.asked < MAX_ANSWERS)?;
        Some(gap + self.round_trip.unwrap_or_default().max(LEAST_APART))
    }

    /// Whether it is time to ask for what is missing.
    pub(crate) fn take_gap(&mut self) -> bool {
        let over = self.gap_ends().is_some_and(|end| end <= Instant::now());
        if over {
            self.gap = None;
            self.ours.asked += 1;
        }
        over
    }

    /// Whether the flight is about to be sent again anyway.
    pub(crate) fn is_queued(&self) -> bool {
        self.ours.queued
    }

    /// The size of datagrams that were answered where larger ones had not been.
    pub(crate) fn take_proven(&mut self) -> Option<usize> {
        self.proven.take()
    }

    /// How often the peer has shown that the present flight has not come.
    pub(crate) fn missed(&self) -> u32 {
        self.ours.missed
    }

    /// The round trip that the handshake has shown, unless a repeat makes it doubtful.
    pub(crate) fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// Learns from the start of an answer.
    fn learn(&mut self, kind: HandshakeType, sequence: u64, at: Instant) {
        let (Some(first_sent), Some(last_sent)) = (self.ours.first_sent, self.ours.last_sent)
        else {
            return;
        };
        self.proven = self.ours.smaller;
        if kind == HandshakeType::HELLO_VERIFY_REQUEST {
            // It has the record number of the hello that it answers (RFC 6347 4.2.1).
            let answered = self.hellos.iter().find(|(number, _)| *number == sequence);
            let only = self.hellos.first().filter(|_| !self.ours.again);
            let sent = answered.or(only).map(|(_, sent)| *sent);
            self.round_trip = sent.map(|sent| at.duration_since(sent));
            // Whichever it answers, it is no younger than the last.
            let least = at.duration_since(last_sent);
            self.pace.expect_work(self.round_trip.unwrap_or(least));
        } else {
            let certain = !self.ours.again;
            let response = at.duration_since(if certain { first_sent } else { last_sent });
            // Later answers take computing.
            if certain && self.first_answer {
                self.round_trip.get_or_insert(response);
            }
            if self.role == Role::Client {
                self.pace.expect_no_more_than(response, certain);
            }
        }
        self.first_answer = false;
    }
}

/// More messages than a flight has.
const MAX_AHEAD: u16 = 16;

/// A cookie that took as long may have been returned twice.
const DOUBTFUL: Duration = Duration::from_secs(1);

/// What such a cookie makes of the timer at most: more likely datagrams are lost.
const MAX_DOUBTFUL: Duration = Duration::from_secs(3);

/// A repeated flight is answered at most so often, and so many times.
const LEAST_APART: Duration = Duration::from_millis(50);
/// As many repeats as OpenSSL has for a flight are left for its timer.
const MAX_ANSWERS: u32 = 6;
const MAX_HELLOS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::config::SessionConfig;
    use dtls_wire::ProtocolVersion;
    use tokio::time::advance;

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    fn dialogue(role: Role, hello: Option<(u16, u64)>) -> Dialogue {
        Dialogue::new(role, &Arc::new(Pace::new(&SessionConfig::default())), hello)
    }

    /// A record with one whole message of one byte.
    fn hear(dialogue: &mut Dialogue, kind: HandshakeType, message: u8, sequence: u64) {
        let body = [kind.number(), 0, 0, 1, 0, message, 0, 0, 0, 0, 0, 1, 7];
        let record = Record {
            content_type: ContentType::HANDSHAKE,
            version: ProtocolVersion::DTLS_1_2,
            epoch: 0,
            sequence,
            connection_id: &[],
            body: &body,
        };
        dialogue.heard(&record, Instant::now());
    }

    /// Sends a record with one empty message.
    fn send(dialogue: &mut Dialogue, kind: HandshakeType, sequence: u8) {
        let mut datagram = [0; 25];
        datagram[..3].copy_from_slice(&[22, 0xfe, 0xfd]);
        (datagram[10], datagram[12], datagram[13]) = (sequence, 12, kind.number());
        dialogue.sent(&datagram, Instant::now());
    }

    #[tokio::test(start_paused = true)]
    async fn a_repeat_is_wanted_once_and_not_while_the_flight_may_be_on_its_way() {
        let mut server = dialogue(Role::Server, Some((1, 4)));
        server.take_cookie_age(Some(ms(200)));
        server.begin();
        send(&mut server, HandshakeType::SERVER_HELLO, 4);
        // The network's copy.
        advance(ms(300)).await;
        server.heard_hello(4);
        assert!(!server.take_repeat());
        server.heard_hello(5);
        assert!(server.take_repeat() && !server.take_repeat());
        send(&mut server, HandshakeType::SERVER_HELLO, 5);
        advance(ms(100)).await;
        hear(&mut server, HandshakeType::CLIENT_HELLO, 1, 6);
        assert!(!server.take_repeat());
        // It goes on for so long and no longer.
        let answers = (7..99).filter(|number| {
            server.heard_hello(*number);
            server.ours.hoped_for = Some(Instant::now() - ms(300));
            server.take_repeat()
        });
        assert_eq!(answers.count() as u32, MAX_ANSWERS - 1);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_missed_counts_where_both_timers_expire_together() {
        let mut server = dialogue(Role::Server, Some((1, 1)));
        server.take_cookie_age(Some(ms(1)));
        server.begin();
        send(&mut server, HandshakeType::SERVER_HELLO, 1);
        // The timer's repeat is enough for the first time.
        advance(ms(1000)).await;
        send(&mut server, HandshakeType::SERVER_HELLO, 2);
        server.heard_hello(2);
        assert!(!server.take_repeat());
        assert_eq!(server.missed(), 1);
        advance(ms(2000)).await;
        send(&mut server, HandshakeType::SERVER_HELLO, 3);
        server.heard_hello(3);
        assert!(server.take_repeat());
        assert_eq!(server.missed(), 2);
        // That one may be on its way.
        server.heard_hello(4);
        assert!(!server.take_repeat());
        assert_eq!(server.missed(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_repeat_of_what_was_answered_before_is_no_wish() {
        let mut client = dialogue(Role::Client, None);
        client.begin();
        send(&mut client, HandshakeType::CLIENT_HELLO, 0);
        advance(ms(100)).await;
        hear(&mut client, HandshakeType::HELLO_VERIFY_REQUEST, 0, 0);
        client.begin();
        send(&mut client, HandshakeType::CLIENT_HELLO, 1);
        advance(ms(100)).await;
        hear(&mut client, HandshakeType::HELLO_VERIFY_REQUEST, 0, 1);
        assert!(!client.take_repeat());
        hear(&mut client, HandshakeType::SERVER_HELLO, 1, 2);
        // The flight is not answered yet.
        hear(&mut client, HandshakeType::SERVER_HELLO, 1, 3);
        assert!(!client.take_repeat());
        client.begin();
        send(&mut client, HandshakeType::new(16), 2);
        advance(ms(100)).await;
        hear(&mut client, HandshakeType::SERVER_HELLO, 1, 3);
        assert!(!client.take_repeat());
        hear(&mut client, HandshakeType::SERVER_HELLO, 1, 4);
        assert!(client.take_repeat());
    }

    #[tokio::test(start_paused = true)]
    async fn a_cookie_request_says_which_hello_it_answers() {
        for (number, round_trip) in [(0, Some(ms(8000))), (1, Some(ms(7000))), (9, None)] {
            let mut client = dialogue(Role::Client, None);
            client.begin();
            send(&mut client, HandshakeType::CLIENT_HELLO, 0);
            advance(ms(1000)).await;
            client.repeat(None);
            send(&mut client, HandshakeType::CLIENT_HELLO, 1);
            advance(ms(7000)).await;
            hear(&mut client, HandshakeType::HELLO_VERIFY_REQUEST, 0, number);
            assert_eq!(client.round_trip(), round_trip);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_cookie_that_took_long_is_no_round_trip_to_be_told_of() {
        for (age, told) in [
            (Some(ms(999)), Some(ms(999))),
            (Some(ms(8000)), None),
            (None, None),
        ] {
            let mut server = dialogue(Role::Server, Some((1, 1)));
            server.take_cookie_age(age);
            assert_eq!(server.round_trip(), told);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_gap_is_asked_for_when_the_network_has_had_time() {
        let mut client = dialogue(Role::Client, None);
        client.begin();
        send(&mut client, HandshakeType::CLIENT_HELLO, 0);
        hear(&mut client, HandshakeType::SERVER_HELLO, 0, 0);
        assert_eq!(client.gap_ends(), None);
        hear(&mut client, HandshakeType::SERVER_HELLO_DONE, 2, 2);
        assert!(client.gap_ends().is_some() && !client.take_gap());
        advance(LEAST_APART).await;
        assert!(client.take_gap() && !client.take_gap());
        hear(&mut client, HandshakeType::CERTIFICATE, 1, 1);
        assert_eq!(client.gap_ends(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn smaller_datagrams_count_if_they_are_what_was_answered() {
        for (last, proven) in [(Some(548), Some(548)), (None, None)] {
            let mut server = dialogue(Role::Server, Some((1, 1)));
            server.begin();
            send(&mut server, HandshakeType::SERVER_HELLO, 1);
            for smaller in [Some(1200), last] {
                server.repeat(smaller);
                send(&mut server, HandshakeType::SERVER_HELLO, 1);
            }
            hear(&mut server, HandshakeType::CLIENT_KEY_EXCHANGE, 2, 2);
            assert_eq!((server.take_proven(), server.take_proven()), (proven, None));
        }
    }
}
