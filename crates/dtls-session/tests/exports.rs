//! What leaves a session for other uses: exported keys, SRTP's keys, the key log.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::sync::{Arc, Mutex};

use common::*;
use dtls_session::{
    Acceptor, AcceptorBuilder, Connector, ConnectorBuilder, ExportError, KeyLog, Session,
    SrtpProfile,
};

#[tokio::test]
async fn both_sides_export_the_same() {
    let (server, client) = default_sessions().await;
    let export = |session: &Session<Pipe>, length, label, context| {
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
    let (other, _) = default_sessions().await;
    assert_ne!(
        export(&server, 48, label, None),
        export(&other, 48, label, None)
    );
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
async fn the_servers_wish_decides_on_srtp() {
    use SrtpProfile::*;
    let all = SrtpProfile::ALL;
    for (servers, clients, agreed) in [
        (&all[..], &all[..], Some(AeadAes256Gcm)),
        (&[AeadAes128Gcm, AeadAes256Gcm], &all, Some(AeadAes128Gcm)),
        (&all, &[Aes128CmHmacSha1_32], Some(Aes128CmHmacSha1_32)),
        (&all, &[Aes128CmHmacSha1_80], Some(Aes128CmHmacSha1_80)),
        (&[AeadAes128Gcm], &[AeadAes256Gcm], None),
        (&[], &all, None),
        (&all, &[], None),
    ] {
        let acceptor = server().srtp_profiles(servers.iter().copied()).build();
        let connector = client().srtp_profiles(clients.iter().copied()).build();
        let pipes = pipe(lossless());
        let (server, client) = sessions(&acceptor.unwrap(), &connector.unwrap(), pipes).await;
        assert_eq!(server.info().srtp_profile, agreed);
        assert_eq!(client.info().srtp_profile, agreed);
        let (ours, theirs) = (server.srtp_keys().unwrap(), client.srtp_keys().unwrap());
        let Some(profile) = agreed else {
            assert!(ours.is_none() && theirs.is_none());
            continue;
        };
        let (ours, theirs) = (ours.unwrap(), theirs.unwrap());
        assert_eq!((ours.profile(), theirs.profile()), (profile, profile));
        assert!(ours.client() == theirs.client() && ours.server() == theirs.server());
        assert!(ours.client().key != ours.server().key);
        assert_eq!(ours.client().key.len(), profile.key_len());
        assert_eq!(ours.server().salt.len(), profile.salt_len());
    }
}

#[tokio::test]
async fn a_resumed_session_agrees_on_srtp_anew() {
    let profile = SrtpProfile::AeadAes128Gcm;
    let acceptor = server().srtp_profiles([profile]).build().unwrap();
    let connector = client().srtp_profiles([profile]).build().unwrap();
    let (_, first) = sessions(&acceptor, &connector, pipe(lossless())).await;
    let (to_client, to_server) = pipe(lossless());
    let accepting = tokio::spawn(acceptor.accept(to_client));
    let resumption = first.resumption().unwrap();
    let second = within(connector.resume("localhost", &resumption, to_server)).await;
    let (second, _server) = (second.unwrap(), within(accepting).await.unwrap().unwrap());
    assert!(second.resumed());
    let keys = |session: &Session<Pipe>| session.srtp_keys().unwrap().unwrap();
    assert!(keys(&first).client() != keys(&second).client());
}

#[tokio::test]
async fn both_sides_log_the_same_secret() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let log = KeyLog::new({
        let lines = Arc::clone(&lines);
        move |line| lines.lock().unwrap().push(line.to_owned())
    });
    let acceptor = server().key_log(log.clone()).build().unwrap();
    let connector = client().key_log(log).build().unwrap();
    let _sessions = sessions(&acceptor, &connector, pipe(lossless())).await;
    let lines = lines.lock().unwrap();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines[0], lines[1]);
    let parts: Vec<_> = lines[0].split(' ').collect();
    assert_eq!(parts[0], "CLIENT_RANDOM");
    assert_eq!((parts[1].len(), parts[2].len()), (64, 96));
}

#[tokio::test]
async fn a_key_log_file_is_private_and_appended_to() {
    let path = std::env::temp_dir().join(format!("dtls-session-keys-{}", std::process::id()));
    for run in 1..=2 {
        let log = KeyLog::to_file(&path).unwrap();
        let connector = client().key_log(log).build().unwrap();
        let acceptor = server().build().unwrap();
        let _sessions = sessions(&acceptor, &connector, pipe(lossless())).await;
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.matches("CLIENT_RANDOM ").count(), run);
        assert!(text.ends_with('\n'));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    std::fs::remove_file(&path).unwrap();
    let nowhere = KeyLog::to_file("/no/such/directory/keys");
    assert_eq!(nowhere.unwrap_err().kind(), std::io::ErrorKind::NotFound);
    assert_eq!(format!("{:?}", KeyLog::new(|_| ())), "KeyLog { .. }");
}

fn server() -> AcceptorBuilder {
    Acceptor::builder(identity("server")).session(patient())
}

fn client() -> ConnectorBuilder {
    Connector::builder(roots()).session(patient())
}
