//! What the client says of a server.

use std::net::{SocketAddr, UdpSocket};

use tokio::{process::Command, task::JoinHandle};

use crate::{
    Case,
    common::{
        Ended, Files, Program, Server, authorities, cert, client, has, run, s_server, self_signed,
        self_signed_between,
    },
};

pub(crate) fn cases() -> Vec<Case> {
    let openssl = has(&["openssl", "version"]);
    vec![
        Case::new("cannot resolve ...", || async {
            // Longer than a label may be, so that no name server is asked.
            err(run(&format!("{}:9", "x".repeat(64)), &[], b"").await)
        }),
        Case::new(
            "cannot open a UDP socket for ...: ... (is there a way to that address from here?)",
            || async { err(run("255.255.255.255:9", &[], b"").await) },
        ),
        Case::new(
            "nothing came back at all: hellos sent: ... (is a DTLS server listening there",
            || async {
                let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
                let addr = silent.local_addr().unwrap().to_string();
                err(run(&addr, &["--timeout", "1"], b"").await)
            },
        ),
        Case::new(
            "the peer cannot be reached: ...: the host refused ... hellos: the port is closed (ICMP)",
            || async {
                let closed = UdpSocket::bind("127.0.0.1:0")
                    .unwrap()
                    .local_addr()
                    .unwrap();
                err(run(&closed.to_string(), &["--timeout", "100"], b"").await)
            },
        ),
        Case::new("nothing came back at all: ... answers in its place", || async {
            let server = Server::start(&[]).await;
            let (addr, relaying) = crooked(server.addr.parse().unwrap()).await;
            let said = err(run(&addr, &["--timeout", "1"], b"").await);
            relaying.abort();
            said
        }),
        Case::new("what came back is not DTLS", || async {
            let reflected = reflection().await;
            assert!(
                reflected.contains("what came back is not DTLS"),
                "{reflected}"
            );
            not_dtls().await
        }),
        Case::new(
            "the server asked for a cookie (HelloVerifyRequest), and said nothing more",
            full,
        ),
        Case::new(
            "the server's flight came, and this client's last one got no answer",
            wrong_key,
        ),
        Case::new(
            "the two sides have no protocol version in common: we offered DTLS ... with ...",
            || async {
                let server = Server::start(&[]).await;
                let old = ["--min-version", "1.0", "--max-version", "1.0"];
                err(run(&server.addr, &old, b"").await)
            },
        ),
        Case::new(
            "the peer refused the handshake with the alert handshake_failure: we offered DTLS 1.2 with ...; \
             groups ... (it may want --cert, --psk, or other --ciphers",
            || async {
                let server = Server::start(&[]).await;
                err(run(
                    &server.addr,
                    &["--ciphers", "ECDHE-RSA-AES128-GCM-SHA256"],
                    b"",
                )
                .await)
            },
        ),
        Case::new(
            "... (it may know no pre-shared keys, or want --allow-plain-psk or other --ciphers)",
            || async {
                let server = Server::start(&[]).await;
                err(run(&server.addr, &["--psk", "device:00ff"], b"").await)
            },
        ),
        Case::new(
            "the alert no_application_protocol: we offered ...; protocols ...",
            || async {
                let server = Server::start(&["--alpn", "coap"]).await;
                err(run(&server.addr, &["--alpn", "mqtt"], b"").await)
            },
        ),
        Case::new(
            "the server does not take this client's certificate",
            refused_client,
        ),
        Case::new(
            "the server has asked for a certificate, and this client has shown none",
            || async {
                let ca = cert("ca.pem");
                let server = Server::start(&["--client-ca", &ca]).await;
                err(run(&server.addr, &[], b"").await)
            },
        ),
        Case::new(
            "hostname mismatch: certificate 0 (...) is for ..., and not for ...",
            || async {
                let server = Server::start(&[]).await;
                err(run(&server.addr, &["--server-name", "example.org"], b"").await)
            },
        ),
        Case::new("certificate ... (...) has expired on ...", || dated(-9, -3)),
        Case::new("certificate ... (...) is good only from ... on", || {
            dated(3, 9)
        }),
        Case::new(
            "certificate 0 (...) has signed itself, and is not trusted",
            || async {
                let files = Files::new();
                let (pem, key) = self_signed();
                let (pem, key) = (files.write("pem", pem), files.write("key", key));
                let server = Server::start(&["--cert", &pem, "--key", &key]).await;
                err(run(&server.addr, &[], b"").await)
            },
        ),
        Case::new(
            "certificate ... (...) was issued by ..., which is not trusted",
            || async {
                let server = Server::start(&[]).await;
                let files = Files::new();
                let stranger = files.write("ca", self_signed().0);
                err(run(&server.addr, &["--ca", &stranger], b"").await)
            },
        ),
        Case::new(
            "the peer sends a message of ... bytes, and up to ... are taken (the server's --cert",
            || async {
                let files = Files::new();
                let (mut pem, key) = self_signed();
                pem.extend(authorities(400));
                let (pem, key) = (files.write("pem", pem), files.write("key", key));
                let server = Server::start(&["--cert", &pem, "--key", &key]).await;
                err(run(&server.addr, &["--timeout", "1"], b"").await)
            },
        ),
        Case::new("the server has closed the session", || async {
            let server = Server::start(&[]).await;
            let mut client = client(&server.addr, &[]);
            client.write(b"x\n").await;
            client.says("Echo: x\n").await;
            let stdin = client.stdin.take();
            server.program.signal("-TERM");
            let ended = client.end().await;
            drop(stdin);
            err(ended)
        }),
        Case::new(
            "no reply came within ...: the server may be gone",
            || async {
                let server = Server::start(&[]).await;
                let mut client = client(&server.addr, &["--timeout", "2"]);
                client.write(b"x\n").await;
                client.says("Echo: x\n").await;
                server.program.signal("-STOP");
                client.write(b"y\n").await;
                client.logs("gone").await;
                err(client.end().await)
            },
        ),
        Case::new(
            "none of the ... lines sent got a reply: the server may be gone",
            || async {
                let server = Server::start(&[]).await;
                let mut client = Command::new(env!("CARGO_BIN_EXE_dtls-echo-client"));
                client.args([&*server.addr, "--timeout", "2"]);
                let mut client = Program::start_with(client.env("RUST_LOG", "info"));
                // The server has its session before the client does.
                client.logs("session started").await;
                server.program.signal("-STOP");
                client.write(b"x\n").await;
                err(client.end().await)
            },
        ),
        Case::new(
            "no reply came within ...: the host refused ...: nobody listens on that port any more (ICMP)",
            || async {
                let server = Server::start(&[]).await;
                let mut client = client(&server.addr, &["--timeout", "2"]);
                client.write(b"x\n").await;
                client.says("Echo: x\n").await;
                server.program.kill().await;
                client.write(b"y\n").await;
                client.logs("no reply").await;
                err(client.end().await)
            },
        ),
        Case::new(
            "none of the ... lines sent got a reply: the host refused ...: nobody listens on that port any more (ICMP)",
            || async {
                let server = Server::start(&[]).await;
                let mut client = Command::new(env!("CARGO_BIN_EXE_dtls-echo-client"));
                client.args([&*server.addr, "--timeout", "2"]);
                let mut client = Program::start_with(client.env("RUST_LOG", "info"));
                client.logs("session started").await;
                server.program.kill().await;
                client.write(b"x\n").await;
                err(client.end().await)
            },
        ),
        Case::new(
            "... of ... replies did not come: the host refused ...: nobody listens on that port any more (ICMP)",
            || async {
                let server = Server::start(&[]).await;
                let mut client = client(&server.addr, &[]);
                client.write(b"x\n").await;
                client.says("Echo: x\n").await;
                server.program.kill().await;
                client.write(b"y\n").await;
                err(client.end().await)
            },
        ),
        Case::new(
            "none of the ... lines sent got a reply, but the server is there, as its close_notify shows",
            mute,
        )
        .only_if(openssl),
        Case::new(
            "the server has gone: nobody listens on its port any more (ICMP port unreachable)",
            || async {
                let server = Server::start(&[]).await;
                let client = client(&server.addr, &["--ping", "-i", "0.1", "--timeout", "2"]);
                client.says("seq=1 ").await;
                server.program.kill().await;
                client.end().await.err
            },
        ),
        Case::new("... of ... replies did not come", unanswered).only_if(openssl),
        Case::new(
            "line ... has ... bytes with its newline, and one datagram carries up to ...",
            || async {
                let server = Server::start(&[]).await;
                err(run(&server.addr, &[], "x".repeat(5000).as_bytes()).await)
            },
        ),
        Case::new(
            "the two sides have no protocol version in common: ...; the server chose DTLS 1.0",
            s_server_1_0,
        )
        .only_if(openssl),
    ]
}

