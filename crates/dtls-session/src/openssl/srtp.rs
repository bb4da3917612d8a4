//! The profiles of SRTP that keys can be made for (RFC 5764).

use std::ffi::c_ulong;

use openssl::ssl::SslRef;

/// How long the keys of a profile are, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Profile {
    number: c_ulong,
    pub(crate) name: &'static str,
    pub(crate) key: usize,
    pub(crate) salt: usize,
}

/// Returns the name of the profile that was agreed upon.
pub(crate) fn agreed(ssl: &SslRef) -> Option<&'static str> {
    let number = ssl.selected_srtp_profile()?.id().as_raw();
    let profile = PROFILES.iter().find(|profile| profile.number == number)?;
    Some(profile.name)
}

/// Finds a profile by its name.
pub(crate) fn named(name: &str) -> Option<Profile> {
    PROFILES.into_iter().find(|profile| profile.name == name)
}

/// Whether this crate can make keys for the profile.
pub(crate) fn is_known(name: &str) -> bool {
    named(name).is_some()
}

const fn profile(number: c_ulong, name: &'static str, key: usize, salt: usize) -> Profile {
    Profile {
        number,
        name,
        key,
        salt,
    }
}

/// RFC 5764 4.1.2, RFC 7714 14.2.
const PROFILES: [Profile; 4] = [
    profile(1, "SRTP_AES128_CM_SHA1_80", 16, 14),
    profile(2, "SRTP_AES128_CM_SHA1_32", 16, 14),
    profile(7, "SRTP_AEAD_AES_128_GCM", 16, 12),
    profile(8, "SRTP_AEAD_AES_256_GCM", 32, 12),
];
