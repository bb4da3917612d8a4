//! The client's `--trace`: what is on the wire, taken apart.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::net::UdpSocket;

use common::{Capture, Direction, Ended, Program, Relay, Server, Weather, has, run, s_server};
use libtest_mimic::Arguments;
use serde_json::{Value, json};
use tokio::process::Command;

const CLIENT: &str = env!("CARGO_BIN_EXE_dtls-echo-client");

fn main() -> std::process::ExitCode {
    let openssl = has(&["openssl", "version"]);
    let trials = vec![
        common::trial("a_handshake_is_shown_for_people", true, for_people),
        common::trial("json_lines_are_what_a_relay_has_seen", true, for_tools),
        common::trial(
            "own_records_are_shown_as_openssls_are",
            true,
            after_the_handshake,
        ),
        common::trial("a_lost_flight_is_shown_as_repeated", true, repeated),
        common::trial("rubbish_is_shown_and_harmless", true, rubbish),
        common::trial("colours_are_for_terminals", true, colours),
        common::trial("an_alert_of_s_server_is_named", openssl, alert),
        common::trial("s_servers_fragments_are_shown", openssl, fragments),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

async fn for_people() {
    let server = Server::start(&["--alpn", "coap"]).await;
    let addr = format!("localhost:{}", server.port());
    let ended = run(&addr, &["--trace", "--alpn", "coap"], b"x\n").await;
    assert_eq!((ended.code, &*ended.out), (Some(0), "Echo: x\n"));
    for shown in [
        " bytes\n    handshake DTLS 1.0, epoch 0, number 0, ",
        "\n      ClientHello ",
        "\n        server_name: localhost\n",
        "\n        application_layer_protocol_negotiation: coap\n",
        "\n        supported_groups: x25519 ",
        "\n        cipher suites: ECDHE-ECDSA-AES128-GCM-SHA256 ",
        "\n      HelloVerifyRequest 35 bytes, message 0, fragment 0+35\n        DTLS 1.0, cookie of 32 bytes\n",
        "\n      ServerHello ",
        "\n        cipher suites: ECDHE-ECDSA-AES128-GCM-SHA256\n",
        "\n      Certificate ",
        "\n      ServerHelloDone 0 bytes",
        "\n    change_cipher_spec DTLS 1.2, epoch 0, ",
        "\n    handshake DTLS 1.2, epoch 1, number 0, 48 bytes, encrypted\n",
        " decrypted: Finished 12 bytes, message ",
        "\n    application_data DTLS 1.2, epoch 1, number ",
        " decrypted: alert warning close_notify\n",
        "\n    alert DTLS 1.2, epoch 1, number ",
    ] {
        assert!(ended.err.contains(shown), "no {shown:?} in {}", ended.err);
    }
    for arrow in ["-> ", "<- "] {
        assert!(ended.err.contains(&format!(" ms {arrow}")), "{}", ended.err);
    }
    assert!(!ended.err.contains('\u{1b}'), "{}", ended.err);
}

async fn for_tools() {
    let server = Server::start(&[]).await;
    let capture = Capture::default();
    let server = server.addr.parse().unwrap();
    let relay = Relay::start_recording(server, Weather::default(), capture.clone());
    let relay = relay.await.unwrap();
    let addr = relay.addr().to_string();
    let ended = run(&addr, &["--trace=json"], b"x\n").await;
    assert_eq!((ended.code, &*ended.out), (Some(0), "Echo: x\n"));
    let lines = lines(&ended);
    for (name, direction) in [
        ("sent", Direction::ToServer),
        ("received", Direction::ToClient),
    ] {
        let own = lines.iter().filter(|line| line["direction"] == name);
        let lengths: Vec<_> = own.map(|line| line["length"].as_u64().unwrap()).collect();
        let passed: Vec<_> = capture
            .lengths(direction)
            .iter()
            .map(|length| *length as u64)
            .collect();
        // What comes after the client's goodbye may come too late for it.
        let seen = !lengths.is_empty() && passed.starts_with(&lengths);
        assert!(seen, "{name}: {lengths:?} of {passed:?}");
    }
    let first = &lines[0];
    assert_eq!(first["peer"], json!(addr));
    assert!(first["time_ms"].as_f64().unwrap() >= 0.0);
    let record = &first["records"][0];
    assert_eq!(
        (
            &record["content_type"],
            &record["epoch"],
            &record["sequence"],
            &record["encrypted"]
        ),
        (&json!("handshake"), &json!(0), &json!(0), &json!(false))
    );
    let message = &record["messages"][0];
    assert_eq!(
        (&message["name"], &message["sequence"]),
        (&json!("ClientHello"), &json!(0))
    );
    assert_eq!(message["fragment_length"], message["length"]);
    assert_eq!(message["hello"]["version"], "DTLS 1.2");
    let decrypted = decrypted(&ended);
    let shown: Vec<_> = decrypted
        .iter()
        .map(|line| (&line["direction"], &line["decrypted"]))
        .map(|(direction, it)| {
            let name = &it["message"]["name"];
            let alert = &it["alert"]["description"];
            (
                direction.clone(),
                if name.is_null() {
                    alert.clone()
                } else {
                    name.clone()
                },
            )
        })
        .collect();
    for expected in ["sent", "received"].map(|direction| (json!(direction), json!("Finished"))) {
        assert!(shown.contains(&expected), "{shown:?}");
    }
    assert!(
        shown.contains(&(json!("sent"), json!("close_notify"))),
        "{shown:?}"
    );
    let last = &lines[lines.len() - 1]["records"][0];
    assert_eq!(
        (&last["content_type"], &last["encrypted"]),
        (&json!("alert"), &json!(true))
    );
}

/// The alerts of both sides, whoever protects the records.
async fn after_the_handshake() {
    for whose in ["own", "openssl"] {
        let server = Server::start(&[]).await;
        let files = common::Files::new();
        let session = files.path("session");
        let flags = ["--trace=json", "--records", whose, "--session", &session];
        for resumed in [false, true] {
            let mut client = common::client(&server.addr, &flags);
            client.write(b"x\n").await;
            client.says("Echo: x\n").await;
            // The server's goodbye comes while the client is there to hear it.
            if resumed {
                server.program.signal("-TERM");
            } else {
                drop(client.stdin.take());
            }
            let ended = client.end().await;
            let alerts: Vec<_> = decrypted(&ended)
                .into_iter()
                .filter(|line| line["decrypted"]["alert"]["description"] == "close_notify")
                .map(|line| line["direction"].clone())
                .collect();
            let expected = if resumed { "received" } else { "sent" };
            assert!(alerts.contains(&json!(expected)), "{whose}: {ended:?}");
        }
    }
}

async fn repeated() {
    let server = Server::start(&[]).await;
    let weather = Weather {
        drop_nth: Some((Direction::ToServer, 0)),
        ..Weather::default()
    };
    let relay = Relay::start(server.addr.parse().unwrap(), weather)
        .await
        .unwrap();
    let flags = ["--trace", "--json", "--timeout", "60"];
    let ended = run(&relay.addr().to_string(), &flags, b"x\n").await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let lines = lines(&ended);
    let hello = |line: &Value| line["records"][0]["messages"][0]["name"] == "ClientHello";
    let novelties: Vec<_> = lines
        .iter()
        .filter(|line| hello(line))
        .map(|line| &line["novelty"])
        .collect();
    assert_eq!(novelties[..2], [&json!("new"), &json!("repeated")]);
}

/// A server of our own, which no client should believe.
async fn rubbish() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    let addr = server.local_addr().unwrap().to_string();
    let answering = std::thread::spawn(move || {
        let mut buf = [0; 2048];
        let (_, client) = server.recv_from(&mut buf).unwrap();
        server
            .send_to(b"\x16\xfe\xfdno record at all", client)
            .unwrap();
        server.send_to(&evil_hello(), client).unwrap();
    });
    let ended = run(&addr, &["--trace", "--timeout", "1"], b"x\n").await;
    answering.join().unwrap();
    ended.fails_with(1, &["unparsed 19 bytes: 16fefd6e6f20", "evil\\u{1b}[2J"]);
    assert!(!ended.err.contains('\u{1b}'), "{}", ended.err);
}

/// A ServerHello whose application protocol would clear the screen.
fn evil_hello() -> Vec<u8> {
    let name = b"evil\x1b[2J";
    let length = name.len() as u8;
    let mut body = vec![0xfe, 0xfd];
    body.extend([7; 32]);
    body.extend([
        0,
        0xc0,
        0x2b,
        0,
        0,
        length + 7,
        0,
        16,
        0,
        length + 3,
        0,
        length + 1,
        length,
    ]);
    body.extend(name);
    let length = body.len() as u8;
    let mut record = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1, 0, length + 12];
    record.extend([2, 0, 0, length, 0, 0, 0, 0, 0, 0, 0, length]);
    record.extend(body);
    record
}

