//! What the programs tell of a session.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::{Ended, Files, Program, Relay, Server, Weather, run};
use serde_json::{Value, json};
use tokio::process::Command;

#[tokio::test]
async fn json_is_one_line_on_stderr_and_stdout_stays_data() {
    let server = Server::start(&["--srtp", "SRTP_AEAD_AES_256_GCM,SRTP_AEAD_AES_128_GCM"]).await;
    let flags = ["--json", "--srtp", "SRTP_AEAD_AES_128_GCM"];
    let ended = run(&server.addr, &flags, b"x\n").await;
    assert_eq!((ended.code, &*ended.out), (Some(0), "Echo: x\n"));
    let mut told = told(&ended);
    let certificates = told["peer_certificates"].take();
    assert!(told["handshake_ms"].take().as_f64().unwrap() > 0.0);
    // On a slow machine a flight may be repeated, which leaves the round trip open.
    let repeated = told["flights_repeated"].take().as_u64().unwrap() > 0;
    let round_trip = told["round_trip_ms"].take().as_f64();
    assert!(repeated || round_trip.unwrap() > 0.0);
    let expected = json!({
        "peer": server.addr,
        "version": "DTLSv1.2",
        "cipher": "ECDHE-ECDSA-AES128-GCM-SHA256",
        "cipher_iana": "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        "group": "x25519",
        "peer_signature": "ECDSA-SHA256",
        "peer_certificates": null,
        "resumed": false,
        "extended_master_secret": true,
        "secure_renegotiation": true,
        "alpn": null,
        "server_name": null,
        "srtp_profile": "SRTP_AEAD_AES_128_GCM",
        "cookie_exchange": true,
        "handshake_ms": null,
        "round_trip_ms": null,
        "flights_repeated": null,
        "mtu": 1350,
        "max_datagram_size": 1313,
    });
    assert_eq!(told, expected);
    let certificate = &certificates[0];
    assert_eq!(certificates.as_array().unwrap().len(), 1);
    assert_eq!(certificate["subject"], "CN=DTLS echo development server");
    // 2020-01-01 00:00:00 and 2099-12-31 23:59:59.
    assert_eq!(certificate["not_before"], 1_577_836_800);
    assert_eq!(certificate["not_after"], 4_102_444_799_u64);
    let pem = certificate["pem"].as_str().unwrap();
    let x509 = openssl::x509::X509::from_pem(pem.as_bytes()).unwrap();
    let digest = x509.digest(openssl::hash::MessageDigest::sha256()).unwrap();
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(certificate["sha256"], hex);
}

#[tokio::test]
async fn people_read_the_same_in_lines() {
    let server = Server::start(&[]).await;
    let (addr, files) = (format!("localhost:{}", server.port()), Files::new());
    let session = files.path("session");
    for resumed in ["no", "yes"] {
        let ended = run(&addr, &["--verbose", "--session", &session], b"x\n").await;
        assert_eq!((ended.code, &*ended.out), (Some(0), "Echo: x\n"));
        let says = |name: &str, value: &str| {
            let line = format!("  {name:23} {value}");
            let found = ended.err.lines().any(|other| other.starts_with(&line));
            assert!(found, "no {line:?} in {ended:?}");
        };
        let head = format!("session with {}\n", server.addr);
        assert!(ended.err.starts_with(&head), "{ended:?}");
        says("version", "DTLSv1.2");
        says("cipher suite", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 (");
        says("certificate", "CN=DTLS echo development server; by CN=");
        says("resumed", resumed);
        says("group", if resumed == "yes" { "none" } else { "x25519" });
        says("server name", "localhost");
        says("ALPN protocol", "none");
        says("MTU", "1350 bytes, 1313 of data");
    }
    // Who asks for nothing is told nothing.
    assert_eq!(run(&addr, &[], b"x\n").await.err, "");
}

#[tokio::test]
async fn the_server_tells_of_sessions_where_it_is_asked_to() {
    for (flags, tells) in [(&[][..], false), (&["--verbose"], true)] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dtls-echo-server"));
        command
            .arg("127.0.0.1:0")
            .args(flags)
            .env_remove("RUST_LOG");
        let server = Program::start_with(&mut command);
        let addr = server.says_line("listening on ").await;
        let (_, port) = addr.rsplit_once(':').unwrap();
        let ended = run(&format!("localhost:{port}"), &[], b"x\n").await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        if tells {
            server.logs("session ended").await;
        }
        let log = server.kill().await.err;
        if !tells {
            assert_eq!(log, "");
            continue;
        }
        for fact in [
            "cipher=\"ECDHE-ECDSA-AES128-GCM-SHA256\"",
            "group=\"x25519\"",
            "server_name=\"localhost\"",
            "flights_repeated=",
            "mtu=1350",
            "resumed=false",
        ] {
            assert!(log.contains(fact), "no {fact} in {log}");
        }
    }
}

#[tokio::test]
async fn the_server_finds_out_what_a_narrow_path_carries() {
    let server = Server::start(&["--handshake-timeout", "60"]).await;
    let weather = Weather {
        mtu: Some(600),
        ..Weather::default()
    };
    let relay = Relay::start(server.addr.parse().unwrap(), weather)
        .await
        .unwrap();
    let flags = ["--timeout", "60", "--json", "--mtu", "548"];
    let line = "x".repeat(500);
    let ended = run(&relay.addr().to_string(), &flags, line.as_bytes()).await;
    assert_eq!(ended.out, format!("Echo: {line}\n"), "{ended:?}");
    let told = told(&ended);
    assert_eq!(
        (&told["mtu"], &told["max_datagram_size"]),
        (&json!(548), &json!(511))
    );
    server.program.logs("mtu=548").await;
}

#[tokio::test]
async fn a_profile_that_does_not_exist_is_named() {
    for program in [
        env!("CARGO_BIN_EXE_dtls-echo-server"),
        env!("CARGO_BIN_EXE_dtls-echo-client"),
    ] {
        let args = ["127.0.0.1:1", "--srtp", "SRTP_AEAD_AES_128_GCM,SRTP_X"];
        let ended = Program::start(program, &args).end().await;
        ended.fails_with(2, &["--srtp", "SRTP_X", "SRTP_AES128_CM_HMAC_SHA1_80"]);
    }
}

/// The JSON on stderr, on which there is nothing else.
fn told(ended: &Ended) -> Value {
    assert_eq!(ended.err.lines().count(), 1, "{ended:?}");
    serde_json::from_str(&ended.err).unwrap()
}
