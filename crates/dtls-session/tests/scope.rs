//! Where a ticket would be a way round what a full handshake asks for.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::*;
use dtls_session::{
    Acceptor, AcceptorBuilder, Connector, ConnectorBuilder, HandshakeError, Preferences, Psk,
    PskKeys, Resumption, Session, SharedSecret,
};

type Outcome = Result<Session<Pipe>, HandshakeError>;

#[tokio::test]
async fn a_key_that_was_fetched_leaves_no_ticket_behind() {
    let servers = Servers::new();
    let acceptor =
        Acceptor::with_psk_fetch(|identity| std::future::ready(keys().get(&identity).cloned()));
    let acceptor = servers.build(acceptor);
    let connector = patiently(Connector::with_psk(psk()));
    let (server, client) = servers.attempt(&acceptor, &connector, None).await;
    assert_eq!(server.unwrap().info().psk_identity.as_deref(), Some("a"));
    assert!(client.unwrap().resumption().is_none());
}

#[tokio::test]
async fn a_ticket_of_certificates_is_no_key() {
    let servers = Servers::new();
    let both = servers.build(Acceptor::builder(identity("server")).psk(keys()));
    let only_keys = servers.build(Acceptor::with_psk(keys()));
    let anonymous = patiently(Connector::builder(roots()));
    let ticket = servers.ticket(&both, &anonymous).await;
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
    assert_eq!(server.unwrap().cipher(), "ECDHE-ECDSA-AES256-GCM-SHA384");
    assert!(!client.unwrap().resumed());
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
        assert!(!server.resumed());
        client.resumption().unwrap()
    }

    async fn attempt(
        &self,
        acceptor: &Acceptor,
        connector: &Connector,
        ticket: Option<&Resumption>,
    ) -> (Outcome, Outcome) {
        let (server, client) = pipe(lossless());
        let client = match ticket {
            Some(ticket) => connector.resume("localhost", ticket, client),
            None => connector.connect("localhost", client),
        };
        within(async { tokio::join!(acceptor.accept(server), client) }).await
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
