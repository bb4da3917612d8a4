//! Sends every datagram back over DTLS: `cargo run -p dtls-session --example server -- 127.0.0.1:5684`.

use anyhow::Context;
use dtls_session::{Acceptor, Handshake, Identity, Limits, Listener};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let addr = std::env::args().nth(1).context("usage: server ADDR:PORT")?;
    let identity = Identity::from_pem_files(
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../certs/server.pem"),
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../certs/server.key"),
    )?;
    let acceptor = Acceptor::builder(identity).build()?;
    let listener = Listener::bind(addr.parse()?, acceptor, Limits::default())?;
    println!("listening on {}", listener.local_addr());
    loop {
        let handshake = listener.accept().await?;
        tokio::spawn(async {
            if let Err(error) = echo(handshake).await {
                eprintln!("{error:#}");
            }
        });
    }
}

async fn echo(handshake: Handshake) -> anyhow::Result<()> {
    let session = handshake.await?;
    let mut buf = vec![0; 16_384];
    while let Some(length) = session.recv(&mut buf).await? {
        session.send(&buf[..length]).await?;
    }
    Ok(())
}
