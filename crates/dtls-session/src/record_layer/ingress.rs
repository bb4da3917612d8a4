//! What may reach OpenSSL: before there are keys, anybody can write to a handshake.

use dtls_wire::{
    AlertLevel, ChangeCipherSpec, ContentType, Decode, HandshakeType, Record, fragments,
};
use tokio::time::Instant;

pub(crate) use crate::settings::role::Role;
use crate::{alert::Alert, record_layer::beginning::Beginning, stats::SessionStats};

/// Decides record by record, first for a handshake and then for an established session.
#[derive(Debug)]
pub(crate) struct Ingress {
    role: Role,
    established: bool,
    /// Whether DTLS 1.3 may be negotiated.
    unified: bool,
    /// The number that the last plaintext record was given.
    last: u64,
    early_handshake: u8,
    early_data: u8,
    rooms: u8,
    alert: Option<(Alert, Instant)>,
    /// Whether a server has asked for a cookie.
    cookie: bool,
    beginning: Beginning,
    /// The length of the first message that was too long.
    too_long: Option<usize>,
}

impl Ingress {
    /// Starts at the record number that the peer's verified hello had.
    pub(crate) fn new(role: Role, sequence: u64) -> Self {
        Self {
            role,
            established: false,
            unified: false,
            last: sequence,
            early_handshake: 0,
            early_data: 0,
            rooms: MAX_EARLY_HANDSHAKE,
            alert: None,
            cookie: false,
            beginning: match role {
                Role::Client => Beginning::AT_FIRST,
                Role::Server => Beginning::Over,
            },
            too_long: None,
        }
    }

    /// Goes on from the record number that OpenSSL has seen.
    pub(crate) fn follow(&mut self, number: u64) {
        self.last = number;
    }

    pub(crate) fn establish(&mut self) {
        self.established = true;
    }

    pub(crate) fn restart(&mut self) {
        *self = Self {
            unified: self.unified,
            too_long: self.too_long,
            ..Self::new(self.role, 0)
        };
    }

    /// Lets records with a unified header pass.
    pub(crate) fn allow_unified(&mut self) {
        self.unified = true;
    }

    pub(crate) fn role(&self) -> Role {
        self.role
    }

    pub(crate) fn is_established(&self) -> bool {
        self.established
    }

    /// Returns whether OpenSSL may see a record with a unified header. These are all protected:
    /// without its key it is dropped, and of those ahead of their keys OpenSSL keeps a few.
    pub(crate) fn admit_unified(&self, stats: &mut SessionStats) -> bool {
        stats.filtered_malformed += u64::from(!self.unified);
        self.unified
    }

    /// The alert that the peer seems to have ended the handshake with, and since when nothing
    /// has spoken against it.
    ///
    /// Anybody can forge one, so it is believed only after a silence.
    pub(crate) fn alert(&self) -> Option<(Alert, Instant)> {
        self.alert
    }

    /// Whether a HelloVerifyRequest has come.
    pub(crate) fn cookie_asked_for(&self) -> bool {
        self.cookie
    }

    /// The length of a message that was passed over as too long; anybody can have written it.
    pub(crate) fn too_long(&self) -> Option<usize> {
        self.too_long
    }

    /// Returns the number under which OpenSSL may see the record, or None if it may not.
    pub(crate) fn admit(&mut self, record: &Record<'_>, stats: &mut SessionStats) -> Option<u64> {
        let known = (ContentType::CHANGE_CIPHER_SPEC..=ContentType::APPLICATION_DATA)
            .contains(&record.content_type);
        if !known || !record.version.is_dtls() {
            stats.filtered_malformed += 1;
            return None;
        }
        match (record.epoch, self.established) {
            (0, true) => {
                stats.filtered_plaintext += 1;
                None
            }
            // It has no meaning under keys (RFC 6347 4.1).
            (_, _)
                if record.epoch > 0 && record.content_type == ContentType::CHANGE_CIPHER_SPEC =>
            {
                stats.filtered_malformed += 1;
                None
            }
            (_, true) => Some(record.sequence),
            (0, false) => self.admit_plaintext(record, stats),
            (_, false) => self.admit_early(record, stats),
        }
    }

