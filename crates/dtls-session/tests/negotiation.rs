//! What two sides agree upon, and where they do not.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use common::*;
use dtls_session::{
    Acceptor, AcceptorBuilder, Alert, BuildError, Connector, ConnectorBuilder, HandshakeError,
    Preferences, Psk, PskKeys, Resumption, Session, SessionConfig, SharedSecret, Version,
};
use openssl::x509::X509;

type Outcome = Result<Session<Pipe>, HandshakeError>;

#[tokio::test]
async fn the_facts_are_the_same_on_both_sides() {
    let (server, client) = agree(
        Acceptor::builder(identity("server")).preferences(Preferences::default().groups("P-384")),
        Connector::builder(roots()),
    )
    .await;
    let (server, client) = (server.info(), client.info());
    for info in [&server, &client] {
        assert_eq!(info.version, Version::Dtls12);
        assert_eq!(info.cipher, "ECDHE-ECDSA-AES128-GCM-SHA256");
        assert_eq!(info.cipher_suite, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
        assert_eq!(info.group.as_deref(), Some("secp384r1"));
        assert_eq!(info.server_name.as_deref(), Some("localhost"));
        assert!(info.extended_master_secret && info.secure_renegotiation && !info.resumed);
        assert!(info.handshake_time > Duration::ZERO);
        assert_eq!((info.mtu, info.retransmissions), (1350, 0));
        assert!((1300..1350).contains(&info.max_datagram_size));
        assert_eq!((&info.psk_identity, &info.protocol), (&None, &None));
    }
    assert!(server.peer_certificates.is_empty());
    let shown = X509::from_pem(&std::fs::read(format!("{CERTS}/server.pem")).unwrap()).unwrap();
    assert_eq!(
        client.peer_certificates[0].to_der().unwrap(),
        shown.to_der().unwrap()
    );
}

#[tokio::test]
async fn a_pre_shared_key_does_without_certificates() {
    let keys = PskKeys::from_lines("a:0011\nb:00112233445566778899aabbccddeeff").unwrap();
    let psk = || Psk::parse("b:00112233445566778899aabbccddeeff").unwrap();
    for identity in [None, Some(identity("server"))] {
        for (plain, suite) in [
            (false, "ECDHE-PSK-CHACHA20-POLY1305"),
            (true, "ECDHE-PSK-CHACHA20-POLY1305"),
        ] {
            let mut acceptor = match identity.clone() {
                None => Acceptor::with_psk(keys.clone()),
                Some(identity) => Acceptor::builder(identity).psk(keys.clone()),
            };
            let mut connector = Connector::with_psk(psk());
            if plain {
                (acceptor, connector) = (acceptor.allow_plain_psk(), connector.allow_plain_psk());
            }
            let (server, client) = agree(acceptor, connector).await;
            echo_once(&server, &client).await;
            for session in [&server, &client] {
                let info = session.info();
                assert_eq!(info.cipher, suite);
                assert_eq!(info.psk_identity.as_deref(), Some("b"));
                assert!(info.peer_certificates.is_empty());
            }
        }
    }
}

#[tokio::test]
async fn certificates_and_keys_live_on_one_listener() {
    let acceptor = || {
        Acceptor::builder(identity("server"))
            .psk(PskKeys::from_lines("a:0011").unwrap())
            .require_client_certificate(roots())
    };
    agree(
        acceptor(),
        Connector::with_psk(Psk::parse("a:0011").unwrap()),
    )
    .await;
    agree(
        acceptor(),
        Connector::builder(roots()).identity(identity("client")),
    )
    .await;
}

#[tokio::test]
async fn plain_keys_are_used_only_where_they_are_allowed() {
    let keys = || PskKeys::from_lines("a:00112233445566778899aabbccddeeff").unwrap();
    let device = || {
        let psk = Psk::parse("a:00112233445566778899aabbccddeeff").unwrap();
        let plain = Preferences::default().cipher_suites("PSK-AES128-CCM:PSK-AES128-GCM-SHA256");
        Connector::with_psk(psk).preferences(plain)
    };
    let (server, client) = attempt(Acceptor::with_psk(keys()), device()).await;
    assert!(
        matches!(server, Err(HandshakeError::NoCommonCipher)),
        "{server:?}"
    );
    assert!(
        matches!(
            client,
            Err(HandshakeError::PeerAlert(Alert::HANDSHAKE_FAILURE))
        ),
        "{client:?}"
    );
    let (server, _client) = agree(Acceptor::with_psk(keys()).allow_plain_psk(), device()).await;
    let info = server.info();
    assert_eq!((info.cipher, info.group), ("PSK-AES128-GCM-SHA256", None));
}

#[tokio::test]
async fn a_stranger_fails_as_a_wrong_key_does() {
    let mut failures = Vec::new();
    for psk in ["a:ff", "stranger:0011"] {
        let acceptor = Acceptor::with_psk_lookup({
            let keys = PskKeys::from_lines("a:0011").unwrap();
            move |identity| keys.get(identity).cloned()
        });
        let connector = Connector::with_psk(Psk::parse(psk).unwrap());
        let hasty = SessionConfig::default().handshake_timeout(Duration::from_secs(2));
        let (server, client) =
            outcomes(acceptor.session(hasty.clone()), connector.session(hasty)).await;
        drop(server);
        failures.push(client.unwrap_err().to_string());
    }
    assert_eq!(failures[0], failures[1]);
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
                    let name = certificate.subject_name().entries().next().unwrap();
                    seen.lock().unwrap().push(name.data().to_string().unwrap());
                    welcome
                }
            });
        let connector = Connector::builder(roots()).identity(identity("client"));
        let (server, _client) = attempt(acceptor, connector).await;
        assert_eq!(*seen.lock().unwrap(), ["DTLS echo development client"]);
        match server {
            Ok(server) => assert!(welcome && !server.info().peer_certificates.is_empty()),
            Err(error) => {
                assert!(!welcome && matches!(error, HandshakeError::CertificateRefused(_)))
            }
        }
    }
}

