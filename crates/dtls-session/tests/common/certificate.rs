//! Certificates that nobody has signed but their owners.

use dtls_session::Identity;
use openssl::{
    asn1::Asn1Time,
    ec::{EcGroup, EcKey},
    hash::MessageDigest,
    nid::Nid,
    pkey::{Id, PKey, Private},
    x509::{X509, X509NameBuilder},
};

/// What a server of this name has, with this key.
pub(crate) fn self_signed(name: &str, key: &PKey<Private>) -> Identity {
    let key_pem = key.private_key_to_pem_pkcs8().unwrap();
    Identity::from_pem(&certificate(name, key), &key_pem).unwrap()
}

/// The same without the key, in PEM form.
pub(crate) fn certificate(name: &str, key: &PKey<Private>) -> Vec<u8> {
    let mut subject = X509NameBuilder::new().unwrap();
    subject.append_entry_by_text("CN", name).unwrap();
    let subject = subject.build();
    let (today, tomorrow) = (Asn1Time::days_from_now(0), Asn1Time::days_from_now(1));
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_subject_name(&subject).unwrap();
    builder.set_issuer_name(&subject).unwrap();
    builder.set_pubkey(key).unwrap();
    builder.set_not_before(&today.unwrap()).unwrap();
    builder.set_not_after(&tomorrow.unwrap()).unwrap();
    let digest = match key.id() {
        Id::ED25519 | Id::ED448 => MessageDigest::null(),
        _ => MessageDigest::sha256(),
    };
    builder.sign(key, digest).unwrap();
    builder.build().to_pem().unwrap()
}

pub(crate) fn p256() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}
