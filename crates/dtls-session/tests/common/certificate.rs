//! Certificates that nobody has signed but their owners.

use std::time::UNIX_EPOCH;

use dtls_session::{Certificate, Identity};
use openssl::{
    asn1::{Asn1Object, Asn1OctetString, Asn1Time},
    ec::{EcGroup, EcKey},
    hash::MessageDigest,
    nid::Nid,
    pkey::{Id, PKey, Private},
    x509::{
        X509, X509Extension, X509NameBuilder,
        extension::{ExtendedKeyUsage, SubjectAlternativeName},
    },
};

/// What a server of this name has, with this key.
pub(crate) fn self_signed(name: &str, key: &PKey<Private>) -> Identity {
    let made = Made {
        attributes: &[("CN", name)],
        key: Some(key.clone()),
        ..Made::default()
    };
    made.identity()
}

/// The same without the key, in PEM form.
pub(crate) fn certificate(name: &str, key: &PKey<Private>) -> Vec<u8> {
    let made = Made {
        attributes: &[("CN", name)],
        key: Some(key.clone()),
        ..Made::default()
    };
    made.x509().to_pem().unwrap()
}

/// A certificate that signs itself.
pub(crate) struct Made<'a> {
    pub(crate) attributes: &'a [(&'a str, &'a str)],
    pub(crate) names: Option<&'a dyn Fn(&mut SubjectAlternativeName)>,
    /// The same as bytes, whatever they are.
    pub(crate) raw_names: Option<&'a [u8]>,
    /// In seconds since 1970.
    pub(crate) dates: [i64; 2],
    /// Its extended key usage, if it has one.
    pub(crate) usage: Option<&'a str>,
    /// A new one of P-256 otherwise.
    pub(crate) key: Option<PKey<Private>>,
}

impl Default for Made<'_> {
    fn default() -> Self {
        let now = UNIX_EPOCH.elapsed().unwrap().as_secs().cast_signed();
        Self {
            attributes: &[("CN", "a")],
            names: None,
            raw_names: None,
            dates: [now - 86_400, now + 86_400],
            usage: None,
            key: None,
        }
    }
}

impl Made<'_> {
    pub(crate) fn der(&self) -> Certificate {
        Certificate::from_der(&self.x509().to_der().unwrap()).unwrap()
    }

    /// Returns it with its key.
    pub(crate) fn identity(&self) -> Identity {
        let key = self.key.clone().unwrap_or_else(p256);
        let keyed = Made {
            key: Some(key.clone()),
            ..*self
        };
        let key = key.private_key_to_pem_pkcs8().unwrap();
        Identity::from_pem(&keyed.x509().to_pem().unwrap(), &key).unwrap()
    }

    pub(crate) fn x509(&self) -> X509 {
        let mut subject = X509NameBuilder::new().unwrap();
        for (kind, value) in self.attributes {
            subject.append_entry_by_text(kind, value).unwrap();
        }
        let subject = subject.build();
        let mut builder = X509::builder().unwrap();
        builder.set_version(2).unwrap();
        builder.set_subject_name(&subject).unwrap();
        builder.set_issuer_name(&subject).unwrap();
        let [from, to] = self.dates.map(|date| Asn1Time::from_unix(date).unwrap());
        builder.set_not_before(&from).unwrap();
        builder.set_not_after(&to).unwrap();
        if let Some(fill) = self.names {
            let mut names = SubjectAlternativeName::new();
            fill(&mut names);
            let names = names.build(&builder.x509v3_context(None, None)).unwrap();
            builder.append_extension(names).unwrap();
        }
        if let Some(raw) = self.raw_names {
            let oid = Asn1Object::from_str("2.5.29.17").unwrap();
            let raw = Asn1OctetString::new_from_bytes(raw).unwrap();
            let names = X509Extension::new_from_der(&oid, false, &raw).unwrap();
            builder.append_extension(names).unwrap();
        }
        if let Some(usage) = self.usage {
            let usage = ExtendedKeyUsage::new().other(usage).build().unwrap();
            builder.append_extension(usage).unwrap();
        }
        let key = self.key.clone().unwrap_or_else(p256);
        builder.set_pubkey(&key).unwrap();
        let digest = match key.id() {
            Id::ED25519 | Id::ED448 => MessageDigest::null(),
            _ => MessageDigest::sha256(),
        };
        builder.sign(&key, digest).unwrap();
        builder.build()
    }
}

pub(crate) fn p256() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}
