//! GnuTLS, with more than a key.

use crate::{
    KEY,
    common::{Files, Program, Server, cert, client, with_gnutls_serv},
    echoes,
};

pub(crate) async fn cli_certificate_name_and_protocol() {
    let (ca, pem, key) = (cert("ca.pem"), cert("client.pem"), cert("client.key"));
    let server = Server::start(&["--client-ca", &ca, "--alpn", "coap,echo"]).await;
    let args = [
        "--udp",
        "--port",
        server.port(),
        "--x509cafile",
        &ca,
        "--x509certfile",
        &pem,
        "--x509keyfile",
        &key,
        "--alpn",
        "echo",
        "--sni-hostname",
        "localhost",
        "127.0.0.1",
    ];
    let mut peer = Program::start("gnutls-cli", &args);
    peer.says("Handshake was completed").await;
    echoes(&mut peer).await;
    let program = &server.program;
    program.logs("protocol=\"echo\"").await;
    program.logs("name=\"localhost\"").await;
    program.logs("DTLS echo development client").await;
    program.logs("record_protection=\"own\"").await;
    assert_eq!(peer.end().await.code, Some(0));
}

pub(crate) async fn serv_psk() {
    let files = Files::new();
    let passwords = files.write("passwords", format!("device:{KEY}\n"));
    let psk = format!("device:{KEY}");
    let priority = "NORMAL:-VERS-ALL:+VERS-DTLS1.2:-KX-ALL:+ECDHE-PSK";
    let flags = ["--pskpasswd", &passwords, "--priority", priority];
    let ended = with_gnutls_serv(&flags, async |addr| {
        let mut client = client(&addr, &["--psk", &psk, "-v"]);
        client.write(b"hello\n").await;
        client.end().await
    })
    .await;
    assert_eq!((ended.code, &*ended.out), (Some(0), "hello\n"), "{ended:?}");
    for line in [
        "pre-shared key          device\n",
        "record protection       own\n",
    ] {
        assert!(ended.err.contains(line), "{ended:?}");
    }
}

pub(crate) async fn serv_certificate_and_protocol() {
    let ca = cert("ca.pem");
    let (pem, key) = (cert("server.pem"), cert("server.key"));
    let (own, own_key) = (cert("client.pem"), cert("client.key"));
    let flags = [
        "--x509certfile",
        &pem,
        "--x509keyfile",
        &key,
        "--x509cafile",
        &ca,
        "--require-client-cert",
        "--verify-client-cert",
        "--alpn",
        "echo",
    ];
    let ended = with_gnutls_serv(&flags, async |addr| {
        let flags = [
            "--cert",
            &own,
            "--key",
            &own_key,
            "--alpn",
            "coap,echo",
            "-v",
        ];
        let mut client = client(&addr, &flags);
        client.write(b"hello\n").await;
        client.end().await
    })
    .await;
    assert_eq!((ended.code, &*ended.out), (Some(0), "hello\n"), "{ended:?}");
    for line in [
        "protocol                echo\n",
        "record protection       own\n",
    ] {
        assert!(ended.err.contains(line), "{ended:?}");
    }
}
