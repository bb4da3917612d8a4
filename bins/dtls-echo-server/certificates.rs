//! What the server shows its clients: until when it is good, and why they would refuse it.

use std::fmt;

use dtls_echo::{CertificateFacts, Validity, plain};
use dtls_session::Identity;
use openssl::{
    asn1::Asn1Time,
    error::ErrorStack,
    stack::Stack,
    x509::{
        X509PurposeId, X509Ref, X509StoreContext,
        store::X509StoreBuilder,
        verify::{X509VerifyFlags, X509VerifyParam, X509VerifyParamRef},
    },
};

/// One of the server's certificates, with those behind it.
#[derive(Debug)]
pub(crate) struct Certificate {
    /// Where it is from.
    origin: String,
    facts: CertificateFacts,
    faults: Vec<String>,
    /// When the first of the chain expires, in seconds since 1970.
    expiry: Option<i64>,
}

impl Certificate {
    /// Looks at what clients are shown, under the name of `--sni` if there is one.
    pub(crate) fn of(
        origin: String,
        name: Option<&str>,
        identity: &Identity,
    ) -> Result<Self, ErrorStack> {
        let mut chain = identity.certificates();
        // An identity has a certificate.
        let certificate = chain.next().ok_or_else(ErrorStack::get)?;
        let facts = CertificateFacts::of(certificate);
        let mut faults: Vec<_> = outdated(&facts).into_iter().collect();
        for behind in chain.map(CertificateFacts::of) {
            let subject = plain(&behind.subject);
            faults
                .extend(outdated(&behind).map(|fault| format!("of {subject} behind it: {fault}")));
        }
        if !passes(certificate, |asked| {
            asked.set_purpose(X509PurposeId::SSL_SERVER)
        })? {
            faults.push(
                "its key usage or extended key usage is not for servers: clients will refuse it"
                    .to_owned(),
            );
        }
        if let Some(curve) = facts.key_type.strip_prefix("EC ")
            && !CURVES.contains(&curve)
        {
            faults.push(format!(
                "its key is on the curve {curve}, which clients do not take unless they are told to"
            ));
        }
        if let Some(name) = name {
            // Whatever a client asks for instead of the asterisk.
            let asked = name.replacen('*', "any", 1);
            if !passes(certificate, |wanted| wanted.set_host(&asked))? {
                let name = plain(name);
                faults.push(format!(
                    "it is not for {name}, for which --sni shows it: clients will refuse it"
                ));
            }
        }
        Ok(Self {
            origin,
            facts,
            faults,
            expiry: identity.certificates().filter_map(expiry).min(),
        })
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
        if outdated(&self.facts).is_none() {
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

fn outdated(facts: &CertificateFacts) -> Option<String> {
    let (from, until) = (&facts.not_before, &facts.not_after);
    match facts.validity {
        Validity::Expired => Some(format!("it has expired on {until}: clients will refuse it")),
        Validity::NotYetValid => Some(format!(
            "it is good only from {from} on: clients will refuse it until then"
        )),
        Validity::Valid => None,
    }
}

/// Whether a client that trusts the certificate finds in it what it asks for, whatever the time.
fn passes(
    certificate: &X509Ref,
    ask: impl FnOnce(&mut X509VerifyParamRef) -> Result<(), ErrorStack>,
) -> Result<bool, ErrorStack> {
    let mut asked = X509VerifyParam::new()?;
    asked.set_flags(X509VerifyFlags::PARTIAL_CHAIN | X509VerifyFlags::NO_CHECK_TIME)?;
    ask(&mut asked)?;
    let mut store = X509StoreBuilder::new()?;
    store.add_cert(certificate.to_owned())?;
    store.set_param(&asked)?;
    let (store, chain) = (store.build(), Stack::new()?);
    X509StoreContext::new()?.init(&store, certificate, &chain, |context| context.verify_cert())
}

fn expiry(certificate: &X509Ref) -> Option<i64> {
    let since = Asn1Time::from_unix(0)
        .and_then(|epoch| epoch.diff(certificate.not_after()))
        .ok()?;
    Some(i64::from(since.days) * 86_400 + i64::from(since.secs))
}

/// Those that OpenSSL and others offer without being told to.
const CURVES: [&str; 3] = ["prime256v1", "secp384r1", "secp521r1"];
