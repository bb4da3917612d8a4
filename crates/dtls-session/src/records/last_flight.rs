//! Who has sent the last flight of a handshake sends it again to a peer that asks (RFC 6347 4.2.4).

use std::time::Duration;

use dtls_wire::{ContentType, HandshakeType, Record, fragments};
use tokio::time::Instant;

use crate::records::seal::{SealError, Sealing};

/// The last flight of a handshake, kept for a peer that may not have got it.
///
/// It is never the same bytes again: the peer's window may have passed their numbers, and then the peer
/// would ask for ever.
pub(crate) struct LastFlight {
    /// Whole records of epoch 0, one behind the other.
    plain: Box<[u8]>,
    /// The number of the next record of epoch 0.
    next: u64,
    /// The message, with its header.
    finished: Box<[u8]>,
    ended: Instant,
    answered: Option<Instant>,
}

impl LastFlight {
    /// Keeps what was sent in epoch 0, the next number there, and the Finished as it was before it was
    /// sealed. The handshake has ended at `now`.
    pub(crate) fn new(plain: &[u8], next: u64, finished: &[u8], now: Instant) -> Self {
        Self {
            plain: plain.into(),
            next,
            finished: finished.into(),
            ended: now,
            answered: None,
        }
    }

    /// Appends the flight's records to `into`, all with new numbers, for an authentic record that
    /// [`asks`] for them; whether it did.
    ///
    /// It does not so soon after the last time: a peer's flight may have several records.
    ///
    /// # Errors
    ///
    /// The Finished could not be sealed; `into` is as it was before.
    pub(crate) fn answer(
        &mut self,
        now: Instant,
        sealing: &mut Sealing,
        into: &mut Vec<u8>,
    ) -> Result<bool, SealError> {
        let early = |last| now.saturating_duration_since(last) < PAUSE;
        if self.is_over(now) || self.answered.is_some_and(early) {
            return Ok(false);
        }
        let start = into.len();
        self.number_on(into);
        if let Err(error) = sealing.seal(ContentType::HANDSHAKE, &self.finished, into) {
            into.truncate(start);
            return Err(error);
        }
        self.answered = Some(now);
        Ok(true)
    }

    /// The message as it was before it was sealed, with its header.
    pub(crate) fn finished(&self) -> &[u8] {
        &self.finished
    }

    /// For how long it is kept yet.
    pub(crate) fn left(&self, now: Instant) -> Duration {
        (self.ended + KEPT).saturating_duration_since(now)
    }

    /// Whether the peer can have no more of it than it has: then there is no use in keeping it.
    pub(crate) fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.ended) >= KEPT
    }

    fn number_on(&mut self, into: &mut Vec<u8>) {
        let mut rest = &*self.plain;
        while let Ok((record, behind)) = Record::split(rest) {
            let start = into.len();
            into.extend_from_slice(&rest[..record.wire_len()]);
            Record::set_sequence(&mut into[start..], self.next);
            self.next += 1;
            rest = behind;
        }
    }
}

/// Whether a record of the handshake, authentic and not a repeat itself, shows that the peer waits for the
/// last flight: it has its Finished in it.
pub(crate) fn asks(content_type: ContentType, content: &[u8]) -> bool {
    content_type == ContentType::HANDSHAKE
        && fragments(content)
            .flatten()
            .any(|fragment| fragment.handshake_type == HandshakeType::FINISHED)
}

/// Shows no byte of the Finished.
impl std::fmt::Debug for LastFlight {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LastFlight")
            .field("next", &self.next)
            .field("ended", &self.ended)
            .field("answered", &self.answered)
            .finish_non_exhaustive()
    }
}

