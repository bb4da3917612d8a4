//! DTLS for a service that speaks plain UDP, as stunnel does it for TCP. Where the service is:
//! `cargo run --example forward -- server 127.0.0.1:5684 127.0.0.1:53`; where its clients are:
//! `cargo run --example forward -- client 127.0.0.1:5353 127.0.0.1:5684`, and then `dig @127.0.0.1 -p 5353 localhost`.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use anyhow::{Context, bail};
use dtls_session::{
    Acceptor, Connector, Identity, Limits, Listener, Roots, SendError, Session, SessionConfig,
};
use udp_demux::{Channel, Config, Endpoint};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let args: Vec<_> = std::env::args().skip(1).collect();
    match &args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["server", addr, service] => server(parse(addr)?, parse(service)?).await,
        ["client", addr, server] => client(parse(addr)?, server).await,
        _ => bail!("usage: forward server ADDR:PORT SERVICE, or forward client ADDR:PORT SERVER"),
    }
}

fn parse(addr: &str) -> anyhow::Result<SocketAddr> {
    addr.parse()
        .with_context(|| format!("{addr} is no address and port"))
}

/// DTLS in, UDP out: each session gets a socket of its own, so the service can tell them apart.
async fn server(addr: SocketAddr, service: SocketAddr) -> anyhow::Result<()> {
    let identity = Identity::from_pem_files(
        concat!(env!("CARGO_MANIFEST_DIR"), "/certs/server.pem"),
        concat!(env!("CARGO_MANIFEST_DIR"), "/certs/server.key"),
    )?;
    let acceptor = Acceptor::builder(identity).session(config()).build()?;
    let listener = Listener::bind(addr, acceptor, Limits::default())?;
    println!("listening on {}", listener.local_addr());
    loop {
        let handshake = listener.accept().await?;
        tokio::spawn(async move {
            let relayed = async {
                let session = handshake.await?;
                relay(session, open(service)?).await
            };
            if let Err(error) = relayed.await {
                eprintln!("{error:#}");
            }
        });
    }
}

/// UDP in, DTLS out: each local peer gets a session of its own, for as long as anybody talks.
async fn client(addr: SocketAddr, server: &str) -> anyhow::Result<()> {
    let roots = Roots::from_pem_file(concat!(env!("CARGO_MANIFEST_DIR"), "/certs/ca.pem"))?;
    let connector = Connector::builder(roots).session(config()).build()?;
    let endpoint = Endpoint::bind(addr, Config::default().max_channels(MAX_PEERS))?;
    println!("listening on {}", endpoint.local_addr());
    loop {
        let incoming = endpoint.accept().await?;
        let peer = incoming.peer_addr();
        // The first datagram stays in the channel, and what follows it, until there is a session.
        let channel = match incoming.accept() {
            Ok(channel) => channel,
            Err(error) => {
                eprintln!("{peer}: {error}");
                continue;
            }
        };
        let (connector, server) = (connector.clone(), server.to_owned());
        tokio::spawn(async move {
            let relayed = async {
                // A ticket from any earlier session spares the certificates.
                let session = connector.connect(&server).resume().await?;
                relay(session, channel).await
            };
            if let Err(error) = relayed.await {
                eprintln!("{peer}: {error:#}");
            }
        });
    }
}

/// Carries datagrams both ways until the session ends.
async fn relay(session: Session, mut plain: Channel) -> anyhow::Result<()> {
    let (mut opened, mut received) = (vec![0; 16_384], vec![0; 65_535]);
    loop {
        tokio::select! {
            length = session.recv(&mut opened) => {
                let Some(length) = length? else { return Ok(()) };
                // One datagram lost, as on any UDP path; the next may get through.
                if let Err(error) = plain.send(&opened[..length]).await {
                    eprintln!("{}: {error}", plain.peer_addr());
                }
            }
            length = plain.recv(&mut received) => {
                match session.send(&received[..length?]).await {
                    Err(error @ (SendError::TooLarge { .. } | SendError::Empty)) => {
                        eprintln!("{}: {error}", plain.peer_addr());
                    }
                    outcome => outcome?,
                }
            }
        }
    }
}

/// Opens a socket from which only the service is talked to.
fn open(service: SocketAddr) -> anyhow::Result<Channel> {
    let any = match service {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    Ok(Endpoint::bind(any, Config::default().batch(1))?.open(service)?)
}

/// Plain UDP says no goodbye: a session whose peer is silent for so long is over.
fn config() -> SessionConfig {
    SessionConfig::default().idle_timeout(Some(Duration::from_secs(60)))
}

/// A session takes up to 90 kB.
const MAX_PEERS: usize = 1000;
