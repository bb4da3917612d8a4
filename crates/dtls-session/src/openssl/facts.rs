//! What an `Ssl` knows after its handshake.

use openssl::ssl::{NameType, SslRef};

use crate::{
    certificate::{Certificate, refusal::CertificateRefusal},
    openssl::{ffi, srtp, verify},
    settings::version::Version,
};

/// What was negotiated.
pub(crate) struct Facts {
    pub(crate) version: Version,
    /// The suite's name in OpenSSL, and that of RFC 8446 or its like.
    pub(crate) cipher: (&'static str, &'static str),
    pub(crate) group: Option<String>,
    pub(crate) peer_signature: Option<String>,
    pub(crate) peer_certificates: Vec<Certificate>,
    pub(crate) refusal: Option<CertificateRefusal>,
    pub(crate) psk_identity: Option<Vec<u8>>,
    pub(crate) server_name: Option<String>,
    pub(crate) protocol: Option<Vec<u8>>,
    pub(crate) srtp_profile: Option<&'static str>,
    pub(crate) resumed: bool,
    pub(crate) extended_master_secret: bool,
    pub(crate) secure_renegotiation: bool,
}

impl Facts {
    pub(crate) fn of(ssl: &SslRef) -> Self {
        let cipher = ssl.current_cipher();
        let resumed = ssl.session_reused();
        Self {
            version: Version::of(ssl),
            cipher: (
                cipher.map_or("none", |cipher| cipher.name()),
                cipher
                    .and_then(|cipher| cipher.standard_name())
                    .unwrap_or("unknown"),
            ),
            // A session remembers the group that it began with.
            group: (!resumed).then(|| ffi::group(ssl)).flatten(),
            peer_signature: ffi::peer_signature(ssl).map(|(key, digest)| {
                let digest = digest.map(|digest| format!("-{digest}"));
                format!("{key}{}", digest.unwrap_or_default())
            }),
            peer_certificates: certificates(ssl),
            refusal: verify::refusal(ssl),
            psk_identity: ffi::psk_identity(ssl),
            server_name: ssl.servername(NameType::HOST_NAME).map(str::to_owned),
            protocol: ssl.selected_alpn_protocol().map(<[u8]>::to_vec),
            srtp_profile: srtp::agreed(ssl),
            resumed,
            extended_master_secret: ssl.extms_support() == Some(true),
            secure_renegotiation: ffi::secure_renegotiation(ssl),
        }
    }
}

/// A client's list begins with the peer's own certificate, a server's does not.
fn certificates(ssl: &SslRef) -> Vec<Certificate> {
    let chain = ssl.peer_cert_chain().into_iter().flatten();
    let mut certificates: Vec<_> = chain.filter_map(|it| Certificate::of(it).ok()).collect();
    if ssl.is_server() || certificates.is_empty() {
        let own = ssl.peer_certificate();
        certificates.splice(..0, own.and_then(|own| Certificate::of(&own).ok()));
    }
    certificates
}
