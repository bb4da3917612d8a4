//! Records on their way out: a flight packed into datagrams, numbers put right.

use std::{collections::VecDeque, time::Duration};

use dtls_wire::{AnyRecord, ContentType, HandshakeType, Record};
use tokio::time::Instant;

use crate::{
    record_layer::{cut::fragments, numbering::Numbering},
    records::link::FALLBACK_MTUS,
};

/// Collects what OpenSSL writes during one poll.
///
/// OpenSSL repeats a flight one message at a time; handshake records that follow one another are
/// put into one datagram as long as they fit (RFC 6347 4.2.3). Everything else is a datagram of
/// its own.
pub(crate) struct Egress {
    mtu: usize,
    datagrams: VecDeque<Vec<u8>>,
    queued: usize,
    /// The present flight's records as they were written, for as long as it may be wanted again;
    /// None if it is too long.
    flight: Option<Vec<u8>>,
    /// Whether the last datagram may take more records.
    open: bool,
    numbering: Numbering,
    largest: usize,
    /// The record number of a client's first hello with a cookie.
    second_hello: Option<u64>,
    /// When the flight with the ChangeCipherSpec first left, and how often it has.
    last_flight: Option<(Instant, u32)>,
    /// Whether protected records may be data, each of which is a datagram.
    established: bool,
}

impl Egress {
    pub(crate) fn new(mtu: usize, first_sequence: Option<u64>) -> Self {
        Self {
            mtu,
            datagrams: VecDeque::new(),
            queued: 0,
            flight: None,
            open: false,
            numbering: Numbering::new(first_sequence),
            largest: 0,
            second_hello: None,
            last_flight: None,
            established: false,
        }
    }

    /// Forgets the hellos of a handshake that is given up.
    pub(crate) fn restart(&mut self) {
        self.second_hello = None;
        self.last_flight = None;
        self.flight = None;
        self.numbering = Numbering::new(None);
    }

    /// Whether the flight with the ChangeCipherSpec has been repeated often enough, and long enough, for
    /// its answer to have come.
    pub(crate) fn last_flight_is_in_vain(&self, patience: Duration) -> bool {
        self.last_flight
            .is_some_and(|(since, sent)| sent > PERMITTED_REPEATS && since.elapsed() >= patience)
    }

    /// Starts a flight, or its repeat. What is left of the flight before was answered.
    pub(crate) fn begin_flight(&mut self) {
        self.flight = Some(Vec::new());
        self.forget_unsent();
    }

    fn forget_unsent(&mut self) {
        self.datagrams.clear();
        self.queued = 0;
        self.open = false;
    }

    /// Keeps a part of the flight for [`Self::repeat_flight`], unless that becomes too long.
    pub(crate) fn keep(&mut self, written: &[u8]) {
        let room = |flight: &Vec<u8>| flight.len() + written.len() <= MAX_KEPT;
        self.flight = self.flight.take().filter(room);
        if let Some(flight) = &mut self.flight {
            flight.extend_from_slice(written);
        }
    }

    /// Queues the present flight again, in datagrams of up to `most` bytes, if it is kept.
    ///
    /// A protected record has the number that it had, since its key is OpenSSL's: a peer that
    /// misses it takes it, and another passes it over.
    pub(crate) fn repeat_flight(&mut self, most: usize) -> bool {
        let Some(flight) = self.flight.take() else {
            return false;
        };
        self.forget_unsent();
        let mtu = std::mem::replace(&mut self.mtu, most);
        let mut rest = &flight[..];
        while let Ok((record, behind)) = Record::split(rest) {
            let bytes = &rest[..rest.len() - behind.len()];
            rest = behind;
            if record.epoch > 0 {
                self.append(bytes, true, None);
                continue;
            }
            for mut fragment in fragments(bytes, most) {
                let number = self.numbering.another();
                Record::set_sequence(&mut fragment, number);
                self.append(&fragment, true, None);
            }
        }
        self.mtu = mtu;
        self.flight = Some(flight);
        true
    }

    /// Whether a HelloVerifyRequest with this record number answers a hello that had a cookie: it
    /// has the number of the hello that it answers (RFC 6347 4.2.1).
    pub(crate) fn refuses_cookie(&self, sequence: u64) -> bool {
        self.second_hello.is_some_and(|hello| sequence >= hello)
    }