#[tokio::test]
async fn the_name_that_is_asked_for_decides_which_certificate_is_shown() {
    let acceptor = || {
        Acceptor::builder(identity("server"))
            .server_name("one.example", self_signed("one", &p256()))
            .server_name("*.example", self_signed("any", &p256()))
    };
    for (name, shown) in [
        ("one.example", "one"),
        ("two.example", "any"),
        ("else.where", "DTLS echo development server"),
    ] {
        let connector = Connector::builder(roots()).danger_accept_any_certificate();
        let (server, client) = outcomes_of(name, acceptor(), connector).await;
        assert_eq!(server.unwrap().info().server_name.as_deref(), Some(name));
        let certificates = client.unwrap().info().peer_certificates;
        let subject = certificates[0].subject_name().entries().next().unwrap();
        assert_eq!(subject.data().to_string().unwrap(), shown);
        assert_eq!(certificates.len(), 1);
    }
}

#[tokio::test]
async fn protocols_are_agreed_upon_or_refused() {
    let with = |protocols: &[&str]| Preferences::default().protocols(protocols);
    let acceptor = || Acceptor::builder(identity("server")).preferences(with(&["coap", "echo"]));
    let connector = |protocols: &[&str]| Connector::builder(roots()).preferences(with(protocols));
    let (server, client) = agree(acceptor(), connector(&["x", "echo", "coap"])).await;
    for session in [server, client] {
        assert_eq!(session.info().protocol.as_deref(), Some(&b"coap"[..]));
    }
    let (server, _client) = agree(acceptor(), connector(&[])).await;
    assert_eq!(server.info().protocol, None);
    let (server, client) = attempt(acceptor(), connector(&["x"])).await;
    assert!(
        matches!(server, Err(HandshakeError::NoCommonProtocol)),
        "{server:?}"
    );
    assert!(
        matches!(client, Err(HandshakeError::PeerAlert(alert)) if alert.name() == Some("no_application_protocol")),
        "{client:?}"
    );
}

