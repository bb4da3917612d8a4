//! What the server says of its address.

use std::process::Command;

use crate::{
    Case,
    client::err,
    common::{Program, Server, has},
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
    ]
}

async fn refused(command: &[&str]) -> String {
    err(Program::start(command[0], &command[1..]).end().await)
}

async fn refused_owned(command: Vec<&'static str>) -> String {
    refused(&command).await
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
