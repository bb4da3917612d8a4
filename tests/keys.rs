//! Keys that leave a session: tshark reads what it carried, and OpenSSL exports the same.
//!
//! A test whose peer is not on this machine is reported as ignored, never as passed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{net::SocketAddr, process::ExitCode};

use common::{
    Capture, Ended, Files, Program, Relay, Server, Weather, cert, has, run, trial, within,
};
use dtls_session::{Acceptor, Connector, Identity, Limits, Listener, Preferences, Roots, Session};
use libtest_mimic::Arguments;
use tokio::process::Command;
use udp_demux::{Config, Endpoint};

fn main() -> ExitCode {
    let tshark = has(&["tshark", "--version"]);
    let openssl = has(&["openssl", "version"]);
    let trials = vec![
        trial("tshark_reads_with_the_clients_key_log", tshark, || {
            tshark_reads(Side::Client)
        }),
        trial("tshark_reads_with_the_servers_key_log", tshark, || {
            tshark_reads(Side::Server)
        }),
        trial("the_flag_goes_before_the_environment", true, flag_wins),
        trial("a_key_log_of_no_use_is_named", true, no_use),
        trial("s_client_exports_the_same", openssl, || {
            s_client_exports(None, "EXPERIMENTAL test", 40)
        }),
        trial("s_server_exports_the_same", openssl, || {
            s_server_exports(None, "EXPERIMENTAL test", 40)
        }),
        trial("s_client_has_the_same_srtp_keys", openssl, || {
            s_client_exports(Some(OURS), SRTP_LABEL, 60)
        }),
        trial("s_server_has_the_same_srtp_keys", openssl, || {
            s_server_exports(Some(OURS), SRTP_LABEL, 60)
        }),
        trial("s_client_and_the_server_agree_on_srtp", openssl, || {
            s_client_agrees()
        }),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Client,
    Server,
}

async fn tshark_reads(side: Side) {
    let files = Files::new();
    let keys = files.path("keys");
    let flags: &[&str] = match side {
        Side::Client => &[],
        Side::Server => &["--keylog", &keys],
    };
    let server = Server::start(flags).await;
    let addr: SocketAddr = server.addr.parse().unwrap();
    let capture = Capture::default();
    let relay = Relay::start_recording(addr, Weather::default(), capture.clone())
        .await
        .unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_dtls-echo-client"));
    command.arg(relay.addr().to_string());
    if side == Side::Client {
        command.env("SSLKEYLOGFILE", &keys);
    }
    let mut client = Program::start_with(&mut command);
    client.write(b"nobody else's affair\n").await;
    client.says("Echo: nobody else's affair\n").await;
    let ended = client.end().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let warned = match side {
        Side::Client => ended.err,
        Side::Server => server.program.stop().await.err,
    };
    assert!(warned.contains("can read the sessions") && warned.contains(&keys));
    #[cfg(unix)]
    assert_eq!(files.mode("keys"), 0o600);
    let pcap = files.write("pcap", capture.pcap(addr));
    assert_eq!(tshark(&pcap, addr, &files.write("none", "")).await, "");
    let data = hex(b"nobody else's affair\nEcho: nobody else's affair\n");
    assert_eq!(tshark(&pcap, addr, &keys).await.to_uppercase(), data);
}

/// Returns the data that tshark finds in a capture with a key log, in hexadecimal digits.
async fn tshark(pcap: &str, server: SocketAddr, keys: &str) -> String {
    let keys = format!("tls.keylog_file:{keys}");
    let port = format!("udp.port=={},dtls", server.port());
    let args = [
        "-r", pcap, "-o", &keys, "-d", &port, "-T", "fields", "-e", "data",
    ];
    let ended = Program::start("tshark", &args).end().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended.out.split_whitespace().collect()
}

async fn flag_wins() {
    let files = Files::new();
    let (asked, other) = (files.path("asked"), files.path("other"));
    let server = Server::start(&[]).await;
    for _ in 0..2 {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dtls-echo-client"));
        command.args([&server.addr, "--keylog", &asked]);
        command.env("SSLKEYLOGFILE", &other);
        let ended = Program::start_with(&mut command).end().await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.err.contains("--keylog"), "{ended:?}");
    }
    // It is appended to, and nothing else was made.
    let log = String::from_utf8(files.read("asked")).unwrap();
    assert_eq!(log.matches("CLIENT_RANDOM ").count(), 2, "{log}");
    assert_eq!(files.count(), 1);
    let mut command = Command::new(env!("CARGO_BIN_EXE_dtls-echo-client"));
    command.arg(&server.addr).env("SSLKEYLOGFILE", "");
    let ended = Program::start_with(&mut command).end().await;
    assert_eq!((ended.code, &*ended.err), (Some(0), ""));
}

