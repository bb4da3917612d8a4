//! What OpenSSL reads in a certificate.

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use openssl::{
    asn1::{Asn1Time, Asn1TimeRef},
    nid::Nid,
    pkey::{HasPublic, Id, PKey, PKeyRef, Public},
    sha::sha256,
    x509::{GeneralNameRef, X509, X509NameRef, X509Ref},
};

use crate::{
    certificate::{Certificate, Contents, general_name::GeneralName},
    error::{CertificateError, OpenSslError, PemError},
    file,
    openssl::errors,
};

impl Certificate {
    /// Takes a certificate in DER.
    ///
    /// # Errors
    ///
    /// A [`CertificateError`] if the bytes are not exactly one certificate.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        let read = X509::from_der(der).ok();
        // OpenSSL passes over what comes after it, and forgives what is not DER.
        read.and_then(|certificate| Self::of(&certificate).ok())
            .filter(|certificate| certificate.as_der() == der)
            .ok_or(CertificateError::Malformed)
    }

    /// Reads the certificates in PEM text, one or more, in their order.
    ///
    /// # Errors
    ///
    /// A [`PemError`] if there is none in it or one does not parse.
    pub fn from_pem(pem: &[u8]) -> Result<Vec<Self>, PemError> {
        let certificates = from_pem(pem)?;
        let all = certificates.iter().map(|it| Self::of(it));
        Ok(all.collect::<Result<_, _>>()?)
    }

    pub(crate) fn of(certificate: &X509Ref) -> Result<Self, OpenSslError> {
        let names = certificate.subject_alt_names();
        if names.is_none() {
            errors::forget();
        }
        Ok(Self(Arc::new(Contents {
            der: certificate.to_der()?,
            subject: text(certificate.subject_name()),
            issuer: text(certificate.issuer_name()),
            common_name: common_name(certificate.subject_name()),
            names: names.iter().flatten().map(general_name).collect(),
            not_before: time(certificate.not_before()),
            not_after: time(certificate.not_after()),
        })))
    }

    /// Returns the kind of its key, such as `EC prime256v1`, `RSA` or `ED25519`, in OpenSSL's words;
    /// `unknown` where OpenSSL has none.
    pub fn key_type(&self) -> String {
        let key = self.key();
        key.map_or_else(|| "unknown".to_owned(), |key| key_type(&key))
    }

    /// Returns the size of its key in bits; 0 where OpenSSL does not know the key.
    pub fn key_bits(&self) -> u32 {
        self.key().map_or(0, |key| key.bits())
    }

    /// Returns its fingerprint: the SHA-256 of its DER.
    pub fn sha256(&self) -> [u8; 32] {
        sha256(self.as_der())
    }

    /// OpenSSL decodes the key with it, which is most of its work and seldom asked for.
    fn key(&self) -> Option<PKey<Public>> {
        X509::from_der(self.as_der()).ok()?.public_key().ok()
    }
}

pub(crate) fn from_pem(pem: &[u8]) -> Result<Vec<X509>, PemError> {
    // OpenSSL would pass over a certificate behind a mark, and find the others.
    let pem = file::without_marks(pem);
    let certificates =
        X509::stack_from_pem(&pem).map_err(|error| PemError::Certificate(error.into()))?;
    if certificates.is_empty() {
        Err(PemError::NoCertificate)
    } else {
        Ok(certificates)
    }
}

/// The name of an ECDSA key's curve, if it has one.
pub(crate) fn curve(key: &PKeyRef<impl HasPublic>) -> Option<&'static str> {
    key.ec_key().ok()?.group().curve_name()?.short_name().ok()
}

fn text(name: &X509NameRef) -> String {
    let attributes = name.entries().map(|entry| {
        let kind = entry.object().nid().short_name().unwrap_or("?");
        let (text, bytes) = (entry.data().to_string(), entry.data().as_slice());
        let value = text.unwrap_or_else(|_| String::from_utf8_lossy(bytes).into_owned());
        let value = value.replace('\\', r"\\").replace(',', r"\,");
        format!("{kind}={value}")
    });
    attributes.collect::<Vec<_>>().join(", ")
}

fn common_name(name: &X509NameRef) -> Option<String> {
    let mut all = name.entries_by_nid(Nid::COMMONNAME);
    let first = all.next()?.data().to_string().ok()?;
    all.next().is_none().then_some(first)
}

fn general_name(name: &GeneralNameRef) -> GeneralName {
    let address = |bytes: &[u8]| match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        _ => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
    };
    if let Some(name) = name.dnsname() {
        GeneralName::Dns(name.to_owned())
    } else if let Some(address) = name.ipaddress().and_then(address) {
        GeneralName::Ip(address)
    } else if let Some(uri) = name.uri() {
        GeneralName::Uri(uri.to_owned())
    } else if let Some(mailbox) = name.email() {
        GeneralName::Email(mailbox.to_owned())
    } else {
        GeneralName::Other
    }
}

fn time(time: &Asn1TimeRef) -> Option<SystemTime> {
    let since = Asn1Time::from_unix(0).ok()?.diff(time).ok()?;
    let seconds = i64::from(since.days) * 86_400 + i64::from(since.secs);
    let distance = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 {
        UNIX_EPOCH.checked_sub(distance)
    } else {
        UNIX_EPOCH.checked_add(distance)
    }
}

fn key_type(key: &PKeyRef<impl HasPublic>) -> String {
    match key.id() {
        Id::EC => format!("EC {}", curve(key).unwrap_or("with a curve of its own")),
        Id::RSA => "RSA".to_owned(),
        id => Nid::from_raw(id.as_raw())
            .short_name()
            .unwrap_or("unknown")
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_certificate_is_passed_over() {
        let ca = include_bytes!("../../../../certs/ca.pem");
        let marked = [&b"\xef\xbb\xbf"[..], ca].concat();
        assert_eq!(from_pem(&marked).unwrap().len(), 1);
        // Two such files, one behind the other.
        assert_eq!(from_pem(&marked.repeat(2)).unwrap().len(), 2);
        // A file that was cut off in a certificate.
        let begun = ca.len() + "-----BEGIN CERTIFICATE-----".len();
        for length in begun..2 * ca.len() - 1 {
            let cut = &ca.repeat(2)[..length];
            let found = from_pem(cut).map_or(0, |certificates| certificates.len());
            assert_ne!(found, 1, "{:?}", String::from_utf8_lossy(&cut[ca.len()..]));
        }
    }
}
