//! How something is signed.

use super::registry;

registry! {
    /// How something is signed: TLS SignatureScheme (RFC 8446 4.2.3).
    ///
    /// Pairs of hash and signature that only TLS 1.2 has (RFC 5246 7.4.1.4.1) are named in the same way.
    SignatureScheme(u16), "0x{:04x}";
    0x0101 RSA_PKCS1_MD5 "rsa_pkcs1_md5",
    0x0201 RSA_PKCS1_SHA1 "rsa_pkcs1_sha1",
    0x0202 DSA_SHA1 "dsa_sha1",
    0x0203 ECDSA_SHA1 "ecdsa_sha1",
    0x0301 RSA_PKCS1_SHA224 "rsa_pkcs1_sha224",
    0x0302 DSA_SHA224 "dsa_sha224",
    0x0303 ECDSA_SHA224 "ecdsa_sha224",
    0x0401 RSA_PKCS1_SHA256 "rsa_pkcs1_sha256",
    0x0402 DSA_SHA256 "dsa_sha256",
    0x0403 ECDSA_SECP256R1_SHA256 "ecdsa_secp256r1_sha256",
    0x0420 RSA_PKCS1_SHA256_LEGACY "rsa_pkcs1_sha256_legacy",
    0x0501 RSA_PKCS1_SHA384 "rsa_pkcs1_sha384",
    0x0502 DSA_SHA384 "dsa_sha384",
    0x0503 ECDSA_SECP384R1_SHA384 "ecdsa_secp384r1_sha384",
    0x0520 RSA_PKCS1_SHA384_LEGACY "rsa_pkcs1_sha384_legacy",
    0x0601 RSA_PKCS1_SHA512 "rsa_pkcs1_sha512",
    0x0602 DSA_SHA512 "dsa_sha512",
    0x0603 ECDSA_SECP521R1_SHA512 "ecdsa_secp521r1_sha512",
    0x0620 RSA_PKCS1_SHA512_LEGACY "rsa_pkcs1_sha512_legacy",
    0x0708 SM2SIG_SM3 "sm2sig_sm3",
    0x0709 GOSTR34102012_256A "gostr34102012_256a",
    0x070a GOSTR34102012_256B "gostr34102012_256b",
    0x070b GOSTR34102012_256C "gostr34102012_256c",
    0x070c GOSTR34102012_256D "gostr34102012_256d",
    0x070d GOSTR34102012_512A "gostr34102012_512a",
    0x070e GOSTR34102012_512B "gostr34102012_512b",
    0x070f GOSTR34102012_512C "gostr34102012_512c",
    0x0804 RSA_PSS_RSAE_SHA256 "rsa_pss_rsae_sha256",
    0x0805 RSA_PSS_RSAE_SHA384 "rsa_pss_rsae_sha384",
    0x0806 RSA_PSS_RSAE_SHA512 "rsa_pss_rsae_sha512",
    0x0807 ED25519 "ed25519",
    0x0808 ED448 "ed448",
    0x0809 RSA_PSS_PSS_SHA256 "rsa_pss_pss_sha256",
    0x080a RSA_PSS_PSS_SHA384 "rsa_pss_pss_sha384",
    0x080b RSA_PSS_PSS_SHA512 "rsa_pss_pss_sha512",
    0x081a ECDSA_BRAINPOOLP256R1TLS13_SHA256 "ecdsa_brainpoolP256r1tls13_sha256",
    0x081b ECDSA_BRAINPOOLP384R1TLS13_SHA384 "ecdsa_brainpoolP384r1tls13_sha384",
    0x081c ECDSA_BRAINPOOLP512R1TLS13_SHA512 "ecdsa_brainpoolP512r1tls13_sha512",
    0x0904 MLDSA44 "mldsa44",
    0x0905 MLDSA65 "mldsa65",
    0x0906 MLDSA87 "mldsa87",
}
