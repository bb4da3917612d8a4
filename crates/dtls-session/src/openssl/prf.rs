//! The pseudorandom function of TLS 1.2 (RFC 5246 5).

use std::ffi::CStr;

use crate::{error::OpenSslError, openssl::ffi};

/// The hash function that a cipher suite derives keys with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Digest {
    Sha256,
    Sha384,
}

/// Fills `out` from a secret, a label and a seed given in parts.
pub(crate) fn prf(
    digest: Digest,
    secret: &[u8],
    label: &[u8],
    seed: &[&[u8]],
    out: &mut [u8],
) -> Result<(), OpenSslError> {
    // OpenSSL takes an empty buffer for a failure.
    if out.is_empty() {
        return Ok(());
    }
    let seed = [&[label], seed].concat().concat();
    Ok(ffi::tls1_prf(digest.name(), secret, &seed, out)?)
}

impl Digest {
    const fn name(self) -> &'static CStr {
        match self {
            Self::Sha256 => c"SHA2-256",
            Self::Sha384 => c"SHA2-384",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors that the IETF's TLS list has for P_SHA256 and P_SHA384.
    #[test]
    fn agrees_with_known_answers() {
        let secret = hex("9bbe436ba940f017b17652849a71db35");
        let seed = hex("a0ba9f936cda311827a6f796ffd5198c");
        let mut out = [0; 100];
        prf(Digest::Sha256, &secret, b"test label", &[&seed], &mut out).unwrap();
        assert_eq!(
            out[..],
            hex(
                "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a\
                 6b301791e90d35c9c9a46b4e14baf9af0fa022f7077def17abfd3797c0564bab\
                 4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff701\
                 87347b66"
            )
        );

        let secret = hex("b80b733d6ceefcdc71566ea48e5567df");
        let (left, right) = (hex("cd665cf6a844"), hex("7dd6ff8b27555edb7465"));
        let mut out = [0; 148];
        prf(
            Digest::Sha384,
            &secret,
            b"test label",
            &[&left, &right],
            &mut out,
        )
        .unwrap();
        assert_eq!(
            out[..],
            hex(
                "7b0c18e9ced410ed1804f2cfa34a336a1c14dffb4900bb5fd7942107e81c83cd\
                 e9ca0faa60be9fe34f82b1233c9146a0e534cb400fed2700884f9dc236f80edd\
                 8bfa961144c9e8d792eca722a7b32fc3d416d473ebc2c5fd4abfdad05d918425\
                 9b5bf8cd4d90fa0d31e2dec479e4f1a26066f2eea9a69236a3e52655c9e9aee6\
                 91c8f3a26854308d5eaa3be85e0990703d73e56f"
            )
        );
    }

    #[test]
    fn nothing_is_asked_for() {
        prf(Digest::Sha256, b"secret", b"label", &[], &mut []).unwrap();
    }

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len())
            .step_by(2)
            .map(|place| u8::from_str_radix(&text[place..place + 2], 16).unwrap())
            .collect()
    }
}
