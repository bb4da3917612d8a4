//! What stands in a certificate.

use std::fmt;

use dtls_session::Certificate;
use serde::Serialize;

use crate::{date::Date, plain};

/// A certificate: readable as text, and as JSON for tools.
#[derive(Clone, Debug, Serialize)]
pub struct CertificateFacts {
    /// Whom it is for, such as `CN=example.org`.
    pub subject: String,
    /// Who has signed it.
    pub issuer: String,
    /// The names and addresses that it is good for, such as `DNS:example.org`.
    pub names: Vec<String>,
    /// From when on it is good.
    pub not_before: String,
    /// How long it is good.
    pub not_after: String,
    /// Whether it is good now, and for how long.
    pub validity: Validity,
    /// The whole days until it expires; negative once it has.
    pub expires_in_days: Option<i64>,
    /// The kind of its key, such as `EC prime256v1` or `RSA`.
    pub key_type: String,
    /// The size of its key.
    pub key_bits: u32,
    /// Its fingerprint.
    pub sha256: String,
}

/// Where the present lies in a certificate's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Validity {
    /// It is not good yet.
    NotYetValid,
    /// It is good.
    Valid,
    /// It is not good any more.
    Expired,
}

impl CertificateFacts {
    /// Reads them from a certificate.
    pub fn of(certificate: &Certificate) -> Self {
        let digits = certificate.sha256().map(|byte| format!("{byte:02X}"));
        let (from, to) = (certificate.not_before(), certificate.not_after());
        let (from, to) = (from.map(Date::from), to.map(Date::from));
        let told =
            |date: Option<Date>| date.map_or_else(|| "error".to_owned(), |it| it.to_string());
        let now = Date::now();
        Self {
            subject: certificate.subject().to_owned(),
            issuer: certificate.issuer().to_owned(),
            names: certificate
                .names()
                .iter()
                .map(ToString::to_string)
                .collect(),
            not_before: told(from),
            not_after: told(to),
            validity: Validity::at(now, from, to),
            expires_in_days: to.map(|to| to.days_from(now)),
            key_type: certificate.key_type(),
            key_bits: certificate.key_bits(),
            sha256: digits.join(":"),
        }
    }
}

impl Validity {
    fn at(now: Date, from: Option<Date>, to: Option<Date>) -> Self {
        if from.is_some_and(|from| from > now) {
            Self::NotYetValid
        } else if to.is_some_and(|to| to < now) {
            Self::Expired
        } else {
            Self::Valid
        }
    }
}

impl fmt::Display for CertificateFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", plain(&self.subject))?;
        write!(f, "\n  issuer                {}", plain(&self.issuer))?;
        if !self.names.is_empty() {
            write!(
                f,
                "\n  names                 {}",
                plain(&self.names.join(", "))
            )?;
        }
        let (from, to) = (&self.not_before, &self.not_after);
        write!(f, "\n  valid                 {from} to {to} (")?;
        match (self.validity, self.expires_in_days) {
            (Validity::NotYetValid, _) => write!(f, "not yet valid")?,
            (Validity::Expired, _) => write!(f, "expired")?,
            (Validity::Valid, Some(1)) => write!(f, "expires in 1 day")?,
            (Validity::Valid, Some(days)) => write!(f, "expires in {days} days")?,
            (Validity::Valid, None) => write!(f, "valid now")?,
        }
        write!(
            f,
            ")\n  key                   {}, {} bits",
            self.key_type, self.key_bits
        )?;
        write!(f, "\n  SHA-256               {}", self.sha256)
    }
}
