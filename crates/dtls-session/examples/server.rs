//! Sends every datagram back over DTLS: `cargo run -p dtls-session --example server -- 127.0.0.1:5684`.

use anyhow::Context;
use dtls_session::{Acceptor, Identity, Limits, Listener, Session};

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
    let mut sessions = listener.sessions();
    while let Some(session) = sessions.next().await {
        tokio::spawn(echo(session?));
    }
    Ok(())
}

async fn echo(session: Session) -> anyhow::Result<()> {
    while let Some(datagram) = session.recv_bytes().await? {
        session.send(&datagram).await?;
    }
    Ok(())
}
