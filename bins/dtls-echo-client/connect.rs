//! From an address to a session.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use anyhow::Context;
use dtls_session::{Connector, Handshake, HandshakeError, Resumption, Session, SessionConfig};
use futures::{StreamExt, stream::FuturesUnordered};
use tokio::time::sleep;
use udp_demux::{Channel, Config, Endpoint};

use crate::{Args, session_file::SessionFile};

/// Connects to the first of the server's addresses that answers: each is tried a moment after
/// the one before, as RFC 8305 has it.
pub(crate) async fn connect(args: &Args) -> anyhow::Result<Session<Channel>> {
    let addresses = args.addr.resolve().await?;
    let config = SessionConfig::default()
        .mtu(args.mtu.into())
        .handshake_timeout(args.timeout);
    let builder = args.trust.connector(&addresses, config)?;
    let builder = builder.srtp_profiles(args.srtp.iter().copied());
    let connector = match args.keylog.open()? {
        Some(log) => builder.key_log(log),
        None => builder,
    }
    .build()?;
    let name = args
        .trust
        .server_name
        .as_deref()
        .unwrap_or_else(|| args.addr.host());
    let file = args.session.as_deref().map(SessionFile);
    let former = file.as_ref().and_then(|file| file.load(&connector, name));
    let mut attempts: FuturesUnordered<_> = addresses
        .iter()
        .zip(0..)
        .map(|(address, turn)| {
            let (connector, former) = (&connector, former.as_ref());
            async move {
                sleep(STAGGER * turn).await;
                attempt(connector, name, *address, former)
                    .await
                    .with_context(|| format!("cannot connect to {address}"))
            }
        })
        .collect();
    let mut failure = None;
    while let Some(outcome) = attempts.next().await {
        match outcome {
            Ok(session) => {
                if let Some(file) = &file {
                    file.store(session.resumption());
                }
                return Ok(session);
            }
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
    former: Option<&Resumption>,
) -> anyhow::Result<Session<Channel>> {
    if let Some(former) = former {
        let handshake = connector.resume(name, former, open(server)?);
        match establish(server, handshake).await {
            // It may be the former session that the server stumbles over.
            Err(error) if !is_silence(&error) => {
                tracing::warn!(
                    "cannot resume, so the handshake begins anew as a full one: {error:#}"
                );
            }
            outcome => return outcome,
        }
    }
    establish(server, connector.connect(name, open(server)?)).await
}

fn open(server: SocketAddr) -> anyhow::Result<Channel> {
    let any: SocketAddr = match server {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let endpoint = Endpoint::bind(any, Config::default().batch(4))?;
    Ok(endpoint.open(server)?)
}

async fn establish(
    server: SocketAddr,
    handshake: Handshake<Channel>,
) -> anyhow::Result<Session<Channel>> {
    let session = handshake.await.map_err(advise)?;
    tracing::info!(
        peer = %server,
        version = session.version(),
        cipher = session.cipher(),
        resumed = session.resumed(),
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
