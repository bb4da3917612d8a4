//! Who the two sides are, and who they may be.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::sync::{Arc, Mutex};

use common::*;
use dtls_session::{
    Acceptor, Alert, CertificateFault, Connector, HandshakeError, Identity, PemError, Preferences,
    Roots,
};
use openssl::{pkey::PKey, rsa::Rsa};

#[tokio::test]
async fn an_unknown_authority_is_refused_with_the_reason() {
    let strangers = Roots::from_pem(&certificate("localhost", &p256())).unwrap();
    let connector = Connector::builder(strangers)
        .session(patient())
        .build()
        .unwrap();
    let [server, client] = failures(&acceptor(patient()), &connector, "localhost").await;
    assert!(
        matches!(&client, HandshakeError::CertificateRefused(refusal)
            if refusal.fault == CertificateFault::UnknownAuthority && refusal.reason.contains("issuer")
                && (refusal.depth, refusal.chain.len()) == (0, 1)),
        "{client:?}"
    );
    assert!(
        matches!(server, HandshakeError::PeerAlert(Alert::UNKNOWN_CA)),
        "{server:?}"
    );
}

#[tokio::test]
async fn a_wrong_name_is_refused_and_right_ones_are_not() {
    let acceptor = acceptor(patient());
    for (name, reason) in [("example.org", "ostname"), ("192.0.2.1", "IP address")] {
        let [_, client] = failures(&acceptor, &connector(patient()), name).await;
        assert!(
            matches!(&client, HandshakeError::CertificateRefused(refusal)
                if refusal.fault == CertificateFault::WrongName && refusal.reason.contains(reason)
                    && refusal.certificate().is_some()),
            "{client:?}"
        );
    }
    for name in ["localhost", "127.0.0.1", "::1"] {
        let (server_pipe, client_pipe) = pipe(lossless());
        let accepting = tokio::spawn(acceptor.accept(server_pipe));
        within(connector(patient()).connect(name).over(client_pipe))
            .await
            .unwrap();
        within(accepting).await.unwrap().unwrap();
    }
    let any = Connector::builder(roots())
        .danger_accept_any_certificate()
        .build()
        .unwrap();
    let (server_pipe, client_pipe) = pipe(lossless());
    let accepting = tokio::spawn(acceptor.accept(server_pipe));
    let session = within(any.connect("example.org").over(client_pipe))
        .await
        .unwrap();
    within(accepting).await.unwrap().unwrap();
    let refusal = session.info().refusal.clone().unwrap();
    assert_eq!(
        (refusal.fault, refusal.depth),
        (CertificateFault::WrongName, 0)
    );
    assert_eq!(refusal.chain.len(), 2);
}

#[tokio::test]
async fn the_name_that_is_asked_for_decides_which_certificate_is_shown() {
    let acceptor = Acceptor::builder(identity("server"))
        .server_name("one.example", self_signed("one", &p256()))
        .server_name("*.example", self_signed("any", &p256()))
        .session(patient())
        .build()
        .unwrap();
    for (name, shown) in [
        ("one.example", "one"),
        ("two.example", "any"),
        ("else.where", "DTLS echo development server"),
    ] {
        let connector = Connector::builder(roots()).danger_accept_any_certificate();
        let connector = connector.session(patient()).build().unwrap();
        let (server, client) = outcomes_of(&acceptor, &connector, name).await;
        assert_eq!(server.unwrap().info().server_name.as_deref(), Some(name));
        let certificates = client.unwrap().info().peer_certificates.clone();
        assert_eq!(certificates[0].subject(), format!("CN={shown}"));
        assert_eq!(certificates.len(), 1);
    }
}

#[tokio::test]
async fn client_certificates_are_checked() {
    let acceptor = Acceptor::builder(identity("server"))
        .session(patient())
        .require_client_certificate(roots())
        .build()
        .unwrap();
    let connector = Connector::builder(roots())
        .session(patient())
        .identity(identity("client"))
        .build()
        .unwrap();
    let (server, _client) = sessions(&acceptor, &connector, pipe(lossless())).await;
    let shown = server.info().peer_certificates.clone();
    assert_eq!(shown, identity("client").certificates());

    let [server, client] = failures(&acceptor, &common::connector(patient()), "localhost").await;
    assert!(
        matches!(server, HandshakeError::CertificateRefused(_)),
        "{server:?}"
    );
    assert!(matches!(client, HandshakeError::PeerAlert(_)), "{client:?}");
}

