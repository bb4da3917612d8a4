//! From the command line to a session.

use anyhow::anyhow;
use dtls_echo::explain;
use dtls_session::{Alert, ConnectError, HandshakeError, Session, SessionConfig, SessionStore};
use udp_demux::Channel;

use crate::{Args, session_file::SessionFile};

/// Connects to the first of the server's addresses that answers.
pub(crate) async fn connect(args: &Args) -> anyhow::Result<Session<Channel>> {
    let addresses = args.addr.resolve().await?;
    let config = SessionConfig::default()
        .mtu(args.mtu.into())
        .handshake_timeout(args.timeout);
    let store = SessionStore::default();
    let connector = args
        .trust
        .connector(&addresses, config)?
        .preferences(args.preferences.preferences()?)
        .session_store(store.clone())
        .build()
        .map_err(explain)?;
    let name = args.trust.server_name.as_deref();
    let name = name.unwrap_or_else(|| args.addr.host());
    let file = args.session.as_deref().map(SessionFile);
    if let Some(former) = file.as_ref().and_then(|file| file.load(&connector, name)) {
        for address in &addresses {
            store.insert(name, *address, former.clone());
        }
    }
    let session = connector.reconnect_any(name, &addresses).await;
    let session = session.map_err(|error| advise(error, args))?;
    if let Some(file) = &file {
        file.store(session.resumption());
    }
    tracing::info!(
        peer = %session.peer_addr(),
        version = session.version(),
        cipher = session.cipher(),
        resumed = session.resumed(),
        "session started"
    );
    Ok(session)
}

/// Adds what to try next.
fn advise(error: ConnectError, args: &Args) -> anyhow::Error {
    let advice = match &error {
        ConnectError::Handshake { source, .. } => match source {
            HandshakeError::TimedOut { heard: false, .. } => {
                "is a DTLS server listening there, and does a firewall let UDP through?"
            }
            HandshakeError::TimedOut { heard: true, .. } if args.trust.has_psk() => {
                "is it the key that the server has for this identity?"
            }
            HandshakeError::PeerAlert(Alert::HANDSHAKE_FAILURE) => {
                "it may want --cert, --psk or --allow-plain-psk, or other --ciphers or --groups"
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
    anyhow!("{error:#} ({advice})", error = anyhow::Error::from(error))
}
