//! Where a ticket would be a way round what a full handshake asks for.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::*;
use dtls_session::{
    Acceptor, AcceptorBuilder, Connector, ConnectorBuilder, HandshakeError, Preferences, Psk,
    PskKeys, Resumption, SharedSecret,
};

#[tokio::test]
async fn a_key_that_was_fetched_leaves_no_ticket_behind() {
    let servers = Servers::new();
    let acceptor =
        Acceptor::with_psk_fetch(|identity| std::future::ready(keys().get(&identity).cloned()));
    let acceptor = servers.build(acceptor);
    let connector = patiently(Connector::with_psk(psk()));
    let (server, client) = servers.attempt(&acceptor, &connector, None).await;
    assert_eq!(
        server.unwrap().info().psk_identity.as_deref(),
        Some(&b"a"[..])
    );
    assert!(client.unwrap().resumption().is_none());
}

#[tokio::test]
async fn a_ticket_of_certificates_is_no_key() {
    let servers = Servers::new();
    let both = servers.build(Acceptor::builder(identity("server")).psk(keys()));
    let only_keys = servers.build(Acceptor::with_psk(keys()));
    let anonymous = patiently(Connector::builder(roots()));
    let ticket = servers.ticket(&both, &anonymous).await;
    let (server, _client) = servers.attempt(&both, &anonymous, Some(&ticket)).await;
    assert!(server.unwrap().info().resumed);
    let (server, client) = servers.attempt(&only_keys, &anonymous, Some(&ticket)).await;
    assert!(
        matches!(server, Err(HandshakeError::NoCommonCipher)),
        "{server:?}"
    );
    assert!(client.is_err());
}

#[tokio::test]
async fn a_ticket_does_not_bring_back_a_cipher_suite() {
    let servers = Servers::new();
    let with = |suite: &str| {
        let preferences = Preferences::default().cipher_suites(suite);
        servers.build(Acceptor::builder(identity("server")).preferences(preferences))
    };
    let (former, strict) = (
        with("ECDHE-ECDSA-AES128-GCM-SHA256"),
        with("ECDHE-ECDSA-AES256-GCM-SHA384"),
    );
    let connector = patiently(Connector::builder(roots()));
    let ticket = servers.ticket(&former, &connector).await;
    let (server, client) = servers.attempt(&strict, &connector, Some(&ticket)).await;
    assert_eq!(
        server.unwrap().info().cipher,
        "ECDHE-ECDSA-AES256-GCM-SHA384"
    );
    assert!(!client.unwrap().info().resumed);
}

#[tokio::test]
async fn who_is_not_welcome_any_more_is_turned_away_in_spite_of_a_ticket() {
    let servers = Servers::new();
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
        let [before, after] = [before, after].map(|acceptor| servers.build(acceptor));
        let connector = patiently(client);
        let ticket = servers.ticket(&before, &connector).await;
        let (server, client) = servers.attempt(&after, &connector, Some(&ticket)).await;
        match server {
            Ok(server) => assert!(welcome && server.info().resumed),
            Err(HandshakeError::NoLongerWelcome) => {
                assert!(!welcome);
                let ended = within(client.unwrap().recv(&mut [0; 9])).await;
                assert_eq!(ended.unwrap(), None, "a close_notify");
            }
            Err(error) => panic!("{error:?}"),
        }
    }
}

/// A fleet with one secret, so that nothing but the settings tells its servers apart.
struct Servers(SharedSecret);

impl Servers {
    fn new() -> Self {
        Self(SharedSecret::random().unwrap())
    }

    fn build(&self, builder: AcceptorBuilder) -> Acceptor {
        let builder = builder.session(patient()).shared_secret(self.0.clone());
        builder.build().unwrap()
    }

    async fn ticket(&self, acceptor: &Acceptor, connector: &Connector) -> Resumption {
        let (server, client) = self.attempt(acceptor, connector, None).await;
        let (server, client) = (server.unwrap(), client.unwrap());
        assert!(!server.info().resumed);
        client.resumption().unwrap()
    }

    async fn attempt(
        &self,
        acceptor: &Acceptor,
        connector: &Connector,
        ticket: Option<&Resumption>,
    ) -> (Outcome, Outcome) {
        match ticket {
            Some(ticket) => resumed(acceptor, connector, ticket).await,
            None => outcomes_of(acceptor, connector, "localhost").await,
        }
    }
}

fn patiently(builder: ConnectorBuilder) -> Connector {
    builder.session(patient()).build().unwrap()
}

fn keys() -> PskKeys {
    PskKeys::from_lines("a:00112233445566778899aabbccddeeff").unwrap()
}

fn psk() -> Psk {
    Psk::parse("a:00112233445566778899aabbccddeeff").unwrap()
}
