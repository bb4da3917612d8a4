//! What a handshake has settled.

use std::time::Duration;

use openssl::{ssl::NameType, x509::X509};

use crate::{ffi, record_layer::RecordLayer, srtp::SrtpProfile};

/// What is known of an established session, from [`Session::info`](crate::Session::info).
///
/// ```
/// # async fn example<S>(connector: dtls_session::Connector, pipe: S)
/// #     -> Result<(), Box<dyn std::error::Error>>
/// # where S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static {
/// let session = connector.connect("coap.example", pipe).await?;
/// let info = session.info();
/// println!("{} with {}, {:?}", info.version, info.cipher, info.group);
/// if let Some(certificate) = info.peer_certificates.first() {
///     println!("the server is {:?}", certificate.subject_name());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionInfo {
    /// The version in OpenSSL's words, such as `DTLSv1.2`.
    pub version: &'static str,
    /// The cipher suite in OpenSSL's words, such as `ECDHE-ECDSA-AES128-GCM-SHA256`.
    pub cipher: &'static str,
    /// The cipher suite's name in IANA's registry, such as
    /// `TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256` (`SSL_CIPHER_standard_name`).
    pub cipher_iana: Option<&'static str>,
    /// The group of the key exchange, such as `x25519` (`SSL_get_negotiated_group`); None where
    /// there was no such exchange, as when an earlier session is resumed.
    pub group: Option<&'static str>,
    /// What the peer has signed its part of the handshake with, such as `ECDSA-SHA256`
    /// (`SSL_get_peer_signature_type_nid`); None where it has signed nothing.
    pub peer_signature: Option<String>,
    /// The certificates that the peer has shown, its own first; of a resumed session its own
    /// alone, since sessions keep no more.
    pub peer_certificates: Vec<X509>,
    /// Whether it goes on from an earlier session.
    pub resumed: bool,
    /// Whether its keys are bound to its handshake (RFC 7627).
    pub extended_master_secret: bool,
    /// Whether the peer knows RFC 5746. There is no renegotiation in any case.
    pub secure_renegotiation: bool,
    /// The application's protocol, by its name in IANA's registry (RFC 7301).
    pub alpn: Option<Vec<u8>>,
    /// The name that the client has asked for (RFC 6066 3). A server whose answer did not mention
    /// it has forgotten it when the session is resumed.
    pub server_name: Option<String>,
    /// The profile that keys for SRTP are for (RFC 5764).
    pub srtp_profile: Option<SrtpProfile>,
    /// Whether the client had to return a cookie first (RFC 6347 4.2.1).
    pub cookie_exchange: bool,
    /// From the first moment of the handshake to its last on this side. A server's starts when it
    /// has verified the cookie.
    pub handshake_time: Duration,
    /// How long the peer took to answer, its computing included: the most that a round trip
    /// takes. None if a repeated flight leaves open which copy was answered (Karn's rule).
    pub round_trip: Option<Duration>,
    /// How often a flight of this side was repeated because nothing came.
    pub flights_repeated: u64,
    /// The largest datagram to send, in bytes of UDP payload: as
    /// [configured](crate::SessionConfig::mtu), or what the path has let through instead.
    pub mtu: usize,
    /// The most bytes of data that one such datagram carries.
    pub max_datagram_size: usize,
}

impl SessionInfo {
    pub(crate) fn of<S>(layer: &RecordLayer<S>, handshake_time: Duration) -> Self {
        let ssl = layer.ssl();
        let cipher = ssl.current_cipher();
        let resumed = ssl.session_reused();
        let peer = ssl.peer_certificate();
        // A server's chain lacks the client's own certificate, a client's starts with the
        // server's.
        let others = ssl.peer_cert_chain().into_iter().flatten();
        let others = others
            .map(ToOwned::to_owned)
            .skip(usize::from(!ssl.is_server()));
        Self {
            version: ssl.version_str(),
            cipher: cipher.map_or("none", |cipher| cipher.name()),
            cipher_iana: cipher.and_then(|cipher| cipher.standard_name()),
            group: (!resumed).then(|| ffi::group(ssl)).flatten(),
            peer_signature: ffi::peer_signature(ssl).map(|(key, digest)| {
                let digest = digest.map(|digest| format!("-{digest}"));
                format!("{key}{}", digest.unwrap_or_default())
            }),
            peer_certificates: peer.into_iter().chain(others).collect(),
            resumed,
            extended_master_secret: ssl.extms_support() == Some(true),
            secure_renegotiation: ffi::secure_renegotiation(ssl),
            alpn: ssl.selected_alpn_protocol().map(<[u8]>::to_vec),
            server_name: ssl.servername(NameType::HOST_NAME).map(str::to_owned),
            srtp_profile: SrtpProfile::selected(ssl),
            cookie_exchange: layer.transport_ref().cookie_exchange(),
            handshake_time,
            round_trip: layer.round_trip(),
            flights_repeated: layer.retransmissions(),
            mtu: layer.transport_ref().mtu(),
            max_datagram_size: layer.max_plaintext(),
        }
    }
}
