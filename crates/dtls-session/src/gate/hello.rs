//! The first fragment of a ClientHello, read far enough for the cookie exchange.

use crate::record_layer::record::{Record, content};

const CLIENT_HELLO: u8 = 1;

/// A client asked for a cookie once more sends message 2; OpenSSL has to read as many hellos before
/// the one that it goes on from.
const MAX_NUMBER: u16 = 8;

/// A ClientHello (RFC 5246 7.4.1.2, RFC 6347 4.2.1) as far as its first fragment shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hello<'a> {
    /// The record it came in, to be answered under the same number.
    pub(crate) record: Record<'a>,
    pub(crate) message_length: usize,
    pub(crate) message_sequence: u16,
    pub(crate) version: u16,
    pub(crate) random: &'a [u8; 32],
    pub(crate) session_id: &'a [u8],
    pub(crate) cookie: &'a [u8],
    /// Cipher suites and compression methods; None where the fragment ends before them.
    pub(crate) offers: Option<&'a [u8]>,
    /// The extensions, with their length in front, as far as they are there.
    pub(crate) extensions: &'a [u8],
}

impl<'a> Hello<'a> {
    /// Reads the hello at the start of a datagram; None if that is no acceptable one.
    pub(crate) fn parse(datagram: &'a [u8]) -> Option<Self> {
        let (record, _) = Record::split(datagram)?;
        if record.content_type != content::HANDSHAKE
            || record.version >> 8 != 0xfe
            || record.epoch != 0
        {
            return None;
        }
        let mut message = Reader(record.body);
        let message_type = message.u8()?;
        let message_length = message.u24()?;
        let message_sequence = message.u16()?;
        let fragment_offset = message.u24()?;
        let fragment_length = message.u24()?;
        if message_type != CLIENT_HELLO
            || message_sequence > MAX_NUMBER
            || fragment_offset != 0
            || fragment_length != message.0.len()
            || fragment_length > message_length
        {
            return None;
        }
        let version = message.u16()?;
        let random = message.take(32)?.try_into().ok()?;
        let session_id = message.vector_u8()?;
        let cookie = message.vector_u8()?;
        if version >> 8 != 0xfe || session_id.len() > 32 {
            return None;
        }
        let offers = message.offers();
        if offers.is_none() && fragment_length == message_length {
            return None;
        }
        Some(Self {
            record,
            message_length,
            message_sequence,
            version,
            random,
            session_id,
            cookie,
            offers,
            extensions: message.0,
        })
    }
}

/// Whether a datagram starts with the first fragment of a plaintext ClientHello that may start a
/// handshake.
///
/// A second one without a cookie where DTLS 1.2 has it goes on with a handshake of DTLS 1.3
/// (RFC 9147 5.1).
///
/// It looks at fixed places only, as a router has to do for each datagram.
pub(crate) fn opens_a_handshake(datagram: &[u8]) -> bool {
    // Type, major version, epoch, message type, fragment offset.
    datagram.len() >= 25
        && datagram[0] == content::HANDSHAKE
        && datagram[1] == 0xfe
        && datagram[3..5] == [0, 0]
        && datagram[13] == CLIENT_HELLO
        && datagram[19..22] == [0, 0, 0]
        && !answers_a_retry(datagram)
}

