//! How a cipher suite protects records.

use dtls_wire::CipherSuite;

use crate::openssl::{aead::Aead, prf::Digest};

/// An AEAD cipher suite of DTLS 1.2: all that its number says about records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Suite {
    aead: Aead,
    digest: Digest,
}

impl Suite {
    /// Returns the suite with a number; None for one with CBC or without encryption, for one of DTLS
    /// 1.3, and for an unknown one.
    ///
    /// The number decides, because OpenSSL has one name for CCM and CCM-8.
    pub(crate) const fn new(number: CipherSuite) -> Option<Self> {
        type C = CipherSuite;
        let (aead, digest) = match number {
            C::TLS_RSA_WITH_AES_128_GCM_SHA256
            | C::TLS_DHE_RSA_WITH_AES_128_GCM_SHA256
            | C::TLS_DHE_DSS_WITH_AES_128_GCM_SHA256
            | C::TLS_PSK_WITH_AES_128_GCM_SHA256
            | C::TLS_DHE_PSK_WITH_AES_128_GCM_SHA256
            | C::TLS_RSA_PSK_WITH_AES_128_GCM_SHA256
            | C::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
            | C::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
            | C::TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256 => (Aead::Aes128Gcm, Digest::Sha256),
            C::TLS_RSA_WITH_AES_256_GCM_SHA384
            | C::TLS_DHE_RSA_WITH_AES_256_GCM_SHA384
            | C::TLS_DHE_DSS_WITH_AES_256_GCM_SHA384
            | C::TLS_PSK_WITH_AES_256_GCM_SHA384
            | C::TLS_DHE_PSK_WITH_AES_256_GCM_SHA384
            | C::TLS_RSA_PSK_WITH_AES_256_GCM_SHA384
            | C::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
            | C::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
            | C::TLS_ECDHE_PSK_WITH_AES_256_GCM_SHA384 => (Aead::Aes256Gcm, Digest::Sha384),
            C::TLS_RSA_WITH_AES_128_CCM
            | C::TLS_DHE_RSA_WITH_AES_128_CCM
            | C::TLS_PSK_WITH_AES_128_CCM
            | C::TLS_DHE_PSK_WITH_AES_128_CCM
            | C::TLS_ECDHE_ECDSA_WITH_AES_128_CCM
            | C::TLS_ECDHE_PSK_WITH_AES_128_CCM_SHA256 => (Aead::Aes128Ccm, Digest::Sha256),
            C::TLS_RSA_WITH_AES_256_CCM
            | C::TLS_DHE_RSA_WITH_AES_256_CCM
            | C::TLS_PSK_WITH_AES_256_CCM
            | C::TLS_DHE_PSK_WITH_AES_256_CCM
            | C::TLS_ECDHE_ECDSA_WITH_AES_256_CCM => (Aead::Aes256Ccm, Digest::Sha256),
            C::TLS_RSA_WITH_AES_128_CCM_8
            | C::TLS_DHE_RSA_WITH_AES_128_CCM_8
            | C::TLS_PSK_WITH_AES_128_CCM_8
            | C::TLS_PSK_DHE_WITH_AES_128_CCM_8
            | C::TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8
            | C::TLS_ECDHE_PSK_WITH_AES_128_CCM_8_SHA256 => (Aead::Aes128Ccm8, Digest::Sha256),
            C::TLS_RSA_WITH_AES_256_CCM_8
            | C::TLS_DHE_RSA_WITH_AES_256_CCM_8
            | C::TLS_PSK_WITH_AES_256_CCM_8
            | C::TLS_PSK_DHE_WITH_AES_256_CCM_8
            | C::TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8 => (Aead::Aes256Ccm8, Digest::Sha256),
            C::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256
            | C::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
            | C::TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256
            | C::TLS_PSK_WITH_CHACHA20_POLY1305_SHA256
            | C::TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256
            | C::TLS_DHE_PSK_WITH_CHACHA20_POLY1305_SHA256
            | C::TLS_RSA_PSK_WITH_CHACHA20_POLY1305_SHA256 => {
                (Aead::ChaCha20Poly1305, Digest::Sha256)
            }
            _ => return None,
        };
        Some(Self { aead, digest })
    }

    pub(crate) const fn aead(self) -> Aead {
        self.aead
    }

    pub(crate) const fn is_gcm(self) -> bool {
        matches!(self.aead, Aead::Aes128Gcm | Aead::Aes256Gcm)
    }

    pub(crate) const fn is_ccm8(self) -> bool {
        matches!(self.aead, Aead::Aes128Ccm8 | Aead::Aes256Ccm8)
    }

    /// What keys are derived with.
    pub(crate) const fn digest(self) -> Digest {
        self.digest
    }

    pub(crate) const fn key_length(self) -> usize {
        self.aead.key_length()
    }

    /// How much of the nonce comes of the key block (RFC 5288 3, RFC 6655 3, RFC 7905 2).
    pub(crate) const fn fixed_iv_length(self) -> usize {
        match self.aead {
            Aead::ChaCha20Poly1305 => 12,
            _ => 4,
        }
    }

