//! Echoes lines over plain UDP, without a session: `cargo run --example stateless_udp -- 127.0.0.1:7007`, then
//! `nc -u 127.0.0.1 7007`.

use std::io;

use bytes::Bytes;
use tokio::net::UdpSocket;

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let addr = std::env::args().nth(1);
    let socket = UdpSocket::bind(addr.as_deref().unwrap_or("127.0.0.1:7007")).await?;
    println!("listening on {}", socket.local_addr()?);
    let mut buf = vec![0; 65_535];
    loop {
        // Either error concerns one peer: the next one is served nevertheless.
        let Ok((len, peer)) = socket.recv_from(&mut buf).await else {
            continue;
        };
        for reply in echo_codec::reply(Bytes::copy_from_slice(&buf[..len]), MAX_DATAGRAM_SIZE) {
            if let Err(error) = socket.send_to(&reply, peer).await {
                eprintln!("{peer}: {error}");
            }
        }
    }
}

/// Fits any IPv6 path without fragments: 1280 bytes less the IPv6 and UDP headers.
const MAX_DATAGRAM_SIZE: usize = 1232;