#[tokio::test]
async fn a_client_without_a_certificate_is_refused_or_not_as_asked() {
    let acceptor = || Acceptor::builder(identity("server"));
    let (server, _client) = agree(
        acceptor().request_client_certificate(roots()),
        Connector::builder(roots()),
    )
    .await;
    assert!(server.info().peer_certificates.is_empty());
    let (server, _client) = attempt(
        acceptor().require_client_certificate(roots()),
        Connector::builder(roots()),
    )
    .await;
    let error = server.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the peer's certificate is refused: it sent none"
    );
}

#[tokio::test]
async fn the_application_has_the_last_word_on_a_client() {
    for welcome in [true, false] {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let acceptor = Acceptor::builder(identity("server"))
            .require_client_certificate(roots())
            .authorize_client({
                let seen = Arc::clone(&seen);
                move |certificate| {
                    seen.lock()
                        .unwrap()
                        .push(certificate.common_name().map(str::to_owned));
                    welcome
                }
            });
        let connector = Connector::builder(roots()).identity(identity("client"));
        let (server, _client) = attempt(acceptor, connector).await;
        assert_eq!(
            *seen.lock().unwrap(),
            [Some("DTLS echo development client".to_owned())]
        );
        match server {
            Ok(server) => assert!(welcome && !server.info().peer_certificates.is_empty()),
            Err(error) => {
                assert!(!welcome && matches!(error, HandshakeError::CertificateRefused(_)))
            }
        }
    }
}

#[tokio::test]
async fn a_panic_of_the_application_refuses_one_client() {
    let acceptor = Acceptor::builder(identity("server"))
        .require_client_certificate(roots())
        .authorize_client(|_| panic!("as a test"))
        .preferences(Preferences::default().key_log(|_| panic!("as a test")));
    let connector = Connector::builder(roots()).identity(identity("client"));
    let (server, _client) = attempt(acceptor, connector).await;
    assert!(
        matches!(server, Err(HandshakeError::CertificateRefused(_))),
        "{server:?}"
    );
}

#[test]
fn keys_come_in_every_usual_form() {
    let ec = p256().ec_key().unwrap();
    let rsa = Rsa::generate(2048).unwrap();
    let (ec_key, rsa_key) = (
        PKey::from_ec_key(ec.clone()).unwrap(),
        PKey::from_rsa(rsa.clone()).unwrap(),
    );
    let ec_pem = certificate("localhost", &ec_key);
    let rsa_pem = certificate("localhost", &rsa_key);
    for (chain, key) in [
        (&ec_pem, ec_key.private_key_to_pem_pkcs8().unwrap()),
        (&ec_pem, ec.private_key_to_pem().unwrap()),
        (&rsa_pem, rsa_key.private_key_to_pem_pkcs8().unwrap()),
        (&rsa_pem, rsa.private_key_to_pem().unwrap()),
    ] {
        Identity::from_pem(chain, &key).unwrap();
        let chain = [&chain[..], &rsa_pem[..]].concat();
        Identity::from_pem(&chain, &key).unwrap();
    }
    let key = rsa.private_key_to_pem().unwrap();
    assert!(matches!(
        Identity::from_pem(&ec_pem, &key),
        Err(PemError::Mismatch)
    ));
    assert!(matches!(
        Identity::from_pem(&ec_pem, b"x"),
        Err(PemError::Key(_))
    ));
    assert!(matches!(
        Identity::from_pem(b"", &key),
        Err(PemError::NoCertificate)
    ));
    let encrypted = rsa_key
        .private_key_to_pem_pkcs8_passphrase(openssl::symm::Cipher::aes_128_cbc(), b"secret")
        .unwrap();
    assert!(matches!(
        Identity::from_pem(&rsa_pem, &encrypted),
        Err(PemError::Key(_))
    ));
    let error = Identity::from_pem_files("/no/such/file", "x").unwrap_err();
    assert!(error.to_string().contains("/no/such/file"));
}
