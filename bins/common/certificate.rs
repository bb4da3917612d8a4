//! What stands in a certificate.

use std::{fmt, net::IpAddr};

use openssl::{
    asn1::{Asn1Time, Asn1TimeRef},
    hash::MessageDigest,
    nid::Nid,
    pkey::{Id, PKeyRef, Public},
    x509::{GeneralNameRef, X509NameRef, X509Ref},
};
use serde::Serialize;

use crate::plain;

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
    pub expires_in_days: Option<i32>,
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
    pub fn of(certificate: &X509Ref) -> Self {
        let digest = certificate.digest(MessageDigest::sha256());
        let digest = digest.as_deref().unwrap_or_default();
        let digits: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
        let (not_before, not_after) = (certificate.not_before(), certificate.not_after());
        let names = certificate.subject_alt_names().into_iter().flatten();
        let key = certificate.public_key();
        Self {
            subject: name(certificate.subject_name()),
            issuer: name(certificate.issuer_name()),
            names: names.map(|name| alternative(&name)).collect(),
            not_before: not_before.to_string(),
            not_after: not_after.to_string(),
            validity: Validity::between(not_before, not_after),
            expires_in_days: days_until(not_after),
            key_type: key
                .as_ref()
                .map_or_else(|_| "unknown".to_owned(), |key| key_type(key)),
            key_bits: key.map_or(0, |key| key.bits()),
            sha256: digits.join(":"),
        }
    }
}

impl Validity {
    fn between(not_before: &Asn1TimeRef, not_after: &Asn1TimeRef) -> Self {
        match Asn1Time::days_from_now(0) {
            Ok(now) if *not_before > now => Self::NotYetValid,
            Ok(now) if *not_after < now => Self::Expired,
            _ => Self::Valid,
        }
    }
}

fn days_until(time: &Asn1TimeRef) -> Option<i32> {
    let now = Asn1Time::days_from_now(0).ok()?;
    let left = now.diff(time).ok()?;
    // OpenSSL rounds towards zero, and the first day after its end would be no day at all.
    Some(left.days - i32::from(left.secs < 0))
}

fn name(name: &X509NameRef) -> String {
    let entries = name.entries().map(|entry| {
        let kind = entry.object().nid().short_name().unwrap_or("?");
        let (text, bytes) = (entry.data().to_string(), entry.data().as_slice());
        let value = text.unwrap_or_else(|_| String::from_utf8_lossy(bytes).into_owned());
        format!("{kind}={value}")
    });
    entries.collect::<Vec<_>>().join(", ")
}

fn alternative(name: &GeneralNameRef) -> String {
    let address = |bytes: &[u8]| match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        _ => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
    };
    if let Some(name) = name.dnsname() {
        format!("DNS:{name}")
    } else if let Some(address) = name.ipaddress().and_then(address) {
        format!("IP:{address}")
    } else if let Some(uri) = name.uri() {
        format!("URI:{uri}")
    } else if let Some(email) = name.email() {
        format!("email:{email}")
    } else {
        "another kind of name".to_owned()
    }
}

fn key_type(key: &PKeyRef<Public>) -> String {
    let curve = || key.ec_key().ok()?.group().curve_name()?.short_name().ok();
    match key.id() {
        Id::EC => format!("EC {}", curve().unwrap_or("with a curve of its own")),
        Id::RSA => "RSA".to_owned(),
        id => Nid::from_raw(id.as_raw())
            .short_name()
            .unwrap_or("unknown")
            .to_owned(),
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
