//! Sessions that outlive a client, and a server.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::{Files, Program, Server, run};

const A: &str = "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a";
const B: &str = "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b";

#[tokio::test]
async fn the_next_run_resumes_the_session_of_the_last() {
    let (server, files) = (Server::start(&[]).await, Files::new());
    let session = files.path("session");
    for resumed in ["resumed=false", "resumed=true", "resumed=true"] {
        let ended = run(&server.addr, &["--session", &session], b"x\n").await;
        assert_eq!(
            (ended.code, &*ended.out, &*ended.err),
            (Some(0), "Echo: x\n", "")
        );
        // The file, and nothing beside it.
        assert_eq!(files.count(), 1);
        server.program.logs(resumed).await;
    }
    assert_eq!(started(server).await, ["false", "true", "true"]);
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let (server, files) = (Server::start(&[]).await, Files::new());
    // Not even where it was readable before.
    let session = files.write("session", "");
    for _ in 0..2 {
        assert_eq!(
            run(&server.addr, &["--session", &session], b"x\n")
                .await
                .code,
            Some(0)
        );
        let mode = std::fs::metadata(&session).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_file_of_no_use_costs_a_warning_and_a_full_handshake() {
    let (server, files) = (Server::start(&[]).await, Files::new());
    let session = files.path("session");
    run(&server.addr, &["--session", &session], b"x\n").await;
    let good = files.read("session");
    let half = &good[..good.len() / 2];
    for (content, flags, word) in [
        (half, &[][..], "no exported session"),
        (&[], &[], "no exported session"),
        (b"\xff\0junk", &[], "no exported session"),
        (
            &good,
            &["--server-name", "localhost"],
            "another server name",
        ),
        (&good, &["--insecure"], "another server name, authority"),
    ] {
        files.write("session", content);
        let flags = [&["--session", &session], flags].concat();
        let ended = run(&server.addr, &flags, b"x\n").await;
        assert_eq!(
            (ended.code, &*ended.out),
            (Some(0), "Echo: x\n"),
            "{ended:?}"
        );
        assert!(
            ended.err.contains("WARN") && ended.err.contains(&session),
            "{ended:?}"
        );
        assert!(ended.err.contains(word), "no {word:?} in {ended:?}");
        // It was put right.
        let ended = run(&server.addr, &flags, b"x\n").await;
        assert_eq!((ended.code, &*ended.err), (Some(0), ""));
    }
    let expected: Vec<_> = std::iter::once("false")
        .chain(["false", "true"].repeat(5))
        .collect();
    assert_eq!(started(server).await, expected);
}

#[tokio::test]
async fn a_session_with_wrong_keys_is_given_up() {
    let (server, files) = (Server::start(&[]).await, Files::new());
    let session = files.path("session");
    run(&server.addr, &["--session", &session], b"x\n").await;
    let mut der = files.read("session");
    // The master secret: an OCTET STRING of 48 bytes.
    let place = der.windows(2).position(|bytes| bytes == [4, 48]).unwrap() + 2;
    der[place] ^= 1;
    files.write("session", der);
    let ended = run(&server.addr, &["--session", &session], b"x\n").await;
    assert_eq!(
        (ended.code, &*ended.out),
        (Some(0), "Echo: x\n"),
        "{ended:?}"
    );
    assert_eq!(started(server).await, ["false", "false"]);
}

#[tokio::test]
async fn a_place_that_cannot_be_written_costs_a_warning() {
    let server = Server::start(&[]).await;
    let ended = run(&server.addr, &["--session", "/no/such/session"], b"x\n").await;
    assert_eq!((ended.code, &*ended.out), (Some(0), "Echo: x\n"));
    assert!(
        ended
            .err
            .contains("cannot keep the session in /no/such/session"),
        "{ended:?}"
    );
}

#[tokio::test]
async fn a_client_goes_on_with_another_server_of_the_same_secret() {
    let files = Files::new();
    let secret = files.write("secret", format!("# the fleet's\n{A}\n"));
    let flags = ["--shared-secret", &*secret];
    let (first, second) = (Server::start(&flags).await, Server::start(&flags).await);
    let stranger = Server::start(&[]).await;
    let session = files.path("session");
    for server in [&first, &second, &first, &stranger] {
        let ended = run(&server.addr, &["--session", &session], b"x\n").await;
        assert_eq!((ended.code, &*ended.err), (Some(0), ""));
    }
    assert_eq!(started(first).await, ["false", "true"]);
    assert_eq!(started(second).await, ["true"]);
    assert_eq!(started(stranger).await, ["false"]);
}

#[cfg(unix)]
#[tokio::test]
async fn a_secret_is_renewed_in_three_steps_and_no_client_notices() {
    let files = Files::new();
    let secret = files.write("secret", A);
    let flags = ["--shared-secret", &*secret];
    let (one, other) = (Server::start(&flags).await, Server::start(&flags).await);
    let (session, too_late) = (files.path("session"), files.path("too-late"));
    run(&one.addr, &["--session", &session], b"x\n").await;
    run(&one.addr, &["--session", &too_late], b"x\n").await;
    for secrets in [
        format!("{A}\n{B}\n"),
        format!("{B}\n{A}\n"),
        format!("{B}\n"),
    ] {
        files.write("secret", secrets);
        for server in [&one, &other] {
            reload(server).await;
            // Each step is halfway through the fleet.
            run(&one.addr, &["--session", &session], b"x\n").await;
            run(&other.addr, &["--session", &session], b"x\n").await;
        }
    }
    run(&one.addr, &["--session", &too_late], b"x\n").await;
    let of_one = started(one).await;
    let resumed = ["false", "false"]
        .into_iter()
        .chain(["true"; 6])
        .chain(["false"]);
    assert_eq!(of_one, resumed.collect::<Vec<_>>());
    assert_eq!(started(other).await, ["true"; 6]);
}

#[tokio::test]
async fn a_secret_of_no_use_is_named_with_its_line_and_not_shown() {
    let files = Files::new();
    let server = env!("CARGO_BIN_EXE_dtls-echo-server");
    for (content, words) in [
        (String::new(), &["there is no secret"][..]),
        (
            format!("{A}\n\n{}", "cd".repeat(31)),
            &["line 3", "31 bytes", "openssl rand -hex 32"],
        ),
        (format!("{A}\n{B}x"), &["line 2", "hexadecimal"]),
    ] {
        let path = files.write("secret", content);
        let ended = Program::start(server, &["127.0.0.1:0", "--shared-secret", &path])
            .end()
            .await;
        ended.fails_with(1, &[&[&*path, "--shared-secret"], words].concat());
        assert!(
            !ended.err.contains("cdcd") && !ended.err.contains("0b0b"),
            "{ended:?}"
        );
    }
    let ended = Program::start(server, &["127.0.0.1:0", "--shared-secret", "/no/secret"])
        .end()
        .await;
    ended.fails_with(1, &["cannot use /no/secret", "No such file"]);
}

/// Makes a server read its files again.
#[cfg(unix)]
async fn reload(server: &Server) {
    let before = server.program.logged("reloaded");
    server.program.signal("-HUP");
    server.program.logs_times("reloaded", before + 1).await;
}

/// Ends a server and tells of each session whether it was resumed.
async fn started(server: Server) -> Vec<String> {
    let log = server.program.stop().await.err;
    log.lines()
        .filter(|line| line.contains("session started"))
        .map(|line| {
            let (_, rest) = line.split_once("resumed=").unwrap();
            rest.split_whitespace().next().unwrap().to_owned()
        })
        .collect()
}