/// Twice the longest life of a segment (RFC 6347 4.2.4).
const KEPT: Duration = Duration::from_secs(4 * 60);
/// Not longer than the shortest timer of a peer.
const PAUSE: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use dtls_wire::{AnyRecord, Encode, Fragment, ProtocolVersion, records};

    use super::*;
    use crate::records::{
        layout::Layout,
        open::Opening,
        testing::{ends, suites},
    };

    fn flight(now: Instant) -> LastFlight {
        let mut plain = Vec::new();
        for (sequence, content_type, body) in [
            (3, ContentType::HANDSHAKE, &[4; 50][..]),
            (4, ContentType::CHANGE_CIPHER_SPEC, &[1]),
        ] {
            let record = Record {
                content_type,
                version: ProtocolVersion::DTLS_1_2,
                epoch: 0,
                sequence,
                connection_id: &[],
                body,
            };
            record.append_to(&mut plain).unwrap();
        }
        LastFlight::new(&plain, 5, &finished(), now)
    }

    fn finished() -> Vec<u8> {
        let message = Fragment::whole(HandshakeType::FINISHED, 6, &[9; 12]);
        message.to_vec().unwrap()
    }

    /// Checks that it is the flight, and returns the numbers of its records.
    fn numbers(bytes: &[u8], opening: &mut Opening) -> Vec<u64> {
        let flight: Vec<_> = records(bytes).map(Result::unwrap).collect();
        let [
            AnyRecord::Full(ticket),
            AnyRecord::Full(change),
            AnyRecord::Full(last),
        ] = flight[..]
        else {
            panic!("{flight:?}");
        };
        assert_eq!((ticket.epoch, ticket.body), (0, &[4; 50][..]));
        assert_eq!(change.content_type, ContentType::CHANGE_CIPHER_SPEC);
        let mut content = Vec::new();
        let opened = opening.open_vec(&last, &mut content).unwrap();
        assert!(asks(opened.content_type, &content));
        assert_eq!(content, finished());
        vec![ticket.sequence, change.sequence, last.sequence]
    }

    #[test]
    fn each_answer_has_numbers_of_its_own_and_they_keep_their_distance() {
        let start = Instant::now();
        for suite in suites() {
            let mut flight = flight(start);
            let (mut sealing, mut opening) = ends(suite, &Layout::Plain, 1);
            let mut answer = |milliseconds| {
                let mut bytes = vec![0xff];
                let now = start + Duration::from_millis(milliseconds);
                let answered = flight.answer(now, &mut sealing, &mut bytes).unwrap();
                assert_eq!(bytes.remove(0), 0xff);
                assert_eq!(bytes.is_empty(), !answered);
                answered.then(|| numbers(&bytes, &mut opening))
            };
            assert_eq!(answer(0), Some(vec![5, 6, 1]));
            assert_eq!(answer(49), None);
            assert_eq!(answer(50), Some(vec![7, 8, 2]));
            assert_eq!(answer(60), None);
            assert_eq!(answer(239_999), Some(vec![9, 10, 3]));
            assert_eq!(answer(240_000), None);
        }
    }

    #[test]
    fn a_flight_that_cannot_be_sealed_is_not_sent_in_part() {
        let now = Instant::now();
        let suite = suites().next().unwrap();
        let (mut sealing, _) = ends(suite, &Layout::Plain, suite.record_limit());
        let mut bytes = vec![1];
        let refused = flight(now).answer(now, &mut sealing, &mut bytes);
        assert!(matches!(refused, Err(SealError::Exhausted)));
        assert_eq!(bytes, [1]);
    }

    #[test]
    fn only_a_finished_asks() {
        let hello = Fragment::whole(HandshakeType::HELLO_REQUEST, 0, &[]);
        let hello = hello.to_vec().unwrap();
        assert!(asks(ContentType::HANDSHAKE, &finished()));
        assert!(asks(
            ContentType::HANDSHAKE,
            &[hello.clone(), finished()].concat()
        ));
        assert!(!asks(ContentType::HANDSHAKE, &hello));
        assert!(!asks(ContentType::HANDSHAKE, &[]));
        assert!(!asks(ContentType::APPLICATION_DATA, &finished()));
    }

    #[test]
    fn no_byte_of_the_finished_is_shown() {
        let shown = format!("{:?}", flight(Instant::now()));
        assert!(
            shown.starts_with("LastFlight { next: 5") && !shown.contains("[20"),
            "{shown}"
        );
    }
}
