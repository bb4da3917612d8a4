//! Cipher suites: which are offered by default, and whether a list has one that can be used.

use openssl::{
    nid::Nid,
    pkey::{Id, PKeyRef, Private},
    ssl::SslContextBuilder,
};

use crate::{error::BuildError, openssl::ffi};

/// What one side has to prove who it is with, or takes for a proof.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Proofs {
    pub(crate) ecdsa: bool,
    pub(crate) rsa: bool,
    pub(crate) psk: bool,
    /// Whether a pre-shared key may do without a Diffie-Hellman exchange.
    pub(crate) plain_psk: bool,
}

impl Proofs {
    /// Adds a certificate with this key.
    pub(crate) fn with_key(mut self, key: &PKeyRef<Private>) -> Self {
        match key.id() {
            Id::RSA | Id::RSA_PSS => self.rsa = true,
            _ => self.ecdsa = true,
        }
        self
    }

    /// The default list. Keys go first: a client that has one is known by it.
    pub(crate) fn suites(self, ccm8: bool, cbc: bool) -> String {
        let keys = [
            (self.psk, PSK),
            (self.psk && self.plain_psk, PLAIN_PSK),
            (self.psk && self.plain_psk && ccm8, PLAIN_PSK_CCM8),
        ];
        let certificates = [
            (self.ecdsa || self.rsa, CERTIFICATE),
            (self.ecdsa && ccm8, CERTIFICATE_CCM8),
            ((self.ecdsa || self.rsa) && cbc, CERTIFICATE_CBC),
        ];
        let lists = keys.into_iter().chain(certificates);
        let lists: Vec<_> = lists
            .filter_map(|(wanted, list)| wanted.then_some(list))
            .collect();
        lists.join(":")
    }

    /// Finds out at once what would otherwise fail in every handshake.
    pub(crate) fn check(self, context: &SslContextBuilder, list: &str) -> Result<(), BuildError> {
        let usable = ffi::suites_proofs(context).any(|proof| match proof {
            AUTH_RSA => self.rsa,
            AUTH_ECDSA => self.ecdsa,
            AUTH_PSK => self.psk,
            _ => false,
        });
        if usable {
            Ok(())
        } else {
            Err(BuildError::NoSuiteLeft {
                list: list.to_owned(),
            })
        }
    }
}

/// Numbers of `obj_mac.h`.
const AUTH_RSA: Nid = Nid::from_raw(1046);
const AUTH_ECDSA: Nid = Nid::from_raw(1047);
const AUTH_PSK: Nid = Nid::from_raw(1048);

/// One forged record ends a CBC session with Encrypt-then-MAC, so there is none.
const CERTIFICATE: &str = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:\
    ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:\
    ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:\
    ECDHE-ECDSA-AES128-CCM:ECDHE-ECDSA-AES256-CCM";

/// Their tags have half the length, so that one forgery in 2^64 succeeds.
const CERTIFICATE_CCM8: &str = "ECDHE-ECDSA-AES128-CCM8:ECDHE-ECDSA-AES256-CCM8";

/// All that DTLS 1.0 has with forward secrecy.
const CERTIFICATE_CBC: &str = "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:\
    ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA";

/// With forward secrecy, which a key alone does not give.
const PSK: &str = "ECDHE-PSK-CHACHA20-POLY1305";

/// Whoever learns the key later can read all that was said; what small devices have.
const PLAIN_PSK: &str = "PSK-AES128-GCM-SHA256:PSK-AES256-GCM-SHA384:\
    PSK-CHACHA20-POLY1305:PSK-AES128-CCM:PSK-AES256-CCM";

const PLAIN_PSK_CCM8: &str = "PSK-AES128-CCM8:PSK-AES256-CCM8";