    /// How much of the nonce stands in the record.
    pub(crate) const fn explicit_nonce_length(self) -> usize {
        match self.aead {
            Aead::ChaCha20Poly1305 => 0,
            _ => 8,
        }
    }

    /// By how much a record's body is longer than its plaintext, in bytes.
    pub(crate) const fn expansion(self) -> usize {
        self.explicit_nonce_length() + self.aead.tag_length()
    }

    /// How many records the key may seal.
    pub(crate) const fn record_limit(self) -> u64 {
        match self.aead {
            // RFC 9147 4.5.3.
            Aead::Aes128Ccm | Aead::Aes256Ccm | Aead::Aes128Ccm8 | Aead::Aes256Ccm8 => 1 << 23,
            Aead::Aes128Gcm | Aead::Aes256Gcm | Aead::ChaCha20Poly1305 => NUMBERS,
        }
    }

    /// How many blocks of 16 bytes the key may seal: as many as 2^24.5 full records have (RFC 9147
    /// 4.5.3), for small records are many.
    pub(crate) const fn block_limit(self) -> u64 {
        match self.aead {
            Aead::Aes128Gcm | Aead::Aes256Gcm => (1_u128 << (2 * 24 + 1 + 2 * 10)).isqrt() as u64,
            _ => u64::MAX,
        }
    }

    /// How many forged records the key may refuse (RFC 9147 4.5.3).
    ///
    /// CCM-8 has no limit that is safe; this is CCM's.
    pub(crate) const fn forgery_limit(self) -> u64 {
        match self.aead {
            Aead::Aes128Gcm | Aead::Aes256Gcm | Aead::ChaCha20Poly1305 => 1 << 36,
            Aead::Aes128Ccm | Aead::Aes256Ccm | Aead::Aes128Ccm8 | Aead::Aes256Ccm8 => {
                (1_u64 << (2 * 23 + 1)).isqrt()
            }
        }
    }
}

/// How many record numbers are used: 2^48 - 1 never is, so that none can be behind it.
pub(crate) const NUMBERS: u64 = (1 << 48) - 1;

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// All there are.
    pub(crate) fn all() -> impl Iterator<Item = (CipherSuite, Suite)> {
        let numbers = (0..=u16::MAX).map(CipherSuite::new);
        numbers.filter_map(|number| Some((number, Suite::new(number)?)))
    }

    #[test]
    fn a_suite_does_what_its_name_says() {
        for number in (0..=u16::MAX).map(CipherSuite::new) {
            let suite = Suite::new(number);
            let parts = number.name().and_then(|name| name.split_once("_WITH_"));
            let Some((exchange, protection)) = parts else {
                assert_eq!(suite, None, "{number}");
                continue;
            };
            let known = [
                "TLS_RSA",
                "TLS_DHE_RSA",
                "TLS_DHE_DSS",
                "TLS_ECDHE_RSA",
                "TLS_ECDHE_ECDSA",
                "TLS_PSK",
                "TLS_DHE_PSK",
                "TLS_PSK_DHE",
                "TLS_ECDHE_PSK",
                "TLS_RSA_PSK",
            ]
            .contains(&exchange);
            let expected = match protection.trim_end_matches("_SHA256") {
                _ if !known => None,
                "AES_128_GCM" => Some((Aead::Aes128Gcm, Digest::Sha256)),
                "AES_256_GCM_SHA384" => Some((Aead::Aes256Gcm, Digest::Sha384)),
                "AES_128_CCM" => Some((Aead::Aes128Ccm, Digest::Sha256)),
                "AES_256_CCM" => Some((Aead::Aes256Ccm, Digest::Sha256)),
                "AES_128_CCM_8" => Some((Aead::Aes128Ccm8, Digest::Sha256)),
                "AES_256_CCM_8" => Some((Aead::Aes256Ccm8, Digest::Sha256)),
                "CHACHA20_POLY1305" => Some((Aead::ChaCha20Poly1305, Digest::Sha256)),
                _ => None,
            };
            let actual = suite.map(|suite| (suite.aead(), suite.digest()));
            assert_eq!(actual, expected, "{number}");
        }
        assert_eq!(all().count(), 47);
    }

    #[test]
    fn the_limits_are_those_of_rfc_9147() {
        let limits = |number| {
            let suite = Suite::new(number).unwrap();
            let (records, blocks) = (suite.record_limit(), suite.block_limit());
            (records, blocks, suite.forgery_limit())
        };
        let numbers = (1 << 48) - 1;
        let gcm = limits(CipherSuite::TLS_PSK_WITH_AES_256_GCM_SHA384);
        assert_eq!(gcm, (numbers, 24_296_003_999, 1 << 36));
        let ccm = limits(CipherSuite::TLS_PSK_WITH_AES_128_CCM_8);
        assert_eq!(ccm, (1 << 23, u64::MAX, 11_863_283));
        let chacha = limits(CipherSuite::TLS_PSK_WITH_CHACHA20_POLY1305_SHA256);
        assert_eq!(chacha, (numbers, u64::MAX, 1 << 36));
    }
}
