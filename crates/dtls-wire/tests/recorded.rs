//! What others have sent, read to its end and written again.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use dtls_wire::{
    AlertDescription, AlertLevel, AnyRecord, CipherSuite, ClientHello, ClientHelloStart,
    ContentType, Decode, Encode, ExtensionContent, ExtensionType, Extensions, Fragment,
    HandshakeType, Hello, HelloVerifyRequest, MaxFragmentLength, NamedGroup, ProtocolVersion,
    Record, ServerHello, SignatureScheme, SrtpProfile, fragments, records,
};

#[test]
fn a_hello_of_openssl() {
    let datagram = bytes(OPENSSL);
    let (record, fragment) = only_fragment(&datagram);
    assert_eq!(record.content_type, ContentType::HANDSHAKE);
    assert_eq!(record.version, ProtocolVersion::DTLS_1_0);
    assert_eq!(fragment.handshake_type, HandshakeType::CLIENT_HELLO);
    let hello = ClientHello::parse(fragment.body).unwrap();
    assert_eq!(hello.version, ProtocolVersion::DTLS_1_2);
    assert_eq!((hello.session_id, hello.cookie), (&[][..], &[][..]));
    assert_eq!(hello.cipher_suites.len(), 28);
    let first = hello.cipher_suites.iter().next().unwrap();
    assert_eq!(
        first.name(),
        Some("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384")
    );
    let scsv = CipherSuite::TLS_EMPTY_RENEGOTIATION_INFO_SCSV;
    assert!(hello.cipher_suites.contains(scsv));
    assert!(
        hello
            .cipher_suites
            .iter()
            .all(|suite| suite.name().is_some())
    );
    let extensions = hello.extensions.unwrap();
    let content = |extension_type| {
        let extension = extensions.find(extension_type).unwrap();
        extension.content(Hello::Client).unwrap()
    };
    assert_eq!(
        content(ExtensionType::SERVER_NAME),
        ExtensionContent::ServerName(Some(b"localhost"))
    );
    let ExtensionContent::SupportedGroups(groups) = content(ExtensionType::SUPPORTED_GROUPS) else {
        panic!("no groups");
    };
    assert_eq!(groups.iter().next(), Some(NamedGroup::X25519));
    let ExtensionContent::SignatureAlgorithms(schemes) =
        content(ExtensionType::SIGNATURE_ALGORITHMS)
    else {
        panic!("no schemes");
    };
    assert!(schemes.contains(SignatureScheme::ED25519));
    let ExtensionContent::UseSrtp { profiles, mki } = content(ExtensionType::USE_SRTP) else {
        panic!("no profiles");
    };
    assert!(profiles.contains(SrtpProfile::SRTP_AEAD_AES_128_GCM) && mki.is_empty());
    let ExtensionContent::Protocols(names) =
        content(ExtensionType::APPLICATION_LAYER_PROTOCOL_NEGOTIATION)
    else {
        panic!("no protocols");
    };
    assert_eq!(names.iter().next().unwrap().0, b"coap");
    assert_eq!(
        content(ExtensionType::SESSION_TICKET),
        ExtensionContent::SessionTicket(&[])
    );
    written_again(&datagram, &record, &fragment, &hello, extensions);
}

#[test]
fn a_hello_of_gnutls() {
    let datagram = bytes(GNUTLS);
    let (record, fragment) = only_fragment(&datagram);
    let hello = ClientHello::parse(fragment.body).unwrap();
    let extensions = hello.extensions.unwrap();
    let content = |extension_type| {
        let extension = extensions.find(extension_type).unwrap();
        extension.content(Hello::Client).unwrap()
    };
    assert_eq!(
        content(ExtensionType::RENEGOTIATION_INFO),
        ExtensionContent::RenegotiationInfo(&[])
    );
    assert_eq!(
        content(ExtensionType::RECORD_SIZE_LIMIT),
        ExtensionContent::RecordSizeLimit(16_384)
    );
    written_again(&datagram, &record, &fragment, &hello, extensions);
}

