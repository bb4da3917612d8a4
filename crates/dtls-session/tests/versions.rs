//! Which versions are negotiated, and which cannot be.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::{
    Pipe, acceptor, any, connector, echo_once, exchange, identity, lossless, open, patient, pipe,
    roots, serve, sessions, within,
};
use dtls_session::{
    Acceptor, BuildError, Connector, HandshakeError, Limits, Session, SessionConfig, Version,
};

fn from(min: Version, max: Version) -> SessionConfig {
    patient().min_version(min).max_version(max)
}

#[tokio::test]
async fn dtls_1_2_is_the_default() {
    let (server, client) = common::default_sessions().await;
    assert_eq!(
        (server.version(), client.version()),
        ("DTLSv1.2", "DTLSv1.2")
    );
}

#[tokio::test]
async fn dtls_1_0_is_spoken_only_if_both_sides_ask_for_it() {
    let old = from(Version::Dtls1_0, Version::Dtls1_0);
    let any_version = from(Version::Dtls1_0, Version::Dtls1_2);
    let mut server = serve(acceptor(any_version.clone()), Limits::default());
    let client = connector(old.clone()).connect("localhost", open(any(), server.addr));
    let client = within(client).await.unwrap();
    assert_eq!(client.version(), "DTLSv1");
    exchange(&server.next().await, &client).await;
    let client = connector(patient()).connect("localhost", open(any(), server.addr));
    let client = within(client).await.unwrap();
    assert_eq!(client.version(), "DTLSv1.2");
    assert!(client.cipher().contains("GCM"), "{}", client.cipher());

    let (server, client) = pipe(lossless());
    let accepting = tokio::spawn(acceptor(patient()).accept(server));
    let client = within(connector(old).connect("localhost", client)).await;
    assert!(
        matches!(client, Err(HandshakeError::NoCommonVersion)),
        "{client:?}"
    );
    let server = within(accepting).await.unwrap();
    assert!(
        matches!(server, Err(HandshakeError::NoCommonVersion)),
        "{server:?}"
    );
}

#[tokio::test]
async fn a_forged_record_does_not_end_a_session_of_dtls_1_0() {
    let old = from(Version::Dtls1_0, Version::Dtls1_0);
    let (server, client) = pipe(lossless());
    let injectors = [server.injector(), client.injector()];
    let (server, client) =
        sessions(&acceptor(old.clone()), &connector(old), (server, client)).await;
    for injector in injectors {
        for length in [0, 20, 48, 64] {
            let mut record = vec![23, 0xfe, 0xff, 0, 1, 0, 0, 0, 0, 1, 0, 0, length];
            record.resize(13 + usize::from(length), 7);
            injector.send(record).await.unwrap();
        }
    }
    echo_once(&server, &client).await;
}

#[test]
fn a_range_of_nothing_is_refused() {
    let error = build(from(Version::Dtls1_2, Version::Dtls1_0)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no version from DTLS 1.2 to DTLS 1.0"
    );
}

/// With an OpenSSL that has DTLS 1.3 this runs it, over a pipe and through a listener; with an older
/// one it is refused by name.
#[tokio::test]
async fn dtls_1_3_is_spoken_or_refused_by_name() {
    let newest = from(Version::Dtls1_2, Version::Dtls1_3);
    if !Version::Dtls1_3.is_available() {
        for config in [newest, from(Version::Dtls1_3, Version::Dtls1_3)] {
            let error = build(config).unwrap_err();
            assert!(matches!(error, BuildError::VersionUnavailable { .. }));
            let (needed, found) = ("OpenSSL 4.1 or newer", openssl::version::version());
            let told = error.to_string();
            assert!(told.contains(needed) && told.contains(found), "{told}");
        }
        return;
    }
    let (acceptor, connector) = (acceptor(newest.clone()), connector(newest));
    let (server, client) = sessions(&acceptor, &connector, pipe(lossless())).await;
    assert_eq!(
        (server.version(), client.version()),
        ("DTLSv1.3", "DTLSv1.3")
    );
    talk(&server, &client).await;
    let mut server = serve(acceptor, Limits::default());
    for (connector, version) in [
        (connector, "DTLSv1.3"),
        (common::connector(patient()), "DTLSv1.2"),
    ] {
        let client = connector.connect("localhost", open(any(), server.addr));
        let client = within(client).await.unwrap();
        assert_eq!(client.version(), version);
        exchange(&server.next().await, &client).await;
    }
}

#[test]
fn versions_are_read_as_they_are_written() {
    for (text, version) in [
        ("1.0", Version::Dtls1_0),
        ("1.2", Version::Dtls1_2),
        ("1.3", Version::Dtls1_3),
    ] {
        assert_eq!(text.parse(), Ok(version));
        assert_eq!(version.to_string(), format!("DTLS {text}"));
    }
    for text in ["1.1", "", "DTLS 1.2", "1.4"] {
        let error = text.parse::<Version>().unwrap_err();
        assert!(error.to_string().contains(text));
    }
    assert!(Version::Dtls1_2.is_available());
}

fn build(config: SessionConfig) -> Result<(), BuildError> {
    let server = Acceptor::builder(identity("server")).session(config.clone());
    let client = Connector::builder(roots()).session(config);
    let outcome = server.build().map(drop);
    assert_eq!(outcome.is_ok(), client.build().is_ok());
    outcome
}

/// Largest datagrams both ways, and a close that is noticed.
async fn talk(server: &Session<Pipe>, client: &Session<Pipe>) {
    echo_once(server, client).await;
    let largest = vec![7; client.max_datagram_size()];
    client.send(&largest).await.unwrap();
    let mut buf = [0; 2048];
    let length = within(server.recv(&mut buf)).await.unwrap().unwrap();
    assert_eq!(buf[..length], largest);
    client.close().await;
    while within(server.recv(&mut buf)).await.unwrap().is_some() {}
}