async fn colours() {
    let server = Server::start(&[]).await;
    for (when, coloured) in [("always", true), ("never", false), ("auto", false)] {
        let mut command = Command::new(CLIENT);
        command.args([&*server.addr, "--trace", "--color", when]);
        let ended = Program::start_with(&mut command).end().await;
        assert_eq!(
            (ended.code, ended.err.contains('\u{1b}')),
            (Some(0), coloured),
            "{when}"
        );
    }
    if !has(&["script", "--version"]) {
        return;
    }
    for (variable, coloured) in [("TERM=xterm", true), ("NO_COLOR=1", false)] {
        let line = format!(
            "env TERM=xterm {variable} {CLIENT} {} --trace </dev/null",
            server.addr
        );
        let args = ["-qec", &line, "/dev/null"];
        let ended = Program::start("script", &args).end().await;
        assert!(ended.out.contains("ClientHello"), "{ended:?}");
        assert_eq!(
            ended.out.contains('\u{1b}'),
            coloured,
            "{variable}: {ended:?}"
        );
    }
}

async fn alert() {
    let peer = s_server("-dtls1_2", &["-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"]);
    let addr = peer.says_line("ACCEPT ").await;
    let flags = ["--trace", "--ciphers", "ECDHE-ECDSA-AES128-GCM-SHA256"];
    let ended = run(&addr, &flags, b"x\n").await;
    ended.fails_with(
        1,
        &["    alert DTLS 1.", ", 2 bytes: fatal handshake_failure\n"],
    );
}