#[test]
fn a_request_of_openssl() {
    let datagram = bytes(
        "16feff00000000000000000023030000170000000000000017feff14\
         589b89284e9a0ab50533f7677384ee68bd1a8772",
    );
    let (_, fragment) = only_fragment(&datagram);
    assert_eq!(fragment.handshake_type, HandshakeType::HELLO_VERIFY_REQUEST);
    let request = HelloVerifyRequest::parse(fragment.body).unwrap();
    assert_eq!(request.version, ProtocolVersion::DTLS_1_0);
    assert_eq!(request.cookie.len(), 20);
    assert_eq!(request.to_vec().unwrap(), fragment.body);
}

#[test]
fn an_answer_of_openssl() {
    let datagram = bytes(
        "16fefd000000000000000100490200003d000100000000003dfefdc5461131b2bc371ee21b1720e382fb56d5\
         d5974535e724bbb5f413b46508e1ff00c02c000015ff01000100000b00040300010200230000001700 00",
    );
    let (_, fragment) = only_fragment(&datagram);
    let hello = ServerHello::parse(fragment.body).unwrap();
    assert_eq!(hello.hello(), Hello::Server);
    assert_eq!(
        hello.cipher_suite,
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
    );
    let contents: Vec<_> = hello
        .extensions
        .unwrap()
        .iter()
        .map(|extension| extension.content(hello.hello()).unwrap())
        .collect();
    let expected = [
        ExtensionContent::RenegotiationInfo(&[]),
        ExtensionContent::EcPointFormats(&[0, 1, 2]),
        ExtensionContent::SessionTicket(&[]),
        ExtensionContent::ExtendedMasterSecret,
    ];
    assert_eq!(contents, expected);
    assert_eq!(hello.to_vec().unwrap(), fragment.body);
    // Whole up to its second extension.
    let start = ServerHello::parse_start(&fragment.body[..50]).unwrap();
    assert_eq!(start.cipher_suite, hello.cipher_suite);
    assert_eq!(start.extensions.unwrap().iter().count(), 1);
    assert_eq!(ServerHello::parse_start(fragment.body), Ok(hello));
    assert!(ServerHello::parse_start(&fragment.body[..37]).is_err());
}

/// Wherever it is cut behind the cookie.
#[test]
fn a_first_fragment_shows_what_it_can() {
    let datagram = bytes(OPENSSL);
    let (_, fragment) = only_fragment(&datagram);
    let whole = ClientHello::parse(fragment.body).unwrap();
    let offers = 36..36 + 2 + 56 + 2;
    for cut in 0..=fragment.body.len() {
        let Ok(start) = ClientHelloStart::parse(&fragment.body[..cut]) else {
            assert!(cut < offers.start, "{cut}");
            continue;
        };
        assert!(cut >= offers.start);
        assert_eq!((start.version, start.random), (whole.version, whole.random));
        let expected = (cut >= offers.end).then(|| &fragment.body[offers.clone()]);
        assert_eq!(start.offers, expected, "{cut}");
        let suites = expected.map(|_| whole.cipher_suites);
        assert_eq!(start.cipher_suites(), suites, "{cut}");
        let all = whole.extensions.unwrap();
        assert!(all.as_bytes().starts_with(start.extensions.as_bytes()));
        let left = fragment.body.len() - cut;
        let missing = all.iter().count() - start.extensions.iter().count();
        assert_eq!(missing == 0, left == 0, "{cut}");
    }
}

#[test]
fn what_is_malformed_is_told_with_its_place() {
    let good = bytes(OPENSSL);
    let fragment = only_fragment(&good).1;
    let told = |place: usize, value: u8| {
        let mut body = fragment.body.to_vec();
        body[place] = value;
        ClientHello::parse(&body).unwrap_err().to_string()
    };
    assert_eq!(told(34, 33), "session_id at byte 35: impossible length");
    assert_eq!(told(35, 250), "cookie at byte 36: cut off");
    assert_eq!(told(37, 55), "CipherSuite at byte 92: cut off");
    assert_eq!(told(96, 1), "extensions at byte 98: cut off");
    assert_eq!(told(101, 200), "extension_data at byte 102: cut off");
    let short = &fragment.body[..20];
    let told = ClientHello::parse(short).unwrap_err();
    assert_eq!((told.field(), told.offset()), ("random", 2));
    let datagram = [&good[..], &[22, 0xfe]].concat();
    let told = records(&datagram).find_map(Result::err).unwrap();
    assert_eq!((told.field(), told.offset()), ("header", good.len()));
    let body = [fragment.to_vec().unwrap(), vec![1, 0]].concat();
    let told = fragments(&body).find_map(Result::err).unwrap();
    assert_eq!((told.field(), told.offset()), ("length", body.len() - 1));
}

