//! Any bytes are safe, what was read is written again as the same bytes, and what was written is
//! read again as the same value.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fmt::Debug;

use dtls_wire::*;
use proptest::{collection::vec, prelude::*};

fn same_bytes<'a, T: Decode<'a> + Encode + Debug>(bytes: &'a [u8]) -> Result<(), TestCaseError> {
    let mut decoder = Decoder::new(bytes);
    if let Ok(value) = T::decode(&mut decoder) {
        let read = &bytes[..decoder.offset()];
        prop_assert_eq!(value.to_vec().unwrap(), read, "{:?}", value);
        let mut exact = vec![0; read.len()];
        prop_assert_eq!(value.write_to(&mut exact), Ok(read.len()));
        prop_assert_eq!(exact, read);
        if let Some(short) = read.len().checked_sub(1) {
            let mut short = vec![0; short];
            prop_assert_eq!(value.write_to(&mut short), Err(EncodeError::BufferFull));
        }
    }
    Ok(())
}

fn same_value<'a, T: Decode<'a> + Encode + Debug + PartialEq>(
    value: &T,
    bytes: &'a mut Vec<u8>,
) -> Result<(), TestCaseError> {
    value.append_to(bytes).unwrap();
    let read = T::parse(bytes).map_err(|malformed| TestCaseError::fail(malformed.to_string()))?;
    prop_assert_eq!(&read, value);
    Ok(())
}

/// Bytes that look like records more often than any would.
fn datagrams() -> impl Strategy<Value = Vec<u8>> {
    let body = vec(any::<u8>(), 0..40);
    let full = (18_u8..28, any::<[u8; 10]>(), body.clone()).prop_map(|(kind, middle, body)| {
        [&[kind][..], &middle, &[0, body.len() as u8], &body].concat()
    });
    let unified = (0x20_u8..0x40, any::<[u8; 2]>(), body)
        .prop_map(|(first, number, body)| [&[first][..], &number, &[0, 4], &body].concat());
    let any = vec(any::<u8>(), 0..60);
    vec(prop_oneof![4 => full, 2 => unified, 1 => any], 0..4).prop_map(|parts| parts.concat())
}

/// A hello's body that is good but for a byte.
fn hellos() -> impl Strategy<Value = Vec<u8>> {
    let extensions = vec((0_u16..70, vec(any::<u8>(), 0..20)), 0..6);
    let damage = proptest::option::of((0_usize..200, any::<u8>(), 0_usize..60));
    (
        any::<[u8; 32]>(),
        vec(any::<u16>(), 0..20),
        extensions,
        damage,
    )
        .prop_map(|(random, suites, extensions, damage)| {
            let suites: Vec<_> = suites.into_iter().map(CipherSuite::new).collect();
            let mut bytes = Vec::new();
            for (number, body) in &extensions {
                let extension = Extension {
                    extension_type: ExtensionType::new(*number),
                    body,
                };
                extension.append_to(&mut bytes).unwrap();
            }
            let hello = ClientHello {
                version: ProtocolVersion::DTLS_1_2,
                random: &random,
                session_id: &random[..5],
                cookie: &random[..20],
                cipher_suites: List::of(&suites),
                compression_methods: List::of(&[CompressionMethod::NULL]),
                extensions: Some(Extensions::parse(&bytes).unwrap()),
            };
            let mut hello = hello.to_vec().unwrap();
            if let Some((place, value, cut)) = damage {
                let last = hello.len() - 1;
                hello[place.min(last)] = value;
                hello.truncate(hello.len() - cut.min(last));
            }
            hello
        })
}

