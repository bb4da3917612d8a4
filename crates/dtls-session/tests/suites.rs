//! Lists of cipher suites, and which of them win.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::sync::{Arc, Mutex};

use common::*;
use dtls_session::{
    Acceptor, BuildError, Connector, HandshakeError, Identity, Preferences, Psk, PskKeys, Roots,
};
use openssl::{
    dsa::Dsa,
    ec::{EcGroup, EcKey},
    nid::Nid,
    pkey::{Id, PKey},
    pkey_ctx::PkeyCtx,
};

#[tokio::test]
async fn ccm8_is_had_only_where_both_allow_it() {
    let allowed = |suite| Preferences::default().allow_ccm8().cipher_suites(suite);
    for suite in ["PSK-AES128-CCM8", "PSK-AES256-CCM8"] {
        let device = || Connector::with_psk(psk()).preferences(allowed(suite));
        let server = || Acceptor::with_psk(keys()).allow_plain_psk();
        let (refused, _) = attempt(server(), device()).await;
        assert!(
            matches!(refused, Err(HandshakeError::NoCommonCipher)),
            "{refused:?}"
        );
        let preferences = Preferences::default().allow_ccm8();
        let (server, client) = attempt(server().preferences(preferences), device()).await;
        let (server, client) = (server.unwrap(), client.unwrap());
        assert_eq!((server.info().cipher, client.info().cipher), (suite, suite));
        echo_once(&server, &client).await;
    }
    for suite in ["ECDHE-ECDSA-AES128-CCM8", "ECDHE-ECDSA-AES256-CCM8"] {
        let device = || Connector::builder(roots()).preferences(allowed(suite));
        let server = || Acceptor::builder(identity("server"));
        let (refused, _) = attempt(server(), device()).await;
        assert!(
            matches!(refused, Err(HandshakeError::NoCommonCipher)),
            "{refused:?}"
        );
        let preferences = Preferences::default().allow_ccm8();
        let (server, _client) = attempt(server().preferences(preferences), device()).await;
        assert_eq!(server.unwrap().info().cipher, suite);
    }
}

