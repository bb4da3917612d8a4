//! What a failed handshake says of its cause, and what to try.

use std::fmt;

use anyhow::anyhow;
use dtls_echo::{CertificateFacts, is_out_of_files, plain};
use dtls_session::{Alert, CertificateFault, CertificateRefusal, ConnectError, HandshakeError};

use crate::{Args, direction::Direction, failure::Failure, watch::Seen};

/// What was seen, and what may help; either may be empty.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Diagnosis {
    pub(crate) seen: String,
    pub(crate) advice: String,
}

impl Diagnosis {
    /// None where the error says it all.
    pub(crate) fn of(failure: &Failure, args: &Args) -> Option<Self> {
        let source = match &failure.error {
            ConnectError::Handshake { source, .. } => source,
            ConnectError::Socket { .. } => {
                return Some(Self::new("", "is there a way to that address from here?"));
            }
            _ => return None,
        };
        let watch = failure.watch.as_ref()?;
        let seen = watch.lock();
        let asked = has(&seen, Direction::Received, |name| {
            name == "CertificateRequest"
        });
        let refused = matches!(
            source,
            HandshakeError::PeerAlert(_) | HandshakeError::TimedOut { .. }
        );
        if asked && refused && args.trust.cert.is_none() {
            return Some(Self::new(
                "the server has asked for a certificate, and this client has shown none",
                "--cert FILE and --key FILE name one",
            ));
        }
        Some(match source {
            HandshakeError::TimedOut { .. } => Self::of_silence(&seen, args),
            HandshakeError::Unreachable(_) if seen.received.datagrams > 0 => Self::new(
                "its port was closed in mid-handshake (ICMP)",
                "has the server been stopped?",
            ),
            HandshakeError::Unreachable(_) => Self::of_nothing(&seen),
            HandshakeError::CertificateRefused(refusal) => Self::of_refusal(refusal, args),
            HandshakeError::NoCommonVersion => Self::new(
                offers_and_alert(&seen),
                "--min-version and --max-version bound what is spoken",
            ),
            HandshakeError::NoCommonCipher => Self::new(
                offers_and_alert(&seen),
                "--ciphers and --groups name what to offer",
            ),
            HandshakeError::MessageTooLong { .. } => Self::new(
                "",
                "the server's --cert should hold its own certificate and those of its issuers only",
            ),
            HandshakeError::PeerAlert(alert) => Self::of_alert(*alert, &seen, args),
            _ => return None,
        })
    }

    fn new(seen: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            seen: seen.into(),
            advice: advice.into(),
        }
    }

    /// The handshake has not come to an end: how far did it get?
    fn of_silence(seen: &Seen, args: &Args) -> Self {
        if seen.received.datagrams == 0 {
            return Self::of_nothing(seen);
        }
        // Noise may look like a record here and there, and an echo like a hello.
        let answered = has(seen, Direction::Received, |name| name != "ClientHello");
        if !answered && seen.alert.is_none() {
            return Self::new(
                "what came back is not DTLS",
                "is it a DTLS server, and that port?",
            );
        }
        if let Some(alert) = seen.alert {
            // It came too late to be believed.
            let Self { seen, advice } = Self::of_alert(alert, seen, args);
            return Self::new(format!("the server sent the alert {alert}: {seen}"), advice);
        }
        let chosen = seen.chosen.as_ref();
        let is_1_3 = chosen.is_some_and(|hello| hello.extension("supported_versions").is_some());
        if !has(seen, Direction::Received, |name| {
            name != "HelloVerifyRequest"
        }) && seen.cookie
        {
            Self::new(
                "the server asked for a cookie (HelloVerifyRequest), and said nothing more",
                "it may have as many clients as it takes, or its answer may be too large for the \
                 path: try again, and look at its log and its --mtu",
            )
        } else if is_1_3 || has(seen, Direction::Received, is_change_cipher_spec) {
            Self::new(
                "the handshake did not get to its end",
                "--trace shows how far it got",
            )
        } else if has(seen, Direction::Sent, is_change_cipher_spec) {
            Self::new(
                "the server's flight came, and this client's last one got no answer",
                if args.trust.has_psk() {
                    "is it the key that the server has for this identity?"
                } else {
                    "the server may refuse this client without a word, or large datagrams may not \
                     get through: see its log, and try --mtu 548"
                },
            )
        } else {
            Self::new(
                "the server's flight began, and its end never came",
                "large datagrams may not get through: a lower MTU on the server (its --mtu) helps",
            )
        }
    }

    fn of_nothing(seen: &Seen) -> Self {
        let hellos = seen.sent.datagrams;
        if let Some(from) = seen.elsewhere {
            return Self::new(
                format!("{from} answers in its place, which DTLS does not allow"),
                "does a NAT change addresses, or has the server several and answers from another?",
            );
        }
        match (&seen.error, seen.refusals) {
            (Some(error), _) => Self::new(
                format!("the system says: {error}"),
                "is there a way to that address from here?",
            ),
            (None, 0) => Self::new(
                format!("hellos sent: {hellos}"),
                "is a DTLS server listening there, and does a firewall let UDP through?",
            ),
            (None, refusals) => Self::new(
                format!(
                    "the host refused {refusals} of {hellos} hellos: the port is closed (ICMP)"
                ),
                "is the server running, and is it that port?",
            ),
        }
    }

    fn of_refusal(refusal: &CertificateRefusal, args: &Args) -> Self {
        let Some(certificate) = refusal.certificate() else {
            return Self::new("", "the server needs a certificate");
        };
        let certificate = CertificateFacts::of(certificate);
        let subject = plain(&certificate.subject);
        let which = format!("certificate {} ({subject})", refusal.depth);
        let issuer = plain(&certificate.issuer);
        match refusal.fault {
            CertificateFault::Expired => Self::new(
                format!("{which} has expired on {}", certificate.not_after),
                "it has to be renewed, unless this machine's clock is wrong",
            ),
            CertificateFault::NotYetValid => Self::new(
                format!("{which} is good only from {} on", certificate.not_before),
                "is this machine's clock right?",
            ),
            CertificateFault::WrongName => {
                let names = plain(&certificate.names.join(", "));
                let names = if names.is_empty() {
                    "no name at all"
                } else {
                    &names
                };
                Self::new(
                    format!(
                        "{which} is for {names}, and not for {}",
                        plain(args.server_name())
                    ),
                    "--server-name NAME names the one to expect",
                )
            }
            CertificateFault::SelfSigned => Self::new(
                format!("{which} has signed itself, and is not trusted"),
                "--ca FILE names the authority to trust, which may be this certificate",
            ),
            CertificateFault::UnknownAuthority => Self::new(
                format!("{which} was issued by {issuer}, which is not trusted"),
                "--ca FILE names the authority to trust; the server has to send those between",
            ),
            _ => Self::new(format!("it is {which}"), "--info shows the whole chain"),
        }
    }

    fn of_alert(alert: Alert, seen: &Seen, args: &Args) -> Self {
        match alert {
            Alert::HANDSHAKE_FAILURE | INSUFFICIENT_SECURITY if args.trust.has_psk() => Self::new(
                offers(seen),
                "it may know no pre-shared keys, or want --allow-plain-psk or other --ciphers",
            ),
            Alert::HANDSHAKE_FAILURE | INSUFFICIENT_SECURITY => Self::new(
                offers(seen),
                "it may want --cert, --psk, or other --ciphers or --groups",
            ),
            UNKNOWN_PSK_IDENTITY | DECRYPT_ERROR if args.trust.has_psk() => {
                Self::new("", "is it the key that the server has for this identity?")
            }
            NO_CERTIFICATE | CERTIFICATE_REQUIRED => {
                Self::new("", "it wants --cert FILE and --key FILE")
            }
            _ if CERTIFICATE_ALERTS.contains(&alert.number()) && args.trust.cert.is_none() => {
                Self::new("", "it may want --cert FILE and --key FILE")
            }
            _ if CERTIFICATE_ALERTS.contains(&alert.number()) => Self::new(
                "the server does not take this client's certificate",
                "--cert FILE and --key FILE name another; does it lead to an authority that the \
                 server trusts?",
            ),
            NO_APPLICATION_PROTOCOL => Self::new(offers(seen), "--alpn names what to offer"),
            _ => Self::default(),
        }
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.seen.is_empty() {
            write!(f, ": {}", self.seen)?;
        }
        if !self.advice.is_empty() {
            write!(f, " ({})", self.advice)?;
        }
        Ok(())
    }
}

