//! Mbed TLS, which has no program of its own for this: its client here is compiled by the test.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    KEY,
    common::{Files, Program, Server, cert},
};

/// Compiles the client; None if this machine has no compiler or no Mbed TLS.
pub(crate) fn build() -> Option<PathBuf> {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mbedtls_client");
    let source = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/negotiation/mbedtls_client.c"
    );
    let mut cc = Command::new("cc");
    cc.args(["-Wall", "-Wextra", "-Werror", source, "-o"])
        .arg(&program);
    cc.args(["-lmbedtls", "-lmbedx509", "-lmbedcrypto"]);
    let compiled = cc.output().ok()?;
    let words = String::from_utf8_lossy(&compiled.stderr);
    let missing = words.contains("No such file") || words.contains("cannot find -lmbed");
    assert!(compiled.status.success() || missing, "{words}");
    compiled.status.success().then_some(program)
}

pub(crate) async fn psk(program: PathBuf) {
    let files = Files::new();
    let keys = files.write("keys", format!("device:{KEY}"));
    let server = Server::start(&["--psk-file", &keys, "--allow-plain-psk", "--allow-ccm8"]).await;
    for suite in [
        "TLS-ECDHE-PSK-WITH-CHACHA20-POLY1305-SHA256",
        "TLS-PSK-WITH-AES-128-GCM-SHA256",
        "TLS-PSK-WITH-AES-128-CCM",
        "TLS-PSK-WITH-AES-128-CCM-8",
    ] {
        let args = [server.port(), suite, "psk", DEVICE, KEY];
        let ended = start(&program, &args).end().await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let expected = format!("suite {suite}\nprotocol none\nEcho: hello\n");
        assert_eq!(ended.out, expected);
    }
    server.program.logs_times("psk=\"device\"", 4).await;
    let own = "record_protection=\"own\"";
    server.program.logs_times(own, 4).await;

    let openssls = ["--psk-file", &keys, "--records", "openssl"];
    let server = Server::start(&openssls).await;
    let suite = "TLS-ECDHE-PSK-WITH-CHACHA20-POLY1305-SHA256";
    let args = [server.port(), suite, "psk", DEVICE, KEY];
    let ended = start(&program, &args).end().await;
    assert!(ended.out.ends_with("\nEcho: hello\n"), "{ended:?}");
    server.program.logs("record_protection=\"openssl\"").await;
}

/// OpenSSL takes the zero byte for the identity's end.
pub(crate) async fn zero_byte(program: PathBuf) {
    let files = Files::new();
    let keys = files.write("keys", format!("device:{KEY}"));
    let server = Server::start(&["--psk-file", &keys, "--handshake-timeout", "2"]).await;
    let suite = "TLS-ECDHE-PSK-WITH-CHACHA20-POLY1305-SHA256";
    let evil = format!("{DEVICE}006576696c");
    let args = [server.port(), suite, "psk", &evil, KEY];
    let peer = start(&program, &args);
    let failed = "there is no pre-shared key for the client's identity";
    let line = server.program.logs_line(failed).await;
    assert!(line.contains("psk=\"device\\0evil\""), "{line}");
    assert_eq!(server.program.logged("session started"), 0);
    peer.kill().await;
    let args = [server.port(), suite, "psk", DEVICE, KEY];
    let ended = start(&program, &args).end().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

pub(crate) async fn certificates(program: PathBuf) {
    let (ca, pem, key) = (cert("ca.pem"), cert("client.pem"), cert("client.key"));
    let server = Server::start(&["--client-ca", &ca, "--alpn", "coap,echo", "--allow-ccm8"]).await;
    for suite in [
        "TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256",
        "TLS-ECDHE-ECDSA-WITH-AES-128-CCM",
        "TLS-ECDHE-ECDSA-WITH-AES-128-CCM-8",
    ] {
        let files = [&*ca, &pem, &key, "localhost", "echo"];
        let args = [&[server.port(), suite, "cert"], &files[..]].concat();
        let ended = start(&program, &args).end().await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let expected = format!("suite {suite}\nprotocol echo\nEcho: hello\n");
        assert_eq!(ended.out, expected);
    }
    server
        .program
        .logs_times("record_protection=\"own\"", 3)
        .await;
    server.program.logs("DTLS echo development client").await;
    server.program.logs("name=\"localhost\"").await;
}

/// `device` in hexadecimal digits.
pub(crate) const DEVICE: &str = "646576696365";

fn start(program: &Path, args: &[&str]) -> Program {
    Program::start(program.to_str().expect("it is UTF-8"), args)
}
