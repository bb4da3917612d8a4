//! The main job, with the real programs.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::{Server, client, run, within};

#[tokio::test]
async fn piped_lines_come_back_with_the_prefix() {
    let server = Server::start(&[]).await;
    let ended = run(&server.addr, &[], b"a\nb\n").await;
    assert_eq!(
        (ended.code, &*ended.out, &*ended.err),
        (Some(0), "Echo: a\nEcho: b\n", "")
    );
    let ended = run(&server.addr, &[], b"\n\nlast, without a newline").await;
    assert_eq!(ended.out, "Echo: \nEcho: \nEcho: last, without a newline\n");
    let ended = run(&server.addr, &[], b"").await;
    assert_eq!((ended.code, &*ended.out), (Some(0), ""));
}

#[tokio::test]
async fn a_line_of_1200_bytes_fits_one_datagram_each_way() {
    let server = Server::start(&[]).await;
    let line = "x".repeat(1200);
    let ended = run(&server.addr, &[], line.as_bytes()).await;
    assert_eq!(
        (ended.code, ended.out),
        (Some(0), format!("Echo: {line}\n"))
    );
    server
        .program
        .logs("received=1 received_bytes=1201 sent=1 sent_bytes=1207")
        .await;
}

/// The reply to a line that just fits is longer than what was agreed upon, so it comes in pieces.
#[tokio::test]
async fn a_client_that_takes_only_short_records_gets_short_ones() {
    let server = Server::start(&[]).await;
    for bytes in [512, 1024] {
        let flag = bytes.to_string();
        let flags = ["--max-fragment-length", &*flag];
        let line = "x".repeat(bytes - 5);
        let ended = run(&server.addr, &flags, format!("{line}\nshort\n").as_bytes()).await;
        assert_eq!(
            (ended.code, ended.out, &*ended.err),
            (Some(0), format!("Echo: {line}\nEcho: short\n"), "")
        );
    }
    let ended = run(
        &server.addr,
        &["--max-fragment-length", "512"],
        &[b'x'; 600],
    )
    .await;
    ended.fails_with(
        1,
        &[
            "line 1 has 601 bytes",
            "carries up to 512 (see --max-fragment-length)",
        ],
    );
}

#[tokio::test]
async fn thousands_of_lines_come_back_in_order() {
    let server = Server::start(&[]).await;
    let lines: Vec<String> = (0..5000).map(|n| format!("{n}\n")).collect();
    let ended = run(&server.addr, &[], lines.concat().as_bytes()).await;
    let expected: Vec<String> = lines.iter().map(|line| format!("Echo: {line}")).collect();
    assert_eq!((ended.code, &*ended.err), (Some(0), ""));
    assert!(
        ended.out == expected.concat(),
        "lines are missing or out of order"
    );
}