impl Failure {
    /// Says what went wrong, what was seen of it, and what to try next.
    pub(crate) fn explain(self, args: &Args) -> anyhow::Error {
        if matches!(&self.error, ConnectError::Socket { source, .. } if is_out_of_files(source)) {
            return self.error.into();
        }
        let diagnosis = Diagnosis::of(&self, args).unwrap_or_default();
        anyhow!("{}{diagnosis}", self.describe())
    }
}

/// Whether a message that `wanted` accepts went there.
fn has(seen: &Seen, direction: Direction, wanted: impl Fn(&str) -> bool) -> bool {
    let flights = seen.flights.all().iter();
    let own = flights.filter(|flight| flight.direction == direction);
    own.flat_map(|flight| &flight.messages)
        .any(|message| wanted(message))
}

fn is_change_cipher_spec(message: &str) -> bool {
    message == "ChangeCipherSpec"
}

/// What either side has offered or chosen, as far as it was seen.
fn offers(seen: &Seen) -> String {
    let mut text = String::new();
    if let Some(hello) = &seen.offered {
        let suites = hello.cipher_suites.iter().map(|suite| &**suite);
        // Those that only signal something are none.
        let suites: Vec<_> = suites.filter(|suite| !suite.ends_with("SCSV")).collect();
        text += &format!("we offered {} with {}", hello.version, suites.join(", "));
        for (what, name) in [
            ("groups", "supported_groups"),
            ("protocols", "application_layer_protocol_negotiation"),
        ] {
            if let Some(values) = hello.extension(name) {
                text += &format!("; {what} {}", plain(&values.join(", ")));
            }
        }
    }
    if let Some(hello) = &seen.chosen {
        let suites = hello.cipher_suites.join(", ");
        text += &format!("; the server chose {} with {suites}", hello.version);
    }
    text
}

/// The same with the server's alert, where the error does not name it.
fn offers_and_alert(seen: &Seen) -> String {
    match seen.alert {
        Some(alert) => format!("{}; the server sent the alert {alert}", offers(seen)),
        None => offers(seen),
    }
}

/// Of SSL 3.0, and still sent where a certificate is missing.
const NO_CERTIFICATE: Alert = Alert::new(41);
const DECRYPT_ERROR: Alert = Alert::new(51);
const INSUFFICIENT_SECURITY: Alert = Alert::new(71);
const UNKNOWN_PSK_IDENTITY: Alert = Alert::new(115);
const CERTIFICATE_REQUIRED: Alert = Alert::new(116);
const NO_APPLICATION_PROTOCOL: Alert = Alert::new(120);
/// From bad_certificate to unknown_ca, and access_denied.
const CERTIFICATE_ALERTS: [u8; 7] = [42, 43, 44, 45, 46, 48, 49];
