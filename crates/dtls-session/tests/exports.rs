//! Keying material for other uses.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::sync::{Arc, Mutex};

use common::*;
use dtls_session::{
    Acceptor, AcceptorBuilder, BuildError, Connector, ConnectorBuilder, ExportError, Preferences,
    Session,
};

#[tokio::test]
async fn length_label_and_context_make_the_material() {
    let (server, client) = default_sessions().await;
    let export = |session: &Session, length, label, context| {
        let mut out = vec![0; length];
        session
            .export_keying_material(&mut out, label, context)
            .unwrap();
        out
    };
    let label = "EXPERIMENTAL test";
    let mut all = Vec::new();
    for context in [None, Some(&b""[..]), Some(b"context"), Some(&[7; 900])] {
        let exported = export(&server, 48, label, context);
        assert_eq!(exported, export(&client, 48, label, context));
        all.push(exported);
    }
    all.push(export(&server, 48, "EXPERIMENTAL other", None));
    // Each is another one, and none is nothing.
    all.push(vec![0; 48]);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 6);
    assert_eq!(export(&server, 0, label, None), []);
    let long = export(&server, 5000, label, None);
    assert_eq!(long, export(&client, 5000, label, None));
    // Another session has others.
    let (other, _client) = default_sessions().await;
    let others = export(&other, 48, label, None);
    assert_ne!(export(&server, 48, label, None), others);
}

#[tokio::test]
async fn what_cannot_be_exported_is_refused_by_name() {
    let (server, client) = default_sessions().await;
    let mut out = [0; 16];
    for label in ["master secret", "key expansion", "client finished"] {
        let error = server
            .export_keying_material(&mut out, label, None)
            .unwrap_err();
        assert!(matches!(&error, ExportError::ReservedLabel { label: l } if l == label));
        assert!(error.to_string().contains(label), "{error}");
    }
    // Its length would be hashed as 0.
    let error = client
        .export_keying_material(&mut out, "EXPERIMENTAL test", Some(&[0; 65_536]))
        .unwrap_err();
    assert!(matches!(
        error,
        ExportError::ContextTooLong { length: 65_536 }
    ));
    assert_eq!(out, [0; 16]);
    echo_once(&server, &client).await;
}