proptest! {
    #[test]
    fn records_are_written_as_they_were_read(datagram in datagrams(), cid_length in 0_usize..4) {
        let mut records = records_with_cid(&datagram, cid_length);
        let mut written = Vec::new();
        for record in records.by_ref() {
            match record {
                Ok(record) => {
                    let before = written.len();
                    record.append_to(&mut written).unwrap();
                    prop_assert_eq!(written.len() - before, record.wire_len());
                    prop_assert!(record.connection_id().len() <= cid_length);
                }
                Err(malformed) => {
                    prop_assert!(malformed.offset() >= written.len());
                    prop_assert!(malformed.offset() <= datagram.len());
                }
            }
        }
        written.extend(records.rest());
        prop_assert_eq!(&written, &datagram);
    }

    #[test]
    fn a_connection_id_is_found_where_its_record_has_it(
        datagram in datagrams(),
        cid_length in 1_usize..6,
    ) {
        let routed = connection_id(&datagram, cid_length);
        if let Ok((record, _)) = AnyRecord::split_with_cid(&datagram, cid_length) {
            let expected = Some(record.connection_id()).filter(|id| !id.is_empty());
            prop_assert_eq!(routed, expected);
        }
    }

    #[test]
    fn messages_are_written_as_they_were_read(bytes in vec(any::<u8>(), 0..200)) {
        same_bytes::<Fragment<'_>>(&bytes)?;
        same_bytes::<ClientHello<'_>>(&bytes)?;
        same_bytes::<ServerHello<'_>>(&bytes)?;
        same_bytes::<HelloVerifyRequest<'_>>(&bytes)?;
        same_bytes::<KeyUpdate>(&bytes)?;
        same_bytes::<Alert>(&bytes)?;
        same_bytes::<ChangeCipherSpec>(&bytes)?;
        same_bytes::<Ack<'_>>(&bytes)?;
        same_bytes::<RoutabilityCheck>(&bytes)?;
        same_bytes::<InnerPlaintext<'_>>(&bytes)?;
        same_bytes::<Extension<'_>>(&bytes)?;
        same_bytes::<KeyShareEntry<'_>>(&bytes)?;
    }

    #[test]
    fn hellos_are_written_as_they_were_read(bytes in hellos()) {
        same_bytes::<ClientHello<'_>>(&bytes)?;
        same_bytes::<ServerHello<'_>>(&bytes)?;
        if let Ok(hello) = ClientHello::parse(&bytes) {
            let start = ClientHelloStart::parse(&bytes).unwrap();
            prop_assert_eq!(start.cookie, hello.cookie);
            prop_assert_eq!(start.extensions, hello.extensions.unwrap_or_default());
        }
    }

    #[test]
    fn extensions_are_written_as_they_were_read(
        number in prop_oneof![0_u16..70, Just(0xff01)],
        body in vec(prop_oneof![0_u8..6, any::<u8>()], 0..12),
    ) {
        let extension = Extension { extension_type: ExtensionType::new(number), body: &body };
        for hello in [Hello::Client, Hello::Server, Hello::Retry] {
            match extension.content(hello) {
                Ok(content) => {
                    prop_assert_eq!(content.extension_type(), extension.extension_type);
                    prop_assert_eq!(content.to_vec().unwrap(), extension.to_vec().unwrap());
                }
                Err(malformed) => prop_assert!(malformed.offset() <= body.len()),
            }
        }
    }

    #[test]
    fn whole_extensions_are_kept_and_the_rest_is_not(bytes in vec(0_u8..3, 0..60)) {
        let kept = Extensions::whole_ones_of(&bytes);
        prop_assert!(bytes.starts_with(kept.as_bytes()));
        prop_assert_eq!(Extensions::parse(kept.as_bytes()), Ok(kept));
        let whole = Extensions::parse(&bytes).is_ok();
        prop_assert_eq!(whole, kept.as_bytes().len() == bytes.len());
    }

    #[test]
    fn records_are_read_as_they_were_written(
        content_type: u8,
        version: u16,
        epoch: u16,
        sequence in 0_u64..1 << 48,
        cid in vec(any::<u8>(), 1..20),
        body in vec(any::<u8>(), 0..50),
        behind in vec(any::<u8>(), 0..3),
    ) {
        let content_type = ContentType::new(content_type);
        prop_assume!(!UnifiedRecord::starts(content_type.number()));
        let record = Record {
            content_type,
            version: ProtocolVersion::new(version),
            epoch,
            sequence,
            connection_id: if content_type == ContentType::TLS12_CID { &cid } else { &[] },
            body: &body,
        };
        let mut datagram = record.to_vec().unwrap();
        datagram.extend(&behind);
        let read = Record::split_with_cid(&datagram, cid.len());
        prop_assert_eq!(read, Ok((record, &behind[..])));
        let tls12_cid = content_type == ContentType::TLS12_CID;
        prop_assert_eq!(Record::split(&datagram).is_err(), tls12_cid);
    }

    #[test]
    fn unified_records_are_read_as_they_were_written(
        epoch in 0_u8..4,
        cid in vec(any::<u8>(), 0..20),
        sequence in vec(any::<u8>(), 1..3),
        has_length: bool,
        body in vec(any::<u8>(), 1..50),
    ) {
        let record = UnifiedRecord {
            epoch,
            connection_id: &cid,
            sequence: &sequence,
            has_length,
            body: &body,
        };
        let datagram = record.to_vec().unwrap();
        let read = AnyRecord::split_with_cid(&datagram, cid.len());
        prop_assert_eq!(read, Ok((AnyRecord::Unified(record), &[][..])));
    }

    #[test]
    fn values_are_read_as_they_were_written(
        numbers in vec(any::<(u64, u64)>(), 0..5),
        content in vec(any::<u8>(), 0..20),
        number in 1_u8..,
        padding in 0_usize..9,
        cookie: [u8; 8],
        flag: bool,
    ) {
        let mut buffer = Vec::new();
        let numbers: Vec<_> = numbers
            .into_iter()
            .map(|(epoch, sequence)| RecordNumber { epoch, sequence })
            .collect();
        same_value(&Ack { record_numbers: List::of(&numbers) }, &mut buffer)?;
        let mut buffer = Vec::new();
        let content_type = ContentType::new(number);
        same_value(&InnerPlaintext { content: &content, content_type, padding }, &mut buffer)?;
        let mut buffer = Vec::new();
        let check_type = RoutabilityCheckType::new(number);
        same_value(&RoutabilityCheck { check_type, cookie }, &mut buffer)?;
        let mut buffer = Vec::new();
        same_value(&KeyUpdate { update_requested: flag }, &mut buffer)?;
    }

    #[test]
    fn a_message_is_written_with_its_headers(
        sequence in 0_u64..1 << 48,
        message_sequence: u16,
        cookie in vec(any::<u8>(), 0..256),
        before in vec(any::<u8>(), 0..3),
    ) {
        let request = HelloVerifyRequest { version: ProtocolVersion::DTLS_1_0, cookie: &cookie };
        let handshake_type = HandshakeType::HELLO_VERIFY_REQUEST;
        let whole = MessageRecord {
            version: ProtocolVersion::DTLS_1_2,
            sequence,
            handshake_type,
            message_sequence,
            message: &request,
        };
        let mut written = before.clone();
        whole.append_to(&mut written).unwrap();
        let body = request.to_vec().unwrap();
        let fragment = Fragment::whole(handshake_type, message_sequence, &body).to_vec().unwrap();
        let record = Record {
            content_type: ContentType::HANDSHAKE,
            version: ProtocolVersion::DTLS_1_2,
            epoch: 0,
            sequence,
            connection_id: &[],
            body: &fragment,
        };
        prop_assert_eq!(&written[before.len()..], record.to_vec().unwrap());
        let mut buffer = [0; 300];
        let length = whole.write_to(&mut buffer).unwrap();
        prop_assert_eq!(&buffer[..length], &written[before.len()..]);
    }

    /// RFC 9147 4.2.2: the nearest of all numbers with these lowest bits.
    #[test]
    fn a_number_is_restored_as_the_nearest(
        expected in 0_u64..1 << 48,
        low: u16,
        bits in prop_oneof![Just(8_u32), Just(16)],
    ) {
        let span = 1_u64 << bits;
        let found = restore_sequence(expected, low, bits);
        prop_assert_eq!(found % span, u64::from(low) % span);
        let distance = found.abs_diff(expected);
        prop_assert!(distance <= span / 2 || (found < span && expected < span));
    }

    #[test]
    fn a_number_near_the_expected_one_is_restored(
        expected in 0_u64..1 << 48,
        ahead in -100_i64..100,
        bits in prop_oneof![Just(8_u32), Just(16)],
    ) {
        let Some(number) = expected.checked_add_signed(ahead) else { return Ok(()) };
        prop_assert_eq!(restore_sequence(expected, number as u16, bits), number);
    }

    #[test]
    fn a_new_number_changes_nothing_else(sequence in 0_u64..1 << 48, mut header: [u8; 13]) {
        header[0] = 22;
        header[11..].fill(0);
        let before = header;
        Record::set_sequence(&mut header, sequence);
        let (old, _) = Record::split(&before).unwrap();
        let (new, _) = Record::split(&header).unwrap();
        prop_assert_eq!(new, Record { sequence, ..old });
    }
}

