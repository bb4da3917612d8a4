//! What the server says of clients that it does not let in.

use crate::{
    Case,
    common::{Direction, Files, Relay, Server, Weather, cert, client, run, self_signed},
    path::half_way,
};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "handshake failed: the two sides have no cipher suite in common",
            || async {
                let flags = ["--ciphers", "ECDHE-RSA-AES128-GCM-SHA256"];
                let flags = [&flags[..], &["--server-name", "device.example"]].concat();
                let said = "no cipher suite in common";
                let fields = [
                    "offered=\"DTLS 1.2 with TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
                    "; groups x25519",
                    "; signature algorithms ",
                    "ecdsa_secp256r1_sha256",
                    "; server name device.example",
                ];
                logged(&[], &flags, said, &fields).await
            },
        ),
        Case::new(
            "handshake failed: the peer refused the handshake with the alert unknown_ca",
            || async {
                let stranger = cert("client.pem");
                logged(
                    &[],
                    &["--ca", &stranger],
                    "unknown_ca",
                    &["offered=\"DTLS 1.2"],
                )
                .await
            },
        ),
        Case::new(
            "handshake failed: the peer's certificate is refused: it sent none",
            || async {
                let ca = cert("ca.pem");
                logged(&["--client-ca", &ca], &[], "it sent none", &[]).await
            },
        ),
        Case::new(
            "handshake failed: the peer's certificate is refused: self-signed certificate",
            || async {
                let (ca, files) = (cert("ca.pem"), Files::new());
                let (pem, key) = self_signed();
                let (pem, key) = (files.write("pem", pem), files.write("key", key));
                let flags = ["--cert", &pem, "--key", &key];
                let fields = ["certificate=\"CN=self-signed\""];
                logged(&["--client-ca", &ca], &flags, "is refused", &fields).await
            },
        ),
        Case::new(
            "handshake failed: the client did not finish: it has another pre-shared key, or its last message was lost",
            || keyed("device:00", "did not finish", "psk=\"device\""),
        ),
        Case::new(
            "handshake failed: there is no pre-shared key for the client's identity",
            || {
                keyed(
                    "stranger:00112233445566778899aabbccddeeff",
                    "no pre-shared key",
                    "psk=\"stranger\"",
                )
            },
        ),
        Case::new(
            "handshake failed: the handshake was not finished within ...: the peer stopped answering",
            half_silent,
        ),
        Case::new(
            "handshake failed: the handshake was not finished within ...: nothing came back at all",
            silent,
        ),
        Case::new(
            "handshake failed: the two sides have no application protocol in common",
            || {
                logged(
                    &["--alpn", "coap"],
                    &["--alpn", "mqtt"],
                    "no application protocol in common",
                    &["; protocols mqtt"],
                )
            },
        ),
        Case::new("clients are refused: ... is reached", || async {
            let per_address = full("--max-sessions-per-address").await;
            full("--max-sessions").await + &per_address
        }),
    ]
}

/// What a server with these flags logs of a client with those: one line with all of the fields.
async fn logged(server: &[&str], client: &[&str], until: &str, fields: &[&str]) -> String {
    let server = Server::start(server).await;
    let ended = run(
        &server.addr,
        &[client, &["--timeout", "4"]].concat(),
        b"x\n",
    )
    .await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    the_line(server, until, fields).await
}

async fn the_line(server: Server, until: &str, fields: &[&str]) -> String {
    server.program.logs(until).await;
    let log = server.program.stop().await.err;
    let mut lines = log.lines().filter(|line| line.contains(until));
    let line = lines.next().unwrap();
    assert_eq!(lines.next(), None, "a client is told of once: {log}");
    for field in ["peer=127.0.0.1:"].iter().chain(fields) {
        assert!(line.contains(field), "no {field:?} in {line:?}");
    }
    line.to_owned()
}

/// A client with a key that the server, which knows one of `device`, cannot let in.
async fn keyed(key: &str, until: &str, identity: &str) -> String {
    let files = Files::new();
    let keys = files.write("keys", "device:00112233445566778899aabbccddeeff\n");
    let server = ["--psk-file", &keys, "--handshake-timeout", "2"];
    logged(&server, &["--psk", key], until, &[identity]).await
}

/// The client's Finished is lost, however often it is sent.
async fn half_silent() -> String {
    let server = Server::start(&["--handshake-timeout", "2"]).await;
    let (addr, path) = half_way(&server.addr, Direction::ToServer).await;
    let said = given_up(server, &addr).await;
    path.abort();
    said
}

/// The server's flight is lost, whatever the client asks.
async fn silent() -> String {
    let server = Server::start(&["--mtu", "400", "--handshake-timeout", "2"]).await;
    let weather = Weather {
        mtu: Some(350),
        ..Weather::default()
    };
    let relay = Relay::start(server.addr.parse().unwrap(), weather).await;
    let addr = relay.as_ref().unwrap().addr().to_string();
    given_up(server, &addr).await
}

/// A client is let go after two seconds.
async fn given_up(server: Server, addr: &str) -> String {
    let ended = run(addr, &["--timeout", "4"], b"").await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    the_line(server, "was not finished within 2s", &[]).await
}

/// A client has the one place that there is when another comes.
async fn full(flag: &str) -> String {
    let server = Server::start(&[flag, "1"]).await;
    let mut first = client(&server.addr, &[]);
    first.write(b"x\n").await;
    first.says("Echo: x\n").await;
    let second = run(&server.addr, &["--timeout", "2"], b"").await;
    assert_eq!(second.code, Some(1), "{second:?}");
    let said = format!("clients are refused: {flag} is reached");
    the_line(server, &said, &["WARN", "hellos=1"]).await
}