async fn fragments() {
    let peer = s_server("-dtls1_2", &["-mtu", "300", "-alpn", "coap"]);
    let addr = peer.says_line("ACCEPT ").await;
    let mut client = common::client(&addr, &["--trace=json", "--alpn", "coap"]);
    client.write(b"x\n").await;
    peer.says("x\n").await;
    // The trace is a little later on stderr than the datagrams are on the wire.
    client.logs("application_data").await;
    let lines = lines(&client.kill().await);
    let new = lines.iter().filter(|line| line["novelty"] == "new");
    let records = new.flat_map(|line| line["records"].as_array().unwrap());
    let messages = records
        .filter_map(|record| record["messages"].as_array())
        .flatten();
    let fragments: Vec<_> = messages
        .filter(|message| message["name"] == "Certificate")
        .collect();
    let whole = fragments[0]["length"].as_u64().unwrap();
    let mut next = 0;
    for fragment in &fragments {
        assert_eq!(fragment["fragment_offset"], next, "{fragments:?}");
        next += fragment["fragment_length"].as_u64().unwrap();
    }
    assert_eq!((next, fragments.len() > 1), (whole, true), "{fragments:?}");
}

/// The datagrams on stderr.
fn lines(ended: &Ended) -> Vec<Value> {
    let lines = ended
        .err
        .lines()
        .filter(|line| line.contains("\"records\""));
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// What is said to be in those that are encrypted.
fn decrypted(ended: &Ended) -> Vec<Value> {
    let lines = ended.err.lines();
    let lines = lines.filter(|line| line.contains("\"decrypted\""));
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
