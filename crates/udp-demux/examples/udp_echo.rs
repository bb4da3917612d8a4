//! Sends every datagram back: `cargo run --example udp_echo -- 127.0.0.1:7007`.

use std::{io, net::SocketAddr, time::Duration};

use tokio::time::timeout;
use udp_demux::{Channel, Config, Endpoint};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let addr: SocketAddr = std::env::args()
        .nth(1)
        .as_deref()
        .unwrap_or("127.0.0.1:7007")
        .parse()?;
    let endpoint = Endpoint::bind(addr, Config::default())?;
    println!("listening on {}", endpoint.local_addr());
    loop {
        let incoming = endpoint.accept().await?;
        let peer = incoming.peer_addr();
        match incoming.accept() {
            Ok(channel) => drop(tokio::spawn(echo(channel))),
            Err(error) => eprintln!("{peer}: {error}"),
        }
    }
}

async fn echo(mut channel: Channel) -> io::Result<()> {
    let mut buf = vec![0; 65_535];
    // A peer that leaves says nothing: whoever was silent for long is forgotten.
    while let Ok(received) = timeout(IDLE, channel.recv(&mut buf)).await {
        let len = received?;
        if let Err(error) = channel.send(&buf[..len]).await {
            eprintln!("{}: {error}", channel.peer_addr());
        }
    }
    Ok(())
}

const IDLE: Duration = Duration::from_secs(60);
