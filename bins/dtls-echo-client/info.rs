//! `--info`: what was negotiated, and how it went, on stdout.

use std::{fmt, net::SocketAddr, process::ExitCode};

use dtls_echo::{CertificateFacts, Facts, json, plain, print};
use dtls_session::{CertificateRefusal, ConnectError, HandshakeError};
use serde::Serialize;

use crate::{
    Args,
    connect::{Connection, connect},
    direction::Direction,
    failure::Failure,
    flights::Flight,
    watch::{Seen, Traffic},
    wire::Hello,
};

/// Connects, tells what came of it, and says goodbye; a failure is told of before it is returned.
pub(crate) async fn info(args: &Args) -> anyhow::Result<ExitCode> {
    let outcome = connect(args).await?;
    let report = match &outcome {
        Ok(connection) => Some(Report::of_connection(connection, args)),
        Err(failure) => Report::of_failure(failure),
    };
    if let Some(report) = report {
        let text = if args.facts.json() {
            json(&report)?
        } else {
            report.to_string()
        };
        print(format!("{}\n", text.trim_end()))?;
    }
    let connection = outcome.map_err(|failure| failure.explain(args))?;
    connection.session.close();
    Ok(ExitCode::SUCCESS)
}

#[derive(Debug, Serialize)]
struct Report {
    established: bool,
    #[serde(flatten)]
    facts: Option<Facts>,
    #[serde(flatten)]
    remains: Option<Remains>,
    verification: Verification,
    flights: Vec<Flight>,
    flights_repeated_by_peer: u64,
    sent: Traffic,
    received: Traffic,
    icmp_refusals: u64,
}

/// What is known of a handshake that failed.
#[derive(Debug, Serialize)]
struct Remains {
    error: String,
    peer: SocketAddr,
    offered: Option<Hello>,
    chosen: Option<Hello>,
    alert: Option<String>,
    cookie_exchange: bool,
    flights_repeated: u64,
    peer_certificates: Vec<CertificateFacts>,
}

/// What became of the server's certificate.
#[derive(Debug, Default, Serialize)]
struct Verification {
    /// None where there is no answer: without certificates, or before they came.
    verified: Option<bool>,
    reason: Option<String>,
    /// Where in the chain the fault is.
    depth: Option<u32>,
    subject: Option<String>,
    #[serde(skip)]
    remark: &'static str,
}

impl Report {
    fn of_connection(connection: &Connection, args: &Args) -> Self {
        let info = connection.session.info();
        let verification = match &info.refusal {
            Some(refusal) => Verification::refused(refusal, "accepted by --insecure"),
            None if info.peer_certificates.is_empty() => Verification {
                remark: "no certificates: both sides have the same key",
                ..Verification::default()
            },
            None if info.resumed => Verification {
                verified: (!args.trust.insecure).then_some(true),
                remark: "when the session that was resumed began",
                ..Verification::default()
            },
            None => Verification {
                verified: Some(true),
                ..Verification::default()
            },
        };
        let seen = connection.watch.lock();
        Self {
            facts: Some(Facts::new(seen.peer, &info)),
            established: true,
            ..Self::of(&seen, verification)
        }
    }

    /// None where nothing was sent to anybody.
    fn of_failure(failure: &Failure) -> Option<Self> {
        let refusal = match &failure.error {
            ConnectError::Handshake {
                source: HandshakeError::CertificateRefused(refusal),
                ..
            } => Some(refusal),
            _ => None,
        };
        let chain = refusal.map_or(&[][..], |refusal| &refusal.chain);
        let verification = refusal.map(|refusal| Verification::refused(refusal, ""));
        let seen = failure.watch.as_ref()?.lock();
        let remains = Remains {
            error: failure.describe(),
            peer: seen.peer,
            offered: seen.offered.clone(),
            chosen: seen.chosen.clone(),
            alert: seen.alert.map(|alert| alert.to_string()),
            cookie_exchange: seen.cookie,
            flights_repeated: seen.flights.repeats(Direction::Sent),
            peer_certificates: chain.iter().map(CertificateFacts::of).collect(),
        };
        Some(Self {
            remains: Some(remains),
            ..Self::of(&seen, verification.unwrap_or_default())
        })
    }

