//! Files of one test.

use std::{
    fs,
    path::PathBuf,
    process,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::{SystemTime, UNIX_EPOCH},
};

use openssl::{
    asn1::Asn1Time,
    ec::{EcGroup, EcKey},
    hash::MessageDigest,
    nid::Nid,
    pkey::PKey,
    x509::{X509Builder, X509NameBuilder, extension::SubjectAlternativeName},
};

/// A directory that is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Files(PathBuf);

impl Files {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "dtls-echo-{}-{}",
            process::id(),
            NUMBER.fetch_add(1, Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).expect("it can be made");
        Self(path)
    }

    /// Returns the path of a file in it.
    pub(crate) fn path(&self, name: &str) -> String {
        self.0
            .join(name)
            .into_os_string()
            .into_string()
            .expect("it is ASCII")
    }

    /// Writes a file and returns its path.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::write(&path, content).expect("it can be written");
        path
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).expect("it can be read")
    }

    /// Returns who may do what with a file.
    #[cfg(unix)]
    pub(crate) fn mode(&self, name: &str) -> u32 {
        use std::os::unix::fs::PermissionsExt;
        let metadata = fs::metadata(self.path(name)).expect("it is there");
        metadata.permissions().mode() & 0o777
    }

    /// How many files there are.
    pub(crate) fn count(&self) -> usize {
        fs::read_dir(&self.0).expect("it can be read").count()
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Makes a certificate for 127.0.0.1 that has signed itself, and its key, in PEM form.
pub(crate) fn self_signed() -> (Vec<u8>, Vec<u8>) {
    self_signed_between(0, 2)
}

/// Makes one that is good between two days, counted from now.
pub(crate) fn self_signed_between(from: i64, to: i64) -> (Vec<u8>, Vec<u8>) {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).expect("OpenSSL has it");
    let key = PKey::from_ec_key(EcKey::generate(&group).expect("random bytes")).expect("a key");
    let build = || {
        let mut name = X509NameBuilder::new()?;
        name.append_entry_by_text("CN", "self-signed")?;
        let name = name.build();
        let mut builder = X509Builder::new()?;
        builder.set_version(2)?;
        builder.set_subject_name(&name)?;
        builder.set_issuer_name(&name)?;
        builder.set_pubkey(&key)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.expect("it is after 1970").as_secs().cast_signed();
        let day = |day| Asn1Time::from_unix(now + day * 86_400);
        builder.set_not_before(&*day(from)?)?;
        builder.set_not_after(&*day(to)?)?;
        let names = SubjectAlternativeName::new()
            .ip("127.0.0.1")
            .build(&builder.x509v3_context(None, None))?;
        builder.append_extension(names)?;
        builder.sign(&key, MessageDigest::sha256())?;
        builder.build().to_pem()
    };
    let pem = build().expect("OpenSSL makes certificates");
    (pem, key.private_key_to_pem_pkcs8().expect("it has a form"))
}