    fn admit_plaintext(&mut self, record: &Record<'_>, stats: &mut SessionStats) -> Option<u64> {
        let counter = match record.content_type {
            ContentType::ALERT => {
                if let Ok(alert) = dtls_wire::Alert::parse(record.body)
                    && (alert.level == AlertLevel::FATAL
                        || alert.description == Alert::CLOSE_NOTIFY)
                {
                    let since = self.alert.map_or_else(Instant::now, |(_, since)| since);
                    self.alert = Some((alert.description, since));
                }
                &mut stats.filtered_alerts
            }
            ContentType::CHANGE_CIPHER_SPEC if ChangeCipherSpec::parse(record.body).is_ok() => {
                if self.beginning.has_begun() {
                    self.make_room();
                    return self.next_number(record.sequence);
                }
                &mut stats.filtered_plaintext
            }
            ContentType::HANDSHAKE if self.well_formed(record.body) => {
                if let Some(beginning) = self.beginning.after(record.body) {
                    self.beginning = beginning;
                    self.cookie |= asks_for_cookie(record).is_some();
                    return self.next_number(record.sequence);
                }
                &mut stats.filtered_plaintext
            }
            ContentType::APPLICATION_DATA => &mut stats.filtered_plaintext,
            _ => &mut stats.filtered_malformed,
        };
        *counter += 1;
        None
    }

    /// Numbers admitted plaintext anew: anybody can write the numbers, and one far ahead would make
    /// OpenSSL's replay window refuse every genuine record.
    ///
    /// DTLS 1.3 acknowledges records by their numbers (RFC 9147 7), so there they have to stay, and
    /// only those far ahead are refused.
    fn next_number(&mut self, written: u64) -> Option<u64> {
        if self.unified && written > self.last.saturating_add(MAX_AHEAD) {
            return None;
        }
        self.alert = None;
        if self.unified {
            self.last = self.last.max(written);
            return Some(written);
        }
        self.last = self.last.wrapping_add(1);
        Some(self.last)
    }

    /// Whether a plaintext handshake record holds whole fragments of messages that this side can
    /// expect (RFC 6347 4.2.2).
    fn well_formed(&mut self, body: &[u8]) -> bool {
        let expected: &[HandshakeType] = match self.role {
            Role::Server => &[
                HandshakeType::CLIENT_HELLO,
                HandshakeType::CERTIFICATE,
                HandshakeType::CERTIFICATE_VERIFY,
                HandshakeType::CLIENT_KEY_EXCHANGE,
            ],
            Role::Client => &[
                HandshakeType::SERVER_HELLO,
                HandshakeType::HELLO_VERIFY_REQUEST,
                HandshakeType::NEW_SESSION_TICKET,
                HandshakeType::CERTIFICATE,
                HandshakeType::SERVER_KEY_EXCHANGE,
                HandshakeType::CERTIFICATE_REQUEST,
                HandshakeType::SERVER_HELLO_DONE,
                HandshakeType::CERTIFICATE_STATUS,
            ],
        };
        let limit = self.role.max_message();
        for fragment in fragments(body) {
            let Ok(fragment) = fragment else {
                return false;
            };
            // An empty fragment of a message that is not empty says nothing.
            let idle = fragment.body.is_empty() && fragment.message_length > 0;
            if idle || !fragment.is_within() || !expected.contains(&fragment.handshake_type) {
                return false;
            }
            if fragment.message_length > limit {
                self.too_long.get_or_insert(fragment.message_length);
                return false;
            }
        }
        true
    }

    /// A genuine Finished follows a ChangeCipherSpec, and must not be shut out by forged records
    /// that used up the room before.
    fn make_room(&mut self) {
        if self.rooms > 0 {
            self.rooms -= 1;
            self.early_handshake = 0;
            self.early_data = 0;
        }
    }