#[test]
fn the_unified_header_says_how_long_it_and_its_record_are() {
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
        let found = AnyRecord::split(datagram).map(|(record, _)| record.wire_len());
        assert_eq!(found.ok(), expected, "{datagram:02x?}");
    }
}

#[test]
fn what_has_no_place_is_not_written() {
    let long = vec![0; 65_536];
    let mut bytes = vec![7];
    let record = Record {
        content_type: ContentType::APPLICATION_DATA,
        version: ProtocolVersion::DTLS_1_2,
        epoch: 1,
        sequence: 1,
        connection_id: &[],
        body: &long,
    };
    let too_long = |field| Err(EncodeError::TooLong { field });
    assert_eq!(record.append_to(&mut bytes), too_long("length"));
    let far = Record {
        sequence: 1 << 48,
        body: &[],
        ..record
    };
    assert_eq!(far.append_to(&mut bytes), too_long("sequence_number"));
    let request = HelloVerifyRequest {
        version: ProtocolVersion::DTLS_1_0,
        cookie: &long[..256],
    };
    assert_eq!(request.append_to(&mut bytes), too_long("cookie"));
    let versions = vec![ProtocolVersion::DTLS_1_3; 128];
    let offered = ExtensionContent::SupportedVersions(List::of(&versions));
    assert_eq!(offered.append_to(&mut bytes), too_long("versions"));
    let unified = UnifiedRecord {
        epoch: 4,
        connection_id: &[],
        sequence: &[1],
        has_length: true,
        body: &[1],
    };
    assert_eq!(unified.append_to(&mut bytes), too_long("epoch"));
    assert_eq!(bytes, [7]);
}

#[test]
fn a_retry_is_told_from_an_answer() {
    let hello = ServerHello {
        version: ProtocolVersion::DTLS_1_2,
        random: &ServerHello::RETRY,
        session_id: &[],
        cipher_suite: CipherSuite::TLS_AES_128_GCM_SHA256,
        compression_method: CompressionMethod::NULL,
        extensions: None,
    };
    assert_eq!(hello.hello(), Hello::Retry);
    let share = Extension {
        extension_type: ExtensionType::KEY_SHARE,
        body: &[0, 29],
    };
    let group = ExtensionContent::SelectedGroup(NamedGroup::X25519);
    assert_eq!(share.content(Hello::Retry), Ok(group));
    assert!(share.content(Hello::Server).is_err());
}
