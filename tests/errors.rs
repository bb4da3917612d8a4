//! What goes wrong is said, on stderr, with the right exit code.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::{Program, Server, cert, client, run};
use tokio::process::Command;

const SERVER: &str = env!("CARGO_BIN_EXE_dtls-echo-server");
const CLIENT: &str = env!("CARGO_BIN_EXE_dtls-echo-client");
const LOAD: &str = env!("CARGO_BIN_EXE_dtls-echo-load");

#[tokio::test]
async fn usage_errors_name_the_thing_and_exit_with_2() {
    for program in [SERVER, CLIENT] {
        for (args, word) in [
            (&[][..], "ADDR"),
            (
                &["0.0.0.0"],
                "no port in \"0.0.0.0\": write for example 0.0.0.0:9000",
            ),
            (&["::1:9"], "brackets"),
            (&["localhost:http"], "not a port"),
            (&["localhost:99999"], "not a port"),
            (&["127.0.0.1:1", "--mtu", "255"], "--mtu"),
            (&["127.0.0.1:1", "--mtu", "x"], "--mtu"),
            (&["[::1:9"], "the closing bracket is missing"),
            (&["127.0.0.1:1", "--no-such-flag"], "--no-such-flag"),
            (&["127.0.0.1:1", "127.0.0.1:2"], "127.0.0.1:2"),
        ] {
            let ended = Program::start(program, args).end().await;
            ended.fails_with(2, &[word]);
            assert_eq!(ended.out, "");
        }
    }
    for (args, word) in [
        (["127.0.0.1:0", "--cert", "x"], "--key"),
        (["127.0.0.1:0", "--idle-timeout", "0"], "--idle-timeout"),
        (
            ["127.0.0.1:0", "--handshake-timeout", "soon"],
            "--handshake-timeout",
        ),
        (["127.0.0.1:0", "--max-sessions", "0"], "--max-sessions"),
        (["127.0.0.1:0", "--shards", "0"], "--shards"),
        (["127.0.0.1:0", "--shards", "1025"], "--shards"),
    ] {
        Program::start(SERVER, &args)
            .end()
            .await
            .fails_with(2, &[word]);
    }
    for (args, word) in [
        (
            &["127.0.0.1:1", "--ca", "x", "--insecure"][..],
            "--insecure",
        ),
        (&["127.0.0.1:1", "--server-name", ""], "--server-name"),
        (
            &["127.0.0.1:1", "--alpn", ""],
            "at least one name is needed",
        ),
        (&["127.0.0.1:0"], "port 0"),
    ] {
        Program::start(CLIENT, args)
            .end()
            .await
            .fails_with(2, &[word]);
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_reported() {
    let unused = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let addr = unused.local_addr().unwrap().to_string();
    let ended = run(&addr, &["--timeout", "1"], b"x\n").await;
    ended.fails_with(
        1,
        &[
            &addr,
            "nothing came back at all",
            "is a DTLS server listening",
        ],
    );
    assert_eq!(ended.out, "");
    // Longer than a label may be, so that no name server is asked.
    let unknown = "x".repeat(64);
    run(&format!("{unknown}:9"), &[], b"x\n")
        .await
        .fails_with(1, &[&unknown]);
}

#[tokio::test]
async fn a_wrong_authority_and_a_wrong_name_are_reported() {
    let server = Server::start(&[]).await;
    let strangers = std::env::temp_dir().join(format!("strangers-{}.pem", std::process::id()));
    std::fs::write(&strangers, stranger()).unwrap();
    let ca = strangers.to_str().unwrap();
    let ended = run(&server.addr, &["--ca", ca], b"x\n").await;
    std::fs::remove_file(&strangers).unwrap();
    ended.fails_with(1, &["certificate is refused", "issuer", "--ca FILE"]);
    server
        .program
        .logs("handshake failed: the peer refused the handshake with the alert unknown_ca")
        .await;
    let ended = run(&server.addr, &["--server-name", "example.org"], b"x\n").await;
    ended.fails_with(1, &["hostname mismatch", "--server-name NAME"]);
    let ended = run(
        &server.addr,
        &["--server-name", "example.org", "--insecure"],
        b"x\n",
    )
    .await;
    assert_eq!((ended.code, &*ended.out), (Some(0), "Echo: x\n"));
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named() {
    let (pem, key, other) = (cert("server.pem"), cert("server.key"), cert("client.key"));
    for (args, words) in [
        (
            ["--cert", "/no/cert", "--key", &key],
            &["/no/cert", "No such file"][..],
        ),
        (
            ["--cert", &pem, "--key", "/no/key"],
            &["/no/key", "No such file"],
        ),
        (["--cert", &key, "--key", &key], &[&*key, "no certificate"]),
        (
            ["--cert", &pem, "--key", &pem],
            &[&*pem, "private key does not parse"],
        ),
        (
            ["--cert", &pem, "--key", &other],
            &[&*other, "does not belong"],
        ),
    ] {
        let args = [&["127.0.0.1:0"], &args[..]].concat();
        let ended = Program::start(SERVER, &args).end().await;
        ended.fails_with(1, words);
        assert_eq!(ended.out, "");
    }
    run("127.0.0.1:9", &["--ca", "/no/ca"], b"")
        .await
        .fails_with(1, &["/no/ca", "No such file"]);
    run("127.0.0.1:9", &["--ca", &key], b"")
        .await
        .fails_with(1, &[&key, "no certificate"]);
}

#[tokio::test]
async fn the_development_identity_stays_on_loopback() {
    for (addr, ip) in [("0.0.0.0:0", "0.0.0.0 is"), ("[::]:0", ":: is")] {
        let ended = Program::start(SERVER, &[addr]).end().await;
        ended.fails_with(1, &[ip, "--cert FILE", "--key FILE"]);
    }
    let (pem, key) = (cert("server.pem"), cert("server.key"));
    let server = Server::start_on("0.0.0.0:0", &["--cert", &pem, "--key", &key]).await;
    let ended = run(&format!("127.0.0.1:{}", server.port()), &[], b"x\n").await;
    assert_eq!((ended.code, &*ended.out), (Some(0), "Echo: x\n"));
}

#[tokio::test]
async fn a_port_that_is_taken_is_reported() {
    let counts: &[_] = if cfg!(target_os = "linux") {
        &["1", "2"]
    } else {
        &["1"]
    };
    for shards in counts {
        let server = Server::start(&["--shards", shards]).await;
        for others in counts {
            let args = [&server.addr, "--shards", others];
            let ended = Program::start(SERVER, &args).end().await;
            ended.fails_with(1, &["cannot listen on", &server.addr, "in use"]);
            assert_eq!(ended.out, "");
        }
        // Whoever had it keeps it.
        assert_eq!(run(&server.addr, &[], b"x\n").await.out, "Echo: x\n");
    }
}

#[tokio::test]
async fn a_server_that_dies_is_noticed() {
    let mut server = Server::start(&[]).await;
    let mut client = client(&server.addr, &["--timeout", "1"]);
    client.write(b"x\n").await;
    client.says("Echo: x\n").await;
    server.program.child.kill().await.unwrap();
    client.write(b"y\n").await;
    client.logs("nobody listens on that port any more").await;
    assert_eq!(client.end().await.code, Some(1));
}

#[tokio::test]
async fn a_line_too_long_is_named_and_the_rest_goes() {
    let server = Server::start(&[]).await;
    let input = [
        "before\n",
        &"x".repeat(5000),
        "\nafter\n",
        &"y".repeat(100_000),
    ]
    .concat();
    let ended = run(&server.addr, &[], input.as_bytes()).await;
    ended.fails_with(
        1,
        &["line 2 has 5001 bytes", "1313", "line 4 has 100001 bytes"],
    );
    assert_eq!(ended.out, "Echo: before\nEcho: after\n");
}

#[tokio::test]
async fn a_closed_stdout_ends_the_client_quietly() {
    let server = Server::start(&[]).await;
    let script = format!("yes | head -n 20000 | {CLIENT} {} | head -n 1", server.addr);
    let ended = Program::start("sh", &["-c", &script]).end().await;
    assert_eq!((&*ended.out, &*ended.err), ("Echo: y\n", ""));
}

#[tokio::test]
async fn a_filter_that_is_none_is_reported() {
    for program in [SERVER, CLIENT] {
        let mut command = Command::new(program);
        command.arg("127.0.0.1:1").env("RUST_LOG", "dtls=loud");
        Program::start_with(&mut command)
            .end()
            .await
            .fails_with(1, &["RUST_LOG", "dtls=loud"]);
    }
}

#[tokio::test]
async fn the_session_limit_refuses_the_newest_until_one_leaves() {
    let server = Server::start(&["--max-sessions", "1"]).await;
    let mut first = client(&server.addr, &[]);
    first.write(b"x\n").await;
    first.says("Echo: x\n").await;
    run(&server.addr, &["--timeout", "1"], b"y\n")
        .await
        .fails_with(1, &["not finished within 1s"]);
    assert_eq!(first.end().await.code, Some(0));
    server.program.logs("session ended").await;
    assert_eq!(run(&server.addr, &[], b"z\n").await.out, "Echo: z\n");
}

#[tokio::test]
async fn a_silent_session_ends_by_the_idle_timeout() {
    let server = Server::start(&["--idle-timeout", "0.5"]).await;
    let mut client = client(&server.addr, &[]);
    client.write(b"x\n").await;
    client.says("Echo: x\n").await;
    server.program.logs("the peer was silent for 500ms").await;
}

/// An authority that has signed nothing.
fn stranger() -> Vec<u8> {
    use openssl::{ec, hash::MessageDigest, nid::Nid, pkey::PKey, x509};
    let group = ec::EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let key = PKey::from_ec_key(ec::EcKey::generate(&group).unwrap()).unwrap();
    let mut name = x509::X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", "stranger").unwrap();
    let name = name.build();
    let mut builder = x509::X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(&name).unwrap();
    builder.set_pubkey(&key).unwrap();
    let days = |days| openssl::asn1::Asn1Time::days_from_now(days).unwrap();
    builder.set_not_before(&days(0)).unwrap();
    builder.set_not_after(&days(2)).unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    builder.build().to_pem().unwrap()
}

#[tokio::test]
async fn the_version_names_the_openssl_that_is_linked() {
    for program in [SERVER, CLIENT, LOAD] {
        let ended = Program::start(program, &["--version"]).end().await;
        assert_eq!((ended.code, &*ended.err), (Some(0), ""));
        let linked = format!("linked with {}\n", openssl::version::version());
        assert!(ended.out.ends_with(&linked), "{ended:?}");
        assert!(ended.out.contains(env!("CARGO_PKG_VERSION")), "{ended:?}");
    }
}

#[tokio::test]
async fn the_log_names_a_clients_certificate_as_elsewhere() {
    let server = Server::start(&["--client-ca", &cert("ca.pem")]).await;
    let flags = [
        "--cert",
        &*cert("client.pem"),
        "--key",
        &*cert("client.key"),
    ];
    let _ = run(&server.addr, &flags, b"x\n").await;
    server.program.logs("handshake_time").await;
    let ended = server.program.stop().await;
    assert!(ended.err.contains("certificate=\"CN="), "{ended:?}");
}
