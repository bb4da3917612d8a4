//! What stands on the wire, as far as anybody on the path can read it.

mod extension;
mod hello;
mod message;
mod names;
mod opened;
mod record;

use dtls_wire::AnyRecord;
use serde::Serialize;

pub(crate) use extension::Extension;
pub(crate) use hello::Hello;
pub(crate) use message::Message;
pub(crate) use opened::Opened;
pub(crate) use record::{AlertRecord, Record};

/// One UDP datagram, taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Datagram {
    pub(crate) length: usize,
    pub(crate) records: Vec<Record>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) unparsed: Option<Unparsed>,
}

impl Datagram {
    /// Takes any bytes apart; what is no record ends the list.
    pub(crate) fn decode(bytes: &[u8]) -> Self {
        let mut rest = bytes;
        let mut records = Vec::new();
        while let Ok((record, behind)) = AnyRecord::split(rest)
            && let Some(record) = Record::of(&record)
        {
            records.push(record);
            rest = behind;
        }
        Self {
            length: bytes.len(),
            records,
            unparsed: Unparsed::of(rest),
        }
    }

    /// All plaintext handshake messages in it.
    pub(crate) fn messages(&self) -> impl Iterator<Item = &Message> {
        self.records.iter().flat_map(|record| &record.messages)
    }
}

/// Bytes that mean nothing here: how many, and the first of them in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Unparsed {
    pub(crate) length: usize,
    pub(crate) start: String,
}

impl Unparsed {
    /// None where nothing is left.
    fn of(bytes: &[u8]) -> Option<Self> {
        let start = bytes.iter().take(MOST_SHOWN);
        (!bytes.is_empty()).then(|| Self {
            length: bytes.len(),
            start: start.map(|byte| format!("{byte:02x}")).collect(),
        })
    }
}

