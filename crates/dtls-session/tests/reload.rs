//! A listener that gets another acceptor while it serves.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::*;
use dtls_session::{Acceptor, Connector, Limits, Listener, Session, SharedSecret};
use udp_demux::Endpoint;

#[tokio::test]
async fn new_clients_meet_the_new_identity_and_nobody_else_notices() {
    let mut server = serve(acceptor(patient()), Limits::default());
    let before = within(
        anybody()
            .connect("localhost")
            .over(open(any(), server.addr)),
    )
    .await
    .unwrap();
    let old = server.next().await;
    server.listener.set_acceptor(other());
    let after = within(
        anybody()
            .connect("localhost")
            .over(open(any(), server.addr)),
    )
    .await
    .unwrap();
    let new = server.next().await;
    assert_eq!(shown_by(&before), "server");
    assert_eq!(shown_by(&after), "client");
    exchange(&old, &before).await;
    exchange(&new, &after).await;
}

#[tokio::test]
async fn a_handshake_ends_as_it_began() {
    let listener = Listener::bind(any(), acceptor(patient()), Limits::default()).unwrap();
    let addr = listener.local_addr();
    let connecting = tokio::spawn(anybody().connect("localhost").over(open(any(), addr)));
    let handshake = within(listener.accept()).await.unwrap();
    listener.set_acceptor(other());
    let server = tokio::spawn(handshake);
    let client = within(connecting).await.unwrap().unwrap();
    assert_eq!(shown_by(&client), "server");
    exchange(&within(server).await.unwrap().unwrap(), &client).await;
}

#[tokio::test]
async fn siblings_get_it_too() {
    let limits = Limits::default();
    let first = Listener::bind(any(), acceptor(patient()), limits).unwrap();
    let endpoint = Endpoint::bind(any(), Listener::endpoint_config(&limits)).unwrap();
    let sibling = first.sibling(endpoint);
    first.set_acceptor(other());
    let addr = sibling.local_addr();
    let connecting = tokio::spawn(anybody().connect("localhost").over(open(any(), addr)));
    let server = tokio::spawn(within(sibling.accept()).await.unwrap());
    assert_eq!(
        shown_by(&within(connecting).await.unwrap().unwrap()),
        "client"
    );
    drop(within(server).await.unwrap());
}

#[tokio::test]
async fn tickets_and_cookies_outlive_it_if_the_secret_does() {
    let mut server = serve(acceptor(patient()), Limits::default());
    let connector = anybody();
    let connect = || {
        connector
            .connect("localhost")
            .resume()
            .over(open(any(), server.addr))
    };
    assert!(!within(connect()).await.unwrap().info().resumed);
    let (client, _, hello) = hellos(server.addr, patient()).await;
    let secret = server.listener.acceptor().shared_secret().clone();
    server.listener.set_acceptor(with(secret));
    let before = server.listener.stats();
    client.send_to(&hello, server.addr).await.unwrap();
    server.reach(|stats| stats.accepted > before.accepted).await;
    assert_eq!(server.listener.stats().challenged, before.challenged);
    assert!(within(connect()).await.unwrap().info().resumed);
    server
        .listener
        .set_acceptor(with(SharedSecret::random().unwrap()));
    assert!(!within(connect()).await.unwrap().info().resumed);
    drop(server.next().await);
}

/// Serves with the identity of `certs/client.pem`.
fn other() -> Acceptor {
    with(SharedSecret::random().unwrap())
}

fn with(secret: SharedSecret) -> Acceptor {
    Acceptor::builder(identity("client"))
        .session(patient())
        .shared_secret(secret)
        .build()
        .unwrap()
}

fn anybody() -> Connector {
    Connector::builder(roots())
        .session(patient())
        .danger_accept_any_certificate()
        .build()
        .unwrap()
}

/// Whose certificate of `certs/` it is.
fn shown_by(client: &Session) -> &'static str {
    let shown = client.info().peer_certificates.clone();
    ["server", "client"]
        .into_iter()
        .find(|name| shown == identity(name).certificates())
        .unwrap()
}
