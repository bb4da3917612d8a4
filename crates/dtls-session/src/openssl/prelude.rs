//! The hellos that OpenSSL has to have read before a verified one.

use dtls_wire::{
    CipherSuite, ClientHello, CompressionMethod, Encode, Fragment, HandshakeType, List,
    MessageRecord, ProtocolVersion, Record,
};

/// Returns the record of a ClientHello without a cookie, with the number of its message, and of its
/// record.
///
/// OpenSSL's server counts messages from 0, and keeps no others in mind. It answers such a hello
/// with a HelloVerifyRequest, which nobody gets, looks at nothing in it, and forgets it: the
/// transcript starts at the hello that has a cookie (RFC 6347 4.2.1).
pub(crate) fn hello(number: u16) -> [u8; HELLO_LEN] {
    let hello = MessageRecord {
        version: ProtocolVersion::DTLS_1_0,
        sequence: number.into(),
        handshake_type: HandshakeType::CLIENT_HELLO,
        message_sequence: number,
        message: &ClientHello {
            version: ProtocolVersion::DTLS_1_2,
            random: &[0; 32],
            session_id: &[],
            cookie: &[],
            cipher_suites: List::of(&[CipherSuite::TLS_RSA_WITH_AES_128_CBC_SHA]),
            compression_methods: List::of(&[CompressionMethod::NULL]),
            extensions: None,
        },
    };
    let mut record = [0; HELLO_LEN];
    hello.write_to(&mut record).expect("just as long as that");
    record
}

/// Whether a handshake message of a server, with its header, is such a [`hello`], or the answer to
/// one: no client's random is all zeros.
pub(crate) fn concerns(sent: bool, message: &[u8]) -> bool {
    let Ok((fragment, _)) = Fragment::split(message) else {
        return false;
    };
    if sent {
        return fragment.handshake_type == HandshakeType::HELLO_VERIFY_REQUEST;
    }
    fragment.handshake_type == HandshakeType::CLIENT_HELLO
        && fragment.body.len() == BODY_LEN
        && fragment.body[2..34] == [0; 32]
}

const BODY_LEN: usize = 42;
const HELLO_LEN: usize = Record::HEADER + Fragment::HEADER + BODY_LEN;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cookie::hello::Hello;

    #[test]
    fn it_is_a_whole_hello_without_a_cookie() {
        let record = hello(2);
        let parsed = Hello::parse(&record).unwrap();
        assert_eq!(parsed.fragment.message_sequence, 2);
        assert_eq!(parsed.record.sequence, 2);
        assert_eq!(parsed.record.wire_len(), record.len());
        assert!(parsed.start.cookie.is_empty() && parsed.start.offers.is_some());
        assert!(concerns(false, parsed.record.body));
    }
}