#[tokio::test]
async fn many_clients_are_served_at_once() {
    let server = Server::start(&[]).await;
    let mut clients: Vec<_> = (0..50).map(|_| client(&server.addr, &[])).collect();
    // Nobody has finished when the last has begun.
    for (n, client) in clients.iter_mut().enumerate() {
        client.write(format!("first {n}\n").as_bytes()).await;
    }
    for (n, client) in clients.iter().enumerate() {
        client.says(&format!("Echo: first {n}\n")).await;
    }
    for (n, mut client) in clients.into_iter().enumerate() {
        client.write(b"second\n").await;
        let ended = client.end().await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(ended.out, format!("Echo: first {n}\nEcho: second\n"));
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn shards_serve_many_clients_and_close_every_session() {
    let server = Server::start(&["--shards", "2"]).await;
    server.program.logs("shards=2").await;
    let mut clients: Vec<_> = (0..24).map(|_| client(&server.addr, &[])).collect();
    for (n, client) in clients.iter_mut().enumerate() {
        client.write(format!("{n}\n").as_bytes()).await;
    }
    for (n, client) in clients.iter().enumerate() {
        client.says(&format!("Echo: {n}\n")).await;
    }
    server.program.signal("-TERM");
    for mut client in clients {
        // They notice by themselves, with their input still open.
        within(client.child.wait()).await.unwrap();
        let ended = client.end().await;
        ended.fails_with(1, &["server has closed the session"]);
    }
    let ended = server.program.end().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.err.matches("reason=\"the server stops\"").count(), 24);
    assert_eq!(ended.err.matches("accepted=24").count(), 1, "{ended:?}");
    let sockets = ended
        .err
        .lines()
        .filter(|line| line.contains("datagrams in all"));
    let busy = sockets.filter(|line| !line.contains("received=0 "));
    assert_eq!(busy.count(), 2, "{ended:?}");
}

#[tokio::test]
async fn a_line_is_answered_while_the_input_is_open() {
    let server = Server::start(&[]).await;
    let mut client = client(&server.addr, &[]);
    client.write(b"one\n").await;
    client.says("Echo: one\n").await;
    client.write(b"two\n").await;
    client.says("Echo: two\n").await;
    assert_eq!(client.end().await.code, Some(0));
}

#[tokio::test]
async fn a_name_is_an_address_too() {
    let server = Server::start(&[]).await;
    let ended = run(&format!("localhost:{}", server.port()), &[], b"x\n").await;
    assert_eq!((ended.code, &*ended.out), (Some(0), "Echo: x\n"));
}

#[tokio::test]
async fn the_log_tells_of_each_session() {
    let server = Server::start(&[]).await;
    run(&server.addr, &[], b"abc\n").await;
    let log = &server.program;
    log.logs("session started peer=127.0.0.1:").await;
    log.logs("version=\"DTLS 1.2\" cipher=\"ECDHE-ECDSA-").await;
    log.logs("session ended peer=127.0.0.1:").await;
    log.logs("reason=\"the peer has closed the session\" received=1 received_bytes=4 sent=1 sent_bytes=10")
        .await;
}

/// What waits in the socket counts before the clock that went on meanwhile.
#[cfg(unix)]
#[tokio::test]
async fn a_pause_of_the_server_ends_no_session() {
    let server = Server::start(&["--idle-timeout", "2"]).await;
    let mut clients: Vec<_> = (0..10).map(|_| client(&server.addr, &[])).collect();
    for client in &mut clients {
        client.write(b"before\n").await;
    }
    for client in &clients {
        client.says("Echo: before\n").await;
    }
    server.program.signal("-STOP");
    let paused = tokio::time::Instant::now();
    let mut round = 0;
    // The pause itself is what is tested: it has to be longer than the idle timeout.
    while round < 6 || paused.elapsed() < std::time::Duration::from_secs(3) {
        for client in clients.iter_mut().filter(|_| round < 6) {
            client.write(format!("{round}\n").as_bytes()).await;
        }
        round += 1;
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
    server.program.signal("-CONT");
    for client in clients {
        client.says("Echo: 5\n").await;
        let ended = client.end().await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(
            ended.out,
            "Echo: before\nEcho: 0\nEcho: 1\nEcho: 2\nEcho: 3\nEcho: 4\nEcho: 5\n"
        );
    }
    server.program.logs_times("session ended", 10).await;
    assert_eq!(server.program.logged("was silent"), 0);
}

#[tokio::test]
async fn a_signal_closes_every_session_and_ends_the_server() {
    for signal in ["-TERM", "-INT"] {
        let server = Server::start(&[]).await;
        let mut clients: Vec<_> = (0..5).map(|_| client(&server.addr, &[])).collect();
        for client in &mut clients {
            client.write(b"x\n").await;
            client.says("Echo: x\n").await;
        }
        server.program.signal(signal);
        for mut client in clients {
            // They notice by themselves, with their input still open.
            let status = within(client.child.wait()).await.unwrap();
            assert_eq!(status.code(), Some(1));
            client
                .end()
                .await
                .fails_with(1, &["server has closed the session"]);
        }
        let ended = server.program.end().await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(ended.err.matches("reason=\"the server stops\"").count(), 5);
    }
}