    /// Whether OpenSSL is to see an admitted record once the handshake has finished, and not before.
    ///
    /// OpenSSL keeps what is no handshake message and comes between ChangeCipherSpec and Finished,
    /// but some releases never let go of it: 3.4.1 and 3.5.0 yield nothing else from then on.
    pub(crate) fn postpones(&self, record: &Record<'_>) -> bool {
        !self.established && record.epoch > 0 && record.content_type != ContentType::HANDSHAKE
    }

    /// Records that come before their keys are kept, by OpenSSL or by us, so their number is bounded.
    fn admit_early(&mut self, record: &Record<'_>, stats: &mut SessionStats) -> Option<u64> {
        let begun = self.beginning.has_begun();
        let (kept, limit) = match record.content_type {
            ContentType::HANDSHAKE => (&mut self.early_handshake, MAX_EARLY_HANDSHAKE),
            _ => (&mut self.early_data, MAX_EARLY_DATA),
        };
        if *kept == limit || record.epoch != 1 || !begun {
            stats.filtered_early += 1;
            return None;
        }
        *kept += 1;
        Some(record.sequence)
    }
}

/// Returns the number of the HelloVerifyRequest that a plaintext record starts with.
pub(crate) fn asks_for_cookie(record: &Record<'_>) -> Option<u16> {
    let first = record.fragments().next()?.ok()?;
    let request = first.handshake_type == HandshakeType::HELLO_VERIFY_REQUEST;
    request.then_some(first.message_sequence)
}

/// More than a handshake has plaintext records.
const MAX_AHEAD: u64 = 512;

const MAX_EARLY_DATA: u8 = 8;
/// A peer repeats its Finished at most twelve times.
const MAX_EARLY_HANDSHAKE: u8 = 16;
/// How many of them there are at most, with the room that each ChangeCipherSpec makes.
pub(crate) const MOST_EARLY_HANDSHAKE: usize =
    MAX_EARLY_HANDSHAKE as usize * (1 + MAX_EARLY_HANDSHAKE as usize);

#[cfg(test)]
mod tests {
    use super::*;
    use dtls_wire::ProtocolVersion;

