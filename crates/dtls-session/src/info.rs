//! What a handshake came to.

use std::time::Duration;

use crate::{
    certificate::{Certificate, refusal::CertificateRefusal},
    openssl::facts::Facts,
    record_layer::RecordLayer,
    settings::{protection::RecordProtection, version::Version},
};

/// What was negotiated, and how it went.
///
/// ```
/// use dtls_session::Session;
///
/// fn describe(session: &Session) -> String {
///     let info = session.info();
///     format!("{} with {} in {:?}", info.version, info.cipher, info.handshake_time)
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionInfo {
    /// The version.
    pub version: Version,
    /// The cipher suite in OpenSSL's words, such as `ECDHE-ECDSA-AES128-GCM-SHA256`.
    pub cipher: &'static str,
    /// The cipher suite as the IANA has it, such as `TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256`.
    pub cipher_suite: &'static str,
    /// The group of the key exchange, such as `x25519` or `secp256r1`; None where there was no such
    /// exchange, as when an earlier session is resumed.
    pub group: Option<String>,
    /// What the peer has signed its part of the handshake with, such as `ECDSA-SHA256` or
    /// `RSA-PSS-SHA256`; None where it has signed nothing.
    pub peer_signature: Option<String>,
    /// The peer's certificate and those that it sent after it; empty if it has shown none. On a
    /// resumed session only the certificate itself.
    pub peer_certificates: Vec<Certificate>,
    /// Why the peer's certificate would have been refused, where
    /// [any is accepted](crate::ConnectorBuilder::danger_accept_any_certificate). A resumed session does
    /// not know.
    pub refusal: Option<CertificateRefusal>,
    /// The identity of the pre-shared key, if there was one: any bytes but zero.
    pub psk_identity: Option<Vec<u8>>,
    /// The server name that the client asked for. When a session is resumed, a server without names of
    /// its own has forgotten it, and one with names has the first session's.
    pub server_name: Option<String>,
    /// The application's protocol (ALPN), if one was agreed upon.
    pub protocol: Option<Vec<u8>>,
    /// The SRTP profile that was agreed upon (RFC 5764), in OpenSSL's words.
    pub srtp_profile: Option<&'static str>,
    /// Whether the client had to return a cookie first (RFC 6347 4.2.1).
    pub cookie_exchange: bool,
    /// Whether it goes on from an earlier session.
    pub resumed: bool,
    /// Whether the master secret is bound to the handshake (RFC 7627).
    pub extended_master_secret: bool,
    /// Whether the peer knows the extension against renegotiation attacks (RFC 5746). This crate
    /// never renegotiates.
    pub secure_renegotiation: bool,
    /// Who protects the records.
    pub record_protection: RecordProtection,
    /// How long the handshake took; a server's from the verified hello on.
    pub handshake_time: Duration,
    /// The round trip that the handshake showed; None where a repeat made it doubtful.
    pub round_trip: Option<Duration>,
    /// How often a flight was repeated by this side.
    pub retransmissions: u64,
    /// The largest datagram that was sent when the handshake had finished, in bytes of UDP payload: what
    /// was configured, or less where the path did not take that.
    pub mtu: usize,
    /// The largest plaintext of one datagram, in bytes, when the handshake had finished.
    pub max_datagram_size: usize,
}

impl SessionInfo {
    /// Reads all there is to know of a handshake that has just finished.
    pub(crate) fn new(layer: &mut RecordLayer, handshake_time: Duration) -> Self {
        // It may lower the MTU.
        let max_datagram_size = layer.max_plaintext();
        Self {
            cookie_exchange: layer.transport_ref().cookie_exchange(),
            handshake_time,
            round_trip: layer.round_trip(),
            retransmissions: layer.retransmissions(),
            mtu: layer.mtu(),
            max_datagram_size,
            ..Self::of(layer.engine().facts())
        }
    }

    /// Begins with what OpenSSL knows; the rest is zero.
    fn of(facts: Facts) -> Self {
        let (cipher, cipher_suite) = facts.cipher;
        Self {
            version: facts.version,
            cipher,
            cipher_suite,
            group: facts.group,
            peer_signature: facts.peer_signature,
            peer_certificates: facts.peer_certificates,
            refusal: facts.refusal,
            psk_identity: facts.psk_identity,
            server_name: facts.server_name,
            protocol: facts.protocol,
            srtp_profile: facts.srtp_profile,
            cookie_exchange: false,
            resumed: facts.resumed,
            extended_master_secret: facts.extended_master_secret,
            secure_renegotiation: facts.secure_renegotiation,
            record_protection: RecordProtection::OpenSsl,
            handshake_time: Duration::ZERO,
            round_trip: None,
            retransmissions: 0,
            mtu: 0,
            max_datagram_size: 0,
        }
    }
}
