//! The first fragment of a ClientHello, read far enough for the cookie exchange.

use dtls_wire::{
    ClientHelloStart, ContentType, ExtensionContent, ExtensionType, Fragment, HandshakeType,
    Hello as Of, ProtocolVersion, Record,
};

use crate::settings::version::Version;

/// A client asked for a cookie once more sends message 2; OpenSSL has to read as many hellos before
/// the one that it goes on from.
const MAX_NUMBER: u16 = 8;

/// A ClientHello (RFC 5246 7.4.1.2, RFC 6347 4.2.1) as far as its first fragment shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hello<'a> {
    /// The record it came in, to be answered under the same number.
    pub(crate) record: Record<'a>,
    /// The only fragment in that record.
    pub(crate) fragment: Fragment<'a>,
    pub(crate) start: ClientHelloStart<'a>,
}

impl<'a> Hello<'a> {
    /// Reads the hello at the start of a datagram; None if that is no acceptable one.
    pub(crate) fn parse(datagram: &'a [u8]) -> Option<Self> {
        let (record, _) = Record::split(datagram).ok()?;
        if record.content_type != ContentType::HANDSHAKE
            || !record.version.is_dtls()
            || record.epoch != 0
        {
            return None;
        }
        let (fragment, rest) = Fragment::split(record.body).ok()?;
        if fragment.handshake_type != HandshakeType::CLIENT_HELLO
            || fragment.message_sequence > MAX_NUMBER
            || fragment.offset != 0
            || !fragment.is_within()
            || !rest.is_empty()
        {
            return None;
        }
        let start = ClientHelloStart::parse(fragment.body).ok()?;
        if !start.version.is_dtls() || start.offers.is_none() && fragment.is_whole() {
            return None;
        }
        Some(Self {
            record,
            fragment,
            start,
        })
    }

    /// Whether the extensions, as far as they are there, offer a version (RFC 8446 4.2.1): DTLS 1.3
    /// looks like 1.2 up to these.
    pub(crate) fn offers(&self, version: Version) -> bool {
        let supported = self
            .start
            .extensions
            .find(ExtensionType::SUPPORTED_VERSIONS);
        let Some(Ok(ExtensionContent::SupportedVersions(versions))) =
            supported.map(|extension| extension.content(Of::Client))
        else {
            return false;
        };
        versions.contains(ProtocolVersion::new(version.number()))
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
        && datagram[0] == ContentType::HANDSHAKE.number()
        && datagram[1] == 0xfe
        && datagram[3..5] == [0, 0]
        && datagram[13] == HandshakeType::CLIENT_HELLO.number()
        && datagram[19..22] == [0, 0, 0]
        && !answers_a_retry(datagram)
}

/// Whether a datagram carries a handshake or an alert, as far as its first byte tells.
pub(crate) fn is_urgent(datagram: &[u8]) -> bool {
    let first = datagram.first().copied().map(ContentType::new);
    first.is_some_and(|first| {
        (ContentType::CHANGE_CIPHER_SPEC..=ContentType::HANDSHAKE).contains(&first)
    })
}

fn answers_a_retry(datagram: &[u8]) -> bool {
    let cookie_length = || {
        let session_id = datagram.get(59)?;
        datagram.get(60 + usize::from(*session_id))
    };
    datagram[17..19] == [0, 1] && cookie_length() == Some(&0)
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
        assert_eq!(hello.fragment.message_sequence, 1);
        let start = hello.start;
        assert_eq!(start.version, ProtocolVersion::DTLS_1_2);
        assert_eq!(start.random, &[0x11; 32]);
        assert_eq!(start.session_id, [0x51, 0x52]);
        assert_eq!(start.cookie, [7; 5]);
        assert_eq!(start.offers.unwrap(), [0, 4, 0xc0, 0x2b, 0xc0, 0x2f, 1, 0]);
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
        assert_eq!(
            (hello.start.cookie, hello.start.offers),
            (&[7; 5][..], None)
        );
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

    /// A hello in one record with these extensions, as far as they are there.
    fn with_extensions(extensions: &[u8]) -> Vec<u8> {
        let mut datagram = hello(0, &[]);
        let place = datagram.len() - 2;
        let length = extensions.len() as u8;
        datagram[place + 1] = length;
        datagram.extend(extensions);
        for place in [12, 16, 24] {
            datagram[place] += length;
        }
        datagram
    }

    #[test]
    fn a_version_is_found_where_it_stands() {
        let offers = |versions: &[u8], damage: u8, version| {
            let length = versions.len() as u8;
            let mut extensions = vec![0, 1, 0, 1, 9, 0, 43, 0, length + 1, length + damage];
            extensions.extend(versions);
            // The next one is cut off, as in a first fragment.
            extensions.extend([0, 51, 4, 0, 1]);
            let datagram = with_extensions(&extensions);
            Hello::parse(&datagram).unwrap().offers(version)
        };
        assert!(offers(&[0xfe, 0xfc, 0xfe, 0xfd], 0, Version::Dtls13));
        assert!(offers(&[0xfe, 0xfc, 0xfe, 0xfd], 0, Version::Dtls12));
        assert!(!offers(&[0xfe, 0xfd], 0, Version::Dtls13));
        assert!(!offers(&[0xfd, 0xfe, 0xfc], 0, Version::Dtls13));
        assert!(!offers(&[0xfe, 0xfc, 0xfe, 0xfd], 2, Version::Dtls13));
        let without = hello(0, &[]);
        assert!(!Hello::parse(&without).unwrap().offers(Version::Dtls13));
    }

    proptest! {
        #[test]
        fn any_bytes_are_safe(bytes: Vec<u8>) {
            let _ = Hello::parse(&bytes).map(|hello| hello.offers(Version::Dtls13));
            let _ = opens_a_handshake(&bytes);
        }

        #[test]
        fn damaged_hellos_are_safe(place in 0usize..90, value: u8, cut in 0usize..90) {
            let mut datagram = hello(0, &[7; 20]);
            let last = datagram.len() - 1;
            datagram[place.min(last)] = value;
            datagram.truncate(datagram.len() - cut.min(last));
            if let Some(hello) = Hello::parse(&datagram) {
                prop_assert!(opens_a_handshake(&datagram) || hello.start.cookie.is_empty());
            }
        }
    }
}
