//! Any request, answered in datagrams of any size.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u16, &[u8])| {
    let (max, request) = input;
    let max = usize::from(max).max(1);
    let mut replies = Vec::new();
    for datagram in echo_codec::reply(request.to_vec(), max) {
        assert!(!datagram.is_empty() && datagram.len() <= max);
        replies.extend_from_slice(&datagram);
    }
    let expected: Vec<u8> = request
        .split_inclusive(|byte| *byte == b'\n')
        .flat_map(|line| [b"Echo: ", line].concat())
        .collect();
    assert_eq!(replies, expected);
});
