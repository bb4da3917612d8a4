//! From an address to a session.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use anyhow::Context;
use dtls_session::{Connector, HandshakeError, Session, SessionConfig};
use futures::{StreamExt, stream::FuturesUnordered};
use tokio::time::sleep;
use udp_demux::{Channel, Config, Endpoint};

use crate::Args;

/// Connects to the first of the server's addresses that answers: each is tried a moment after
/// the one before, as RFC 8305 has it.
pub(crate) async fn connect(args: &Args) -> anyhow::Result<Session<Channel>> {
    let addresses = args.addr.resolve().await?;
    let config = SessionConfig::default()
        .mtu(args.mtu.into())
        .handshake_timeout(args.timeout);
    let connector = args.trust.connector(&addresses, config)?.build()?;
    let name = args
        .trust
        .server_name
        .as_deref()
        .unwrap_or_else(|| args.addr.host());
    let mut attempts: FuturesUnordered<_> = addresses
        .iter()
        .zip(0..)
        .map(|(address, turn)| {
            let connector = &connector;
            async move {
                sleep(STAGGER * turn).await;
                attempt(connector, name, *address)
                    .await
                    .with_context(|| format!("cannot connect to {address}"))
            }
        })
        .collect();
    let mut failure = None;
    while let Some(outcome) = attempts.next().await {
        match outcome {
            Ok(session) => return Ok(session),
            // What a server said is worth more than another's silence.
            Err(error) if failure.is_none() || !is_silence(&error) => failure = Some(error),
            Err(_) => {}
        }
    }
    Err(failure.context("there is no address to connect to")?)
}

async fn attempt(
    connector: &Connector,
    name: &str,
    server: SocketAddr,
) -> anyhow::Result<Session<Channel>> {
    let any: SocketAddr = match server {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let endpoint = Endpoint::bind(any, Config::default().batch(4))?;
    let channel = endpoint.open(server)?;
    let session = connector.connect(name, channel).await.map_err(advise)?;
    tracing::info!(
        peer = %server,
        version = session.version(),
        cipher = session.cipher(),
        "session started"
    );
    Ok(session)
}

/// Adds what to try next.
fn advise(error: HandshakeError) -> anyhow::Error {
    let advice = match &error {
        HandshakeError::TimedOut { heard: false, .. } => {
            "is a DTLS server listening there, and does a firewall let UDP through?"
        }
        HandshakeError::CertificateRefused { .. } => {
            "--ca FILE names the authority to trust, --server-name NAME the name to expect"
        }
        HandshakeError::NoCommonVersion => "DTLS 1.2 is needed",
        HandshakeError::NoCommonCipher => "an AEAD cipher suite with ECDHE is needed",
        _ => return error.into(),
    };
    anyhow::anyhow!("{error:#} ({advice})", error = anyhow::Error::from(error))
}

fn is_silence(error: &anyhow::Error) -> bool {
    format!("{error:#}").contains("nothing came back")
}

/// The delay that RFC 8305 5 recommends between attempts.
const STAGGER: Duration = Duration::from_millis(250);