    /// Ends the handshake, and returns what its last flight had in epoch 0, with the next number there;
    /// None if that was too long to be kept.
    pub(crate) fn establish(&mut self) -> Option<(Vec<u8>, u64)> {
        self.established = true;
        let flight = self.flight.take()?;
        let mut plain = Vec::new();
        let mut rest = &flight[..];
        while let Ok((record, behind)) = Record::split(rest) {
            if record.epoch == 0 {
                plain.extend_from_slice(&rest[..rest.len() - behind.len()]);
            }
            rest = behind;
        }
        Some((plain, self.numbering.next()))
    }

    /// Queues what one write held; false if there was no room, and nothing of it was taken.
    pub(crate) fn push(&mut self, written: &[u8]) -> bool {
        if self.queued + written.len() > MAX_QUEUED {
            return false;
        }
        let mut rest = written;
        while let Ok((record, behind)) = AnyRecord::split(rest) {
            let bytes = &rest[..record.wire_len()];
            rest = behind;
            let record = match record {
                AnyRecord::Full(record) => record,
                AnyRecord::Unified(record) => {
                    self.append(bytes, !self.established, None);
                    self.open &= record.has_length;
                    continue;
                }
            };
            if self.numbering.precedes(&record) {
                continue;
            }
            if let Some(Ok(message)) = record.fragments().next()
                && message.handshake_type == HandshakeType::CLIENT_HELLO
                && message.message_sequence == 1
            {
                self.second_hello.get_or_insert(record.sequence);
            }
            let flight = matches!(
                record.content_type,
                ContentType::HANDSHAKE | ContentType::CHANGE_CIPHER_SPEC
            );
            self.append(
                bytes,
                flight,
                (record.epoch == 0).then_some(record.sequence),
            );
        }
        if !rest.is_empty() {
            self.append(rest, false, None);
        }
        true
    }

    fn append(&mut self, bytes: &[u8], flight: bool, plaintext: Option<u64>) {
        let mtu = self.mtu;
        let room = |datagram: &Vec<u8>| datagram.len() + bytes.len() <= mtu;
        let joins = flight && self.open && self.datagrams.back().is_some_and(room);
        if !joins {
            self.datagrams.push_back(Vec::with_capacity(bytes.len()));
        }
        let last = self
            .datagrams
            .back_mut()
            .expect("one was just pushed or joined");
        let start = last.len();
        last.extend_from_slice(bytes);
        if let Some(sequence) = plaintext {
            Record::set_sequence(&mut last[start..], self.numbering.number(sequence));
        }
        self.largest = self.largest.max(last.len());
        self.queued += bytes.len();
        self.open = flight;
    }

    /// The datagram to be sent next.
    pub(crate) fn front(&self) -> Option<&[u8]> {
        self.datagrams.front().map(Vec::as_slice)
    }

    /// Returns what has not been sent.
    pub(crate) fn into_unsent(self) -> VecDeque<Vec<u8>> {
        self.datagrams
    }

    pub(crate) fn pop(&mut self) {
        if let Some(datagram) = self.datagrams.pop_front() {
            self.queued -= datagram.len();
            // Whoever has made it, OpenSSL's timer or the peer that has repeated its own.
            if !self.established && changes_keys(&datagram) {
                let (_, sent) = self.last_flight.get_or_insert_with(|| (Instant::now(), 0));
                *sent += 1;
            }
        }
        self.open &= !self.datagrams.is_empty();
    }

    /// The size to fall back to when datagrams of the present size stay unanswered, if any sent
    /// so far was larger (RFC 6347 4.1.1.1).
    pub(crate) fn smaller_mtu(&self) -> Option<usize> {
        self.smaller_mtus().next()
    }

    /// The sizes to fall back to in turn, the largest first, then None, and so on.
    pub(crate) fn mtu_in_turn(&self, nth: usize) -> Option<usize> {
        let turns = self.smaller_mtus().count() + 1;
        self.smaller_mtus().nth(nth % turns)
    }

    fn smaller_mtus(&self) -> impl Iterator<Item = usize> {
        let present = self.largest.min(self.mtu);
        FALLBACK_MTUS.into_iter().filter(move |mtu| *mtu < present)
    }

    pub(crate) fn mtu(&self) -> usize {
        self.mtu
    }

    pub(crate) fn set_mtu(&mut self, mtu: usize) {
        self.mtu = mtu;
        self.largest = 0;
    }
}