async fn no_use() {
    let server = Server::start(&[]).await;
    let ended = run(&server.addr, &["--keylog", "/no/keys"], b"").await;
    ended.fails_with(1, &["/no/keys", "--keylog", "No such file"]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_dtls-echo-server"));
    command.arg("127.0.0.1:0").env("SSLKEYLOGFILE", "/no/keys");
    let ended = Program::start_with(&mut command).end().await;
    ended.fails_with(1, &["/no/keys", "SSLKEYLOGFILE", "No such file"]);
}

async fn s_client_exports(profiles: Option<&str>, label: &str, length: usize) {
    let identity = Identity::from_pem_files(cert("server.pem"), cert("server.key")).unwrap();
    let acceptor = Acceptor::builder(identity).preferences(preferences(profiles));
    let acceptor = acceptor.build().unwrap();
    let any = "127.0.0.1:0".parse().unwrap();
    let listener = Listener::bind(any, acceptor, Limits::default()).unwrap();
    let addr = listener.local_addr().to_string();
    let (ca, length_text) = (cert("ca.pem"), length.to_string());
    let mut args = vec!["s_client", "-dtls1_2", "-connect", &addr, "-CAfile", &ca];
    args.extend(["-keymatexport", label, "-keymatexportlen", &length_text]);
    if profiles.is_some() {
        args.extend(["-use_srtp", OFFER]);
    }
    let peer = Program::start("openssl", &args);
    let session = within(async { listener.accept().await.unwrap().await.unwrap() }).await;
    let theirs = peer.says_line("    Keying material: ").await;
    agree(&session, profiles, label, length, &theirs);
    let ended: Ended = peer.end().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    if profiles.is_some() {
        assert!(ended.out.contains(AGREED), "{ended:?}");
    }
}

async fn s_server_exports(profiles: Option<&str>, label: &str, length: usize) {
    let (pem, key) = (cert("server.pem"), cert("server.key"));
    let length_text = length.to_string();
    let mut args = vec!["s_server", "-dtls1_2", "-accept", "127.0.0.1:0"];
    args.extend(["-cert", &pem, "-key", &key]);
    args.extend(["-keymatexport", label, "-keymatexportlen", &length_text]);
    if profiles.is_some() {
        args.extend(["-use_srtp", OFFER]);
    }
    let peer = Program::start("openssl", &args);
    let addr = peer.says_line("ACCEPT ").await.parse().unwrap();
    let roots = Roots::from_pem_file(cert("ca.pem")).unwrap();
    let connector = Connector::builder(roots)
        .preferences(preferences(profiles))
        .build()
        .unwrap();
    let any = "127.0.0.1:0".parse().unwrap();
    let endpoint = Endpoint::bind(any, Config::default()).unwrap();
    let channel = endpoint.open(addr).unwrap();
    let session = within(connector.connect("localhost").over(channel))
        .await
        .unwrap();
    let theirs = peer.says_line("    Keying material: ").await;
    agree(&session, profiles, label, length, &theirs);
}

/// Asserts that our keys are what OpenSSL has printed.
fn agree(session: &Session, profiles: Option<&str>, label: &str, length: usize, theirs: &str) {
    let mut ours = vec![0; length];
    session
        .export_keying_material(&mut ours, label, None)
        .unwrap();
    assert_eq!(hex(&ours), theirs);
    let keys = session.srtp_keys().unwrap();
    assert_eq!(keys.is_some(), profiles.is_some());
    if let Some(keys) = keys {
        assert_eq!(keys.profile(), "SRTP_AES128_CM_SHA1_80");
        let (client, server) = (keys.client_key(), keys.server_key());
        let parts = [client, server, keys.client_salt(), keys.server_salt()];
        assert_eq!(hex(&parts.concat()), theirs);
    }
}

async fn s_client_agrees() {
    let server = Server::start(&["--srtp", "SRTP_AES128_CM_SHA1_80"]).await;
    let args = [
        "s_client",
        "-dtls1_2",
        "-connect",
        &server.addr,
        "-use_srtp",
        OFFER,
    ];
    let peer = Program::start("openssl", &args);
    peer.says(AGREED).await;
    server
        .program
        .logs("srtp_profile=\"SRTP_AES128_CM_SHA1_80\"")
        .await;
    assert_eq!(peer.end().await.code, Some(0));
}

fn preferences(profiles: Option<&str>) -> Preferences {
    match profiles {
        Some(profiles) => Preferences::default().srtp_profiles(profiles),
        None => Preferences::default(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

const OURS: &str = "SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_80";
const OFFER: &str = "SRTP_AES128_CM_SHA1_80:SRTP_AES128_CM_SHA1_32";
const AGREED: &str = "SRTP Extension negotiated, profile=SRTP_AES128_CM_SHA1_80";
const SRTP_LABEL: &str = "EXTRACTOR-dtls_srtp";
