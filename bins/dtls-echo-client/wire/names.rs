//! The IANA's names for numbers; what has none is shown in hexadecimal.

use std::{borrow::Cow, sync::LazyLock};

use openssl::ssl::{Ssl, SslContext, SslMethod};

type Name = Cow<'static, str>;

pub(crate) fn version(number: u16) -> Name {
    named(
        number,
        &[
            (0xfeff, "DTLS 1.0"),
            (0xfefd, "DTLS 1.2"),
            (0xfefc, "DTLS 1.3"),
        ],
    )
}

/// None for what is no content type of DTLS 1.2.
pub(crate) fn content_type(number: u8) -> Option<Name> {
    Some(Name::Borrowed(match number {
        20 => "change_cipher_spec",
        21 => "alert",
        22 => "handshake",
        23 => "application_data",
        24 => "heartbeat",
        25 => "tls12_cid",
        26 => "ack",
        _ => return None,
    }))
}

pub(crate) fn alert_level(number: u8) -> Name {
    match number {
        1 => Name::Borrowed("warning"),
        2 => Name::Borrowed("fatal"),
        other => Name::Owned(format!("level {other}")),
    }
}

pub(crate) fn message(number: u8) -> Name {
    Name::Borrowed(match number {
        0 => "HelloRequest",
        1 => "ClientHello",
        2 => "ServerHello",
        3 => "HelloVerifyRequest",
        4 => "NewSessionTicket",
        11 => "Certificate",
        12 => "ServerKeyExchange",
        13 => "CertificateRequest",
        14 => "ServerHelloDone",
        15 => "CertificateVerify",
        16 => "ClientKeyExchange",
        20 => "Finished",
        21 => "CertificateURL",
        22 => "CertificateStatus",
        23 => "SupplementalData",
        other => return Name::Owned(format!("message type {other}")),
    })
}

/// In OpenSSL's words, as `--ciphers` takes them; the IANA's where there are no such.
pub(crate) fn cipher_suite(number: u16) -> Name {
    match number {
        0x00ff => return Name::Borrowed("TLS_EMPTY_RENEGOTIATION_INFO_SCSV"),
        0x5600 => return Name::Borrowed("TLS_FALLBACK_SCSV"),
        _ => {}
    }
    static OPENSSL: LazyLock<Option<Ssl>> = LazyLock::new(|| {
        let context = SslContext::builder(SslMethod::dtls()).ok()?.build();
        Ssl::new(&context).ok()
    });
    let known = OPENSSL.as_ref().and_then(|openssl| {
        let list = openssl.bytes_to_cipher_list(&number.to_be_bytes(), false);
        Some(list.ok()?.suites.get(0)?.name())
    });
    known.map_or_else(|| unknown(number), Name::Borrowed)
}

pub(crate) fn extension(number: u16) -> Name {
    named(
        number,
        &[
            (0, "server_name"),
            (1, "max_fragment_length"),
            (5, "status_request"),
            (10, "supported_groups"),
            (11, "ec_point_formats"),
            (13, "signature_algorithms"),
            (14, "use_srtp"),
            (15, "heartbeat"),
            (16, "application_layer_protocol_negotiation"),
            (18, "signed_certificate_timestamp"),
            (19, "client_certificate_type"),
            (20, "server_certificate_type"),
            (21, "padding"),
            (22, "encrypt_then_mac"),
            (23, "extended_master_secret"),
            (27, "compress_certificate"),
            (28, "record_size_limit"),
            (35, "session_ticket"),
            (41, "pre_shared_key"),
            (42, "early_data"),
            (43, "supported_versions"),
            (44, "cookie"),
            (45, "psk_key_exchange_modes"),
            (47, "certificate_authorities"),
            (49, "post_handshake_auth"),
            (50, "signature_algorithms_cert"),
            (51, "key_share"),
            (53, "connection_id_deprecated"),
            (54, "connection_id"),
            (0xff01, "renegotiation_info"),
        ],
    )
}

pub(crate) fn group(number: u16) -> Name {
    named(
        number,
        &[
            (19, "secp192r1"),
            (21, "secp224r1"),
            (22, "secp256k1"),
            (23, "secp256r1"),
            (24, "secp384r1"),
            (25, "secp521r1"),
            (26, "brainpoolP256r1"),
            (27, "brainpoolP384r1"),
            (28, "brainpoolP512r1"),
            (29, "x25519"),
            (30, "x448"),
            (256, "ffdhe2048"),
            (257, "ffdhe3072"),
            (258, "ffdhe4096"),
            (259, "ffdhe6144"),
            (260, "ffdhe8192"),
            (0x11eb, "SecP256r1MLKEM768"),
            (0x11ec, "X25519MLKEM768"),
            (0x11ed, "SecP384r1MLKEM1024"),
        ],
    )
}

pub(crate) fn signature_algorithm(number: u16) -> Name {
    named(
        number,
        &[
            (0x0201, "rsa_pkcs1_sha1"),
            (0x0202, "dsa_sha1"),
            (0x0203, "ecdsa_sha1"),
            (0x0301, "rsa_pkcs1_sha224"),
            (0x0302, "dsa_sha224"),
            (0x0303, "ecdsa_sha224"),
            (0x0401, "rsa_pkcs1_sha256"),
            (0x0402, "dsa_sha256"),
            (0x0403, "ecdsa_secp256r1_sha256"),
            (0x0501, "rsa_pkcs1_sha384"),
            (0x0502, "dsa_sha384"),
            (0x0503, "ecdsa_secp384r1_sha384"),
            (0x0601, "rsa_pkcs1_sha512"),
            (0x0602, "dsa_sha512"),
            (0x0603, "ecdsa_secp521r1_sha512"),
            (0x0804, "rsa_pss_rsae_sha256"),
            (0x0805, "rsa_pss_rsae_sha384"),
            (0x0806, "rsa_pss_rsae_sha512"),
            (0x0807, "ed25519"),
            (0x0808, "ed448"),
            (0x0809, "rsa_pss_pss_sha256"),
            (0x080a, "rsa_pss_pss_sha384"),
            (0x080b, "rsa_pss_pss_sha512"),
            (0x081a, "ecdsa_brainpoolP256r1tls13_sha256"),
            (0x081b, "ecdsa_brainpoolP384r1tls13_sha384"),
            (0x081c, "ecdsa_brainpoolP512r1tls13_sha512"),
        ],
    )
}

/// In OpenSSL's words, as `--srtp` takes them.
pub(crate) fn srtp_profile(number: u16) -> Name {
    named(
        number,
        &[
            (1, "SRTP_AES128_CM_SHA1_80"),
            (2, "SRTP_AES128_CM_SHA1_32"),
            (7, "SRTP_AEAD_AES_128_GCM"),
            (8, "SRTP_AEAD_AES_256_GCM"),
        ],
    )
}

fn named(number: u16, names: &[(u16, &'static str)]) -> Name {
    let name = names.iter().find(|(known, _)| *known == number);
    name.map_or_else(|| unknown(number), |(_, name)| Name::Borrowed(*name))
}

fn unknown(number: u16) -> Name {
    Name::Owned(format!("0x{number:04x}"))
}