#[tokio::test]
async fn preferences_decide_and_lists_that_leave_nothing_are_named() {
    let suite = "ECDHE-ECDSA-AES256-GCM-SHA384";
    let chosen = Preferences::default()
        .cipher_suites(suite)
        .groups("X25519:P-256")
        .signature_algorithms("ECDSA+SHA256");
    let acceptor = Acceptor::builder(identity("server")).preferences(chosen.clone());
    let (server, _client) = agree(acceptor, Connector::builder(roots()).preferences(chosen)).await;
    let info = server.info();
    assert_eq!(
        (info.cipher, info.group.as_deref()),
        (suite, Some("x25519"))
    );
    for (preferences, what) in [
        (
            Preferences::default().cipher_suites("none-of-these"),
            "cipher suite",
        ),
        (Preferences::default().groups("P-0"), "group"),
        (
            Preferences::default().signature_algorithms("x"),
            "signature algorithm",
        ),
        (Preferences::default().srtp_profiles("x"), "SRTP profile"),
        (Preferences::default().protocols([""]), "protocol name"),
    ] {
        let built = Connector::builder(roots()).preferences(preferences).build();
        assert!(
            matches!(&built, Err(BuildError::Unusable { what: it, .. }) if *it == what),
            "{built:?}"
        );
    }
}

#[tokio::test]
async fn both_sides_export_the_same_and_srtp_keys_are_each_others() {
    let profiles =
        || Preferences::default().srtp_profiles("SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80");
    let (server, client) = agree(
        Acceptor::builder(identity("server")).preferences(profiles()),
        Connector::builder(roots()).preferences(profiles()),
    )
    .await;
    let export = |session: &Session<Pipe>, context| {
        let mut out = [0; 40];
        session
            .export_keying_material(&mut out, "EXPERIMENTAL test", context)
            .unwrap();
        out
    };
    assert_eq!(export(&server, None), export(&client, None));
    assert_ne!(export(&server, None), export(&server, Some(b"")));
    let (ours, theirs) = (
        server.srtp_keys().unwrap().unwrap(),
        client.srtp_keys().unwrap().unwrap(),
    );
    assert_eq!(ours.profile(), "SRTP_AEAD_AES_128_GCM");
    assert_eq!(
        (ours.client_key(), ours.client_salt()),
        (theirs.client_key(), theirs.client_salt())
    );
    assert_eq!(
        (ours.server_key(), ours.server_salt()),
        (theirs.server_key(), theirs.server_salt())
    );
    assert_eq!(
        (ours.server_key().len(), ours.server_salt().len()),
        (16, 12)
    );
    assert_ne!(ours.client_key(), ours.server_key());
    let (server, _client) = default_sessions().await;
    assert!(server.srtp_keys().unwrap().is_none());
}

#[tokio::test]
async fn both_sides_log_the_same_secret() {
    let log = || {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&lines);
        let logging =
            Preferences::default().key_log(move |line| kept.lock().unwrap().push(line.to_owned()));
        (logging, lines)
    };
    let ((servers, server_lines), (clients, client_lines)) = (log(), log());
    let _sessions = agree(
        Acceptor::builder(identity("server")).preferences(servers),
        Connector::builder(roots()).preferences(clients),
    )
    .await;
    let lines = server_lines.lock().unwrap();
    assert_eq!(*lines, *client_lines.lock().unwrap());
    assert!(
        lines.len() == 1 && lines[0].starts_with("CLIENT_RANDOM "),
        "{lines:?}"
    );
}

#[tokio::test]
async fn a_ticket_is_no_way_round_a_pre_shared_key() {
    let secret = SharedSecret::random().unwrap();
    let keys = || PskKeys::from_lines("a:0011").unwrap();
    let open = Acceptor::builder(identity("server")).psk(keys());
    let closed = Acceptor::with_psk(keys());
    let [open, closed] = [open, closed].map(|acceptor| {
        let acceptor = acceptor.session(patient()).shared_secret(secret.clone());
        acceptor.build().unwrap()
    });
    let anonymous = connector(patient());
    let (_server, client) = sessions(&open, &anonymous, pipe(lossless())).await;
    let ticket = client.resumption().unwrap();
    let (server, client) = resumed(&open, &anonymous, &ticket).await;
    assert!(server.unwrap().resumed() && client.unwrap().resumed());
    let (server, _client) = resumed(&closed, &anonymous, &ticket).await;
    assert!(
        matches!(server, Err(HandshakeError::NoCommonCipher)),
        "{server:?}"
    );
}