const MOST_SHOWN: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The ClientHello of `openssl s_client -dtls1_2 -servername localhost -alpn coap`, shortened.
    pub(super) fn client_hello() -> Vec<u8> {
        let mut body = vec![0xfe, 0xfd];
        body.extend([0x11; 32]);
        body.extend([0, 3, 7, 8, 9]);
        body.extend([0, 6, 0xc0, 0x2b, 0x00, 0xff, 0xea, 0xea, 1, 0]);
        let mut extensions = Vec::new();
        let mut add = |number: u16, content: &[u8]| {
            extensions.extend(number.to_be_bytes());
            extensions.extend((content.len() as u16).to_be_bytes());
            extensions.extend(content);
        };
        add(0, b"\0\x0c\0\0\x09localhost");
        add(10, &[0, 4, 0, 29, 0x12, 0x34]);
        add(13, &[0, 4, 4, 3, 8, 4]);
        add(16, b"\0\x05\x04coap");
        add(14, &[0, 4, 0, 7, 0, 1, 0]);
        add(0xfafa, &[1]);
        body.extend((extensions.len() as u16).to_be_bytes());
        body.extend(extensions);
        message(1, &body)
    }

    /// One message in one record of epoch 0.
    pub(super) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = (body.len() as u16).to_be_bytes();
        let whole = (body.len() as u16 + 12).to_be_bytes();
        let mut record = vec![22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 5, whole[0], whole[1]];
        record.extend([kind, 0, length[0], length[1], 0, 2, 0, 0, 0, 0]);
        record.extend(length);
        record.extend(body);
        record
    }

    #[test]
    fn a_client_hello_is_read_to_its_end() {
        let datagram = Datagram::decode(&client_hello());
        assert_eq!((datagram.records.len(), &datagram.unparsed), (1, &None));
        let record = &datagram.records[0];
        assert_eq!(
            (&*record.content_type, &*record.version),
            ("handshake", "DTLS 1.0")
        );
        assert_eq!((record.epoch, record.sequence), (0, Some(5)));
        let message = datagram.messages().next().unwrap();
        assert_eq!((&*message.name, message.sequence), ("ClientHello", 2));
        assert_eq!(message.fragment_offset, 0);
        assert_eq!(message.fragment_length, message.length);
        let hello = message.hello.as_ref().unwrap();
        assert_eq!(hello.version, "DTLS 1.2");
        assert_eq!(
            (hello.session_id_length, hello.cookie_length),
            (Some(0), Some(3))
        );
        let suites = [
            "ECDHE-ECDSA-AES128-GCM-SHA256",
            "TLS_EMPTY_RENEGOTIATION_INFO_SCSV",
            "0xeaea",
        ];
        assert_eq!(hello.cipher_suites, suites);
        let extensions: Vec<_> = hello
            .extensions
            .iter()
            .map(|extension| (&*extension.name, extension.values.join(" ")))
            .collect();
        let expected = [
            ("server_name", "localhost"),
            ("supported_groups", "x25519 0x1234"),
            (
                "signature_algorithms",
                "ecdsa_secp256r1_sha256 rsa_pss_rsae_sha256",
            ),
            ("application_layer_protocol_negotiation", "coap"),
            ("use_srtp", "SRTP_AEAD_AES_128_GCM SRTP_AES128_CM_SHA1_80"),
            ("0xfafa", ""),
        ];
        assert_eq!(
            extensions,
            expected.map(|(name, values)| (name, values.to_owned()))
        );
        assert_eq!(hello.unparsed, None);
    }

    #[test]
    fn answers_are_read_as_well() {
        let datagram = Datagram::decode(&message(3, &[0xfe, 0xff, 2, 8, 9]));
        let request = datagram.messages().next().unwrap();
        let hello = request.hello.as_ref().unwrap();
        assert_eq!(
            (&*request.name, hello.cookie_length),
            ("HelloVerifyRequest", Some(2))
        );
        let mut body = vec![0xfe, 0xfd];
        body.extend([0x22; 32]);
        body.extend([1, 7, 0xc0, 0x2f, 0, 0, 4, 0, 23, 0, 0]);
        let datagram = Datagram::decode(&message(2, &body));
        let hello = datagram.messages().next().unwrap().hello.clone().unwrap();
        assert_eq!(hello.cipher_suites, ["ECDHE-RSA-AES128-GCM-SHA256"]);
        assert_eq!(&*hello.extensions[0].name, "extended_master_secret");
        assert_eq!(
            (hello.session_id_length, hello.cookie_length),
            (Some(1), None)
        );
    }

    #[test]
    fn a_malformed_hello_is_read_up_to_the_fault() {
        let mut bytes = client_hello();
        let last = bytes.len() - 3;
        // The last extension claims to be longer than the hello.
        bytes[last + 1] = 9;
        let datagram = Datagram::decode(&bytes);
        let hello = datagram.messages().next().unwrap().hello.clone().unwrap();
        assert_eq!(hello.cipher_suites.len(), 3);
        assert_eq!(hello.extensions.len(), 5);
        let rest = hello.unparsed.unwrap();
        assert_eq!((rest.length, &*rest.start), (1, "01"));
        let datagram = Datagram::decode(&message(2, &[0xfe, 0xfd, 7, 7]));
        let hello = datagram.messages().next().unwrap().hello.clone().unwrap();
        assert_eq!(hello.version, "DTLS 1.2");
        assert_eq!(hello.unparsed.unwrap().start, "0707");
    }

    #[test]
    fn alerts_ciphertext_and_rubbish_are_told_apart() {
        let alert = [21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 2, 40];
        let protected = [21, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 1, 0, 3, 1, 2, 3];
        let datagram = Datagram::decode(&[&alert[..], &protected, &[1, 2, 3]].concat());
        let [alert, protected] = &datagram.records[..] else {
            panic!("{datagram:?}");
        };
        let shown = alert.alert.as_ref().unwrap();
        assert_eq!(
            (&*shown.level, &*shown.description),
            ("fatal", "handshake_failure")
        );
        assert!(protected.encrypted && protected.alert.is_none());
        let rest = datagram.unparsed.unwrap();
        assert_eq!((rest.length, &*rest.start), (3, "010203"));
    }

    #[test]
    fn a_fragment_is_no_whole_message() {
        let mut first = client_hello();
        first.truncate(13 + 12 + 60);
        first[12] = 72;
        first[11] = 0;
        first[23] = 0;
        first[24] = 60;
        let datagram = Datagram::decode(&first);
        let message = datagram.messages().next().unwrap();
        assert_eq!((message.fragment_length, message.length > 60), (60, true));
        let hello = message.hello.as_ref().unwrap();
        // What stands in the fragment is told, and the rest is in the next one.
        assert_eq!(hello.cipher_suites.len(), 3);
        assert_eq!((hello.extensions.len(), &hello.unparsed), (0, &None));
    }

    #[test]
    fn protected_records_of_dtls_13_are_known_by_their_header() {
        let bytes = [0x2e, 9, 9, 0, 2, 7, 7, 0x23, 9, 7, 7, 7];
        let datagram = Datagram::decode(&bytes);
        let shown: Vec<_> = datagram
            .records
            .iter()
            .map(|record| {
                (
                    &*record.version,
                    record.epoch,
                    record.sequence,
                    record.length,
                )
            })
            .collect();
        assert_eq!(shown, [("DTLS 1.3", 2, None, 2), ("DTLS 1.3", 3, None, 3)]);
        assert_eq!(datagram.unparsed, None);
        let with_connection_id = Datagram::decode(&[0x3e, 9, 9, 0, 2, 7, 7]);
        assert_eq!(with_connection_id.records, []);
    }

    proptest! {
        #[test]
        fn any_bytes_are_safe_and_none_is_lost(bytes: Vec<u8>) {
            let datagram = Datagram::decode(&bytes);
            let rest = datagram.unparsed.map_or(0, |rest| rest.length);
            let least = |record: &Record| record.length + if record.sequence.is_some() { 13 } else { 2 };
            let records: usize = datagram.records.iter().map(least).sum();
            prop_assert!(records + rest <= bytes.len());
            prop_assert_eq!(records + rest == 0, bytes.is_empty());
        }

        #[test]
        fn damaged_messages_are_safe(kind: u8, place in 0usize..200, value: u8, cut in 0usize..200) {
            let mut bytes = client_hello();
            bytes[13] = kind;
            let last = bytes.len() - 1;
            bytes[place.min(last)] = value;
            bytes.truncate(bytes.len() - cut.min(last));
            let _ = Datagram::decode(&bytes);
        }

        #[test]
        fn any_hello_is_safe(kind in 1u8..4, body in proptest::collection::vec(any::<u8>(), 0..300)) {
            let datagram = Datagram::decode(&message(kind, &body));
            prop_assert!(datagram.messages().next().is_some_and(|message| message.hello.is_some()));
        }
    }
}