    fn of(seen: &Seen, verification: Verification) -> Self {
        Self {
            established: false,
            facts: None,
            remains: None,
            verification,
            flights: seen.flights.all().to_vec(),
            flights_repeated_by_peer: seen.flights.repeats(Direction::Received),
            sent: seen.sent,
            received: seen.received,
            icmp_refusals: seen.refusals,
        }
    }
}

impl Verification {
    fn refused(refusal: &CertificateRefusal, remark: &'static str) -> Self {
        let certificate = refusal.certificate().map(CertificateFacts::of);
        Self {
            verified: Some(false),
            reason: Some(refusal.reason.clone()),
            depth: certificate.is_some().then_some(refusal.depth),
            subject: certificate.map(|certificate| certificate.subject),
            remark,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(facts) = &self.facts {
            writeln!(f, "{facts}")?;
        }
        if let Some(remains) = &self.remains {
            write!(f, "{remains}")?;
        }
        writeln!(f, "verified                {}", self.verification)?;
        for (flight, number) in self.flights.iter().zip(1..) {
            let direction = match flight.direction {
                Direction::Sent => "sent",
                Direction::Received => "received",
            };
            let name = format!("flight {number}, {direction}");
            write!(f, "{name:<23} {}: ", flight.messages.join(", "))?;
            write!(f, "{}, {} bytes", datagrams(flight.datagrams), flight.bytes)?;
            match flight.repeats {
                0 => writeln!(f)?,
                1 => writeln!(f, ", repeated once")?,
                repeats => writeln!(f, ", repeated {repeats} times")?,
            }
        }
        let repeats = self.flights_repeated_by_peer;
        writeln!(f, "repeated by the server  {repeats} flights")?;
        for (traffic, name) in [(self.sent, "sent"), (self.received, "received")] {
            let count = datagrams(traffic.datagrams);
            let (bytes, largest) = (traffic.bytes, traffic.largest_datagram);
            writeln!(
                f,
                "{name:<23} {count}, {bytes} bytes, the largest {largest}"
            )?;
        }
        if self.icmp_refusals > 0 {
            writeln!(f, "refused (ICMP)          {} times", self.icmp_refusals)?;
        }
        Ok(())
    }
}

impl fmt::Display for Remains {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "peer                    {}", self.peer)?;
        writeln!(f, "handshake               failed: {}", plain(&self.error))?;
        for (hello, name) in [(&self.offered, "offered"), (&self.chosen, "chosen")] {
            if let Some(hello) = hello {
                let suites = hello.cipher_suites.join(", ");
                writeln!(f, "{name:<23} {}: {suites}", hello.version)?;
                for extension in &hello.extensions {
                    if !extension.values.is_empty() {
                        let values = plain(&extension.values.join(", "));
                        writeln!(f, "  {}: {values}", extension.name)?;
                    }
                }
            }
        }
        if let Some(alert) = &self.alert {
            writeln!(f, "alert                   {alert}")?;
        }
        let cookie = if self.cookie_exchange { "yes" } else { "no" };
        writeln!(f, "cookie exchange         {cookie}")?;
        writeln!(
            f,
            "repeated by this side   {} flights",
            self.flights_repeated
        )?;
        for (certificate, depth) in self.peer_certificates.iter().zip(0..) {
            writeln!(f, "certificate {depth}           {certificate}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verified = match self.verified {
            Some(true) => "yes",
            Some(false) => "no",
            None => "-",
        };
        f.write_str(verified)?;
        if !self.remark.is_empty() {
            write!(f, ", {}", self.remark)?;
        }
        if let Some(reason) = &self.reason {
            write!(f, ": {reason}")?;
        }
        if let (Some(depth), Some(subject)) = (self.depth, &self.subject) {
            write!(f, ", certificate {depth} ({})", plain(subject))?;
        }
        Ok(())
    }
}

fn datagrams(count: u64) -> String {
    if count == 1 {
        "1 datagram".to_owned()
    } else {
        format!("{count} datagrams")
    }
}
