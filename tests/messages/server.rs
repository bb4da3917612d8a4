//! What the server says of its address and of its clients.

use std::process::Command;

use crate::{
    Case,
    client::err,
    common::{Files, Program, Server, cert, has, run},
};

const SERVER: &str = env!("CARGO_BIN_EXE_dtls-echo-server");

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "cannot listen on ...: Address already in use ... (another program has the port",
            || async {
                let server = Server::start(&[]).await;
                refused(&[SERVER, &server.addr]).await
            },
        ),
        Case::new(
            "cannot listen on ...: Permission denied ... (ports below 1024 are for root",
            || {
                let mut command = vec![];
                if is_root() {
                    command.extend(["setpriv", "--bounding-set", "-net_bind_service"]);
                }
                command.extend([SERVER, "127.0.0.1:853"]);
                refused_owned(command)
            },
        )
        .only_if(low_ports_are_kept()),
        Case::new(
            "cannot listen on ...: Cannot assign requested address ... (no interface",
            || {
                // TEST-NET-1 (RFC 5737) is nobody's.
                refused(&[SERVER, "192.0.2.1:0"])
            },
        ),
        Case::new(
            "... is not a loopback address, and the development identity's key is known to everybody",
            || refused(&[SERVER, "0.0.0.0:0"]),
        ),
        Case::new(
            "no socket was passed: --socket-activation is for services that systemd starts",
            || refused(&[SERVER, "--socket-activation"]),
        ),
        Case::new(
            "handshake failed: the two sides have no cipher suite in common",
            || async {
                let flags = ["--ciphers", "ECDHE-RSA-AES128-GCM-SHA256"];
                logged(&[], &flags, "no cipher suite in common").await
            },
        ),
        Case::new(
            "handshake failed: the peer refused the handshake with the alert unknown_ca",
            || async {
                let stranger = cert("client.pem");
                logged(&[], &["--ca", &stranger], "unknown_ca").await
            },
        ),
        Case::new(
            "handshake failed: the peer's certificate is refused: it sent none",
            || async {
                let ca = cert("ca.pem");
                logged(&["--client-ca", &ca], &[], "it sent none").await
            },
        ),
        Case::new(
            "handshake failed: the handshake was not finished within ...: the peer stopped answering",
            || async {
                let files = Files::new();
                let keys = files.write("keys", "device:00112233445566778899aabbccddeeff\n");
                let server = ["--psk-file", &keys, "--handshake-timeout", "2"];
                logged(
                    &server,
                    &["--psk", "device:00"],
                    "was not finished within 2s",
                )
                .await
            },
        ),
        Case::new(
            "handshake failed: the two sides have no application protocol in common",
            || {
                logged(
                    &["--alpn", "coap"],
                    &["--alpn", "mqtt"],
                    "no application protocol in common",
                )
            },
        ),
    ]
}

async fn refused(command: &[&str]) -> String {
    err(Program::start(command[0], &command[1..]).end().await)
}

async fn refused_owned(command: Vec<&'static str>) -> String {
    refused(&command).await
}

/// What a server with these flags logs of a client with those.
async fn logged(server: &[&str], client: &[&str], until: &str) -> String {
    let server = Server::start(server).await;
    let ended = run(
        &server.addr,
        &[client, &["--timeout", "4"]].concat(),
        b"x\n",
    )
    .await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    server.program.logs(until).await;
    server.program.stop().await.err
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|id| id.stdout == b"0\n")
}

fn low_ports_are_kept() -> bool {
    let first = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    let first = first
        .ok()
        .and_then(|first| first.trim().parse::<u16>().ok());
    let can_lose_it =
        !is_root() || has(&["setpriv", "--bounding-set", "-net_bind_service", "true"]);
    first.is_some_and(|first| first > 853) && can_lose_it
}
