//! Certificates that are asked for, on both sides.

use crate::{
    common::{Files, Program, Server, cert, client, self_signed},
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