#[test]
fn names_are_the_registries() {
    assert_eq!(ContentType::TLS12_CID.to_string(), "tls12_cid");
    assert_eq!(ContentType::new(99).to_string(), "content type 99");
    assert_eq!(ProtocolVersion::new(0xfefc).to_string(), "DTLS 1.3");
    assert_eq!(CipherSuite::new(0xeaea).to_string(), "0xeaea");
    assert_eq!(CipherSuite::new(0xeaea).name(), None);
    assert_eq!(ExtensionType::RRC.number(), 61);
    assert_eq!(AlertDescription::new(48).to_string(), "unknown_ca");
    assert_eq!(AlertDescription::new(3).to_string(), "alert 3");
    assert_eq!(format!("{:?}", AlertLevel::FATAL), "fatal");
    assert_eq!(MaxFragmentLength::BYTES_4096.bytes(), Some(4096));
    assert_eq!(MaxFragmentLength::new(5).bytes(), None);
    let suites = (0..=u16::MAX).filter(|number| CipherSuite::new(*number).name().is_some());
    assert_eq!(suites.count(), 357);
}

fn only_fragment(datagram: &[u8]) -> (Record<'_>, Fragment<'_>) {
    let AnyRecord::Full(record) = records(datagram).next().unwrap().unwrap() else {
        panic!("a unified header");
    };
    assert_eq!(record.wire_len(), datagram.len());
    let (fragment, rest) = Fragment::split(record.body).unwrap();
    assert!(fragment.is_whole() && fragment.is_within() && rest.is_empty());
    (record, fragment)
}

fn written_again(
    datagram: &[u8],
    record: &Record<'_>,
    fragment: &Fragment<'_>,
    hello: &ClientHello<'_>,
    extensions: Extensions<'_>,
) {
    assert_eq!(record.to_vec().unwrap(), datagram);
    assert_eq!(fragment.to_vec().unwrap(), record.body);
    assert_eq!(hello.to_vec().unwrap(), fragment.body);
    let mut written = Vec::new();
    for extension in extensions.iter() {
        let content = extension.content(Hello::Client).unwrap();
        content.append_to(&mut written).unwrap();
    }
    assert_eq!(written, extensions.as_bytes());
}

fn bytes(digits: &str) -> Vec<u8> {
    let digits: Vec<_> = digits
        .chars()
        .filter_map(|digit| digit.to_digit(16))
        .collect();
    let pairs = digits.chunks_exact(2);
    pairs.map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
}

/// `openssl s_client -dtls1_2 -servername localhost -alpn coap -use_srtp …`, OpenSSL 3.0.
const OPENSSL: &str = "16feff000000000000000000e8010000dc00000000000000dcfefd7573cf363a1531deff6757\
    eabf4a7005d9353ce6276b697a1325365c92d95cb000000038c02cc030009fcca9cca8ccaac02bc02f009ec024c028\
    006bc023c0270067c00ac0140039c009c0130033009d009c003d003c0035002f00ff0100007a0000000e000c000009\
    6c6f63616c686f7374000b000403000102000a000c000a001d0017001e001900180023000000100007000504636f61\
    70000e0007000400070001000016000000170000000d002a0028040305030603080708080809080a080b0804080508\
    06040105010601030303010302040205020602";

/// `gnutls-cli --udp --sni-hostname=localhost --priority NORMAL:-VERS-ALL:+VERS-DTLS1.2:%COMPAT`.
const GNUTLS: &str = "16fefd000000000000000000d8010000cc00000000000000ccfefdca7a92e93cf3a315611492a31b03742fd94a\
    17870b9a10f057116e87d551df7000000032c02ccca9c0adc00ac02bc0acc009c030cca8c014c02fc013009dc0\
    9d0035009cc09c002f009fccaac09f0039009ec09e003301000070000500050100000000000a00160014001700\
    180019001d001e01000101010201030104000b00020100000d00220020040108090804040308070501080a0805\
    050308080601080b080606030201020300230000ff010001000000000e000c0000096c6f63616c686f7374001c\
    00024000";
