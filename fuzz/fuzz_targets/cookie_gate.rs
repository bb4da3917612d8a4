//! Any first datagram; and where it is a hello, the same with the cookie that it was given.

#![no_main]

use std::{net::SocketAddr, sync::LazyLock};

use dtls_session::{CookieGate, Verdict};
use dtls_wire::{ClientHello, Decode, Encode, Fragment, HelloVerifyRequest, Record};
use libfuzzer_sys::fuzz_target;

static GATE: LazyLock<CookieGate> = LazyLock::new(|| CookieGate::new().expect("random bytes"));

fuzz_target!(|datagram: &[u8]| {
    let peer: SocketAddr = ([192, 0, 2, 7], 4433).into();
    let stranger: SocketAddr = ([192, 0, 2, 7], 4434).into();
    let Verdict::Challenge(request) = GATE.check(peer, datagram) else {
        return;
    };
    let request = request.as_ref();
    let (hello, _) = Record::split(datagram).expect("it was answered");
    let (answer, _) = Record::split(request).expect("a record");
    // As RFC 6347 4.2.1 has it: the answer repeats the number, and is no amplifier.
    assert_eq!((answer.epoch, answer.sequence), (0, hello.sequence));
    assert!(request.len() < datagram.len());
    let (fragment, _) = Fragment::split(answer.body).expect("a message");
    let request = HelloVerifyRequest::parse(fragment.body).expect("a request");
    let Some(second) = with_cookie(&hello, request.cookie) else {
        return;
    };
    assert!(matches!(GATE.check(peer, &second), Verdict::Verified(_)));
    assert!(!matches!(
        GATE.check(stranger, &second),
        Verdict::Verified(_)
    ));
});

/// The hello again as its client would send it, unless it is a fragment, malformed behind what the
/// gate looks at, or would grow too long.
fn with_cookie(record: &Record<'_>, cookie: &[u8]) -> Option<Vec<u8>> {
    let (fragment, _) = Fragment::split(record.body).ok()?;
    if !fragment.is_whole() {
        return None;
    }
    let hello = ClientHello {
        cookie,
        ..ClientHello::parse(fragment.body).ok()?
    };
    let body = hello.to_vec().ok()?;
    let body = Fragment::whole(fragment.handshake_type, 1, &body)
        .to_vec()
        .ok()?;
    let second = Record {
        body: &body,
        ..*record
    };
    second.to_vec().ok()
}
