//! The hellos that OpenSSL has to have read before a verified one.

use crate::record_layer::{
    ingress::HELLO_VERIFY_REQUEST,
    record::{HEADER, content},
};

/// Returns the record of a ClientHello without a cookie, with the number of its message, and of its
/// record.
///
/// OpenSSL's server counts messages from 0, and keeps no others in mind. It answers such a hello
/// with a HelloVerifyRequest, which nobody gets, looks at nothing in it, and forgets it: the
/// transcript starts at the hello that has a cookie (RFC 6347 4.2.1).
pub(crate) fn hello(number: u16) -> [u8; HELLO_LEN] {
    let [high, low] = number.to_be_bytes();
    let mut record = [0; HELLO_LEN];
    record[0] = content::HANDSHAKE;
    record[1..3].copy_from_slice(&[0xfe, 0xff]);
    record[9..13].copy_from_slice(&[high, low, 0, (HELLO_LEN - HEADER) as u8]);
    record[13] = 1;
    record[16..19].copy_from_slice(&[BODY_LEN, high, low]);
    record[24..27].copy_from_slice(&[BODY_LEN, 0xfe, 0xfd]);
    // One cipher suite, TLS_RSA_WITH_AES_128_CBC_SHA, and no compression.
    record[61..].copy_from_slice(&[0, 2, 0, 0x2f, 1, 0]);
    record
}

/// Whether a handshake message of a server, with its header, is such a [`hello`], or the answer to
/// one: no client's random is all zeros.
pub(crate) fn concerns(sent: bool, message: &[u8]) -> bool {
    let hello = message.len() == HELLO_LEN - HEADER && message[0] == 1;
    if sent {
        message.first() == Some(&HELLO_VERIFY_REQUEST)
    } else {
        hello && message[14..46] == [0; 32]
    }
}

const BODY_LEN: u8 = 42;
const HELLO_LEN: usize = HEADER + 12 + BODY_LEN as usize;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::hello::Hello;

    #[test]
    fn it_is_a_whole_hello_without_a_cookie() {
        let record = hello(2);
        let parsed = Hello::parse(&record).unwrap();
        assert_eq!((parsed.message_sequence, parsed.record.sequence), (2, 2));
        assert_eq!(parsed.record.len(), record.len());
        assert_eq!((parsed.cookie, parsed.offers.is_some()), (&[][..], true));
        assert!(concerns(false, &record[HEADER..]));
    }
}
