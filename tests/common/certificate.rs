//! Certificates that nobody has signed but their owners.

use std::time::{SystemTime, UNIX_EPOCH};

use openssl::{
    asn1::Asn1Time,
    ec::{EcGroup, EcKey},
    hash::MessageDigest,
    nid::Nid,
    pkey::{Id, PKey, Private},
    pkey_ctx::PkeyCtx,
    x509::{
        X509Builder, X509NameBuilder,
        extension::{ExtendedKeyUsage, SubjectAlternativeName},
    },
};

/// Makes a certificate for 127.0.0.1 that has signed itself, and its key, in PEM form.
pub(crate) fn self_signed() -> (Vec<u8>, Vec<u8>) {
    self_signed_between(0, 2)
}

/// Makes one that is good between two days, counted from now.
pub(crate) fn self_signed_between(from: i64, to: i64) -> (Vec<u8>, Vec<u8>) {
    let certificate = Certificate {
        from,
        to,
        ..Certificate::default()
    };
    certificate.pem(&p256())
}

/// A certificate that signs itself.
pub(crate) struct Certificate<'a> {
    /// Days from now.
    pub(crate) from: i64,
    pub(crate) to: i64,
    /// Beside 127.0.0.1.
    pub(crate) names: &'a [&'a str],
    /// Its extended key usage, if it has one.
    pub(crate) usage: Option<&'a str>,
}

impl Default for Certificate<'_> {
    fn default() -> Self {
        Self {
            from: -1,
            to: 2,
            names: &[],
            usage: None,
        }
    }
}

impl Certificate<'_> {
    /// Returns it and its key in PEM form.
    pub(crate) fn pem(&self, key: &PKey<Private>) -> (Vec<u8>, Vec<u8>) {
        let build = || {
            let mut name = X509NameBuilder::new()?;
            name.append_entry_by_text("CN", "self-signed")?;
            let name = name.build();
            let mut builder = X509Builder::new()?;
            builder.set_version(2)?;
            builder.set_subject_name(&name)?;
            builder.set_issuer_name(&name)?;
            builder.set_pubkey(key)?;
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            let now = now.expect("it is after 1970").as_secs().cast_signed();
            let day = |day| Asn1Time::from_unix(now + day * 86_400);
            builder.set_not_before(&*day(self.from)?)?;
            // An hour later, so that within a test the days that are left stay as many.
            builder.set_not_after(&*Asn1Time::from_unix(now + self.to * 86_400 + 3600)?)?;
            let mut names = SubjectAlternativeName::new();
            names.ip("127.0.0.1");
            for name in self.names {
                names.dns(name);
            }
            let names = names.build(&builder.x509v3_context(None, None))?;
            builder.append_extension(names)?;
            if let Some(usage) = self.usage {
                builder.append_extension(ExtendedKeyUsage::new().other(usage).build()?)?;
            }
            builder.sign(key, MessageDigest::sha256())?;
            builder.build().to_pem()
        };
        let pem = build().expect("OpenSSL makes certificates");
        (pem, key.private_key_to_pem_pkcs8().expect("it has a form"))
    }
}

/// Makes certificates of authorities with names of 66 bytes, in PEM form.
pub(crate) fn authorities(count: usize) -> Vec<u8> {
    let key = p256();
    let build = |number: usize| {
        let mut name = X509NameBuilder::new()?;
        name.append_entry_by_text("CN", &format!("{number:055}"))?;
        let name = name.build();
        let mut builder = X509Builder::new()?;
        builder.set_version(2)?;
        builder.set_subject_name(&name)?;
        builder.set_issuer_name(&name)?;
        builder.set_pubkey(&key)?;
        builder.set_not_before(&*Asn1Time::days_from_now(0)?)?;
        builder.set_not_after(&*Asn1Time::days_from_now(1)?)?;
        builder.sign(&key, MessageDigest::sha256())?;
        builder.build().to_pem()
    };
    let all = (0..count).map(|number| build(number).expect("OpenSSL makes certificates"));
    all.flatten().collect()
}

pub(crate) fn p256() -> PKey<Private> {
    curve(Nid::X9_62_PRIME256V1)
}

pub(crate) fn curve(curve: Nid) -> PKey<Private> {
    let group = EcGroup::from_curve_name(curve).expect("OpenSSL has it");
    PKey::from_ec_key(EcKey::generate(&group).expect("random bytes")).expect("a key")
}

/// Makes a key that is for RSA-PSS alone.
pub(crate) fn rsa_pss() -> PKey<Private> {
    let make = || {
        let mut context = PkeyCtx::new_id(Id::RSA_PSS)?;
        context.keygen_init()?;
        context.set_rsa_keygen_bits(2048)?;
        context.keygen()
    };
    make().expect("OpenSSL makes keys")
}
