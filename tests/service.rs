//! The server as a service manager runs it: readiness, and an end that leaves time.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(unix)]

mod common;

use common::{Files, Program, Server, client, run, within};
use tokio::{net::UnixDatagram, process::Command};

#[tokio::test]
async fn sessions_may_go_on_while_the_server_drains() {
    // The kernel deals datagrams out among the shards' sockets, as long as all of them are there.
    let server = Server::start(&["--shards", "4", "--drain-timeout", "300"]).await;
    let mut clients: Vec<_> = (0..8).map(|_| client(&server.addr, &[])).collect();
    for client in &mut clients {
        client.write(b"before\n").await;
        client.says("Echo: before\n").await;
    }
    server.program.signal("-TERM");
    server.program.logs("no new sessions").await;
    run(&server.addr, &["--timeout", "1"], b"x\n")
        .await
        .fails_with(1, &["nothing came back"]);
    for turn in 0..3 {
        for client in &mut clients {
            client.write(b"after\n").await;
            client.says_times("Echo: after\n", turn + 1).await;
        }
    }
    for client in clients {
        let ended = client.end().await;
        assert_eq!((ended.code, &*ended.err), (Some(0), ""));
    }
    // The last session's end is the server's.
    assert_eq!(server.program.end().await.code, Some(0));
}

#[tokio::test]
async fn who_stays_is_told_when_the_time_is_up() {
    let server = Server::start(&["--drain-timeout", "0.5"]).await;
    let mut client = client(&server.addr, &[]);
    client.write(b"x\n").await;
    client.says("Echo: x\n").await;
    server.program.signal("-TERM");
    client.logs("the server has closed the session").await;
    assert_eq!(server.program.end().await.code, Some(0));
}

#[tokio::test]
async fn a_second_signal_waits_for_nobody() {
    let server = Server::start(&["--drain-timeout", "300"]).await;
    let mut client = client(&server.addr, &[]);
    client.write(b"x\n").await;
    client.says("Echo: x\n").await;
    server.program.signal("-INT");
    server.program.logs("no new sessions").await;
    server.program.signal("-TERM");
    client.logs("the server has closed the session").await;
    assert_eq!(server.program.end().await.code, Some(0));
}

#[tokio::test]
async fn systemd_is_told_of_each_step() {
    let files = Files::new();
    let path = files.path("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_dtls-echo-server"));
    command.arg("127.0.0.1:0").env("NOTIFY_SOCKET", &path);
    let server = Program::start_with(&mut command);
    let addr = server.says_line("listening on ").await;
    let ready = format!("READY=1\nSTATUS=listening on {addr}\n");
    assert_eq!(heard(&manager).await, ready);
    server.signal("-HUP");
    let reloading = heard(&manager).await;
    let time = reloading
        .strip_prefix("RELOADING=1\nMONOTONIC_USEC=")
        .unwrap();
    assert!(time.trim().parse::<u64>().unwrap() > 0);
    assert_eq!(heard(&manager).await, ready);
    server.signal("-TERM");
    assert_eq!(heard(&manager).await, "STOPPING=1\n");
    assert_eq!(server.end().await.code, Some(0));
}

#[tokio::test]
async fn a_deaf_service_manager_does_no_harm() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dtls-echo-server"));
    command.arg("127.0.0.1:0").env("NOTIFY_SOCKET", "/nowhere");
    let server = Program::start_with(&mut command);
    let addr = server.says_line("listening on ").await;
    server.logs("the service manager cannot be told").await;
    assert_eq!(run(&addr, &[], b"x\n").await.out, "Echo: x\n");
}

async fn heard(manager: &UnixDatagram) -> String {
    let mut buf = [0; 500];
    let length = within(manager.recv(&mut buf)).await.unwrap();
    String::from_utf8(buf[..length].to_vec()).unwrap()
}