/// Asserts that the client has failed, and returns what it said.
pub(crate) fn err(ended: Ended) -> String {
    assert_eq!(ended.code, Some(1), "{ended:?}");
    ended.err
}

async fn not_dtls() -> String {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    let addr = server.local_addr().unwrap().to_string();
    let answering = std::thread::spawn(move || {
        let mut buf = [0; 2048];
        let (_, client) = server.recv_from(&mut buf).unwrap();
        server
            .send_to(b"HTTP/1.1 400 Bad Request\r\n", client)
            .unwrap();
        server
    });
    let said = err(run(&addr, &["--timeout", "1"], b"").await);
    answering.join().unwrap();
    said
}

/// A relay that passes on the server's answers from another port.
async fn crooked(server: SocketAddr) -> (String, JoinHandle<()>) {
    let [front, back, other] = [(); 3].map(|()| {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        tokio::net::UdpSocket::from_std(socket).unwrap()
    });
    let addr = front.local_addr().unwrap().to_string();
    let relaying = tokio::spawn(async move {
        let mut buf = [0; 2048];
        loop {
            let (length, client) = front.recv_from(&mut buf).await.unwrap();
            back.send_to(&buf[..length], server).await.unwrap();
            let (length, _) = back.recv_from(&mut buf).await.unwrap();
            other.send_to(&buf[..length], client).await.unwrap();
        }
    });
    (addr, relaying)
}

