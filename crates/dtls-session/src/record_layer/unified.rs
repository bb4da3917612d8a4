//! The unified header of DTLS 1.3's protected records (RFC 9147 4).

use dtls_wire::UnifiedRecord;

/// Whether a record that starts with this byte has a unified header.
pub(crate) fn starts(first: u8) -> bool {
    UnifiedRecord::starts(first)
}

/// Whether the record says where it ends; otherwise it ends with its datagram.
pub(crate) fn has_length(record: &[u8]) -> bool {
    UnifiedRecord::split(record).is_ok_and(|(record, _)| record.has_length)
}