/// A longer flight is repeated by OpenSSL's timer only: an answer to a small datagram, it would be
/// much.
const MAX_KEPT: usize = 16 * 1024;

fn changes_keys(datagram: &[u8]) -> bool {
    let mut rest = datagram;
    while let Ok((record, behind)) = Record::split(rest) {
        if record.content_type == ContentType::CHANGE_CIPHER_SPEC {
            return true;
        }
        rest = behind;
    }
    false
}

/// By then a flight has been lost at 30 % loss once in a thousand times.
const PERMITTED_REPEATS: u32 = 5;

/// A flight with the largest certificate chain, a few times over.
const MAX_QUEUED: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn record(content_type: u8, epoch: u8, sequence: u8, length: u8) -> Vec<u8> {
        let mut record = vec![
            content_type,
            0xfe,
            0xfd,
            0,
            epoch,
            0,
            0,
            0,
            0,
            0,
            sequence,
            0,
            length,
        ];
        record.resize(13 + usize::from(length), content_type);
        record
    }

    fn drain(egress: &mut Egress) -> Vec<Vec<u8>> {
        let mut datagrams = Vec::new();
        while let Some(datagram) = egress.front() {
            datagrams.push(datagram.to_vec());
            egress.pop();
        }
        datagrams
    }

    #[test]
    fn a_flight_is_packed_and_data_is_not() {
        let mut egress = Egress::new(100, None);
        let (a, b, c) = (
            record(22, 0, 0, 30),
            record(20, 0, 1, 1),
            record(22, 1, 0, 40),
        );
        let (data, alert) = (record(23, 1, 1, 5), record(21, 1, 2, 2));
        for written in [&a, &b, &c, &data, &data, &alert] {
            assert!(egress.push(written));
        }
        let expected = vec![[a, b].concat(), c, data.clone(), data, alert];
        assert_eq!(drain(&mut egress), expected);
        assert_eq!(egress.queued, 0);
    }

    #[test]
    fn one_write_of_several_records_is_packed_by_record() {
        let mut egress = Egress::new(100, None);
        let (a, b, c) = (
            record(22, 0, 0, 60),
            record(22, 0, 1, 20),
            record(22, 0, 2, 20),
        );
        egress.push(&a);
        egress.push(&[&b[..], &c[..]].concat());
        assert_eq!(drain(&mut egress), [a, [b, c].concat()]);
    }

    #[test]
    fn epoch_0_is_shifted_to_the_hellos_number() {
        let mut egress = Egress::new(1000, Some(4));
        egress.push(&record(22, 0, 1, 1));
        egress.push(&record(22, 0, 2, 1));
        egress.push(&record(22, 1, 0, 1));
        let datagram = egress.front().unwrap();
        assert_eq!([datagram[10], datagram[24], datagram[38]], [4, 5, 0]);
    }

    #[test]
    fn only_an_answer_to_the_second_hello_refuses_its_cookie() {
        let mut egress = Egress::new(1000, None);
        let hello = |sequence, message| {
            let mut record = record(22, 0, sequence, 12);
            record[13..].copy_from_slice(&[1, 0, 0, 0, 0, message, 0, 0, 0, 0, 0, 0]);
            record
        };
        for (sequence, message) in [(0, 0), (1, 0)] {
            egress.push(&hello(sequence, message));
            assert!(!egress.refuses_cookie(9));
        }
        egress.push(&hello(2, 1));
        egress.push(&hello(3, 1));
        assert_eq!(
            [0, 1, 2, 3].map(|n| egress.refuses_cookie(n)),
            [false, false, true, true]
        );
        egress.restart();
        assert!(!egress.refuses_cookie(9));
    }

    #[tokio::test(start_paused = true)]
    async fn a_last_flight_is_in_vain_after_repeats_and_a_while() {
        let mut egress = Egress::new(1000, None);
        let patience = Duration::from_secs(2);
        for sequence in 0..=5 {
            egress.push(&record(22, 0, sequence, 30));
            egress.push(&record(20, 0, sequence, 1));
            egress.push(&record(22, 1, sequence, 30));
            assert_eq!(drain(&mut egress).len(), 1);
            assert!(!egress.last_flight_is_in_vain(patience));
        }
        tokio::time::advance(patience).await;
        assert!(egress.last_flight_is_in_vain(patience));
        egress.restart();
        assert!(!egress.last_flight_is_in_vain(patience));
    }

    #[test]
    fn a_number_that_is_right_or_higher_stays() {
        for (written, wanted) in [(4, 4), (5, 4)] {
            let mut egress = Egress::new(1000, Some(wanted));
            egress.push(&record(22, 0, written, 1));
            assert_eq!(egress.front().unwrap()[10], written);
        }
    }

    #[test]
    fn a_flight_is_sent_again_under_new_numbers_and_what_follows_goes_on_from_them() {
        let mut egress = Egress::new(1000, Some(4));
        let flight = [
            record(22, 0, 1, 20),
            record(20, 0, 2, 1),
            record(22, 1, 0, 40),
        ]
        .concat();
        egress.begin_flight();
        egress.keep(&flight);
        egress.push(&flight);
        drain(&mut egress);
        egress.repeat_flight(1000);
        let again = egress.front().unwrap().to_vec();
        assert_eq!([again[10], again[10 + 33], again[10 + 47]], [6, 7, 0]);
        drain(&mut egress);
        egress.push(&record(22, 0, 3, 20));
        assert_eq!(egress.front().unwrap()[10], 8);
    }

    #[test]
    fn a_flight_is_cut_for_a_narrow_path() {
        let mut egress = Egress::new(1000, None);
        let mut message = record(22, 0, 0, 112);
        message[13..25].copy_from_slice(&[11, 0, 0, 100, 0, 2, 0, 0, 0, 0, 0, 100]);
        egress.begin_flight();
        egress.keep(&message);
        egress.push(&message);
        drain(&mut egress);
        egress.repeat_flight(85);
        let [first, second] = &drain(&mut egress)[..] else {
            panic!("two datagrams");
        };
        assert_eq!((first.len(), second.len()), (85, 25 + 40));
        assert_eq!(
            first[11..25],
            [0, 72, 11, 0, 0, 100, 0, 2, 0, 0, 0, 0, 0, 60]
        );
        assert_eq!(
            second[11..25],
            [0, 52, 11, 0, 0, 100, 0, 2, 0, 0, 60, 0, 0, 40]
        );
        // The MTU is not touched.
        assert_eq!(egress.mtu(), 1000);
    }

    #[test]
    fn what_was_answered_leaves_no_more() {
        let mut egress = Egress::new(1000, None);
        egress.push(&record(22, 0, 0, 20));
        egress.begin_flight();
        egress.push(&record(22, 0, 1, 30));
        assert_eq!(drain(&mut egress), [record(22, 0, 1, 30)]);
        assert_eq!(egress.queued, 0);
    }

    #[test]
    fn a_long_flight_is_not_kept() {
        let mut egress = Egress::new(1000, None);
        egress.begin_flight();
        for sequence in 0..100 {
            egress.keep(&record(22, 0, sequence, 200));
        }
        assert!(!egress.repeat_flight(1000));
        assert!(egress.front().is_none());
    }

    #[test]
    fn sizes_take_turns() {
        let mut egress = Egress::new(1350, None);
        egress.push(&record(22, 0, 0, 255));
        assert_eq!([0, 1].map(|nth| egress.mtu_in_turn(nth)), [None; 2]);
        let mut large = record(22, 0, 0, 0);
        large[11..13].copy_from_slice(&1300u16.to_be_bytes());
        large.resize(1313, 0);
        egress.push(&large);
        assert_eq!(
            [0, 1, 2, 3].map(|nth| egress.mtu_in_turn(nth)),
            [Some(1200), Some(548), None, Some(1200)]
        );
    }

    #[test]
    fn the_mtu_falls_only_below_what_was_sent() {
        let mut egress = Egress::new(1350, None);
        assert_eq!(egress.smaller_mtu(), None);
        egress.push(&record(22, 0, 0, 200));
        assert_eq!(egress.smaller_mtu(), None);
        for sequence in 1..=4 {
            egress.push(&record(22, 0, sequence, 200));
        }
        assert_eq!(egress.smaller_mtu(), Some(548));
        egress.push(&record(22, 0, 5, 200));
        assert_eq!(egress.smaller_mtu(), Some(1200));
        egress.set_mtu(548);
        assert_eq!(egress.smaller_mtu(), None);
    }

    #[test]
    fn the_queue_is_bounded() {
        let mut egress = Egress::new(1350, None);
        let datagram = record(23, 1, 0, 200);
        let taken = (0..10_000).take_while(|_| egress.push(&datagram)).count();
        assert_eq!(taken, MAX_QUEUED / datagram.len());
    }
}