/// A service of plain UDP that sends everything back.
async fn reflection() -> String {
    let server = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let addr = server.local_addr().unwrap().to_string();
    let reflecting = tokio::spawn(async move {
        let mut buf = [0; 2048];
        loop {
            let (length, client) = server.recv_from(&mut buf).await.unwrap();
            server.send_to(&buf[..length], client).await.unwrap();
        }
    });
    let said = err(run(&addr, &["--timeout", "1"], b"").await);
    reflecting.abort();
    said
}

async fn full() -> String {
    let server = Server::start(&["--max-sessions", "1"]).await;
    let mut first = client(&server.addr, &[]);
    first.write(b"x\n").await;
    first.says("Echo: x\n").await;
    err(run(&server.addr, &["--timeout", "3"], b"").await)
}

async fn wrong_key() -> String {
    let files = Files::new();
    let keys = files.write("keys", "device:00112233445566778899aabbccddeeff\n");
    let server = Server::start(&["--psk-file", &keys]).await;
    err(run(&server.addr, &["--psk", "device:00", "--timeout", "3"], b"").await)
}

async fn refused_client() -> String {
    let server = Server::start(&["--client-ca", &cert("ca.pem")]).await;
    let files = Files::new();
    let (pem, key) = self_signed();
    let (pem, key) = (files.write("pem", pem), files.write("key", key));
    err(run(&server.addr, &["--cert", &pem, "--key", &key], b"").await)
}

async fn dated(from: i64, to: i64) -> String {
    let files = Files::new();
    let (pem, key) = self_signed_between(from, to);
    let (pem, key) = (files.write("pem", pem), files.write("key", key));
    let server = Server::start(&["--cert", &pem, "--key", &key]).await;
    err(run(&server.addr, &["--ca", &pem], b"").await)
}

/// A server that speaks nothing newer, and a client with a cipher suite for it.
async fn s_server_1_0() -> String {
    let peer = s_server("-dtls1", &["-cipher", "ALL:@SECLEVEL=0"]);
    let addr = peer.says_line("ACCEPT ").await;
    let suites = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-SHA";
    err(run(&addr, &["--ciphers", suites], b"").await)
}

async fn mute() -> String {
    let peer = s_server("-dtls1_2", &[]);
    let addr = peer.says_line("ACCEPT ").await;
    err(run(&addr, &["--timeout", "3"], b"x\n").await)
}

/// The test answers in the place of the server, and not twice.
async fn unanswered() -> String {
    let mut peer = s_server("-dtls1_2", &[]);
    let addr = peer.says_line("ACCEPT ").await;
    let mut client = client(&addr, &[]);
    client.write(b"x\ny\n").await;
    peer.says("y\n").await;
    peer.write(b"y\n").await;
    client.says("y\n").await;
    err(client.end().await)
}
