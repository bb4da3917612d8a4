//! What may come of a handshake after its end.

use std::cmp::Ordering;

use dtls_wire::{ContentType, Record};

use crate::record_layer::ingress::Role;

/// Who has sent the last flight, and how often it was asked for again (RFC 6347 4.2.4).
///
/// OpenSSL ends the session at the thirteenth repeat of the flight before the last, and answers
/// repeats also where the peer cannot have lost anything; and a HelloRequest has to have the message
/// number that it expects. What these records say is not to be seen, but their lengths are.
#[derive(Debug, Default)]
pub(crate) struct LastFlight {
    ours: bool,
    /// The length of our Finished under keys, which is the peer's, too.
    finished: usize,
    answered: u8,
}

impl LastFlight {
    /// Takes note of a record that OpenSSL writes.
    pub(crate) fn wrote(&mut self, record: &Record<'_>, established: bool) {
        match (record.content_type, record.epoch) {
            (ContentType::HANDSHAKE, 1) if !established => self.finished = record.body.len(),
            // One for each answer.
            (ContentType::CHANGE_CIPHER_SPEC, _) if established => {
                self.answered = self.answered.saturating_add(1);
            }
            _ => {}
        }
    }

    /// Ends the handshake; `ours` if this side has sent the last flight.
    pub(crate) fn establish(&mut self, ours: bool) {
        self.ours = ours;
    }

    /// Whether OpenSSL is to see a handshake record that came after the end.
    pub(crate) fn admits(&self, role: Role, record: &Record<'_>) -> bool {
        match record.body.len().cmp(&self.finished) {
            // A HelloRequest, which may be ignored (RFC 5246 7.4.1.1).
            Ordering::Less => false,
            Ordering::Equal => self.ours && self.answered < MAX_ANSWERS,
            // A ClientHello: OpenSSL refuses to renegotiate, by a warning.
            Ordering::Greater => role == Role::Server,
        }
    }
}

/// OpenSSL's `DTLS1_TMO_ALERT_COUNT`.
const MAX_ANSWERS: u8 = 12;

#[cfg(test)]
mod tests {
    use super::*;

    fn record(content_type: ContentType, epoch: u16, body: &[u8]) -> Record<'_> {
        Record {
            content_type,
            version: 0xfefd.into(),
            epoch,
            sequence: 0,
            connection_id: &[],
            body,
        }
    }

    #[test]
    fn only_who_has_sent_the_last_flight_answers_and_a_dozen_times_at_most() {
        let finished = record(ContentType::HANDSHAKE, 1, &[0; 48]);
        for (role, ours) in [(Role::Server, true), (Role::Client, false)] {
            let mut flight = LastFlight::default();
            flight.wrote(&record(ContentType::CHANGE_CIPHER_SPEC, 0, &[1]), false);
            flight.wrote(&finished, false);
            flight.establish(ours);
            for _ in 0..12 {
                assert_eq!(flight.admits(role, &finished), ours);
                flight.wrote(&record(ContentType::CHANGE_CIPHER_SPEC, 0, &[1]), true);
                flight.wrote(&finished, true);
            }
            assert!(!flight.admits(role, &finished));
        }
    }

    #[test]
    fn a_hello_request_is_ignored_and_a_hello_is_for_the_server() {
        let mut flight = LastFlight::default();
        flight.wrote(&record(ContentType::HANDSHAKE, 1, &[0; 48]), false);
        flight.establish(true);
        for role in [Role::Client, Role::Server] {
            assert!(!flight.admits(role, &record(ContentType::HANDSHAKE, 1, &[0; 36])));
            let hello = record(ContentType::HANDSHAKE, 1, &[0; 200]);
            assert_eq!(flight.admits(role, &hello), role == Role::Server);
        }
    }
}
