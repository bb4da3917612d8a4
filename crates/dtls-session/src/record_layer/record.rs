//! Record headers (RFC 6347 4.1), read without touching what they carry.

use dtls_wire::AnyRecord;

/// The length of a record header in bytes.
pub(crate) const HEADER: usize = 13;

/// One record inside a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    pub(crate) content_type: u8,
    pub(crate) version: u16,
    pub(crate) epoch: u16,
    pub(crate) sequence: u64,
    pub(crate) body: &'a [u8],
}

impl<'a> Record<'a> {
    /// Splits the first record off a datagram; None if no whole record stands there.
    pub(crate) fn split(datagram: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (header, rest) = datagram.split_at_checked(HEADER)?;
        let length = usize::from(u16::from_be_bytes([header[11], header[12]]));
        let (body, rest) = rest.split_at_checked(length)?;
        let record = Self {
            content_type: header[0],
            version: u16::from_be_bytes([header[1], header[2]]),
            epoch: u16::from_be_bytes([header[3], header[4]]),
            sequence: sequence(header),
            body,
        };
        Some((record, rest))
    }
}

/// Returns the length of the record that starts here, whichever header it has; None if no whole
/// one does.
pub(crate) fn length(datagram: &[u8]) -> Option<usize> {
    let (record, _) = AnyRecord::split(datagram).ok()?;
    Some(record.wire_len())
}

/// Whether a datagram carries a handshake or an alert, as far as its first byte tells.
pub(crate) fn is_urgent(datagram: &[u8]) -> bool {
    let first = datagram.first();
    first.is_some_and(|first| (content::CHANGE_CIPHER_SPEC..=content::HANDSHAKE).contains(first))
}

/// Adds `delta` to the sequence number of a record whose header starts `record`.
pub(crate) fn shift_sequence(record: &mut [u8], delta: u64) {
    set_sequence(record, sequence(record).wrapping_add(delta));
}

/// Gives a record whose header starts `record` the lower 48 bits of `sequence` for its number.
pub(crate) fn set_sequence(record: &mut [u8], sequence: u64) {
    record[5..11].copy_from_slice(&sequence.to_be_bytes()[2..]);
}

fn sequence(header: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    bytes[2..].copy_from_slice(&header[5..11]);
    u64::from_be_bytes(bytes)
}

/// Content types (RFC 5246 6.2.1).
pub(crate) mod content {
    pub(crate) const CHANGE_CIPHER_SPEC: u8 = 20;
    pub(crate) const ALERT: u8 = 21;
    pub(crate) const HANDSHAKE: u8 = 22;
    pub(crate) const APPLICATION_DATA: u8 = 23;
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: [u8; 16] = [22, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 1, 2, 0, 3, 7, 8, 9];

    #[test]
    fn splits_records() {
        let datagram = [&RECORD[..], &RECORD[..]].concat();
        let (record, rest) = Record::split(&datagram).unwrap();
        assert_eq!((record.content_type, record.epoch), (22, 1));
        assert_eq!((record.sequence, record.version), (0x102, 0xfefd));
        assert_eq!(record.body, [7, 8, 9]);
        assert_eq!(rest, RECORD);
        assert!(Record::split(&RECORD[..15]).is_none());
        assert!(Record::split(&RECORD[..12]).is_none());
    }

    #[test]
    fn shifts_the_sequence_and_nothing_else() {
        let mut record = RECORD;
        shift_sequence(&mut record, 0xff);
        assert_eq!(Record::split(&record).unwrap().0.sequence, 0x201);
        assert_eq!(record[..5], RECORD[..5]);
        assert_eq!(record[11..], RECORD[11..]);
    }
}
