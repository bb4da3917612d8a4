//! From an address to a session.

use dtls_session::{ConnectError, HandshakeError, Session, SessionConfig};
use udp_demux::Channel;

use crate::{Args, session_file::SessionFile};

/// Connects to the first of the server's addresses that answers.
pub(crate) async fn connect(args: &Args) -> anyhow::Result<Session<Channel>> {
    let addresses = args.addr.resolve().await?;
    let config = SessionConfig::default()
        .mtu(args.mtu.into())
        .handshake_timeout(args.timeout);
    let config = args.versions.bound(config);
    let connector = args.trust.connector(&addresses, config)?.build()?;
    let name = args
        .trust
        .server_name
        .as_deref()
        .unwrap_or_else(|| args.addr.host());
    let mut connect = connector
        .connect_to(&args.addr.to_string())
        .addresses(addresses)
        .server_name(name);
    let file = args.session.as_deref().map(SessionFile);
    let former = file.as_ref().and_then(|file| file.load(&connector, name));
    if let Some(former) = former {
        connect = connect.resume(former);
    }
    let session = connect.await.map_err(advise)?;
    tracing::info!(
        peer = %session.peer_addr(),
        version = session.version(),
        cipher = session.cipher(),
        resumed = session.resumed(),
        "session started"
    );
    if let Some(file) = &file {
        file.store(session.resumption());
    }
    Ok(session)
}

/// Adds what to try next.
fn advise(error: ConnectError) -> anyhow::Error {
    let advice = match &error {
        ConnectError::Handshake { source, .. } => match source {
            HandshakeError::TimedOut { heard: false, .. } => {
                "is a DTLS server listening there, and does a firewall let UDP through?"
            }
            HandshakeError::CertificateRefused { .. } => {
                "--ca FILE names the authority to trust, --server-name NAME the name to expect"
            }
            HandshakeError::NoCommonVersion => {
                "--min-version and --max-version bound what is spoken"
            }
            HandshakeError::NoCommonCipher => "an AEAD cipher suite with ECDHE is needed",
            _ => return error.into(),
        },
        _ => return error.into(),
    };
    anyhow::anyhow!("{error:#} ({advice})", error = anyhow::Error::from(error))
}
