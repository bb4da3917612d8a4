//! What the programs tell of a session.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::{Direction, Ended, Files, Relay, Server, Weather, client, run, self_signed_between};
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
        "version": "DTLS 1.2",
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
        "record_protection": "own",
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

/// Each side for itself: what is on the wire is the same.
#[tokio::test]
async fn records_are_whose_they_are_to_be() {
    let files = Files::new();
    let file = files.write("server.toml", "records = 'openssl'\n");
    let cbc = ["--ciphers", "ECDHE-ECDSA-AES128-SHA256"];
    for (server, client, whose) in [
        (&[][..], &[][..], ["own", "own"]),
        (&["--records", "openssl"], &[], ["openssl", "own"]),
        (
            &["--config", &file],
            &["--records", "own"],
            ["openssl", "own"],
        ),
        (&[], &["--records", "openssl"], ["own", "openssl"]),
        // What it cannot do itself stays as it was.
        (&cbc, &cbc, ["openssl", "openssl"]),
    ] {
        let server = Server::start(&[server, &["--json"]].concat()).await;
        let ended = run(&server.addr, &[client, &["--json"]].concat(), b"x\n").await;
        assert_eq!((ended.code, &*ended.out), (Some(0), "Echo: x\n"));
        server.program.logs("session ended").await;
        let log = server.program.stop().await.err;
        assert!(log.contains(&format!("record_protection=\"{}\"", whose[0])));
        let line = log.lines().find(|line| line.starts_with('{'));
        let server: Value = serde_json::from_str(line.unwrap()).unwrap();
        let told = [server, told(&ended)];
        assert_eq!(
            told.each_ref().map(|told| &told["record_protection"]),
            whose
        );
    }
    let server = Server::start(&[]).await;
    run(&server.addr, &["--records", "mine"], b"")
        .await
        .fails_with(2, &["'--records <WHOSE>'", "own, openssl"]);
}