#[tokio::test]
async fn who_is_not_welcome_any_more_is_turned_away_in_spite_of_a_ticket() {
    let secret = SharedSecret::random().unwrap();
    let keyed = |keys: &str| Acceptor::with_psk(PskKeys::from_lines(keys).unwrap());
    let asked = |welcome| {
        Acceptor::builder(identity("server"))
            .require_client_certificate(roots())
            .authorize_client(move |_| welcome)
    };
    let device = || Connector::with_psk(Psk::parse("a:0011").unwrap());
    let person = || Connector::builder(roots()).identity(identity("client"));
    for (before, after, client, welcome) in [
        (keyed("a:0011"), keyed("a:0011\nb:22"), device(), true),
        (keyed("a:0011"), keyed("b:22"), device(), false),
        (keyed("a:0011"), keyed("a:22"), device(), false),
        (asked(true), asked(true), person(), true),
        (asked(true), asked(false), person(), false),
    ] {
        let [before, after] = [before, after].map(|acceptor| {
            let acceptor = acceptor.session(patient()).shared_secret(secret.clone());
            acceptor.build().unwrap()
        });
        let connector = client.session(patient()).build().unwrap();
        let (_server, first) = sessions(&before, &connector, pipe(lossless())).await;
        let ticket = first.resumption().unwrap();
        let (server, client) = resumed(&after, &connector, &ticket).await;
        match server {
            Ok(server) => assert!(welcome && server.resumed()),
            Err(HandshakeError::NoLongerWelcome) => {
                assert!(!welcome);
                let ended = within(client.unwrap().recv(&mut [0; 9])).await;
                assert_eq!(ended.unwrap(), None, "a close_notify");
            }
            Err(error) => panic!("{error:?}"),
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

#[tokio::test]
async fn what_would_never_happen_is_refused() {
    let keys = || PskKeys::from_lines("a:0011").unwrap();
    let server = || Acceptor::builder(identity("server"));
    for acceptor in [
        server().authorize_client(|_| true),
        server().allow_plain_psk(),
        server().psk_hint("which?"),
        Acceptor::with_psk(keys()).server_name("a", identity("server")),
        Acceptor::with_psk(keys()).require_client_certificate(roots()),
    ] {
        let built = acceptor.build();
        assert!(
            matches!(built, Err(BuildError::Pointless { .. })),
            "{built:?}"
        );
    }
    let built = Connector::builder(roots()).allow_plain_psk().build();
    assert!(
        matches!(built, Err(BuildError::Pointless { .. })),
        "{built:?}"
    );
    for name in ["a\0b", ".example"] {
        let (_server, client) = pipe(lossless());
        let refused = within(connector(patient()).connect(name, client)).await;
        assert!(
            matches!(refused, Err(HandshakeError::Name { .. })),
            "{refused:?}"
        );
    }
}

async fn resumed(
    acceptor: &Acceptor,
    connector: &Connector,
    ticket: &Resumption,
) -> (Outcome, Outcome) {
    let (server, client) = pipe(lossless());
    let client = connector.resume("localhost", ticket, client);
    let server = acceptor.accept(server);
    within(async { tokio::join!(server, client) }).await
}

/// Both sides' sessions.
async fn agree(
    acceptor: AcceptorBuilder,
    connector: ConnectorBuilder,
) -> (Session<Pipe>, Session<Pipe>) {
    let (server, client) = attempt(acceptor, connector).await;
    (server.unwrap(), client.unwrap())
}

async fn attempt(acceptor: AcceptorBuilder, connector: ConnectorBuilder) -> (Outcome, Outcome) {
    outcomes(acceptor.session(patient()), connector.session(patient())).await
}

async fn outcomes(acceptor: AcceptorBuilder, connector: ConnectorBuilder) -> (Outcome, Outcome) {
    outcomes_of("localhost", acceptor, connector).await
}

async fn outcomes_of(
    name: &str,
    acceptor: AcceptorBuilder,
    connector: ConnectorBuilder,
) -> (Outcome, Outcome) {
    let (acceptor, connector) = (acceptor.build().unwrap(), connector.build().unwrap());
    let (server, client) = pipe(lossless());
    let client = connector.connect(name, client);
    let server = acceptor.accept(server);
    within(async { tokio::join!(server, client) }).await
}