fn answers_a_retry(datagram: &[u8]) -> bool {
    let cookie_length = || {
        let session_id = datagram.get(59)?;
        datagram.get(60 + usize::from(*session_id))
    };
    datagram[17..19] == [0, 1] && cookie_length() == Some(&0)
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        Some(self.take(1)?[0])
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2).map(|b| u16::from_be_bytes([b[0], b[1]]))
    }

    fn u24(&mut self) -> Option<usize> {
        self.take(3)
            .map(|b| usize::from(b[0]) << 16 | usize::from(b[1]) << 8 | usize::from(b[2]))
    }

    fn vector_u8(&mut self) -> Option<&'a [u8]> {
        let length = self.u8()?;
        self.take(usize::from(length))
    }

    fn offers(&mut self) -> Option<&'a [u8]> {
        let start = self.0;
        let suites = self.u16()?;
        self.take(usize::from(suites))?;
        self.vector_u8()?;
        Some(&start[..start.len() - self.0.len()])
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A hello in one record, with every field at a recognisable value.
    pub(crate) fn hello(sequence: u8, cookie: &[u8]) -> Vec<u8> {
        let mut body = vec![0xfe, 0xfd];
        body.extend([0x11; 32]);
        body.extend([2, 0x51, 0x52]);
        body.push(cookie.len() as u8);
        body.extend(cookie);
        body.extend([0, 4, 0xc0, 0x2b, 0xc0, 0x2f, 1, 0]);
        body.extend([0, 0]);
        let length = body.len() as u8;
        let message_sequence = u8::from(!cookie.is_empty());
        let mut record = vec![
            22,
            0xfe,
            0xff,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            sequence,
            0,
            length + 12,
        ];
        record.extend([1, 0, 0, length, 0, message_sequence, 0, 0, 0, 0, 0, length]);
        record.extend(body);
        record
    }

    #[test]
    fn reads_every_field() {
        let datagram = hello(9, &[7; 5]);
        let hello = Hello::parse(&datagram).unwrap();
        assert_eq!(hello.record.sequence, 9);
        assert_eq!((hello.version, hello.message_sequence), (0xfefd, 1));
        assert_eq!(hello.random, &[0x11; 32]);
        assert_eq!(hello.session_id, [0x51, 0x52]);
        assert_eq!(hello.cookie, [7; 5]);
        assert_eq!(hello.offers.unwrap(), [0, 4, 0xc0, 0x2b, 0xc0, 0x2f, 1, 0]);
        assert!(opens_a_handshake(&datagram));
    }

    #[test]
    fn a_second_hello_without_a_cookie_starts_nothing() {
        let mut datagram = hello(1, &[]);
        assert!(opens_a_handshake(&datagram));
        datagram[18] = 1;
        assert!(!opens_a_handshake(&datagram));
        assert!(opens_a_handshake(&hello(1, &[7; 5])));
    }

    #[test]
    fn a_first_fragment_is_enough_when_the_cookie_lies_in_it() {
        let mut datagram = hello(0, &[7; 5]);
        let cut = 13 + 12 + 2 + 32 + 3 + 6 + 3;
        datagram.truncate(cut);
        datagram[12] = (cut - 13) as u8;
        datagram[24] = (cut - 25) as u8;
        let hello = Hello::parse(&datagram).unwrap();
        assert_eq!((hello.cookie, hello.offers), (&[7; 5][..], None));
    }

    #[test]
    fn refuses_what_is_no_first_hello() {
        let good = hello(0, &[]);
        for (place, value) in [
            (0, 23),
            (1, 3),
            (4, 1),
            (13, 2),
            (18, MAX_NUMBER as u8 + 1),
            (21, 1),
            (24, 1),
            (25, 3),
            (59, 33),
        ] {
            let mut bad = good.clone();
            bad[place] = value;
            assert_eq!(Hello::parse(&bad), None, "byte {place} set to {value}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_safe(bytes: Vec<u8>) {
            let _ = Hello::parse(&bytes);
            let _ = opens_a_handshake(&bytes);
        }

        #[test]
        fn damaged_hellos_are_safe(place in 0usize..90, value: u8, cut in 0usize..90) {
            let mut datagram = hello(0, &[7; 20]);
            let last = datagram.len() - 1;
            datagram[place.min(last)] = value;
            datagram.truncate(datagram.len() - cut.min(last));
            if let Some(hello) = Hello::parse(&datagram) {
                prop_assert!(opens_a_handshake(&datagram) || hello.cookie.is_empty());
            }
        }
    }
}
