//! One protocol over plain UDP and over DTLS, by the same code: `cargo run --example echo -- dtls 127.0.0.1:9000`, and then
//! `cargo run --bin dtls-echo-client -- 127.0.0.1:9000`; or `-- udp 127.0.0.1:9000`, and then `nc -u 127.0.0.1 9000`.

use std::{io, net::SocketAddr};

use anyhow::{Context, bail};
use bytes::Bytes;
use dtls_session::{Acceptor, Identity, Limits, Listener};
use futures::{Sink, Stream};
use udp_demux::{Config, Endpoint};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let (Some(below), Some(addr)) = (args.next(), args.next()) else {
        bail!("usage: echo dtls|udp ADDR:PORT");
    };
    let addr = addr.parse().context("ADDR:PORT is no address")?;
    match &*below {
        "dtls" => over_dtls(addr).await,
        "udp" => over_udp(addr).await,
        _ => bail!("{below} is neither dtls nor udp"),
    }
}

async fn over_dtls(addr: SocketAddr) -> anyhow::Result<()> {
    let identity = Identity::from_pem_files(
        concat!(env!("CARGO_MANIFEST_DIR"), "/certs/server.pem"),
        concat!(env!("CARGO_MANIFEST_DIR"), "/certs/server.key"),
    )?;
    let acceptor = Acceptor::builder(identity).build()?;
    let listener = Listener::bind(addr, acceptor, Limits::default())?;
    println!("listening on {}", listener.local_addr());
    loop {
        let handshake = listener.accept().await?;
        tokio::spawn(async {
            match handshake.await {
                Ok(session) => echo(&session.peer_addr().to_string(), session).await,
                Err(error) => eprintln!("{:#}", anyhow::Error::from(error)),
            }
        });
    }
}

async fn over_udp(addr: SocketAddr) -> anyhow::Result<()> {
    let endpoint = Endpoint::bind(addr, Config::default())?;
    println!("listening on {}", endpoint.local_addr());
    loop {
        let incoming = endpoint.accept().await?;
        let peer = incoming.peer_addr().to_string();
        match incoming.accept() {
            // Nothing ends a peer that says no goodbye; a server for the world has an idle timeout.
            Ok(channel) => drop(tokio::spawn(async move { echo(&peer, channel).await })),
            Err(error) => eprintln!("{peer}: {error}"),
        }
    }
}

/// All that the protocol needs of what is below it: datagrams in, datagrams out.
async fn echo<T>(peer: &str, datagrams: T)
where
    T: Stream<Item = io::Result<Bytes>> + Sink<Bytes, Error = io::Error> + Unpin,
{
    match echo_codec::serve(datagrams, |_| MAX_DATAGRAM_SIZE).await {
        Ok(summary) => println!("{peer}: {} requests", summary.requests),
        Err(error) => eprintln!("{peer}: {:#}", anyhow::Error::from(error)),
    }
}

/// Fits a session with the default MTU, and any path without fragments.
const MAX_DATAGRAM_SIZE: usize = 1200;
