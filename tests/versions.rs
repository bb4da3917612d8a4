//! --min-version and --max-version.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::{Program, Server, run};
use dtls_session::Version;

const SERVER: &str = env!("CARGO_BIN_EXE_dtls-echo-server");
const CLIENT: &str = env!("CARGO_BIN_EXE_dtls-echo-client");

#[tokio::test]
async fn the_newest_common_version_is_spoken() {
    let server = Server::start(&["--min-version", "1.0"]).await;
    for (flags, version) in [
        (&[][..], "version=\"DTLS 1.2\""),
        (
            &["--min-version", "1.0", "--max-version", "1.0"],
            "version=\"DTLS 1.0\"",
        ),
    ] {
        let ended = run(&server.addr, flags, b"x\n").await;
        assert_eq!(
            (ended.code, &*ended.out, &*ended.err),
            (Some(0), "Echo: x\n", "")
        );
        server.program.logs(version).await;
    }
}

#[tokio::test]
async fn an_old_client_is_told_why_it_gets_no_session() {
    let server = Server::start(&[]).await;
    let old = ["--min-version", "1.0", "--max-version", "1.0"];
    run(&server.addr, &old, b"x\n")
        .await
        .fails_with(1, &["no protocol version in common", "--min-version"]);
}

#[tokio::test]
async fn a_version_that_is_none_is_a_usage_error() {
    for program in [SERVER, CLIENT] {
        let args = ["127.0.0.1:1", "--max-version", "1.1"];
        Program::start(program, &args)
            .end()
            .await
            .fails_with(2, &["--max-version", "1.0, 1.2 and 1.3"]);
        let args = ["127.0.0.1:1", "--min-version", "1.3"];
        Program::start(program, &args).end().await.fails_with(
            1,
            &["there is no version from DTLS 1.3 to DTLS 1.2 (--min-version, --max-version)"],
        );
    }
}

/// Both programs speak DTLS 1.3 where the linked OpenSSL can; elsewhere they name what is needed.
#[tokio::test]
async fn dtls_1_3_is_spoken_or_refused_by_name() {
    let flags = ["--max-version", "1.3"];
    if Version::Dtls13.is_available() {
        let server = Server::start(&flags).await;
        let ended = run(&server.addr, &flags, b"x\n").await;
        assert_eq!((ended.code, &*ended.out), (Some(0), "Echo: x\n"));
        server.program.logs("version=\"DTLS 1.3\"").await;
        return;
    }
    for program in [SERVER, CLIENT] {
        let args = [&["127.0.0.1:1"], &flags[..]].concat();
        let found = openssl::version::version();
        Program::start(program, &args).end().await.fails_with(
            1,
            &["DTLS 1.3 needs OpenSSL 4.1 or newer", "linked with", found],
        );
    }
}