#[tokio::test]
async fn a_list_has_no_ccm8_unless_it_is_allowed() {
    for list in ["PSK-AES128-CCM8", "PSK-AES128-GCM-SHA256:PSK-AES256-CCM8"] {
        let preferences = Preferences::default().cipher_suites(list);
        let built = Connector::with_psk(psk()).preferences(preferences).build();
        assert!(matches!(built, Err(BuildError::Ccm8 { .. })), "{built:?}");
    }
    // Where a word brings them, they go quietly.
    let every = Preferences::default().cipher_suites("ALL:!NULL");
    let ccm8 = Preferences::default()
        .allow_ccm8()
        .cipher_suites("PSK-AES128-CCM8");
    let (refused, _) = attempt(
        Acceptor::with_psk(keys()).preferences(every),
        Connector::with_psk(psk()).preferences(ccm8),
    )
    .await;
    assert!(
        matches!(refused, Err(HandshakeError::NoCommonCipher)),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_list_that_goes_with_no_certificate_and_no_key_is_refused() {
    let only = |suites: &str| Preferences::default().cipher_suites(suites);
    let (ecdsa, rsa, psks) = (
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-PSK-CHACHA20-POLY1305",
    );
    let acceptors = [
        (Acceptor::builder(identity("server")), ecdsa, true),
        (Acceptor::builder(identity("server")), rsa, false),
        (Acceptor::builder(identity("server")), psks, false),
        (
            Acceptor::builder(identity("server")).psk(keys()),
            psks,
            true,
        ),
        (Acceptor::with_psk(keys()), ecdsa, false),
    ];
    for (acceptor, list, good) in acceptors {
        refused_or_not(
            acceptor.preferences(only(list)).build().map(drop),
            list,
            good,
        );
    }
    let connectors = [
        (Connector::builder(roots()), rsa, true),
        (Connector::builder(roots()), psks, false),
        (Connector::with_psk(psk()), psks, true),
        (Connector::with_psk(psk()), ecdsa, false),
    ];
    for (connector, list, good) in connectors {
        refused_or_not(
            connector.preferences(only(list)).build().map(drop),
            list,
            good,
        );
    }
}

fn refused_or_not(built: Result<(), BuildError>, asked: &str, good: bool) {
    match built {
        Ok(()) => assert!(good, "{asked} was taken"),
        Err(BuildError::NoSuiteLeft { list }) => assert!(!good && list == asked, "{asked}"),
        Err(error) => panic!("{asked}: {error}"),
    }
}

#[tokio::test]
async fn a_name_that_nobody_knows_is_found_among_others() {
    let preferences = Preferences::default;
    for (preferences, what, wrong) in [
        (
            preferences().cipher_suites("ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-TYPO:@STRENGTH"),
            "cipher suite",
            "ECDHE-TYPO",
        ),
        (preferences().groups("X25519:P-0"), "group", "P-0"),
        (
            preferences().signature_algorithms("ECDSA+SHA256:x"),
            "signature algorithm",
            "x",
        ),
    ] {
        let built = Connector::builder(roots()).preferences(preferences).build();
        assert!(
            matches!(&built, Err(BuildError::Unknown { what: it, name }) if *it == what && name == wrong),
            "{built:?}"
        );
    }
}

#[tokio::test]
async fn who_has_a_key_is_known_by_it() {
    let acceptor = Acceptor::builder(identity("server")).psk(keys());
    let connector = Connector::with_psk(psk()).configure(|context| {
        context.set_cipher_list("ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-PSK-CHACHA20-POLY1305")
    });
    let (server, _client) = attempt(acceptor, connector).await;
    assert_eq!(
        server.unwrap().info().psk_identity.as_deref(),
        Some(&b"a"[..])
    );
}

#[tokio::test]
async fn the_hint_helps_a_client_to_choose() {
    let hints = Arc::new(Mutex::new(Vec::new()));
    let connector = || {
        let hints = Arc::clone(&hints);
        Connector::with_psk_choice(move |hint| {
            hints.lock().unwrap().push(hint.map(<[u8]>::to_vec));
            (hint == Some(b"ours")).then(psk)
        })
    };
    let (server, client) = attempt(Acceptor::with_psk(keys()).psk_hint("ours"), connector()).await;
    assert_eq!(
        server.unwrap().info().psk_identity.as_deref(),
        Some(&b"a"[..])
    );
    drop(client.unwrap());
    let acceptor = Acceptor::with_psk(keys()).session(
        dtls_session::SessionConfig::default()
            .handshake_timeout(std::time::Duration::from_millis(500)),
    );
    let (server, client) = outcomes(acceptor, connector().session(patient())).await;
    assert!(matches!(client, Err(HandshakeError::NoPsk)), "{client:?}");
    assert!(server.is_err());
    assert_eq!(*hints.lock().unwrap(), [Some(b"ours".to_vec()), None]);
}

fn keys() -> PskKeys {
    PskKeys::from_lines("a:00112233445566778899aabbccddeeff").unwrap()
}

fn psk() -> Psk {
    Psk::parse("a:00112233445566778899aabbccddeeff").unwrap()
}

/// What OpenSSL does with them is tried: a key that is not refused has to serve.
#[tokio::test]
async fn each_kind_of_key_serves_or_is_refused_by_name() {
    let rsa = |id| {
        let mut context = PkeyCtx::new_id(id).unwrap();
        context.keygen_init().unwrap();
        context.set_rsa_keygen_bits(2048).unwrap();
        context.keygen().unwrap()
    };
    let curve = |nid| {
        let group = EcGroup::from_curve_name(nid).unwrap();
        PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
    };
    for (key, refused) in [
        (rsa(Id::RSA), None),
        (curve(Nid::X9_62_PRIME256V1), None),
        (curve(Nid::SECP384R1), None),
        (curve(Nid::SECP521R1), None),
        (rsa(Id::RSA_PSS), Some("RSA-PSS")),
        (
            PKey::from_dsa(Dsa::generate(1024).unwrap()).unwrap(),
            Some("DSA"),
        ),
        (PKey::generate_ed25519().unwrap(), Some("Ed25519")),
        (PKey::generate_ed448().unwrap(), Some("Ed448")),
    ] {
        let (pem, key) = (
            certificate("localhost", &key),
            key.private_key_to_pem_pkcs8().unwrap(),
        );
        let own = || Identity::from_pem(&pem, &key).unwrap();
        if let Some(kind) = refused {
            let named = Acceptor::builder(identity("server")).server_name("localhost", own());
            for acceptor in [Acceptor::builder(own()), named] {
                let told = acceptor.build().unwrap_err().to_string();
                let words = format!("a key of the kind {kind}: ECDSA or RSA is needed");
                assert!(told.contains(&words), "{told}");
            }
            continue;
        }
        let roots = Roots::from_pem(&pem).unwrap();
        agree(Acceptor::builder(own()), Connector::builder(roots)).await;
    }
}
