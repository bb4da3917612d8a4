//! What was negotiated, for people and for tools.

use std::{fmt, net::SocketAddr, sync::Arc};

use clap::Args;
use dtls_session::SessionInfo;
use serde::Serialize;

use crate::{CertificateFacts, json, octets, plain, tell};

/// The flags that ask what was negotiated.
#[derive(Clone, Copy, Debug, Args)]
pub struct FactsArgs {
    /// Tell on stderr what was negotiated
    #[arg(short, long)]
    verbose: bool,
    /// Tell on stderr what was negotiated, in one line of JSON
    #[arg(long, conflicts_with = "verbose")]
    json: bool,
}

impl FactsArgs {
    /// Whether tools are to read it.
    pub fn json(self) -> bool {
        self.json
    }

    /// Tells what was asked for.
    ///
    /// # Errors
    ///
    /// If it cannot be JSON.
    pub fn tell(
        self,
        peer: SocketAddr,
        info: impl FnOnce() -> Arc<SessionInfo>,
    ) -> serde_json::Result<()> {
        if !self.verbose && !self.json {
            return Ok(());
        }
        let facts = Facts::new(peer, &info());
        let text = if self.json {
            json(&facts)?
        } else {
            facts.to_string()
        };
        // In one piece, because a server's shards all tell.
        tell(&format!("{text}\n"));
        Ok(())
    }
}

/// What was negotiated with a peer: readable as text, and as JSON for tools.
#[derive(Debug, Serialize)]
pub struct Facts {
    peer: SocketAddr,
    version: String,
    cipher: &'static str,
    cipher_suite: &'static str,
    group: Option<String>,
    peer_signature: Option<String>,
    protocol: Option<String>,
    server_name: Option<String>,
    psk_identity: Option<String>,
    srtp_profile: Option<&'static str>,
    cookie_exchange: bool,
    resumed: bool,
    extended_master_secret: bool,
    secure_renegotiation: bool,
    record_protection: String,
    handshake_ms: f64,
    round_trip_ms: Option<f64>,
    flights_repeated: u64,
    mtu: usize,
    max_datagram_size: usize,
    peer_certificates: Vec<CertificateFacts>,
}

impl Facts {
    /// Makes them of what the library knows.
    pub fn new(peer: SocketAddr, info: &SessionInfo) -> Self {
        Self {
            peer,
            version: info.version.to_string(),
            cipher: info.cipher,
            cipher_suite: info.cipher_suite,
            group: info.group.clone(),
            peer_signature: info.peer_signature.clone(),
            protocol: info.protocol.as_deref().map(octets),
            server_name: info.server_name.clone(),
            psk_identity: info.psk_identity.as_deref().map(octets),
            srtp_profile: info.srtp_profile,
            cookie_exchange: info.cookie_exchange,
            resumed: info.resumed,
            extended_master_secret: info.extended_master_secret,
            secure_renegotiation: info.secure_renegotiation,
            record_protection: info.record_protection.to_string(),
            handshake_ms: info.handshake_time.as_secs_f64() * 1e3,
            round_trip_ms: info.round_trip.map(|time| time.as_secs_f64() * 1e3),
            flights_repeated: info.retransmissions,
            mtu: info.mtu,
            max_datagram_size: info.max_datagram_size,
            peer_certificates: info
                .peer_certificates
                .iter()
                .map(CertificateFacts::of)
                .collect(),
        }
    }
}

impl fmt::Display for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let yes = |fact| if fact { "yes" } else { "no" };
        writeln!(f, "peer                    {}", self.peer)?;
        writeln!(f, "version                 {}", self.version)?;
        writeln!(
            f,
            "cipher suite            {} ({})",
            self.cipher_suite, self.cipher
        )?;
        let facts = [
            ("group", self.group.as_deref()),
            ("peer's signature", self.peer_signature.as_deref()),
            ("protocol", self.protocol.as_deref()),
            ("server name", self.server_name.as_deref()),
            ("pre-shared key", self.psk_identity.as_deref()),
            ("SRTP profile", self.srtp_profile),
        ];
        for (what, fact) in facts {
            if let Some(fact) = fact {
                writeln!(f, "{what:<23} {}", plain(fact))?;
            }
        }
        writeln!(f, "cookie exchange         {}", yes(self.cookie_exchange))?;
        writeln!(f, "resumed                 {}", yes(self.resumed))?;
        writeln!(
            f,
            "extended master secret  {}",
            yes(self.extended_master_secret)
        )?;
        writeln!(
            f,
            "secure renegotiation    {}",
            yes(self.secure_renegotiation)
        )?;
        writeln!(f, "record protection       {}", self.record_protection)?;
        write!(f, "handshake               {:.3} ms", self.handshake_ms)?;
        if let Some(round_trip) = self.round_trip_ms {
            write!(f, ", round trip {round_trip:.3} ms")?;
        }
        writeln!(f, ", {} flights repeated", self.flights_repeated)?;
        write!(
            f,
            "datagrams               up to {} bytes, of which {} are plaintext",
            self.mtu, self.max_datagram_size
        )?;
        for (certificate, depth) in self.peer_certificates.iter().zip(0..) {
            write!(f, "\ncertificate {depth}           {certificate}")?;
        }
        Ok(())
    }
}
