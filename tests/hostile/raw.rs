//! Datagrams made by hand.

use std::net::SocketAddr;

use tokio::net::UdpSocket;

use crate::common::within;

/// A ClientHello that OpenSSL would accept, whole in one record.
pub(crate) fn hello(random: u64, cookie: &[u8]) -> Vec<u8> {
    let mut body = vec![0xfe, 0xfd];
    body.extend([0; 24]);
    body.extend(random.to_be_bytes());
    body.extend([0, cookie.len() as u8]);
    body.extend(cookie);
    // ECDHE with ECDSA and AES-128-GCM; no compression.
    body.extend([0, 2, 0xc0, 0x2b, 1, 0]);
    let extensions = [
        // P-256; uncompressed points; ECDSA with P-256 and SHA-256.
        &[0, 10, 0, 4, 0, 2, 0, 23][..],
        &[0, 11, 0, 2, 1, 0],
        &[0, 13, 0, 4, 0, 2, 4, 3],
    ]
    .concat();
    body.extend((extensions.len() as u16).to_be_bytes());
    body.extend(extensions);
    let sequence = u16::from(!cookie.is_empty());
    record(
        22,
        0,
        sequence.into(),
        &fragment(1, body.len(), sequence, 0, &body),
    )
}

pub(crate) fn record(content_type: u8, epoch: u16, sequence: u64, body: &[u8]) -> Vec<u8> {
    let mut record = vec![content_type, 0xfe, 0xfd];
    record.extend(epoch.to_be_bytes());
    record.extend(&sequence.to_be_bytes()[2..]);
    record.extend((body.len() as u16).to_be_bytes());
    record.extend(body);
    record
}

/// A fragment of a handshake message that claims to be `length` bytes long.
pub(crate) fn fragment(
    kind: u8,
    length: usize,
    sequence: u16,
    offset: usize,
    part: &[u8],
) -> Vec<u8> {
    let u24 = |number: usize| (number as u32).to_be_bytes()[1..].to_vec();
    let mut fragment = vec![kind];
    fragment.extend(u24(length));
    fragment.extend(sequence.to_be_bytes());
    fragment.extend(u24(offset));
    fragment.extend(u24(part.len()));
    fragment.extend(part);
    fragment
}

/// Asserts that `answer` is the HelloVerifyRequest that RFC 6347 4.2.1 asks for, and returns the cookie.
pub(crate) fn cookie(question: &[u8], answer: &[u8]) -> Vec<u8> {
    assert!(answer.len() < question.len(), "an amplifier");
    let body = answer.len() - 25;
    let mut expected = vec![22, 0xfe, 0xff, 0, 0];
    expected.extend(&question[5..11]);
    expected.extend([0, (12 + body) as u8]);
    expected.extend([3, 0, 0, body as u8, 0, 0, 0, 0, 0, 0, 0, body as u8]);
    expected.extend([0xfe, 0xff, (body - 3) as u8]);
    assert_eq!(answer[..28], expected);
    answer[28..].to_vec()
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
