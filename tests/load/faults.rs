//! What goes wrong is counted, and said.

use serde_json::Value;

use crate::{
    LOAD,
    common::{self, Program},
    consistent, load, number, passes,
    servers::Server,
};

#[tokio::test]
async fn one_wrong_reply_is_one_too_many() {
    let server = Server::dtls(|number, mut reply| {
        // Of the filling, which nothing but a comparison would notice.
        reply[40] ^= u8::from(number == 5);
        Some(reply)
    });
    let flags = [
        "--sessions",
        "1",
        "--duration",
        "0.3",
        "--max-loss",
        "100",
        "--json",
    ];
    let ended = load(&server.addr, &flags).await;
    ended.fails_with(1, &["1 replies match no request"]);
    let report = consistent(&ended);
    assert_eq!((number(&report, "wrong"), number(&report, "lost")), (1, 1));
}

#[tokio::test]
async fn another_sessions_reply_is_wrong() {
    let last = std::sync::Mutex::new(Vec::new());
    let server = Server::dtls(move |_, request| {
        Some(std::mem::replace(&mut *last.lock().unwrap(), request))
            .filter(|reply| !reply.is_empty())
    });
    let flags = [
        "--sessions",
        "2",
        "--window",
        "1",
        "--duration",
        "0.3",
        "--json",
    ];
    let ended = load(&server.addr, &flags).await;
    ended.fails_with(1, &["replies match no request"]);
    assert!(number(&consistent(&ended), "wrong") > 0);
}

#[tokio::test]
async fn losses_are_counted_and_may_be_allowed() {
    let server = Server::dtls(|number, reply| (number % 4 != 3).then_some(reply));
    let flags = ["--sessions", "2", "--duration", "0.3", "--json"];
    let ended = load(&server.addr, &flags).await;
    ended.fails_with(1, &["% of the requests were lost", "--max-loss"]);
    let report = consistent(&ended);
    assert!(
        number(&report, "lost") > 0 && number(&report, "replies") > 0,
        "{report}"
    );
    let report = passes(&server.addr, &[&flags[..4], &["--max-loss", "60"]].concat()).await;
    assert!(number(&report, "lost") > 0, "{report}");
}

#[tokio::test]
async fn a_late_reply_is_neither_lost_twice_nor_wrong() {
    // Each reply comes when the next request does.
    let last = std::sync::Mutex::new(None);
    let server = Server::plain(move |_, request| last.lock().unwrap().replace(request)).await;
    let flags = [
        "--plaintext",
        "--sessions",
        "1",
        "--window",
        "1",
        "--duration",
        "1",
        "--reply-timeout",
        "0.1",
        "--max-loss",
        "100",
    ];
    let report = passes(&server.addr, &flags).await;
    assert!(
        number(&report, "late") > 0 && number(&report, "replies") == 0,
        "{report}"
    );
}

#[tokio::test]
async fn an_idle_session_goes_on_waiting_after_a_late_reply() {
    let last = std::sync::Mutex::new(None);
    let server = Server::plain(move |_, request| last.lock().unwrap().replace(request)).await;
    let flags = [
        "idle",
        "--plaintext",
        "--sessions",
        "1",
        "--rate",
        "20",
        "--duration",
        "1",
        "--reply-timeout",
        "0.1",
        "--max-loss",
        "100",
    ];
    let report = passes(&server.addr, &flags).await;
    assert!(
        number(&report, "late") > 0 && number(&report, "replies") == 0,
        "{report}"
    );
}

