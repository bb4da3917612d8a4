//! Clients that were not let in, for who cannot look at their own logs.

use std::net::SocketAddr;

use dtls_echo::{octets, plain};
use dtls_session::HandshakeError;
use dtls_wire::{
    ClientHello, Decode, ExtensionContent, HandshakeType, Hello, List, Record, fragments,
};

/// Tells why a client was not let in, for who cannot look at the client's own log.
pub(crate) fn tell(peer: SocketAddr, error: HandshakeError, hello: Option<&[u8]>) {
    let psk = match &error {
        HandshakeError::PskUnproven { identity, .. } => Some(octets(identity)),
        _ => None,
    };
    let certificate = match &error {
        HandshakeError::CertificateRefused(refusal) => {
            refusal.chain.first().map(|it| it.subject().to_owned())
        }
        _ => None,
    };
    let offered = match &error {
        HandshakeError::NoCommonCipher
        | HandshakeError::NoCommonProtocol
        | HandshakeError::NoCommonVersion
        | HandshakeError::PeerAlert(_)
        | HandshakeError::OpenSsl(_) => hello.and_then(offered_by),
        _ => None,
    };
    let error = anyhow::Error::from(error);
    tracing::info!(%peer, psk, certificate, offered, "handshake failed: {error:#}");
}

/// Tells what a ClientHello in its record offers; nothing where it cannot be read.
fn offered_by(record: &[u8]) -> Option<String> {
    let (record, _) = Record::split(record).ok()?;
    let fragment = fragments(record.body).next()?.ok()?;
    if fragment.handshake_type != HandshakeType::CLIENT_HELLO || !fragment.is_whole() {
        return None;
    }
    let hello = ClientHello::parse(fragment.body).ok()?;
    let mut text = format!("{} with {}", hello.version, list(hello.cipher_suites));
    for extension in hello.extensions.unwrap_or_default().iter() {
        match extension.content(Hello::Client).ok()? {
            ExtensionContent::SupportedGroups(groups) => {
                text += &format!("; groups {}", list(groups));
            }
            ExtensionContent::SignatureAlgorithms(schemes) => {
                text += &format!("; signature algorithms {}", list(schemes));
            }
            ExtensionContent::Protocols(names) => {
                let names: Vec<_> = names
                    .iter()
                    .map(|name| String::from_utf8_lossy(name.0).into_owned())
                    .collect();
                text += &format!("; protocols {}", plain(&names.join(", ")));
            }
            ExtensionContent::ServerName(Some(name)) => {
                text += &format!("; server name {}", plain(&String::from_utf8_lossy(name)));
            }
            _ => {}
        }
    }
    Some(text)
}

fn list<'a, T: Decode<'a> + Copy + ToString>(values: List<'a, T>) -> String {
    let values: Vec<_> = values.iter().map(|value| value.to_string()).collect();
    values.join(", ")
}
