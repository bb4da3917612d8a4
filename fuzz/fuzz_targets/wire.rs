//! Any datagram, taken apart as far as it goes: what was read is written again as the same bytes.

#![no_main]

use dtls_wire::{
    Ack, Alert, AnyRecord, ClientHello, ClientHelloStart, ContentType, Decode, Encode, Extensions,
    Fragment, HandshakeType, Hello, HelloVerifyRequest, InnerPlaintext, KeyUpdate, Record,
    RoutabilityCheck, ServerHello, fragments, records_with_cid,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((cid_length, datagram)) = input.split_first() else {
        return;
    };
    let mut records = records_with_cid(datagram, usize::from(cid_length % 21));
    let mut written = Vec::new();
    for record in records.by_ref().filter_map(Result::ok) {
        append(&record, &mut written);
        match record {
            AnyRecord::Full(record) => take_apart(&record),
            AnyRecord::Unified(record) => again::<InnerPlaintext<'_>>(record.body),
        }
    }
    written.extend(records.rest());
    assert_eq!(written, datagram);
});

fn take_apart(record: &Record<'_>) {
    match record.content_type {
        ContentType::HANDSHAKE => {
            let mut fragments = fragments(record.body);
            let mut written = Vec::new();
            for fragment in fragments.by_ref().filter_map(Result::ok) {
                append(&fragment, &mut written);
                read(&fragment);
            }
            written.extend(fragments.rest());
            assert_eq!(written, record.body);
        }
        ContentType::ALERT => again::<Alert>(record.body),
        ContentType::ACK => again::<Ack<'_>>(record.body),
        ContentType::RETURN_ROUTABILITY_CHECK => again::<RoutabilityCheck>(record.body),
        _ => again::<InnerPlaintext<'_>>(record.body),
    }
}

fn read(fragment: &Fragment<'_>) {
    let body = fragment.body;
    match fragment.handshake_type {
        HandshakeType::CLIENT_HELLO => {
            again::<ClientHello<'_>>(body);
            let start = ClientHelloStart::parse(body);
            if let Ok(hello) = ClientHello::parse(body) {
                let start = start.expect("the start of a whole one");
                assert_eq!(start.extensions, hello.extensions.unwrap_or_default());
                read_extensions(start.extensions, Hello::Client);
            }
        }
        HandshakeType::SERVER_HELLO => {
            again::<ServerHello<'_>>(body);
            if let Ok(hello) = ServerHello::parse(body) {
                read_extensions(hello.extensions.unwrap_or_default(), hello.hello());
            }
        }
        HandshakeType::HELLO_VERIFY_REQUEST => again::<HelloVerifyRequest<'_>>(body),
        HandshakeType::KEY_UPDATE => again::<KeyUpdate>(body),
        _ => {}
    }
}

fn read_extensions(extensions: Extensions<'_>, hello: Hello) {
    for extension in extensions.iter() {
        if let Ok(content) = extension.content(hello) {
            let mut written = Vec::new();
            append(&content, &mut written);
            let mut expected = Vec::new();
            append(&extension, &mut expected);
            assert_eq!(written, expected);
        }
    }
}

fn again<'a, T: Decode<'a> + Encode>(bytes: &'a [u8]) {
    if let Ok(value) = T::parse(bytes) {
        let mut written = Vec::new();
        append(&value, &mut written);
        assert_eq!(written, bytes);
    }
}

fn append(value: &impl Encode, bytes: &mut Vec<u8>) {
    value
        .append_to(bytes)
        .expect("what was read can be written");
}