#[tokio::test]
async fn the_servers_order_decides_on_srtp() {
    let all = "SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_80:SRTP_AES128_CM_SHA1_32";
    for (servers, clients, agreed) in [
        (all, all, Some(("SRTP_AEAD_AES_256_GCM", 32, 12))),
        (
            "SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_256_GCM",
            all,
            Some(("SRTP_AES128_CM_SHA1_80", 16, 14)),
        ),
        (
            all,
            "SRTP_AES128_CM_SHA1_32",
            Some(("SRTP_AES128_CM_SHA1_32", 16, 14)),
        ),
        ("SRTP_AEAD_AES_128_GCM", all, None),
    ] {
        let acceptor = server(servers).build().unwrap();
        let connector = client(clients).build().unwrap();
        let (server, client) = sessions(&acceptor, &connector, pipe(lossless())).await;
        let name = agreed.map(|(name, ..)| name);
        assert_eq!(server.info().srtp_profile, name);
        assert_eq!(client.info().srtp_profile, name);
        let (ours, theirs) = (server.srtp_keys().unwrap(), client.srtp_keys().unwrap());
        assert_eq!(
            (ours.is_some(), theirs.is_some()),
            (agreed.is_some(), agreed.is_some())
        );
        if let (Some((name, key, salt)), Some(keys)) = (agreed, ours) {
            assert_eq!(keys.profile(), name);
            assert_eq!(
                (keys.client_key().len(), keys.server_salt().len()),
                (key, salt)
            );
        }
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
    let export = |session: &Session, context| {
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
async fn a_resumed_session_agrees_on_srtp_anew() {
    let profile = "SRTP_AEAD_AES_128_GCM";
    let acceptor = server(profile).build().unwrap();
    let connector = client(profile).build().unwrap();
    let (_, first) = sessions(&acceptor, &connector, pipe(lossless())).await;
    let (to_client, to_server) = pipe(lossless());
    let accepting = tokio::spawn(acceptor.accept(to_client));
    let resumption = first.resumption().unwrap();
    let second = within(
        connector
            .connect("localhost")
            .resume_from(&resumption)
            .over(to_server),
    )
    .await;
    let (second, server) = (second.unwrap(), within(accepting).await.unwrap().unwrap());
    assert!(second.info().resumed);
    let key = |session: &Session| {
        let keys = session.srtp_keys().unwrap().unwrap();
        keys.client_key().to_vec()
    };
    assert_eq!(key(&second), key(&server));
    assert_ne!(key(&second), key(&first));
}

#[tokio::test]
async fn a_key_log_file_is_private_and_appended_to() {
    let path = std::env::temp_dir().join(format!("dtls-session-keys-{}", std::process::id()));
    for run in 1..=2 {
        let logging = Preferences::default().key_log_file(&path).unwrap();
        let connector = Connector::builder(roots()).preferences(logging);
        let connector = connector.session(patient()).build().unwrap();
        let _sessions = sessions(&acceptor(patient()), &connector, pipe(lossless())).await;
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.matches("CLIENT_RANDOM ").count(), run);
        assert_eq!(text.lines().count(), run);
        assert!(text.ends_with('\n'));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    std::fs::remove_file(&path).unwrap();
    let nowhere = Preferences::default().key_log_file("/no/such/directory/keys");
    let error = nowhere.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
}

fn server(profiles: &str) -> AcceptorBuilder {
    let preferences = Preferences::default().srtp_profiles(profiles);
    Acceptor::builder(identity("server"))
        .preferences(preferences)
        .session(patient())
}

fn client(profiles: &str) -> ConnectorBuilder {
    let preferences = Preferences::default().srtp_profiles(profiles);
    Connector::builder(roots())
        .preferences(preferences)
        .session(patient())
}

#[tokio::test]
async fn what_is_exported_at_once_is_all_that_is_left_where_openssl_is_gone() {
    let (label, other) = ("EXPERIMENTAL token", "EXPERIMENTAL other");
    for protection in PROTECTIONS {
        let config = patient()
            .record_protection(protection)
            .export_only([(label, 32)]);
        let (server, client) =
            sessions(&acceptor(config), &connector(patient()), pipe(lossless())).await;
        let (mut ours, mut theirs) = ([0; 32], [0; 32]);
        server
            .export_keying_material(&mut ours, label, None)
            .unwrap();
        client
            .export_keying_material(&mut theirs, label, None)
            .unwrap();
        assert_eq!(ours, theirs);
        let refused = server.export_keying_material(&mut ours, other, None);
        let own = protection == dtls_session::RecordProtection::Own;
        assert_eq!(refused.is_err(), own, "{refused:?}");
        if let Err(error) = refused {
            assert!(matches!(error, ExportError::Forgotten { label } if label == other));
        }
    }
}

#[tokio::test]
async fn what_could_never_be_exported_is_refused_before_there_is_a_session() {
    let config = |label| patient().export_only([("EXPERIMENTAL token", 32), (label, 16)]);
    let reserved = "key expansion";
    let server = Acceptor::builder(identity("server")).session(config(reserved));
    let client = Connector::builder(roots()).session(config(reserved));
    for error in [server.build().unwrap_err(), client.build().unwrap_err()] {
        assert!(
            matches!(&error, BuildError::Export { label, length: 16, .. } if label == reserved),
            "{error}"
        );
    }
    // OpenSSL 3.0 takes a kilobyte, others as much as one likes.
    let long = "EXPERIMENTAL ".repeat(1000);
    let server = Acceptor::builder(identity("server")).session(config(&long));
    match server.build() {
        Ok(acceptor) => {
            let (server, _client) =
                sessions(&acceptor, &connector(patient()), pipe(lossless())).await;
            assert_eq!(server.stats().unproven_keys, 0);
            server
                .export_keying_material(&mut [0; 16], &long, None)
                .unwrap();
        }
        Err(error) => assert!(matches!(error, BuildError::Export { .. }), "{error}"),
    }
}
