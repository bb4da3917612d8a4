//! Certificates that are asked for, on both sides.

use crate::{
    common::{Files, Program, Server, authorities, cert, client, run, self_signed},
    echoes, s_client, s_server,
};

pub(crate) async fn s_client_certificate() {
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

/// A list that fills 60 KiB, and one that is longer than a CertificateRequest can be.
pub(crate) async fn many_authorities() {
    for count in [900, 1100] {
        let (_files, server) = with_authorities(count).await;
        let (pem, key) = (cert("client.pem"), cert("client.key"));
        let flags = ["--cert", &*pem, "--key", &key, "--timeout", "60"];
        let ended = run(&server.addr, &flags, b"x\n").await;
        let got = (ended.code, &*ended.out);
        assert_eq!(got, (Some(0), "Echo: x\n"), "{count}: {ended:?}");
        server.program.logs("DTLS echo development client").await;
    }
}

pub(crate) async fn s_client_among_many_authorities() {
    let (_files, server) = with_authorities(900).await;
    let (pem, key) = (cert("client.pem"), cert("client.key"));
    let mut peer = s_client(&server, &["-cert", &pem, "-key", &key]);
    echoes(&mut peer).await;
    assert_eq!(peer.end().await.code, Some(0));
}

async fn with_authorities(count: usize) -> (Files, Server) {
    let files = Files::new();
    let mut all = authorities(count);
    all.extend(std::fs::read(cert("ca.pem")).unwrap());
    let server = Server::start(&["--client-ca", &files.write("all", all)]).await;
    (files, server)
}

pub(crate) async fn s_server_certificate() {
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

pub(crate) async fn s_client_name() {
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

pub(crate) async fn reload() {
    let files = Files::new();
    let (new, new_key) = self_signed();
    let (new, new_key) = (files.write("new", new), files.write("new.key", new_key));
    let old = std::fs::read(cert("ca.pem")).unwrap();
    let (authorities, session) = (files.write("ca", &old), files.path("session"));
    let server = Server::start(&["--client-ca", &authorities]).await;
    let (pem, key) = (cert("client.pem"), cert("client.key"));
    let flags = ["--cert", &pem, "--key", &key, "--session", &session];
    for resumed in [false, true] {
        let ended = run(&server.addr, &flags, b"x\n").await;
        assert_eq!((ended.code, &*ended.out), (Some(0), "Echo: x\n"));
        server.program.logs(&format!("resumed={resumed}")).await;
    }
    let mut live = client(&server.addr, &flags[..4]);
    live.write(b"one\n").await;
    live.says("Echo: one\n").await;
    files.write("ca", "junk");
    server.program.signal("-HUP");
    server
        .program
        .logs("cannot reload, and goes on as before")
        .await;
    assert_eq!(run(&server.addr, &flags, b"x\n").await.code, Some(0));
    files.write("ca", std::fs::read(&new).unwrap());
    server.program.signal("-HUP");
    server.program.logs("reload: reloaded").await;
    run(&server.addr, &flags, b"x\n")
        .await
        .fails_with(1, &["refused"]);
    server.program.logs("certificate is refused").await;
    let ended = run(&server.addr, &["--cert", &new, "--key", &new_key], b"x\n").await;
    assert_eq!(
        (ended.code, &*ended.out),
        (Some(0), "Echo: x\n"),
        "{ended:?}"
    );
    live.write(b"two\n").await;
    live.says("Echo: two\n").await;
}
