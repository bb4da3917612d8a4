//! What the programs tell of a session.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::{Ended, Files, Relay, Server, Weather, run};
use serde_json::{Value, json};

#[tokio::test]
async fn json_is_one_line_on_stderr_and_stdout_stays_data() {
    let profiles = "SRTP_AEAD_AES_256_GCM:SRTP_AEAD_AES_128_GCM";
    let server = Server::start(&["--srtp", profiles]).await;
    let flags = ["--json", "--srtp", "SRTP_AEAD_AES_128_GCM"];
    let ended = run(&server.addr, &flags, b"x\n").await;
    assert_eq!((ended.code, &*ended.out), (Some(0), "Echo: x\n"));
    let mut told = told(&ended);
    let certificates = told["peer_certificates"].take();
    assert_eq!(certificates.as_array().unwrap().len(), 1);
    assert!(told["handshake_ms"].take().as_f64().unwrap() > 0.0);
    // On a slow machine a flight may be repeated, which leaves the round trip open.
    let repeated = told["flights_repeated"].take().as_u64().unwrap() > 0;
    let round_trip = told["round_trip_ms"].take().as_f64();
    assert!(repeated || round_trip.unwrap() > 0.0);
    let expected = json!({
        "peer": server.addr,
        "version": "DTLSv1.2",
        "cipher": "ECDHE-ECDSA-AES128-GCM-SHA256",
        "cipher_suite": "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        "group": "x25519",
        "peer_signature": "ECDSA-SHA256",
        "protocol": null,
        "server_name": null,
        "psk_identity": null,
        "srtp_profile": "SRTP_AEAD_AES_128_GCM",
        "cookie_exchange": true,
        "resumed": false,
        "extended_master_secret": true,
        "secure_renegotiation": true,
        "handshake_ms": null,
        "round_trip_ms": null,
        "flights_repeated": null,
        "mtu": 1350,
        "max_datagram_size": 1313,
        "peer_certificates": null,
    });
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_resumed_session_is_told_of_as_such() {
    let server = Server::start(&[]).await;
    let files = Files::new();
    let session = files.path("session");
    for resumed in [false, true] {
        let ended = run(&server.addr, &["--json", "--session", &session], b"x\n").await;
        let told = told(&ended);
        assert_eq!(told["resumed"], resumed);
        for exchanged in ["group", "peer_signature"] {
            assert_eq!(told[exchanged].is_null(), resumed, "{exchanged}");
        }
    }
}

#[tokio::test]
async fn the_server_tells_of_the_same() {
    let server = Server::start(&["--json"]).await;
    let addr = format!("localhost:{}", server.port());
    let ended = run(&addr, &["--json"], b"x\n").await;
    server.program.logs("session ended").await;
    let log = server.program.kill().await.err;
    for fact in [
        "group=\"x25519\"",
        "name=\"localhost\"",
        "handshake_time=",
        "repeats=",
        "mtu=1350",
        "resumed=false",
    ] {
        assert!(log.contains(fact), "no {fact} in {log}");
    }
    let line = log.lines().find(|line| line.starts_with('{'));
    let server: Value = serde_json::from_str(line.unwrap()).unwrap();
    let client = told(&ended);
    for same in ["cipher", "group", "server_name", "cookie_exchange", "mtu"] {
        assert_eq!(server[same], client[same], "{same}");
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

/// The JSON on stderr, on which there is nothing else.
fn told(ended: &Ended) -> Value {
    assert_eq!(ended.err.lines().count(), 1, "{ended:?}");
    serde_json::from_str(&ended.err).unwrap()
}
