//! Names as they are shown: the IANA's, but for those that flags take in OpenSSL's words.

use std::{borrow::Cow, fmt};

use dtls_session::linked::cipher_name;
use dtls_wire::{CipherSuite, SrtpProfile};

type Name = Cow<'static, str>;

/// A number's name, if it has one, without copying that.
pub(super) fn shown(number: &impl fmt::Display, name: Option<&'static str>) -> Name {
    name.map_or_else(|| Name::Owned(number.to_string()), Name::Borrowed)
}

/// In OpenSSL's words, as `--ciphers` takes them; the IANA's where there are no such.
pub(super) fn cipher_suite(suite: CipherSuite) -> Name {
    let known = cipher_name(suite.number());
    shown(&suite, known.or_else(|| suite.name()))
}

/// In OpenSSL's words, as `--srtp` takes them.
pub(super) fn srtp_profile(profile: SrtpProfile) -> Name {
    let known = match profile {
        SrtpProfile::SRTP_AES128_CM_HMAC_SHA1_80 => Some("SRTP_AES128_CM_SHA1_80"),
        SrtpProfile::SRTP_AES128_CM_HMAC_SHA1_32 => Some("SRTP_AES128_CM_SHA1_32"),
        _ => profile.name(),
    };
    shown(&profile, known)
}
