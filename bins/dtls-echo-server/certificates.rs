//! What the server shows its clients: until when it is good, and why they would refuse it.

use std::fmt;

use dtls_echo::{CertificateFacts, Date, plain};
use dtls_session::{Identity, IdentityFault};

/// One of the server's certificates, with those behind it.
#[derive(Debug)]
pub(crate) struct Certificate {
    /// Where it is from.
    origin: String,
    facts: CertificateFacts,
    /// Whether the present is between its dates.
    is_current: bool,
    faults: Vec<String>,
    /// When the first of the chain expires, in seconds since 1970.
    expiry: Option<i64>,
}

impl Certificate {
    /// Looks at what clients are shown, under the name of `--sni` if there is one.
    pub(crate) fn of(origin: String, name: Option<&str>, identity: &Identity) -> Self {
        let chain = identity.certificates();
        let facts: Vec<_> = chain.iter().map(CertificateFacts::of).collect();
        let faults = identity.server_faults(name);
        let outdated = |fault: &IdentityFault| {
            let (IdentityFault::Expired { depth } | IdentityFault::NotYetValid { depth }) = fault
            else {
                return false;
            };
            *depth == 0
        };
        let expiries = chain.iter().filter_map(|it| it.not_after());
        Self {
            origin,
            is_current: !faults.iter().any(outdated),
            faults: faults.iter().map(|fault| told(fault, &facts)).collect(),
            expiry: expiries.map(|time| Date::from(time).unix()).min(),
            facts: facts
                .into_iter()
                .next()
                .expect("an identity has a certificate"),
        }
    }

    /// Whether clients will refuse it.
    pub(crate) fn is_refused(&self) -> bool {
        !self.faults.is_empty()
    }

    pub(crate) fn expiry(&self) -> Option<i64> {
        self.expiry
    }

    /// Tells of it in the log.
    pub(crate) fn log(&self) {
        if self.is_refused() {
            tracing::warn!("{self}");
        } else {
            tracing::info!("{self}");
        }
    }
}

impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (origin, subject) = (&self.origin, plain(&self.facts.subject));
        write!(f, "{origin}: {subject}, ")?;
        if self.is_current {
            write!(f, "good until {}", self.facts.not_after)?;
            if let Some(days) = self.facts.expires_in_days {
                write!(f, ", {days} days from now")?;
            }
            if self.is_refused() {
                write!(f, "; ")?;
            }
        }
        write!(f, "{}", self.faults.join("; "))
    }
}

fn told(fault: &IdentityFault, chain: &[CertificateFacts]) -> String {
    let outdated = |depth: usize, fault: String| match depth {
        0 => fault,
        _ => format!("of {} behind it: {fault}", plain(&chain[depth].subject)),
    };
    match fault {
        IdentityFault::Expired { depth } => {
            let until = &chain[*depth].not_after;
            let fault = format!("it has expired on {until}: clients will refuse it");
            outdated(*depth, fault)
        }
        IdentityFault::NotYetValid { depth } => {
            let from = &chain[*depth].not_before;
            let fault =
                format!("it is good only from {from} on: clients will refuse it until then");
            outdated(*depth, fault)
        }
        IdentityFault::WrongPurpose => {
            "its key usage or extended key usage is not for servers: clients will refuse it"
                .to_owned()
        }
        IdentityFault::UnusualCurve { curve } => {
            let curve = curve.as_deref().unwrap_or("with a curve of its own");
            format!(
                "its key is on the curve {curve}, which clients do not take unless they are told to"
            )
        }
        IdentityFault::WrongName { name } => {
            let name = plain(name);
            format!("it is not for {name}, for which --sni shows it: clients will refuse it")
        }
        other => format!("clients will refuse it: {other}"),
    }
}
