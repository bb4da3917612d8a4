//! Any first datagram; and where it is a hello, the same with the cookie that it was given.

#![no_main]

use std::{net::SocketAddr, sync::LazyLock};

use dtls_session::{CookieGate, Verdict};
use libfuzzer_sys::fuzz_target;

static GATE: LazyLock<CookieGate> = LazyLock::new(|| CookieGate::new().expect("random bytes"));

fuzz_target!(|datagram: &[u8]| {
    let peer: SocketAddr = ([192, 0, 2, 7], 4433).into();
    let stranger: SocketAddr = ([192, 0, 2, 7], 4434).into();
    let Verdict::Challenge(request) = GATE.check(peer, datagram) else {
        return;
    };
    let request = request.as_ref();
    // As RFC 6347 4.2.1 has it: the answer repeats the number, and is no amplifier.
    assert_eq!(request[3..11], datagram[3..11]);
    assert!(request.len() < datagram.len());
    let Some(second) = with_cookie(datagram, &request[28..]) else {
        return;
    };
    assert!(matches!(GATE.check(peer, &second), Verdict::Verified(_)));
    assert!(!matches!(
        GATE.check(stranger, &second),
        Verdict::Verified(_)
    ));
});

/// The hello again as its client would send it, unless it is a fragment or would grow too long.
fn with_cookie(datagram: &[u8], cookie: &[u8]) -> Option<Vec<u8>> {
    let length = number(&datagram[11..13]);
    let record = &datagram[..13 + length];
    let whole = record[14..17] == record[22..25];
    let place = 60 + usize::from(record[59]);
    let behind = place + 1 + usize::from(record[place]);
    let grown = length + cookie.len() + 1 + place - behind;
    if !whole || grown > usize::from(u16::MAX) {
        return None;
    }
    let mut second = [
        &record[..place],
        &[u8::try_from(cookie.len()).ok()?],
        cookie,
        &record[behind..],
    ]
    .concat();
    second[11..13].copy_from_slice(&u16::try_from(grown).ok()?.to_be_bytes());
    let message = u32::try_from(grown - 12).ok()?.to_be_bytes();
    second[14..17].copy_from_slice(&message[1..]);
    second[22..25].copy_from_slice(&message[1..]);
    second[17..19].copy_from_slice(&[0, 1]);
    Some(second)
}

fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |n, byte| n << 8 | usize::from(*byte))
}
