//! The unified header of DTLS 1.3's protected records (RFC 9147 4).

/// Whether a record that starts with this byte has a unified header: 001CSLEE.
pub(crate) fn starts(first: u8) -> bool {
    first >> 5 == 0b001
}

/// Whether the record says where it ends; otherwise it ends with its datagram.
pub(crate) fn has_length(first: u8) -> bool {
    first & LENGTH != 0
}

/// Returns the length of the record that `datagram` starts with, header included; None if no
/// whole one stands there, or one with a connection ID, which nobody has been given.
pub(crate) fn length(datagram: &[u8]) -> Option<usize> {
    let first = *datagram.first()?;
    if !starts(first) || first & CONNECTION_ID != 0 {
        return None;
    }
    let sequence = if first & LONG_SEQUENCE == 0 { 1 } else { 2 };
    if !has_length(first) {
        return (datagram.len() > 1 + sequence).then_some(datagram.len());
    }
    let header = 1 + sequence + 2;
    let bytes = datagram.get(1 + sequence..header)?.try_into().ok()?;
    let whole = header + usize::from(u16::from_be_bytes(bytes));
    (whole > header && whole <= datagram.len()).then_some(whole)
}

const CONNECTION_ID: u8 = 0b1_0000;
const LONG_SEQUENCE: u8 = 0b1000;
const LENGTH: u8 = 0b100;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_header_says_how_long_it_and_its_record_are() {
        for (datagram, expected) in [
            // Long number, length: what OpenSSL writes.
            (&[0x2e, 0, 1, 0, 2, 7, 7, 0x2e][..], Some(7)),
            (&[0x26, 1, 0, 2, 7, 7, 9], Some(6)),
            (&[0x2a, 0, 1, 7, 7, 7], Some(6)),
            (&[0x22, 1, 7, 7, 7], Some(5)),
            // Cut off, empty, with a connection ID, and not unified at all.
            (&[0x2e, 0, 1, 0, 3, 7, 7], None),
            (&[0x2e, 0, 1, 0], None),
            (&[0x2e, 0, 1, 0, 0, 7], None),
            (&[0x22, 1], None),
            (&[0x3e, 0, 1, 0, 2, 7, 7], None),
            (&[23, 0xfe, 0xfd, 0, 1], None),
            (&[], None),
        ] {
            assert_eq!(length(datagram), expected, "{datagram:02x?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_safe(bytes: Vec<u8>) {
            prop_assert!(length(&bytes).is_none_or(|length| length > 0 && length <= bytes.len()));
        }
    }
}
