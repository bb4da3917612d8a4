//! Which versions are negotiated, and which cannot be.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::*;
use dtls_session::{
    Acceptor, BuildError, Connector, HandshakeError, Limits, Preferences, Psk, PskKeys, Session,
    Version,
};

fn from(min: Version, max: Version) -> Preferences {
    Preferences::default().min_version(min).max_version(max)
}

fn preferring(preferences: &Preferences) -> (Acceptor, Connector) {
    build(preferences).unwrap()
}

#[tokio::test]
async fn dtls_1_2_is_the_default() {
    let (server, client) = default_sessions().await;
    assert_eq!(
        (server.info().version, client.info().version),
        (Version::Dtls12, Version::Dtls12)
    );
}

#[tokio::test]
async fn dtls_1_0_is_spoken_only_if_both_sides_ask_for_it() {
    let old = from(Version::Dtls10, Version::Dtls10);
    let any_version = from(Version::Dtls10, Version::Dtls12);
    let mut server = serve(preferring(&any_version).0, Limits::default());
    let (_, old) = preferring(&old);
    let client = old.connect("localhost").over(open(any(), server.addr));
    let client = within(client).await.unwrap();
    assert_eq!(client.info().version, Version::Dtls10);
    exchange(&server.next().await, &client).await;
    let client = connector(patient())
        .connect("localhost")
        .over(open(any(), server.addr));
    let client = within(client).await.unwrap();
    assert_eq!(client.info().version, Version::Dtls12);
    assert!(
        client.info().cipher.contains("GCM"),
        "{}",
        client.info().cipher
    );

    let (server, client) = pipe(lossless());
    let accepting = tokio::spawn(acceptor(patient()).accept(server));
    let client = within(old.connect("localhost").over(client)).await;
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
async fn keys_are_not_for_dtls_1_3() {
    let newest = || from(Version::Dtls12, Version::Dtls13);
    let keys = PskKeys::from_lines("a:0011").unwrap();
    let acceptors = [
        Acceptor::with_psk(keys.clone()),
        Acceptor::builder(identity("server")).psk(keys),
    ];
    for acceptor in acceptors {
        let built = acceptor.preferences(newest()).build();
        assert!(matches!(built, Err(BuildError::PskWithDtls13)), "{built:?}");
    }
    let connector = Connector::with_psk(Psk::parse("a:0011").unwrap());
    let built = connector.preferences(newest()).build();
    assert!(matches!(built, Err(BuildError::PskWithDtls13)), "{built:?}");
}

#[tokio::test]
async fn a_forged_record_does_not_end_a_session_of_dtls_1_0() {
    let old = from(Version::Dtls10, Version::Dtls10);
    let (server, client) = pipe(lossless());
    let injectors = [server.injector(), client.injector()];
    let (acceptor, connector) = preferring(&old);
    let (server, client) = sessions(&acceptor, &connector, (server, client)).await;
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
    let error = build(&from(Version::Dtls12, Version::Dtls10)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no version from DTLS 1.2 to DTLS 1.0"
    );
}

/// With an OpenSSL that has DTLS 1.3 this runs it, over a pipe and through a listener; with an older
/// one it is refused by name.
#[tokio::test]
async fn dtls_1_3_is_spoken_or_refused_by_name() {
    let newest = from(Version::Dtls12, Version::Dtls13);
    if !Version::Dtls13.is_available() {
        for preferences in [newest, from(Version::Dtls13, Version::Dtls13)] {
            let error = build(&preferences).unwrap_err();
            assert!(matches!(error, BuildError::VersionUnavailable { .. }));
            let (needed, found) = ("OpenSSL 4.1 or newer", openssl::version::version());
            let told = error.to_string();
            assert!(told.contains(needed) && told.contains(found), "{told}");
        }
        return;
    }
    let (acceptor, connector) = preferring(&newest);
    let (server, client) = sessions(&acceptor, &connector, pipe(lossless())).await;
    assert_eq!(
        (server.info().version, client.info().version),
        (Version::Dtls13, Version::Dtls13)
    );
    talk(&server, &client).await;
    let mut server = serve(acceptor, Limits::default());
    let older = preferring(&Preferences::default()).1;
    for (connector, version) in [(connector, Version::Dtls13), (older, Version::Dtls12)] {
        let client = connector
            .connect("localhost")
            .over(open(any(), server.addr));
        let client = within(client).await.unwrap();
        assert_eq!(client.info().version, version);
        exchange(&server.next().await, &client).await;
    }
}

#[test]
fn versions_are_read_as_they_are_written() {
    for (text, version) in [
        ("1.0", Version::Dtls10),
        ("1.2", Version::Dtls12),
        ("1.3", Version::Dtls13),
    ] {
        assert_eq!(text.parse(), Ok(version));
        assert_eq!(version.to_string(), format!("DTLS {text}"));
    }
    for text in ["1.1", "", "DTLS 1.2", "1.4"] {
        let error = text.parse::<Version>().unwrap_err();
        assert!(error.to_string().contains(text));
    }
    assert!(Version::Dtls12.is_available());
}

fn build(preferences: &Preferences) -> Result<(Acceptor, Connector), BuildError> {
    let server = Acceptor::builder(identity("server")).session(patient());
    let client = Connector::builder(roots()).session(patient());
    let server = server.preferences(preferences.clone()).build();
    let client = client.preferences(preferences.clone()).build();
    assert_eq!(server.is_ok(), client.is_ok());
    Ok((server?, client?))
}

/// Largest datagrams both ways, and a close that is noticed.
async fn talk(server: &Session, client: &Session) {
    echo_once(server, client).await;
    let largest = vec![7; client.max_datagram_size()];
    client.send(&largest).await.unwrap();
    let mut buf = [0; 2048];
    let length = within(server.recv(&mut buf)).await.unwrap().unwrap();
    assert_eq!(buf[..length], largest);
    client.close();
    while within(server.recv(&mut buf)).await.unwrap().is_some() {}
}
