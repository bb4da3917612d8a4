//! Datagrams made by hand.

use std::net::SocketAddr;

use dtls_wire::{
    CipherSuite, ClientHello, CompressionMethod, ContentType, Decode, Encode, ExtensionContent,
    Extensions, Fragment, HandshakeType, HelloVerifyRequest, List, MessageRecord, NamedGroup,
    ProtocolVersion, Record, SignatureScheme,
};
use tokio::net::UdpSocket;

use crate::common::within;

/// A ClientHello that OpenSSL would accept, whole in one record.
pub(crate) fn hello(random: u64, cookie: &[u8]) -> Vec<u8> {
    let mut extensions = Vec::new();
    for extension in [
        ExtensionContent::SupportedGroups(List::of(&[NamedGroup::SECP256R1])),
        // Uncompressed points.
        ExtensionContent::EcPointFormats(&[0]),
        ExtensionContent::SignatureAlgorithms(List::of(&[SignatureScheme::ECDSA_SECP256R1_SHA256])),
    ] {
        extension.append_to(&mut extensions).unwrap();
    }
    let mut bytes = [0; 32];
    bytes[24..].copy_from_slice(&random.to_be_bytes());
    let hello = ClientHello {
        version: ProtocolVersion::DTLS_1_2,
        random: &bytes,
        session_id: &[],
        cookie,
        cipher_suites: List::of(&[CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]),
        compression_methods: List::of(&[CompressionMethod::NULL]),
        extensions: Some(Extensions::parse(&extensions).unwrap()),
    };
    let sequence = u16::from(!cookie.is_empty());
    let record = MessageRecord {
        version: ProtocolVersion::DTLS_1_2,
        sequence: sequence.into(),
        handshake_type: HandshakeType::CLIENT_HELLO,
        message_sequence: sequence,
        message: &hello,
    };
    record.to_vec().unwrap()
}

pub(crate) fn record(content_type: u8, epoch: u16, sequence: u64, body: &[u8]) -> Vec<u8> {
    let record = Record {
        content_type: ContentType::new(content_type),
        version: ProtocolVersion::DTLS_1_2,
        epoch,
        sequence,
        connection_id: &[],
        body,
    };
    record.to_vec().unwrap()
}

/// A fragment of a handshake message that claims to be `length` bytes long.
pub(crate) fn fragment(
    kind: u8,
    length: usize,
    sequence: u16,
    offset: usize,
    part: &[u8],
) -> Vec<u8> {
    let fragment = Fragment {
        handshake_type: HandshakeType::new(kind),
        message_length: length,
        message_sequence: sequence,
        offset,
        body: part,
    };
    fragment.to_vec().unwrap()
}

/// Asserts that `answer` is the HelloVerifyRequest that RFC 6347 4.2.1 asks for, and returns the cookie.
pub(crate) fn cookie(question: &[u8], answer: &[u8]) -> Vec<u8> {
    assert!(answer.len() < question.len(), "an amplifier");
    let (hello, _) = Record::split(question).unwrap();
    let (record, _) = Record::split(answer).unwrap();
    let (fragment, _) = Fragment::split(record.body).unwrap();
    let request = HelloVerifyRequest::parse(fragment.body).unwrap();
    let expected = MessageRecord {
        version: ProtocolVersion::DTLS_1_0,
        sequence: hello.sequence,
        handshake_type: HandshakeType::HELLO_VERIFY_REQUEST,
        message_sequence: 0,
        message: &HelloVerifyRequest {
            version: ProtocolVersion::DTLS_1_0,
            cookie: request.cookie,
        },
    };
    assert_eq!(answer, expected.to_vec().unwrap());
    request.cookie.to_vec()
}

pub(crate) async fn bind(ip: &str) -> UdpSocket {
    UdpSocket::bind((ip, 0)).await.unwrap()
}

pub(crate) async fn receive(socket: &UdpSocket) -> Vec<u8> {
    let mut buf = vec![0; 65_536];
    let (length, _) = within(socket.recv_from(&mut buf)).await.unwrap();
    buf.truncate(length);
    buf
}

/// Asks for a cookie and returns the hello that brings it back.
pub(crate) async fn second_hello(socket: &UdpSocket, server: SocketAddr, random: u64) -> Vec<u8> {
    let first = hello(random, &[]);
    socket.send_to(&first, server).await.unwrap();
    hello(random, &cookie(&first, &receive(socket).await))
}

/// Starts a handshake that will never be finished, and returns the first datagram of the flight
/// that answers it.
pub(crate) async fn stall(socket: &UdpSocket, server: SocketAddr) -> Vec<u8> {
    let second = second_hello(socket, server, 1).await;
    socket.send_to(&second, server).await.unwrap();
    receive(socket).await
}

/// Asserts that nothing came back to the socket: the server takes things in turn, and the answer
/// to a hello is the first thing to come.
pub(crate) async fn nothing_came(socket: &UdpSocket, server: SocketAddr) {
    let mut question = hello(u64::MAX, &[]);
    // Told from the answer to any other by its number.
    question[10] = 99;
    socket.send_to(&question, server).await.unwrap();
    cookie(&question, &receive(socket).await);
}