#[tokio::test]
async fn the_server_tells_of_the_same() {
    let server = Server::start(&["--json"]).await;
    let addr = format!("localhost:{}", server.port());
    let ended = run(&addr, &["--json"], b"x\n").await;
    server.program.logs("session ended").await;
    let log = server.program.stop().await.err;
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
    let server = Server::start(&["--handshake-timeout", "110"]).await;
    let weather = Weather {
        mtu: Some(600),
        ..Weather::default()
    };
    let relay = Relay::start(server.addr.parse().unwrap(), weather)
        .await
        .unwrap();
    let flags = ["--timeout", "110", "--json", "--mtu", "548"];
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
async fn info_tells_people_on_stdout_and_ends() {
    let server = Server::start(&["--alpn", "coap"]).await;
    let addr = format!("localhost:{}", server.port());
    let mut client = client(&addr, &["--info", "--alpn", "coap"]);
    // It does not wait for stdin.
    let stdin = client.stdin.take();
    let ended = client.end().await;
    drop(stdin);
    assert_eq!((ended.code, &*ended.err), (Some(0), ""));
    for line in [
        "version                 DTLS 1.2",
        "record protection       own",
        "protocol                coap",
        "group                   x25519",
        "certificate 0           CN=DTLS echo development server",
        "  names                 DNS:localhost, IP:127.0.0.1, IP:::1",
        "  key                   EC prime256v1, 256 bits",
        "verified                yes",
    ] {
        assert!(
            ended.out.lines().any(|other| other == line),
            "no {line:?} in {ended:?}"
        );
    }
    for part in [
        " GMT (expires in ",
        "\nflight 2, received      HelloVerifyRequest: ",
    ] {
        assert!(ended.out.contains(part), "no {part:?} in {ended:?}");
    }
    server.program.logs("session ended").await;
}

#[tokio::test]
async fn info_is_one_object_for_tools() {
    let server = Server::start(&[]).await;
    let weather = Weather {
        drop_nth: Some((Direction::ToServer, 0)),
        ..Weather::default()
    };
    let relay = Relay::start(server.addr.parse().unwrap(), weather)
        .await
        .unwrap();
    let flags = ["--info", "--json", "--timeout", "60"];
    let ended = run(&relay.addr().to_string(), &flags, b"").await;
    assert_eq!(
        (ended.code, ended.out.lines().count()),
        (Some(0), 1),
        "{ended:?}"
    );
    let told: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(
        (
            &told["established"],
            &told["version"],
            &told["cookie_exchange"]
        ),
        (&json!(true), &json!("DTLS 1.2"), &json!(true))
    );
    assert_eq!(told["verification"]["verified"], true);
    let flights = told["flights"].as_array().unwrap();
    let messages: Vec<_> = flights.iter().map(|flight| &flight["messages"]).collect();
    let expected = [
        json!(["ClientHello"]),
        json!(["HelloVerifyRequest"]),
        json!(["ClientHello"]),
        json!([
            "ServerHello",
            "Certificate",
            "ServerKeyExchange",
            "ServerHelloDone"
        ]),
        json!(["ClientKeyExchange", "ChangeCipherSpec"]),
        json!(["NewSessionTicket", "ChangeCipherSpec"]),
    ];
    assert_eq!(messages, expected.iter().collect::<Vec<_>>());
    for (place, direction) in ["sent", "received"].iter().cycle().take(6).enumerate() {
        assert_eq!(flights[place]["direction"], *direction);
    }
    // The one that was lost, and its repeat.
    assert!(flights[0]["repeats"].as_u64().unwrap() >= 1, "{told}");
    assert!(told["flights_repeated"].as_u64() >= Some(1));
    let bytes = |direction: &str| -> u64 {
        let own = flights
            .iter()
            .filter(|flight| flight["direction"] == direction);
        own.map(|flight| flight["bytes"].as_u64().unwrap()).sum()
    };
    for direction in ["sent", "received"] {
        assert_eq!(told[direction]["bytes"], bytes(direction), "{told}");
    }
}

#[tokio::test]
async fn info_has_the_chain_that_was_refused() {
    let server = Server::start(&[]).await;
    let name = ["--server-name", "example.org"];
    let refused = run(
        &server.addr,
        &[&["--info", "--json"], &name[..]].concat(),
        b"",
    )
    .await;
    refused.fails_with(
        1,
        &["hostname mismatch", "is for DNS:localhost, IP:127.0.0.1"],
    );
    let told: Value = serde_json::from_str(&refused.out).unwrap();
    assert_eq!(told["established"], false);
    assert_eq!(
        told["chosen"]["cipher_suites"],
        json!(["ECDHE-ECDSA-AES128-GCM-SHA256"])
    );
    let expected = json!({
        "verified": false,
        "reason": "hostname mismatch",
        "depth": 0,
        "subject": "CN=DTLS echo development server",
    });
    assert_eq!(told["verification"], expected);
    let chain = told["peer_certificates"].as_array().unwrap();
    assert_eq!(chain.len(), 2);
    assert_eq!(chain[0]["issuer"], chain[1]["subject"]);
    // Where anybody is accepted it tells the same.
    let accepted = run(
        &server.addr,
        &[&["--info", "--json", "--insecure"], &name[..]].concat(),
        b"",
    )
    .await;
    assert_eq!(accepted.code, Some(0));
    let told: Value = serde_json::from_str(&accepted.out).unwrap();
    assert_eq!(
        (&told["established"], &told["verification"]),
        (&json!(true), &expected)
    );
}

#[tokio::test]
async fn info_remarks_on_the_dates_of_certificates() {
    for (from, to, validity, words) in [
        (-9, -3, "expired", "has expired on "),
        (3, 9, "not_yet_valid", "is good only from "),
        (-3, 9, "valid", "has signed itself"),
    ] {
        let files = Files::new();
        let (pem, key) = self_signed_between(from, to);
        let (pem, key) = (files.write("pem", pem), files.write("key", key));
        let server = Server::start(&["--cert", &pem, "--key", &key]).await;
        let ended = run(&server.addr, &["--info", "--json"], b"").await;
        ended.fails_with(1, &["self-signed certificate", "has signed itself"]);
        let told: Value = serde_json::from_str(&ended.out).unwrap();
        let certificate = &told["peer_certificates"][0];
        assert_eq!(certificate["validity"], validity);
        let days = certificate["expires_in_days"].as_i64().unwrap();
        assert!((to - 1..=to).contains(&days), "{days}");
        // One that is trusted is refused for its dates alone.
        let ended = run(&server.addr, &["--info", "--ca", &pem], b"").await;
        if validity == "valid" {
            assert_eq!(ended.code, Some(0), "{ended:?}");
        } else {
            ended.fails_with(1, &[words]);
        }
        let remark = match validity {
            "valid" => " GMT (expires in ".to_owned(),
            other => format!(" GMT ({})", other.replace('_', " ")),
        };
        assert!(ended.out.contains(&remark), "{ended:?}");
    }
}

#[tokio::test]
async fn info_tells_what_is_known_of_silence() {
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let addr = silent.local_addr().unwrap().to_string();
    let ended = run(&addr, &["--info", "--timeout", "1"], b"").await;
    ended.fails_with(1, &["nothing came back at all"]);
    for words in [
        "failed: cannot connect",
        "offered                 DTLS 1.2: ",
        "\nflight 1, sent          ClientHello: ",
    ] {
        assert!(ended.out.contains(words), "no {words:?} in {ended:?}");
    }
    let flights = ended
        .out
        .lines()
        .filter(|line| line.starts_with("flight "))
        .count();
    assert_eq!(flights, 1, "{ended:?}");
}

#[tokio::test]
async fn info_goes_with_keys_and_with_sessions() {
    let files = Files::new();
    let keys = files.write("keys", "device:00112233445566778899aabbccddeeff\n");
    let server = Server::start(&["--psk-file", &keys]).await;
    let flags = ["--info", "--json", "--psk-file", &keys];
    let told: Value = serde_json::from_str(&run(&server.addr, &flags, b"").await.out).unwrap();
    assert_eq!(told["psk_identity"], "device");
    assert_eq!(told["verification"]["verified"], Value::Null);
    let server = Server::start(&[]).await;
    let session = files.path("session");
    for resumed in [false, true] {
        let flags = ["--info", "--json", "--session", &session];
        let told: Value = serde_json::from_str(&run(&server.addr, &flags, b"").await.out).unwrap();
        assert_eq!(
            (&told["resumed"], &told["verification"]["verified"]),
            (&json!(resumed), &json!(true))
        );
    }
}

/// The JSON on stderr, on which there is nothing else.
fn told(ended: &Ended) -> Value {
    assert_eq!(ended.err.lines().count(), 1, "{ended:?}");
    serde_json::from_str(&ended.err).unwrap()
}