    fn record(content_type: u8, epoch: u16, sequence: u64, body: &[u8]) -> Record<'_> {
        Record {
            content_type: ContentType::new(content_type),
            version: ProtocolVersion::DTLS_1_2,
            epoch,
            sequence,
            connection_id: &[],
            body,
        }
    }

    fn message(kind: u8, length: u8, offset: u8, fragment: u8, bytes: usize) -> Vec<u8> {
        let mut message = vec![kind, 0, 0, length, 0, 0, 0, 0, offset, 0, 0, fragment];
        message.resize(12 + bytes, 0);
        message
    }

    struct Case(Ingress, SessionStats);

    impl Case {
        fn server() -> Self {
            Self(Ingress::new(Role::Server, 3), SessionStats::default())
        }

        fn admits(&mut self, record: &Record<'_>) -> bool {
            self.0.admit(record, &mut self.1).is_some()
        }
    }

    #[test]
    fn a_handshake_takes_what_it_can_expect() {
        let mut case = Case::server();
        assert!(case.admits(&record(22, 0, 4, &message(16, 4, 0, 4, 4))));
        assert!(case.admits(&record(20, 0, 5, &[1])));
        assert!(case.admits(&record(22, 1, 0, &[0; 40])));
        assert_eq!(case.1, SessionStats::default());
    }

    #[test]
    fn a_handshake_refuses_what_would_kill_it() {
        for body in [
            message(2, 4, 0, 4, 4),
            message(16, 4, 2, 4, 4),
            message(16, 4, 0, 4, 3),
            message(16, 4, 0, 0, 0),
            message(0, 0, 0, 0, 0),
            vec![16, 0, 0],
        ] {
            let mut case = Case::server();
            assert!(!case.admits(&record(22, 0, 4, &body)), "{body:?}");
            assert_eq!(case.1.filtered_malformed, 1);
        }
        let mut case = Case::server();
        assert!(!case.admits(&record(20, 0, 4, &[2])));
        assert!(!case.admits(&record(23, 0, 4, b"data")));
        assert!(!case.admits(&record(77, 0, 4, b"what")));
        assert_eq!(
            (case.1.filtered_malformed, case.1.filtered_plaintext),
            (2, 1)
        );
    }

    #[test]
    fn forged_numbers_do_not_count() {
        let mut case = Case::server();
        let mut number = |sequence| {
            let ccs = record(20, 0, sequence, &[1]);
            case.0.admit(&ccs, &mut case.1)
        };
        let numbers = [4, (1 << 48) - 1, 500, 5, 5].map(&mut number);
        assert_eq!(numbers, [4, 5, 6, 7, 8].map(Some));
        let early = record(22, 1, 77, &[]);
        assert_eq!(case.0.admit(&early, &mut case.1), Some(77));
    }

    #[test]
    fn dtls_1_3_keeps_its_numbers_and_unified_headers() {
        let mut case = Case::server();
        assert!(!case.0.admit_unified(&mut case.1));
        assert_eq!(case.1.filtered_malformed, 1);
        case.0.allow_unified();
        case.0.restart();
        assert!(case.0.admit_unified(&mut case.1));
        let mut number = |sequence| {
            let hello = message(1, 4, 0, 4, 4);
            let record = record(22, 0, sequence, &hello);
            case.0.admit(&record, &mut case.1)
        };
        let numbers = [5, (1 << 48) - 1, 5 + MAX_AHEAD, 7].map(&mut number);
        assert_eq!(numbers, [Some(5), None, Some(5 + MAX_AHEAD), Some(7)]);
        // Anybody can write an ACK before there are keys.
        assert!(!case.admits(&record(26, 0, 8, &[0, 0])));
        case.0.establish();
        assert!(case.0.admit_unified(&mut case.1));
    }

    #[test]
    fn an_alert_is_only_a_hint_and_progress_refutes_it() {
        let mut case = Case::server();
        assert!(!case.admits(&record(21, 0, 4, &[2, 48])));
        assert_eq!(case.0.alert().unwrap().0, Alert::UNKNOWN_CA);
        assert!(case.admits(&record(20, 0, 5, &[1])));
        assert!(case.0.alert().is_none());
        assert!(!case.admits(&record(21, 0, 4, &[1, 90])));
        assert!(case.0.alert().is_none());
        assert_eq!(case.1.filtered_alerts, 2);
    }

    #[test]
    fn early_records_are_bounded() {
        let mut case = Case::server();
        let admitted = |case: &mut Case, kind| {
            (0..100)
                .filter(|n| case.admits(&record(kind, 1, *n, &[])))
                .count()
        };
        assert_eq!(admitted(&mut case, 22), usize::from(MAX_EARLY_HANDSHAKE));
        assert_eq!(admitted(&mut case, 23), usize::from(MAX_EARLY_DATA));
        assert!(!case.admits(&record(22, 2, 0, &[])));
        assert_eq!(case.1.filtered_early, 200 - 24 + 1);
    }

    #[test]
    fn forged_early_records_do_not_shut_out_finished() {
        let mut case = Case::server();
        for sequence in 0..100 {
            case.admits(&record(22, 1, sequence, &[]));
        }
        assert!(!case.admits(&record(22, 1, 0, b"Finished")));
        assert!(case.admits(&record(20, 0, 5, &[1])));
        assert!(case.admits(&record(22, 1, 0, b"Finished")));
    }

    #[test]
    fn an_established_session_takes_nothing_plain() {
        let mut case = Case::server();
        case.0.establish();
        assert!(case.admits(&record(23, 1, 4, b"sealed")));
        assert!(!case.admits(&record(22, 0, 4, &message(1, 4, 0, 4, 4))));
        assert!(!case.admits(&record(21, 0, 5, &[2, 40])));
        assert_eq!(case.1.filtered_plaintext, 2);
    }
}
