//! SIGHUP: new files for a server that goes on.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(unix)]

mod common;

use common::{Files, Server, cert, client, run, self_signed};

#[tokio::test]
async fn new_clients_get_the_new_certificate_and_sessions_go_on() {
    let files = Files::new();
    let (old, new) = (self_signed(), self_signed());
    let (ca_of_old, ca_of_new) = (
        files.write("old.pem", &old.0),
        files.write("new.pem", &new.0),
    );
    let (pem, key) = (
        files.write("cert.pem", &old.0),
        files.write("key.pem", &old.1),
    );
    // One socket for each, and all of them get it.
    let flags = ["--cert", &pem, "--key", &key, "--shards", "4"];
    let server = Server::start(&flags).await;
    let mut living = client(&server.addr, &["--ca", &ca_of_old]);
    living.write(b"one\n").await;
    living.says("Echo: one\n").await;
    files.write("cert.pem", &new.0);
    files.write("key.pem", &new.1);
    server.program.signal("-HUP");
    server.program.logs("reloaded").await;
    for _ in 0..16 {
        let ended = run(&server.addr, &["--ca", &ca_of_new], b"x\n").await;
        assert_eq!(
            (ended.code, &*ended.out),
            (Some(0), "Echo: x\n"),
            "{ended:?}"
        );
    }
    run(&server.addr, &["--ca", &ca_of_old], b"x\n")
        .await
        .fails_with(1, &["certificate is refused"]);
    living.write(b"two\n").await;
    living.says("Echo: two\n").await;
    assert_eq!(living.end().await.code, Some(0));
}

#[tokio::test]
async fn broken_files_change_nothing_and_are_named() {
    let files = Files::new();
    let (pem, key) = (cert("server.pem"), cert("server.key"));
    let (pem, key) = (std::fs::read(pem).unwrap(), std::fs::read(key).unwrap());
    let secret = format!("{}\n", "0a".repeat(32));
    let paths = [
        files.write("cert.pem", &pem),
        files.write("key.pem", &key),
        files.write("secret", &secret),
    ];
    let flags = [
        "--cert",
        &paths[0],
        "--key",
        &paths[1],
        "--shared-secret",
        &paths[2],
    ];
    let server = Server::start(&flags).await;
    let other_key = std::fs::read(cert("client.key")).unwrap();
    for (turn, (name, broken, good, word)) in (1..).zip([
        ("cert.pem", &b"junk"[..], &pem[..], "no certificate"),
        ("key.pem", &other_key, &key, "does not belong"),
        ("secret", b"short\n", secret.as_bytes(), "line 1"),
    ]) {
        files.write(name, broken);
        server.program.signal("-HUP");
        server
            .program
            .logs_times("cannot reload, and goes on as before", turn)
            .await;
        server.program.logs(word).await;
        assert_eq!(run(&server.addr, &[], b"x\n").await.out, "Echo: x\n");
        files.write(name, good);
    }
    server.program.signal("-HUP");
    server.program.logs("reloaded").await;
    let log = server.program.stop().await.err;
    assert_eq!(log.matches("ERROR").count(), 3, "{log}");
    for path in paths {
        assert!(log.contains(&path), "no {path} in {log}");
    }
}

#[tokio::test]
async fn without_files_there_is_nothing_to_lose() {
    let (server, files) = (Server::start(&[]).await, Files::new());
    let session = files.path("session");
    run(&server.addr, &["--session", &session], b"x\n").await;
    server.program.signal("-HUP");
    server.program.logs("reloaded").await;
    assert_eq!(
        run(&server.addr, &["--session", &session], b"x\n")
            .await
            .out,
        "Echo: x\n"
    );
    server.program.logs("resumed=true").await;
}
