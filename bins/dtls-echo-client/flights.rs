//! Flights: the messages that one side sends before it waits for the other (RFC 6347 4.2.4).

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
};

use serde::Serialize;

use crate::{
    direction::Direction,
    wire::{Datagram, Record},
};

/// The flights of a handshake, made out from what both sides send.
#[derive(Debug, Default)]
pub(crate) struct Flights {
    flights: Vec<Flight>,
    /// Digests of all datagrams so far.
    seen: HashSet<u64>,
}

/// One flight.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Flight {
    pub(crate) direction: Direction,
    pub(crate) messages: Vec<Cow<'static, str>>,
    /// Repeats and duplicates included; one with messages of two flights is the later one's.
    pub(crate) datagrams: u64,
    pub(crate) bytes: u64,
    /// How often it was sent again, as far as this side has seen it.
    pub(crate) repeats: u64,
    /// How often each message was sent.
    #[serde(skip)]
    copies: HashMap<Key, u64>,
}

/// What is the same in a message and its repeats: type, number and offset of the fragment.
type Key = (u8, u16, usize);

/// A ChangeCipherSpec is no message to the record layer, but has its place in a flight.
const CHANGE_CIPHER_SPEC: Key = (u8::MAX, 0, 0);

/// What a datagram is in the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Novelty {
    New,
    /// Its messages came before, in other records.
    Repeated,
    /// The very same bytes came before, as when the network has doubled them.
    Duplicate,
}

impl Flights {
    /// Adds a datagram that belongs to the handshake; others change nothing.
    pub(crate) fn add(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        datagram: &Datagram,
    ) -> Novelty {
        let belongs = datagram.records.iter().any(Record::is_of_handshake);
        if !belongs || self.seen.len() >= MOST_DATAGRAMS {
            return Novelty::New;
        }
        let mut hasher = DefaultHasher::new();
        (direction, bytes).hash(&mut hasher);
        let duplicate = !self.seen.insert(hasher.finish());
        let mut place = None;
        let mut is_new = false;
        for (key, name) in messages(datagram) {
            // A repeated flight and the next one may share a datagram.
            let known = self.flight_of(direction, key);
            is_new |= known.is_none();
            let own = known.unwrap_or_else(|| self.next(direction, true));
            if !duplicate {
                self.flights[own].add(key, name);
            }
            place = Some(own);
        }
        is_new |= place.is_none();
        let place = place.unwrap_or_else(|| self.next(direction, false));
        let flight = &mut self.flights[place];
        flight.datagrams += 1;
        flight.bytes += bytes.len() as u64;
        match (duplicate, is_new) {
            (true, _) => Novelty::Duplicate,
            (false, true) => Novelty::New,
            (false, false) => Novelty::Repeated,
        }
    }

    pub(crate) fn all(&self) -> &[Flight] {
        &self.flights
    }

    /// How often one side has sent a flight again.
    pub(crate) fn repeats(&self, direction: Direction) -> u64 {
        let own = self
            .flights
            .iter()
            .filter(|flight| flight.direction == direction);
        own.map(|flight| flight.repeats).sum()
    }

    fn flight_of(&self, direction: Direction, key: Key) -> Option<usize> {
        self.flights
            .iter()
            .position(|flight| flight.direction == direction && flight.copies.contains_key(&key))
    }

    /// Where what was not seen before belongs.
    fn next(&mut self, direction: Direction, is_readable: bool) -> usize {
        let last = self
            .flights
            .iter()
            .rposition(|flight| flight.direction == direction);
        let current = last.filter(|place| {
            // What is encrypted belongs to the ChangeCipherSpec before it.
            let copies = &self.flights[*place].copies;
            let follows = !is_readable && copies.contains_key(&CHANGE_CIPHER_SPEC);
            place + 1 == self.flights.len() || follows
        });
        current.unwrap_or_else(|| {
            self.flights.push(Flight {
                direction,
                messages: Vec::new(),
                datagrams: 0,
                bytes: 0,
                repeats: 0,
                copies: HashMap::new(),
            });
            self.flights.len() - 1
        })
    }
}

impl Flight {
    fn add(&mut self, key: Key, name: Cow<'static, str>) {
        let copies = self.copies.entry(key).or_default();
        *copies += 1;
        self.repeats = self.repeats.max(*copies - 1);
        // Each fragment of one message has a key of its own.
        if *copies == 1 && key.2 == 0 {
            self.messages.push(name);
        }
    }
}

/// What of a datagram can be known again.
fn messages(datagram: &Datagram) -> Vec<(Key, Cow<'static, str>)> {
    let records = datagram.records.iter().flat_map(|record| {
        let spec = record
            .is_change_cipher_spec()
            .then_some((CHANGE_CIPHER_SPEC, Cow::Borrowed("ChangeCipherSpec")));
        let messages = record.messages.iter().map(|message| {
            let key = (
                message.kind.number(),
                message.sequence,
                message.fragment_offset,
            );
            (key, message.name.clone())
        });
        messages.chain(spec)
    });
    records.take(MOST_MESSAGES).collect()
}

