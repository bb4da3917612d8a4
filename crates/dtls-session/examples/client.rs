//! Sends one datagram over DTLS and prints the answer: `cargo run -p dtls-session --example client -- 127.0.0.1:5684`.

use std::{net::SocketAddr, time::Duration};

use anyhow::Context;
use dtls_session::{Connector, Roots};
use tokio::time::timeout;
use udp_demux::{Config, Endpoint};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let server = std::env::args().nth(1).context("usage: client ADDR:PORT")?;
    let server: SocketAddr = server.parse()?;
    let roots = Roots::from_pem_file(concat!(env!("CARGO_MANIFEST_DIR"), "/../../certs/ca.pem"))?;
    let connector = Connector::builder(roots).build()?;
    let channel = Endpoint::bind("0.0.0.0:0".parse()?, Config::default())?.open(server)?;
    let session = connector.connect("localhost").over(channel).await?;
    session.send(b"hello").await?;
    let mut buf = vec![0; 16_384];
    // The datagram or its answer may be lost, as everything on UDP.
    match timeout(Duration::from_secs(3), session.recv(&mut buf)).await?? {
        Some(length) => println!("{}", String::from_utf8_lossy(&buf[..length])),
        None => println!("the server has closed the session"),
    }
    session.close();
    Ok(())
}
