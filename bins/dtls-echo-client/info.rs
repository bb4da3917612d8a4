//! What a session has settled, for people and for programs.

use std::{
    fmt,
    io::{self, Write},
    net::SocketAddr,
    time::Duration,
};

use dtls_session::{Session, SessionInfo};
use openssl::{
    asn1::{Asn1Time, Asn1TimeRef},
    hash::MessageDigest,
    x509::{X509NameRef, X509Ref},
};
use serde::Serialize;
use udp_demux::Channel;

use crate::Args;

/// Tells on stderr what the flags ask for; stdout is for replies.
pub(crate) fn tell(args: &Args, session: &Session<Channel>) -> anyhow::Result<()> {
    if !args.verbose && !args.json {
        return Ok(());
    }
    let told = Told::new(session.peer_addr(), session.info());
    let mut text = String::new();
    if args.verbose {
        text += &told.to_string();
    }
    if args.json {
        text += &serde_json::to_string(&told)?;
        text.push('\n');
    }
    // Whoever started the client may not care to read this.
    let _ = io::stderr().write_all(text.as_bytes());
    Ok(())
}

/// The members of the JSON object.
#[derive(Debug, Serialize)]
struct Told {
    peer: SocketAddr,
    version: &'static str,
    cipher: &'static str,
    cipher_iana: Option<&'static str>,
    group: Option<&'static str>,
    peer_signature: Option<String>,
    peer_certificates: Vec<Certificate>,
    resumed: bool,
    extended_master_secret: bool,
    secure_renegotiation: bool,
    alpn: Option<String>,
    server_name: Option<String>,
    srtp_profile: Option<String>,
    cookie_exchange: bool,
    handshake_ms: f64,
    round_trip_ms: Option<f64>,
    flights_repeated: u64,
    mtu: usize,
    max_datagram_size: usize,
}

#[derive(Debug, Serialize)]
struct Certificate {
    subject: String,
    issuer: String,
    /// Seconds since 1970.
    not_before: Option<i64>,
    not_after: Option<i64>,
    sha256: Option<String>,
    pem: Option<String>,
    #[serde(skip)]
    until: String,
}

impl Told {
    fn new(peer: SocketAddr, info: SessionInfo) -> Self {
        let certificates = info.peer_certificates.iter();
        Self {
            peer,
            version: info.version,
            cipher: info.cipher,
            cipher_iana: info.cipher_iana,
            group: info.group,
            peer_signature: info.peer_signature,
            peer_certificates: certificates.map(|one| Certificate::new(one)).collect(),
            resumed: info.resumed,
            extended_master_secret: info.extended_master_secret,
            secure_renegotiation: info.secure_renegotiation,
            alpn: info.alpn.map(|name| name.escape_ascii().to_string()),
            server_name: info.server_name,
            srtp_profile: info.srtp_profile.map(|profile| profile.to_string()),
            cookie_exchange: info.cookie_exchange,
            handshake_ms: milliseconds(info.handshake_time),
            round_trip_ms: info.round_trip.map(milliseconds),
            flights_repeated: info.flights_repeated,
            mtu: info.mtu,
            max_datagram_size: info.max_datagram_size,
        }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let yes = |yes| if yes { "yes" } else { "no" };
        writeln!(f, "session with {}", self.peer)?;
        let mut line = |name, value: &str| writeln!(f, "  {name:23} {value}");
        line("version", self.version)?;
        match self.cipher_iana {
            Some(iana) => line("cipher suite", &format!("{iana} ({})", self.cipher))?,
            None => line("cipher suite", self.cipher)?,
        }
        line("group", self.group.unwrap_or("none"))?;
        let signature = self.peer_signature.as_deref().unwrap_or("none");
        line("peer signature", signature)?;
        for certificate in &self.peer_certificates {
            line("certificate", &certificate.to_string())?;
        }
        line("resumed", yes(self.resumed))?;
        line("extended master secret", yes(self.extended_master_secret))?;
        line("secure renegotiation", yes(self.secure_renegotiation))?;
        line("ALPN protocol", self.alpn.as_deref().unwrap_or("none"))?;
        line("server name", self.server_name.as_deref().unwrap_or("none"))?;
        line(
            "SRTP profile",
            self.srtp_profile.as_deref().unwrap_or("none"),
        )?;
        line("cookie exchange", yes(self.cookie_exchange))?;
        line("handshake", &format!("{:.1} ms", self.handshake_ms))?;
        let round_trip = self.round_trip_ms.map(|time| format!("{time:.1} ms"));
        line("round trip", round_trip.as_deref().unwrap_or("unknown"))?;
        line("flights repeated", &self.flights_repeated.to_string())?;
        let most = self.max_datagram_size;
        line("MTU", &format!("{} bytes, {most} of data", self.mtu))
    }
}

impl Certificate {
    fn new(certificate: &X509Ref) -> Self {
        let hex = |digest: &[u8]| digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let digest = certificate.digest(MessageDigest::sha256()).ok();
        let pem = certificate.to_pem().ok();
        Self {
            subject: distinguished(certificate.subject_name()),
            issuer: distinguished(certificate.issuer_name()),
            not_before: seconds_since_1970(certificate.not_before()),
            not_after: seconds_since_1970(certificate.not_after()),
            sha256: digest.map(|digest| hex(&digest)),
            pem: pem.and_then(|pem| String::from_utf8(pem).ok()),
            until: certificate.not_after().to_string(),
        }
    }
}

impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A terminal obeys what a stranger may have put into a name.
        let plain = |name: &str| name.escape_debug().to_string();
        let (subject, issuer) = (plain(&self.subject), plain(&self.issuer));
        write!(f, "{subject}; by {issuer}; until {}", self.until)?;
        match &self.sha256 {
            Some(digest) => write!(f, "; SHA-256 {digest}"),
            None => Ok(()),
        }
    }
}

/// A name's parts, in the order that they stand in.
fn distinguished(name: &X509NameRef) -> String {
    let parts = name.entries().map(|entry| {
        let key = entry.object().nid().short_name().unwrap_or("?");
        let value = String::from_utf8_lossy(entry.data().as_slice());
        format!("{key}={value}")
    });
    parts.collect::<Vec<_>>().join(", ")
}

fn seconds_since_1970(time: &Asn1TimeRef) -> Option<i64> {
    let since = Asn1Time::from_unix(0).ok()?.diff(time).ok()?;
    Some(i64::from(since.days) * 86_400 + i64::from(since.secs))
}

fn milliseconds(time: Duration) -> f64 {
    time.as_micros() as f64 / 1000.0
}
