//! What a certificate tells of itself.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{
    collections::HashSet,
    net::IpAddr,
    sync::LazyLock,
    time::{Duration, UNIX_EPOCH},
};

use common::{Made, identity, p256};
use dtls_session::{Certificate, CertificateError, GeneralName, Identity, IdentityFault, PemError};
use openssl::{
    ec::{EcGroup, EcKey},
    error::ErrorStack,
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    rsa::Rsa,
    x509::{X509, extension::SubjectAlternativeName},
};
use proptest::{collection::vec, prelude::*, sample::Index};

#[test]
fn a_name_is_told_whole_and_cannot_pass_for_another() {
    for (attributes, subject, common_name) in [
        (&[][..], "", None),
        (&[("CN", "a")], "CN=a", Some("a")),
        (&[("O", "b"), ("CN", "a")], "O=b, CN=a", Some("a")),
        (&[("CN", "a, O=b")], r"CN=a\, O=b", Some("a, O=b")),
        (&[("CN", r"a\")], r"CN=a\\", Some(r"a\")),
        (&[("CN", "a\0b")], "CN=a\0b", Some("a\0b")),
        (&[("CN", "münchen")], "CN=münchen", Some("münchen")),
        (&[("CN", "a"), ("CN", "b")], "CN=a, CN=b", None),
        (&[("O", "b")], "O=b", None),
    ] {
        let certificate = Made {
            attributes,
            ..Made::default()
        };
        let certificate = certificate.der();
        assert_eq!(certificate.subject(), subject);
        assert_eq!(certificate.issuer(), subject);
        assert_eq!(certificate.common_name(), common_name);
        assert_eq!(
            format!("{certificate:?}"),
            format!("Certificate({subject:?})")
        );
    }
}

#[test]
fn each_kind_of_name_is_told() {
    let names = |names: &mut SubjectAlternativeName| {
        names.dns("*.example.org").ip("127.0.0.1").ip("2001:db8::1");
        names
            .uri("urn:device:7")
            .email("a@example.org")
            .rid("1.2.3");
    };
    let certificate = Made {
        names: Some(&names),
        ..Made::default()
    };
    let certificate = certificate.der();
    let found = certificate.names();
    let address = |text: &str| GeneralName::Ip(text.parse::<IpAddr>().unwrap());
    let expected = [
        GeneralName::Dns("*.example.org".to_owned()),
        address("127.0.0.1"),
        address("2001:db8::1"),
        GeneralName::Uri("urn:device:7".to_owned()),
        GeneralName::Email("a@example.org".to_owned()),
        GeneralName::Other,
    ];
    assert_eq!(found, expected);
    let shown: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown.join(" "),
        "DNS:*.example.org IP:127.0.0.1 IP:2001:db8::1 URI:urn:device:7 email:a@example.org \
         another kind of name"
    );
    assert_eq!(Made::default().der().names(), []);
}

#[test]
fn names_that_are_not_what_they_say_are_told_as_such() {
    // An address of five bytes, a host that is no text, and one with a zero byte, which is no end.
    let odd = b"\x30\x0f\x87\x051.2.3\x82\x01\xff\x82\x03a\0b";
    let expected = [
        GeneralName::Other,
        GeneralName::Other,
        GeneralName::Dns("a\0b".to_owned()),
    ];
    for (raw, expected) in [(&odd[..], &expected[..]), (b"\x30\x7f", &[]), (b"", &[])] {
        let certificate = Made {
            raw_names: Some(raw),
            ..Made::default()
        };
        assert_eq!(certificate.der().names(), expected);
        // Another session of this thread would find it.
        assert!(ErrorStack::get().errors().is_empty());
    }
}

#[test]
fn dates_are_times_before_1970_and_after_2049_too() {
    for seconds in [
        -3_155_673_600,
        -1,
        0,
        1_795_000_000,
        2_524_607_999,
        LAST - 1,
    ] {
        let certificate = Made {
            dates: [seconds, seconds + 1],
            ..Made::default()
        };
        let certificate = certificate.der();
        let distance = Duration::from_secs(i64::unsigned_abs(seconds));
        let from = if seconds < 0 {
            UNIX_EPOCH - distance
        } else {
            UNIX_EPOCH + distance
        };
        let to = from + Duration::from_secs(1);
        assert_eq!(certificate.not_before(), Some(from));
        assert_eq!(certificate.not_after(), Some(to));
    }
}

#[test]
fn what_is_no_time_is_none() {
    let der = Made::default().der().as_der().to_vec();
    // The first UTCTime is the one from which on it is good.
    let place = der.windows(2).position(|it| it == [0x17, 13]).unwrap();
    let mut odd = der.clone();
    odd[place + 2..][..13].copy_from_slice(b"261327246199Z");
    let odd = Certificate::from_der(&odd).unwrap();
    assert_eq!(odd.not_before(), None);
    assert!(odd.not_after().is_some());
}

#[test]
fn keys_are_told_by_kind_and_size() {
    let rsa = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    for (key, kind) in [
        (curve(Nid::X9_62_PRIME256V1), "EC prime256v1"),
        (curve(Nid::SECP384R1), "EC secp384r1"),
        (rsa, "RSA"),
        (PKey::generate_ed25519().unwrap(), "ED25519"),
    ] {
        let certificate = Made {
            key: Some(key.clone()),
            ..Made::default()
        };
        let certificate = certificate.der();
        assert_eq!(certificate.key_type(), kind);
        assert_eq!(certificate.key_bits(), key.bits());
    }
}

#[test]
fn the_same_bytes_are_the_same_certificate() {
    let (one, other) = (Made::default().der(), Made::default().der());
    let again = Certificate::from_der(one.as_der()).unwrap();
    assert_eq!(one, again);
    assert_ne!(one, other);
    assert_eq!(HashSet::from([one.clone(), again, other]).len(), 2);
    let read = X509::from_der(one.as_der()).unwrap();
    let digest = read.digest(MessageDigest::sha256()).unwrap();
    assert_eq!(one.sha256()[..], digest[..]);
    assert_eq!(one.as_der().as_ptr(), one.clone().as_der().as_ptr());
    assert_eq!(read.to_der().unwrap(), one.as_der());
}

#[test]
fn der_is_one_certificate_and_nothing_more() {
    let der = Made::default().der().as_der().to_vec();
    let longer = [&der[..], b"x"].concat();
    let twice = der.repeat(2);
    let pem = Made::default().x509().to_pem().unwrap();
    for odd in [b"", &der[1..], &der[..der.len() - 1], &longer, &twice, &pem] {
        let error = Certificate::from_der(odd).unwrap_err();
        assert!(matches!(error, CertificateError::Malformed));
        assert!(ErrorStack::get().errors().is_empty());
    }
}

proptest! {
    /// What a stranger sends may be read as a certificate, and say anything.
    #[test]
    fn damage_makes_it_strange_and_nothing_worse(
        changes in vec((any::<Index>(), any::<u8>()), 1..4),
    ) {
        static GOOD: LazyLock<Vec<u8>> = LazyLock::new(|| {
            let names = |names: &mut SubjectAlternativeName| {
                names.dns("example.org").ip("::1").uri("urn:a").email("a@b.example");
            };
            let made = Made {
                attributes: &[("O", "b"), ("CN", "a")],
                names: Some(&names),
                ..Made::default()
            };
            made.der().as_der().to_vec()
        });
        let mut der = GOOD.clone();
        for (place, byte) in changes {
            *place.get_mut(&mut der) = byte;
        }
        if let Ok(certificate) = Certificate::from_der(&der) {
            prop_assert_eq!(certificate.as_der(), der);
            // Its key is read only now.
            let _ = (certificate.key_type(), certificate.key_bits());
        }
        prop_assert!(ErrorStack::get().errors().is_empty());
    }
}

#[test]
fn pem_is_read_whole() {
    let (one, other) = (Made::default().x509(), Made::default().x509());
    let (pem, behind) = (one.to_pem().unwrap(), other.to_pem().unwrap());
    let found = Certificate::from_pem(&[&pem[..], &behind].concat()).unwrap();
    let found: Vec<_> = found.iter().map(Certificate::as_der).collect();
    assert_eq!(found, [one.to_der().unwrap(), other.to_der().unwrap()]);
    let none = Certificate::from_pem(b"x");
    assert!(matches!(none, Err(PemError::NoCertificate)), "{none:?}");
    let cut = Certificate::from_pem(&pem[..pem.len() / 2]);
    assert!(cut.is_err(), "{cut:?}");
}

#[test]
fn what_clients_will_refuse_is_known_before_they_do() {
    let name = |name: &str| IdentityFault::WrongName {
        name: name.to_owned(),
    };
    let dns = |names: &mut SubjectAlternativeName| {
        names.dns("a.example").dns("*.b.example");
    };
    let good = || Made {
        names: Some(&dns),
        ..Made::default()
    };
    let dated = |from, to| {
        let [was, _] = Made::default().dates;
        Made {
            dates: [was + from * DAY, was + to * DAY],
            ..good()
        }
    };
    let used = |usage| Made {
        usage: Some(usage),
        ..good()
    };
    let keyed = |key| Made {
        key: Some(key),
        ..good()
    };
    let unusual = IdentityFault::UnusualCurve {
        curve: Some("secp256k1".to_owned()),
    };
    for (made, asked, faults) in [
        (good(), None, vec![]),
        (good(), Some("a.example"), vec![]),
        (good(), Some("any.b.example"), vec![]),
        (good(), Some("*.b.example"), vec![]),
        (good(), Some(""), vec![name("")]),
        (good(), Some("b.example"), vec![name("b.example")]),
        (good(), Some("x.y.b.example"), vec![name("x.y.b.example")]),
        (good(), Some("a\0.example"), vec![name("a\0.example")]),
        (
            dated(-9, -1),
            None,
            vec![IdentityFault::Expired { depth: 0 }],
        ),
        (
            dated(9, 19),
            None,
            vec![IdentityFault::NotYetValid { depth: 0 }],
        ),
        (used("serverAuth"), None, vec![]),
        (used("clientAuth"), None, vec![IdentityFault::WrongPurpose]),
        (keyed(curve(Nid::SECP384R1)), None, vec![]),
        (keyed(curve(Nid::SECP256K1)), None, vec![unusual]),
        (
            Made {
                usage: Some("clientAuth"),
                ..dated(-9, -1)
            },
            Some("x"),
            vec![
                IdentityFault::Expired { depth: 0 },
                IdentityFault::WrongPurpose,
                name("x"),
            ],
        ),
    ] {
        assert_eq!(made.identity().server_faults(asked), faults, "{asked:?}");
        assert!(ErrorStack::get().errors().is_empty());
    }
    // One behind it is looked at, too.
    let key = p256();
    let own = keyed(key.clone()).x509().to_pem().unwrap();
    let behind = dated(-9, -1).x509().to_pem().unwrap();
    let key = key.private_key_to_pem_pkcs8().unwrap();
    let identity = Identity::from_pem(&[own, behind].concat(), &key).unwrap();
    let expired = IdentityFault::Expired { depth: 1 };
    assert_eq!(identity.server_faults(None), [expired]);
}

#[test]
fn an_identity_tells_its_certificates() {
    let pem = std::fs::read(format!("{}/server.pem", common::CERTS)).unwrap();
    let certificates = Certificate::from_pem(&pem).unwrap();
    assert_eq!(identity("server").certificates(), certificates);
}

fn curve(nid: Nid) -> PKey<Private> {
    let group = EcGroup::from_curve_name(nid).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

const DAY: i64 = 86_400;

/// The last second of the year 9999, behind which there is no form.
const LAST: i64 = 253_402_300_799;
