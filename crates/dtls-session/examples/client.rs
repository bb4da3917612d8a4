//! Sends one datagram over DTLS and prints the answer: `cargo run -p dtls-session --example client -- 127.0.0.1:5684`.

use std::time::Duration;

use anyhow::Context;
use dtls_session::{Connector, Roots};
use tokio::time::timeout;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let server = std::env::args().nth(1).context("usage: client HOST:PORT")?;
    let roots = Roots::from_pem_file(concat!(env!("CARGO_MANIFEST_DIR"), "/../../certs/ca.pem"))?;
    let connector = Connector::builder(roots).build()?;
    let session = connector.connect(&server).await?;
    session.send(b"hello").await?;
    // The datagram or its answer may be lost, as everything on UDP.
    match timeout(Duration::from_secs(3), session.recv_bytes()).await?? {
        Some(datagram) => println!("{}", String::from_utf8_lossy(&datagram)),
        None => println!("the server has closed the session"),
    }
    session.close();
    Ok(())
}
