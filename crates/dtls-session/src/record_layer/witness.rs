//! What a handshake has under keys, as it was on the wire: it proves whoever has derived the same keys.

use dtls_wire::{ContentType, Record};

use crate::record_layer::ingress::MOST_EARLY_HANDSHAKE;

/// Remembers the protected records of a handshake, and its last flight.
#[derive(Default)]
pub(crate) struct Witness {
    theirs: Vec<Box<[u8]>>,
    ours: Option<Box<[u8]>>,
    /// The number behind the highest that OpenSSL has sealed with.
    next: u64,
    /// What this side has sent last in epoch 0, and the next number there; None if it has not sent the last
    /// flight, or that was too long to be kept.
    pub(crate) last_flight: Option<(Vec<u8>, u64)>,
}

impl Witness {
    /// Takes a record that OpenSSL gets to see.
    pub(crate) fn heard(&mut self, record: &Record<'_>, bytes: &[u8]) {
        if !speaks(record) || bytes.len() > LONGEST {
            return;
        }
        // The genuine one may be any of them: it may have overtaken what OpenSSL needs to read it.
        if self.theirs.len() < MOST_EARLY_HANDSHAKE {
            self.theirs.push(bytes.into());
        }
    }

    /// Takes a record that OpenSSL has sealed.
    pub(crate) fn wrote(&mut self, record: &Record<'_>, bytes: &[u8]) {
        if record.epoch != 1 {
            return;
        }
        self.next = self.next.max(record.sequence + 1);
        if speaks(record) && self.ours.is_none() {
            self.ours = Some(bytes.into());
        }
    }

    /// The peer's records, forged ones among them.
    pub(crate) fn theirs(&self) -> impl Iterator<Item = &[u8]> {
        self.theirs.iter().map(|record| &**record)
    }

    /// This side's first record.
    pub(crate) fn ours(&self) -> Option<&[u8]> {
        self.ours.as_deref()
    }

    pub(crate) fn next(&self) -> u64 {
        self.next
    }
}

/// Whether it may be a Finished.
fn speaks(record: &Record<'_>) -> bool {
    (record.content_type, record.epoch) == (ContentType::HANDSHAKE, 1)
}

/// More than a Finished has under any AEAD.
const LONGEST: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;
    use dtls_wire::ProtocolVersion;

    fn record(content_type: ContentType, epoch: u16, sequence: u64) -> Record<'static> {
        Record {
            content_type,
            version: ProtocolVersion::DTLS_1_2,
            epoch,
            sequence,
            connection_id: &[],
            body: &[],
        }
    }

    #[test]
    fn it_goes_on_behind_the_highest_number_and_keeps_the_first_record() {
        let mut witness = Witness::default();
        witness.wrote(&record(ContentType::CHANGE_CIPHER_SPEC, 0, 9), b"plain");
        assert_eq!((witness.next(), witness.ours()), (0, None));
        witness.wrote(&record(ContentType::HANDSHAKE, 1, 0), b"first");
        witness.wrote(&record(ContentType::HANDSHAKE, 1, 2), b"third");
        witness.wrote(&record(ContentType::ALERT, 1, 1), b"alert");
        assert_eq!((witness.next(), witness.ours()), (3, Some(&b"first"[..])));
    }

    #[test]
    fn as_much_is_kept_as_may_be_heard() {
        let mut witness = Witness::default();
        for number in 0..300 {
            witness.heard(&record(ContentType::HANDSHAKE, 1, number), &[number as u8]);
            witness.heard(&record(ContentType::HANDSHAKE, 0, number), b"plain");
            witness.heard(
                &record(ContentType::HANDSHAKE, 1, number),
                &[0; LONGEST + 1],
            );
        }
        let heard: Vec<_> = witness.theirs().map(|record| record[0]).collect();
        let kept = (0..MOST_EARLY_HANDSHAKE).map(|number| number as u8);
        assert_eq!(heard, kept.collect::<Vec<_>>());
    }
}