#[tokio::test]
async fn a_key_that_does_not_parse_is_not_repeated() {
    let args = ["127.0.0.1:1", "--psk", "device:0123456789abcdefg"];
    let ended = Program::start(LOAD, &args).end().await;
    ended.fails_with(2, &["two hexadecimal digits"]);
    assert!(!ended.err.contains("0123456789abcdef"), "{ended:?}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_reported() {
    let unused = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let addr = unused.local_addr().unwrap().to_string();
    for mode in ["handshakes", "echo", "bulk", "idle"] {
        let flags = [
            mode,
            "--sessions",
            "2",
            "--timeout",
            "0.5",
            "--duration",
            "0.1",
            "--json",
        ];
        let ended = load(&addr, &flags).await;
        ended.fails_with(
            1,
            &["no session was established", "nothing came back at all"],
        );
        let report = consistent(&ended);
        assert_eq!(
            (number(&report, "established"), number(&report, "requests")),
            (0, 0)
        );
        assert!(number(&report, "failed") >= 2, "{report}");
        let reason = report["first_failure"].as_str().unwrap();
        assert!(reason.contains("nothing came back at all"), "{report}");
    }
}

#[tokio::test]
async fn a_closed_port_is_named_as_one() {
    let closed = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let addr = closed.local_addr().unwrap().to_string();
    drop(closed);
    let flags = ["--sessions", "1", "--timeout", "60", "--duration", "0.1"];
    load(&addr, &flags)
        .await
        .fails_with(1, &["the peer cannot be reached: Connection refused"]);
}

#[tokio::test]
async fn a_certificate_that_is_refused_is_reported() {
    let server = common::Server::start(&[]).await;
    let flags = ["--sessions", "1", "--duration", "0.1"];
    let named = |name| [&flags[..], &["--server-name", name]].concat();
    load(&server.addr, &named("example.org"))
        .await
        .fails_with(1, &["hostname mismatch"]);
    passes(&server.addr, &named("localhost")).await;
    let ca = [&flags[..], &["--ca", "/no/ca"]].concat();
    load(&server.addr, &ca)
        .await
        .fails_with(1, &["/no/ca", "No such file"]);
    passes(&server.addr, &[&flags[..], &["--insecure"]].concat()).await;
}

#[tokio::test]
async fn a_server_that_closes_is_reported() {
    // What cannot be sent makes it close.
    let server = Server::dtls(|number, reply| Some(if number < 9 { reply } else { Vec::new() }));
    let ended = load(
        &server.addr,
        &["--sessions", "1", "--duration", "60", "--json"],
    )
    .await;
    ended.fails_with(
        1,
        &["of the sessions failed", "the server closed the session"],
    );
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(
        (number(&report, "established"), number(&report, "broken")),
        (1, 1)
    );
    assert_eq!(
        number(&report, "requests"),
        number(&report, "replies") + number(&report, "lost")
    );
}

#[tokio::test]
async fn an_interrupted_run_is_reported_too() {
    let server = Server::dtls(|_, reply| Some(reply));
    let flags = [
        &server.addr,
        "--sessions",
        "1",
        "--duration",
        "600",
        "--json",
    ];
    let program = Program::start(LOAD, &flags);
    server.asked(100).await;
    program.signal("-INT");
    let ended = program.end().await;
    assert_eq!((ended.code, &*ended.err), (Some(130), ""), "{ended:?}");
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(number(&report, "established"), 1);
    assert!(number(&report, "requests") >= 100, "{report}");
}

#[tokio::test]
async fn usage_errors_name_the_thing_and_exit_with_2() {
    for (args, word) in [
        (&[][..], "ADDR"),
        (&["127.0.0.1"], "no port in"),
        (&["127.0.0.1:0"], "port 0"),
        (&["127.0.0.1:1", "flood"], "flood"),
        (&["127.0.0.1:1", "--size", "26"], "from 27 to 1307 bytes"),
        (&["127.0.0.1:1", "--size", "1308"], "from 27 to 1307 bytes"),
        (&["127.0.0.1:1", "bulk", "--mtu", "1000"], "--size 1200"),
        (&["127.0.0.1:1", "--mtu", "255"], "--mtu"),
        (&["127.0.0.1:1", "handshakes", "--plaintext"], "--plaintext"),
        (&["127.0.0.1:1", "--plaintext", "--insecure"], "--insecure"),
        (&["127.0.0.1:1", "--sessions", "0"], "--sessions"),
        (&["127.0.0.1:1", "--window", "0"], "--window"),
        (&["127.0.0.1:1", "--window", "1", "--rate", "1"], "--rate"),
        (&["127.0.0.1:1", "--rate", "0"], "--rate"),
        (&["127.0.0.1:1", "--max-loss", "101"], "from 0 to 100"),
        (&["127.0.0.1:1", "--duration", "0"], "--duration"),
        (
            &["127.0.0.1:1", "--reply-timeout", "soon"],
            "--reply-timeout",
        ),
        (&["127.0.0.1:1", "--psk", "device"], "IDENTITY:KEY"),
        (&["127.0.0.1:1", "--psk", ":00"], "identity"),
        (
            &["127.0.0.1:1", "--psk", "device:0"],
            "two hexadecimal digits",
        ),
        (
            &["127.0.0.1:1", "--psk", "device:0g"],
            "two hexadecimal digits",
        ),
        (&["127.0.0.1:1", "--psk", "device:00", "--ca", "x"], "--ca"),
    ] {
        let ended = Program::start(LOAD, args).end().await;
        ended.fails_with(2, &[word]);
        assert_eq!(ended.out, "");
    }
}