/// Beyond these it is no handshake, but somebody who wants memory.
const MOST_DATAGRAMS: usize = 1024;
const MOST_MESSAGES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use Direction::{Received, Sent};

    /// A record with one message, of which nothing but the header matters.
    fn message(number: u8, kind: u8, sequence: u8) -> Vec<u8> {
        let mut record = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, number, 0, 12];
        record.extend([kind, 0, 0, 0, 0, sequence, 0, 0, 0, 0, 0, 0]);
        record
    }

    fn change_cipher_spec(number: u8) -> Vec<u8> {
        vec![20, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, number, 0, 1, 1]
    }

    fn encrypted(content: u8, number: u8) -> Vec<u8> {
        vec![content, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, number, 0, 1, 9]
    }

    fn add(flights: &mut Flights, direction: Direction, records: &[Vec<u8>]) -> Novelty {
        let bytes = records.concat();
        flights.add(direction, &bytes, &Datagram::decode(&bytes))
    }

    #[test]
    fn a_flood_is_forgotten() {
        let mut flights = Flights::default();
        for number in 0..2 * MOST_DATAGRAMS {
            let [high, low] = (number as u16).to_be_bytes();
            let mut record = message(low, 2, low);
            record[9] = high;
            add(&mut flights, Received, &[record]);
        }
        assert_eq!(flights.seen.len(), MOST_DATAGRAMS);
        let datagrams: u64 = flights.all().iter().map(|flight| flight.datagrams).sum();
        assert_eq!(datagrams, MOST_DATAGRAMS as u64);
    }

    #[test]
    fn a_repeated_flight_may_share_a_datagram_with_the_next() {
        let mut flights = Flights::default();
        add(&mut flights, Received, &[message(0, 2, 1)]);
        add(&mut flights, Sent, &[message(0, 16, 2)]);
        let both = [message(1, 2, 1), message(2, 4, 2), change_cipher_spec(3)];
        assert_eq!(add(&mut flights, Received, &both), Novelty::New);
        let shown = flights.all().iter().map(|flight| {
            let names = flight.messages.join(" ");
            (names, flight.datagrams, flight.repeats)
        });
        let expected = [
            ("ServerHello", 1, 1),
            ("ClientKeyExchange", 1, 0),
            ("NewSessionTicket ChangeCipherSpec", 1, 0),
        ];
        let expected =
            expected.map(|(names, datagrams, repeats)| (names.to_owned(), datagrams, repeats));
        assert_eq!(shown.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn repeats_and_duplicates_are_told_apart() {
        let mut flights = Flights::default();
        let passed = [
            (Sent, vec![message(0, 1, 0)], Novelty::New),
            (Sent, vec![message(1, 1, 0)], Novelty::Repeated),
            (Received, vec![message(1, 3, 0)], Novelty::New),
            (Received, vec![message(1, 3, 0)], Novelty::Duplicate),
            (Sent, vec![message(2, 1, 1)], Novelty::New),
            (Received, vec![message(2, 2, 1)], Novelty::New),
            // The rest of the flight, in another datagram.
            (
                Received,
                vec![message(3, 11, 2), message(4, 14, 3)],
                Novelty::New,
            ),
            (
                Sent,
                vec![message(3, 16, 2), change_cipher_spec(4)],
                Novelty::New,
            ),
            (Sent, vec![encrypted(22, 0)], Novelty::New),
            (Received, vec![message(5, 2, 1)], Novelty::Repeated),
            (
                Received,
                vec![message(6, 11, 2), message(7, 14, 3)],
                Novelty::Repeated,
            ),
            (
                Received,
                vec![change_cipher_spec(8), encrypted(22, 0)],
                Novelty::New,
            ),
            (
                Received,
                vec![change_cipher_spec(9), encrypted(22, 1)],
                Novelty::Repeated,
            ),
            // Data is nobody's flight.
            (Sent, vec![encrypted(23, 1)], Novelty::New),
        ];
        for (direction, records, novelty) in passed {
            assert_eq!(
                add(&mut flights, direction, &records),
                novelty,
                "{records:?}"
            );
        }
        let shown: Vec<_> = flights
            .all()
            .iter()
            .map(|flight| {
                (
                    flight.direction,
                    flight.messages.join(" "),
                    flight.datagrams,
                    flight.repeats,
                )
            })
            .collect();
        let expected = [
            (Sent, "ClientHello", 2, 1),
            (Received, "HelloVerifyRequest", 2, 0),
            (Sent, "ClientHello", 1, 0),
            (Received, "ServerHello Certificate ServerHelloDone", 4, 1),
            (Sent, "ClientKeyExchange ChangeCipherSpec", 2, 0),
            (Received, "ChangeCipherSpec", 2, 1),
        ];
        let expected = expected.map(|(direction, names, datagrams, repeats)| {
            (direction, names.to_owned(), datagrams, repeats)
        });
        assert_eq!(shown, expected);
        assert_eq!((flights.repeats(Sent), flights.repeats(Received)), (1, 2));
    }
}
