//! What the flags let the programs negotiate, with other people's clients and servers.
//!
//! A peer that this machine lacks is reported as ignored, never as passed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{
    net::SocketAddr,
    process::{Command, ExitCode, Stdio},
};

use common::{Ended, Files, Program, Server, cert, client, run, self_signed};
use dtls_echo::development_identity;
use dtls_session::{Acceptor, Limits, Listener};
use libtest_mimic::{Arguments, Trial};
use serde_json::Value;
use tokio::net::UdpSocket;

const KEY: &str = "00112233445566778899aabbccddeeff";

fn main() -> ExitCode {
    let openssl = has(&["openssl", "version"]);
    let gnutls = has(&["gnutls-cli", "--version"]);
    let tshark = has(&["tshark", "--version"]);
    let trials = vec![
        trial("s_client_has_a_pre_shared_key", openssl, s_client_psk),
        trial("gnutls_cli_has_a_pre_shared_key", gnutls, gnutls_psk),
        trial("s_server_has_our_pre_shared_key", openssl, s_server_psk),
        trial(
            "s_client_is_asked_for_its_certificate",
            openssl,
            s_client_certificate,
        ),
        trial(
            "s_server_asks_for_our_certificate",
            openssl,
            s_server_certificate,
        ),
        trial("s_client_asks_for_a_server_by_name", openssl, s_client_name),
        trial("s_client_agrees_on_a_protocol", openssl, s_client_protocol),
        trial("s_server_agrees_on_a_protocol", openssl, s_server_protocol),
        trial("s_client_agrees_on_an_srtp_profile", openssl, s_client_srtp),
        trial("s_client_exports_the_same", openssl, s_client_exports),
        trial("tshark_reads_a_session_by_its_key_log", tshark, key_log),
        trial("the_client_tells_what_was_negotiated", true, facts),
        trial(
            "keys_are_read_again_and_bad_ones_change_nothing",
            true,
            reload,
        ),
        trial("flags_that_are_of_no_use_are_named", true, refusals),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

async fn s_client_psk() {
    let files = Files::new();
    let keys = files.write("keys", format!("# ours\nother:00\ndevice:{KEY}\n"));
    let server = Server::start(&[
        "--psk-file",
        &keys,
        "--allow-plain-psk",
        "--psk-hint",
        "which?",
    ])
    .await;
    for suite in [
        "ECDHE-PSK-CHACHA20-POLY1305",
        "PSK-AES128-GCM-SHA256",
        "PSK-AES128-CCM",
        "PSK-AES128-CCM8",
    ] {
        let suite_at_0 = format!("{suite}:@SECLEVEL=0");
        let flags = [
            "-psk_identity",
            "device",
            "-psk",
            KEY,
            "-cipher",
            &suite_at_0,
        ];
        let mut peer = s_client(&server, &flags);
        echoes(&mut peer).await;
        peer.says(suite).await;
        peer.says("PSK identity: device").await;
        peer.says("PSK identity hint: which?").await;
        assert_eq!(peer.end().await.code, Some(0));
    }
    server.program.logs_times("psk=\"device\"", 4).await;
    // Certificates go on beside it.
    let ended = run(&server.addr, &[], b"x\n").await;
    assert_eq!((ended.code, &*ended.out), (Some(0), "Echo: x\n"));
}

async fn gnutls_psk() {
    let files = Files::new();
    let keys = files.write("keys", format!("device:{KEY}"));
    let server = Server::start(&["--psk-file", &keys]).await;
    let priority = "NORMAL:-VERS-ALL:+VERS-DTLS1.2:-KX-ALL:+ECDHE-PSK";
    let args = [
        "--udp",
        "--port",
        server.port(),
        "--pskusername",
        "device",
        "--pskkey",
        KEY,
        "--priority",
        priority,
        "127.0.0.1",
    ];
    let _peer = Program::start("gnutls-cli", &args);
    // 3.7.9 crashes when it is to tell what it has negotiated, so it has no more to say.
    let program = &server.program;
    program.logs("cipher=\"ECDHE-PSK-CHACHA20-POLY1305\"").await;
    program.logs("psk=\"device\"").await;
}

async fn s_server_psk() {
    let files = Files::new();
    let file = files.write("key", format!("device:{KEY}\n"));
    let argument = format!("device:{KEY}");
    for flags in [["--psk", &argument], ["--psk-file", &file]] {
        let peer = s_server(&["-nocert", "-psk_identity", "device", "-psk", KEY]);
        let addr = peer.says_line("ACCEPT ").await;
        let flags = [&flags[..], &["--timeout", "60", "-v"]].concat();
        let mut client = client(&addr, &flags);
        client.logs("pre-shared key          device").await;
        client.write(b"ping\n").await;
        peer.says("ping\n").await;
    }
}

async fn s_client_certificate() {
    let ca = cert("ca.pem");
    let (pem, key) = (cert("client.pem"), cert("client.key"));
    for how in ["request", "require"] {
        let server = Server::start(&["--client-ca", &ca, "--client-auth", how]).await;
        let mut peer = s_client(&server, &["-cert", &pem, "-key", &key]);
        echoes(&mut peer).await;
        assert_eq!(peer.end().await.code, Some(0));
        server.program.logs("DTLS echo development client").await;
        let mut peer = s_client(&server, &[]);
        if how == "request" {
            echoes(&mut peer).await;
        } else {
            server.program.logs("it sent none").await;
            assert_ne!(peer.end().await.code, Some(0));
        }
    }
    let files = Files::new();
    let (stranger, stranger_key) = self_signed();
    let (pem, key) = (
        files.write("pem", stranger),
        files.write("key", stranger_key),
    );
    let server = Server::start(&["--client-ca", &ca, "--client-auth", "request"]).await;
    let peer = s_client(&server, &["-cert", &pem, "-key", &key]);
    server.program.logs("certificate is refused").await;
    assert_ne!(peer.end().await.code, Some(0));
}

async fn s_server_certificate() {
    let (ca, pem, key) = (cert("ca.pem"), cert("client.pem"), cert("client.key"));
    let (server_pem, server_key) = (cert("server.pem"), cert("server.key"));
    let peer = s_server(&[
        "-cert",
        &server_pem,
        "-key",
        &server_key,
        "-Verify",
        "2",
        "-verify_return_error",
        "-CAfile",
        &ca,
    ]);
    let addr = peer.says_line("ACCEPT ").await;
    let mut client = client(&addr, &["--cert", &pem, "--key", &key, "--timeout", "60"]);
    client.write(b"ping\n").await;
    peer.says("ping\n").await;
    peer.says("DTLS echo development client").await;
}

async fn s_client_name() {
    let files = Files::new();
    let (pem, key) = self_signed();
    let named = format!(
        "named.example={},{}",
        files.write("pem", pem),
        files.write("key", key)
    );
    let server = Server::start(&["--sni", &named]).await;
    for (name, subject) in [
        ("named.example", "self-signed"),
        ("else.example", "DTLS echo development server"),
    ] {
        let args = [
            "s_client",
            "-dtls1_2",
            "-connect",
            &server.addr,
            "-servername",
            name,
        ];
        let mut peer = Program::start("openssl", &args);
        echoes(&mut peer).await;
        peer.says(&format!("subject=CN = {subject}")).await;
    }
    server.program.logs("name=\"named.example\"").await;
}

async fn s_client_protocol() {
    let server = Server::start(&["--alpn", "coap,echo"]).await;
    let mut peer = s_client(&server, &["-alpn", "x,echo"]);
    echoes(&mut peer).await;
    peer.says("ALPN protocol: echo").await;
    server.program.logs("protocol=\"echo\"").await;
    let ended = s_client(&server, &["-alpn", "x"]).end().await;
    assert!(ended.err.contains("no application protocol"), "{ended:?}");
}

async fn s_server_protocol() {
    let (pem, key) = (cert("server.pem"), cert("server.key"));
    let peer = s_server(&["-cert", &pem, "-key", &key, "-alpn", "echo"]);
    let addr = peer.says_line("ACCEPT ").await;
    let client = client(&addr, &["--alpn", "coap,echo", "-v"]);
    client.logs("protocol                echo").await;
}

async fn s_client_srtp() {
    let server = Server::start(&["--srtp", "SRTP_AEAD_AES_128_GCM"]).await;
    let profiles = "SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_128_GCM";
    let mut peer = s_client(&server, &["-use_srtp", profiles]);
    echoes(&mut peer).await;
    peer.says("SRTP Extension negotiated, profile=SRTP_AEAD_AES_128_GCM")
        .await;
}

async fn s_client_exports() {
    let (label, length) = ("EXPERIMENTAL test", "40");
    let acceptor = Acceptor::builder(development_identity().unwrap())
        .build()
        .unwrap();
    let listener =
        Listener::bind("127.0.0.1:0".parse().unwrap(), acceptor, Limits::default()).unwrap();
    let addr = listener.local_addr().to_string();
    let export = async {
        let session = listener.accept().await.unwrap().await.unwrap();
        let mut out = [0; 40];
        session
            .export_keying_material(&mut out, label, None)
            .unwrap();
        let digits: Vec<String> = out.iter().map(|byte| format!("{byte:02X}")).collect();
        (session, digits.concat())
    };
    let args = [
        "s_client",
        "-dtls1_2",
        "-connect",
        &addr,
        "-keymatexport",
        label,
        "-keymatexportlen",
        length,
    ];
    let peer = Program::start("openssl", &args);
    let (_session, material) = common::within(export).await;
    peer.says(&format!("Keying material: {material}")).await;
}

async fn key_log() {
    let files = Files::new();
    let secrets = files.path("secrets");
    // The server by its flag, since the client's secrets are the same.
    let server = Server::start(&["--keylog", &secrets]).await;
    let front = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let addr = front.local_addr().unwrap().to_string();
    let capture = tokio::spawn(capture(front, server.addr.parse().unwrap(), 2));
    let ended = run(&addr, &["--timeout", "60"], b"secret word\n").await;
    assert_eq!((ended.code, &*ended.out), (Some(0), "Echo: secret word\n"));
    let pcap = files.write("pcap", common::within(capture).await.unwrap());
    let ended = tshark(&pcap, &secrets, server.port()).await;
    assert!(ended.out.contains("Echo: secret wor"), "{ended:?}");
    let none = files.write("none", "");
    let ended = tshark(&pcap, &none, server.port()).await;
    assert!(
        ended.code == Some(0) && !ended.out.contains("Echo: "),
        "{ended:?}"
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&secrets).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

async fn facts() {
    let server = Server::start(&[
        "--groups",
        "P-256",
        "--ciphers",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
    ])
    .await;
    let ended = run(&server.addr, &["--json"], b"x\n").await;
    assert_eq!(
        (ended.code, &*ended.out),
        (Some(0), "Echo: x\n"),
        "{ended:?}"
    );
    let facts: Value = serde_json::from_str(&ended.err).unwrap();
    for (name, value) in [
        ("version", "DTLSv1.2"),
        ("cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"),
        ("cipher_suite", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
        ("group", "prime256v1"),
    ] {
        assert_eq!(facts[name], value, "{facts}");
    }
    assert_eq!(
        (&facts["resumed"], &facts["mtu"]),
        (&false.into(), &1350.into())
    );
    let certificate = &facts["peer_certificates"][0];
    assert_eq!(certificate["subject"], "CN=DTLS echo development server");
    assert_eq!(certificate["sha256"].as_str().unwrap().len(), 95);
    let ended = run(&server.addr, &["-v"], b"x\n").await;
    assert!(
        ended.err.starts_with("version                 DTLSv1.2\n"),
        "{ended:?}"
    );
    assert!(ended.err.contains("\n  SHA-256 "), "{ended:?}");
}

async fn reload() {
    let files = Files::new();
    let keys = files.write("keys", "a:0011");
    let server = Server::start(&["--psk-file", &keys]).await;
    let mut live = client(&server.addr, &["--psk", "a:0011"]);
    live.write(b"one\n").await;
    live.says("Echo: one\n").await;
    files.write("keys", "b:2233\nb:secret\n");
    server.program.signal("-HUP");
    server
        .program
        .logs("cannot reload, and goes on as before")
        .await;
    server.program.logs("line 2").await;
    let ended = run(&server.addr, &["--psk", "a:0011"], b"x\n").await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    files.write("keys", "b:2233");
    server.program.signal("-HUP");
    server
        .program
        .logs("INFO dtls_echo_server::reload: reloaded")
        .await;
    let ended = run(&server.addr, &["--psk", "b:2233"], b"x\n").await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let ended = run(&server.addr, &["--psk", "a:0011", "--timeout", "1"], b"x\n").await;
    ended.fails_with(1, &["not finished"]);
    live.write(b"two\n").await;
    live.says("Echo: two\n").await;
    let ended = server.program.kill().await;
    assert!(!ended.err.contains("secret"), "{ended:?}");
}

async fn refusals() {
    let files = Files::new();
    let bad = files.write("bad", "device:secret");
    let missing = files.path("missing");
    let server = |flags: &[&str]| {
        let args = [&["127.0.0.1:0"], flags].concat();
        Program::start(env!("CARGO_BIN_EXE_dtls-echo-server"), &args)
    };
    let client = |flags: &[&str]| client("127.0.0.1:9", flags);
    for (program, code, words) in [
        (
            server(&["--psk-file", &bad]),
            1,
            ["bad for --psk-file", "line 1"],
        ),
        (
            server(&["--psk-file", &missing]),
            1,
            ["missing", "No such file"],
        ),
        (server(&["--psk-hint", "x"]), 2, ["--psk-file", "required"]),
        (
            server(&["--client-auth", "require"]),
            2,
            ["--client-ca", "required"],
        ),
        (
            server(&["--client-ca", &missing]),
            1,
            ["--client-ca", "No such file"],
        ),
        (
            server(&["--sni", "x"]),
            2,
            ["--sni", "NAME=CERT,KEY is needed"],
        ),
        (
            server(&["--sni", "x=a,b"]),
            1,
            ["cannot read a", "No such file"],
        ),
        (
            server(&["--ciphers", "x"]),
            1,
            ["cipher suite list `x`", "nothing in it"],
        ),
        (
            server(&["--groups", "x"]),
            1,
            ["group list `x`", "nothing in it"],
        ),
        (
            server(&["--sigalgs", "x"]),
            1,
            ["signature algorithm list `x`", "nothing in it"],
        ),
        (
            server(&["--srtp", "x"]),
            1,
            ["SRTP profile list `x`", "nothing in it"],
        ),
        (
            server(&["--max-version", "1.3"]),
            1,
            ["DTLS 1.3", "OpenSSL"],
        ),
        (
            client(&["--max-version", "1.3"]),
            1,
            ["DTLS 1.3", "OpenSSL"],
        ),
        (
            server(&["--max-version", "1.1"]),
            2,
            ["--max-version", "1.3"],
        ),
        (
            server(&["--keylog", "/"]),
            1,
            ["cannot write secrets to /", "directory"],
        ),
        (
            client(&["--psk", "device:secret"]),
            2,
            ["--psk: ", "hexadecimal"],
        ),
        (
            client(&["--psk", "x:00", "--ca", "x"]),
            2,
            ["--psk", "--ca"],
        ),
        (
            client(&["--psk-file", &missing]),
            1,
            ["missing for --psk-file", "No such file"],
        ),
        (client(&["--cert", "x"]), 2, ["--key", "required"]),
        (
            client(&["--ciphers", "x"]),
            1,
            ["cipher suite list `x`", "nothing in it"],
        ),
    ] {
        let ended = program.end().await;
        ended.fails_with(code, &words);
        assert!(
            !ended.err.contains("secret\n") && !ended.err.contains("device:"),
            "{ended:?}"
        );
        assert_eq!(ended.out, "");
    }
}

async fn echoes(peer: &mut Program) {
    peer.write(b"hello\n").await;
    peer.says("Echo: hello\n").await;
}

fn s_client(server: &Server, flags: &[&str]) -> Program {
    let args = ["s_client", "-dtls1_2", "-connect", &server.addr];
    Program::start("openssl", &[&args, flags].concat())
}

fn s_server(flags: &[&str]) -> Program {
    let args = ["s_server", "-dtls1_2", "-accept", "127.0.0.1:0"];
    Program::start("openssl", &[&args, flags].concat())
}

async fn tshark(pcap: &str, secrets: &str, port: &str) -> Ended {
    let (secrets, port) = (
        format!("tls.keylog_file:{secrets}"),
        format!("udp.port=={port},dtls"),
    );
    let args = ["-r", pcap, "-o", &secrets, "-d", &port, "-x"];
    Program::start("tshark", &args).end().await
}

/// Relays one client to the server until both have said goodbye, and returns what went by in the
/// format of libpcap.
async fn capture(front: UdpSocket, server: SocketAddr, goodbyes: usize) -> Vec<u8> {
    let back = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    back.connect(server).await.unwrap();
    // Magic number, version 2.4, no time zone, no accuracy, 64 KiB a packet, raw IP.
    let mut pcap = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 101] {
        pcap.extend(word.to_le_bytes());
    }
    let mut client = None;
    let (mut up, mut down) = ([0; 2048], [0; 2048]);
    let mut alerts = 0;
    while alerts < goodbyes {
        let datagram = tokio::select! {
            received = front.recv_from(&mut up) => {
                let (length, from) = received.unwrap();
                client = Some(from);
                back.send(&up[..length]).await.unwrap();
                pcap.extend(packet(from.port(), server.port(), &up[..length]));
                &up[..length]
            }
            received = back.recv(&mut down) => {
                let (length, to) = (received.unwrap(), client.unwrap());
                front.send_to(&down[..length], to).await.unwrap();
                pcap.extend(packet(server.port(), to.port(), &down[..length]));
                &down[..length]
            }
        };
        alerts += usize::from(datagram[0] == 21);
    }
    pcap
}

/// A datagram with its headers, without checksums, between two ports of 127.0.0.1.
fn packet(from: u16, to: u16, datagram: &[u8]) -> Vec<u8> {
    let udp = 8 + datagram.len() as u16;
    let length = u32::from(20 + udp);
    let mut packet = Vec::new();
    for word in [0, 0, length, length] {
        packet.extend(word.to_le_bytes());
    }
    packet.extend([0x45, 0]);
    packet.extend((20 + udp).to_be_bytes());
    packet.extend([0, 0, 0, 0, 64, 17, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1]);
    for half in [from, to, udp, 0] {
        packet.extend(half.to_be_bytes());
    }
    packet.extend(datagram);
    packet
}

fn has(command: &[&str]) -> bool {
    Command::new(command[0])
        .args(&command[1..])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn trial<F>(name: &str, peer_is_here: bool, test: impl FnOnce() -> F + Send + 'static) -> Trial
where
    F: Future<Output = ()>,
{
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(test());
        Ok(())
    };
    Trial::test(name, run).with_ignored_flag(!peer_is_here)
}
