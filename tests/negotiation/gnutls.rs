//! GnuTLS, with more than a key.

use crate::{
    KEY,
    common::{Ended, Files, Program, Server, cert, client},
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
    assert_eq!(peer.end().await.code, Some(0));
}

pub(crate) async fn serv_psk() {
    let files = Files::new();
    let passwords = files.write("passwords", format!("device:{KEY}\n"));
    let psk = format!("device:{KEY}");
    let priority = "NORMAL:-VERS-ALL:+VERS-DTLS1.2:-KX-ALL:+ECDHE-PSK";
    let flags = ["--pskpasswd", &passwords, "--priority", priority];
    let ended = with_serv(&flags, async |addr| {
        let mut client = client(&addr, &["--psk", &psk, "-v"]);
        client.write(b"hello\n").await;
        client.end().await
    })
    .await;
    assert_eq!((ended.code, &*ended.out), (Some(0), "hello\n"), "{ended:?}");
    assert!(
        ended.err.contains("pre-shared key          device"),
        "{ended:?}"
    );
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
    let ended = with_serv(&flags, async |addr| {
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
    assert!(
        ended.err.contains("protocol                echo"),
        "{ended:?}"
    );
}

/// Starts `gnutls-serv --echo` and lets `talk` go there.
async fn with_serv(flags: &[&str], talk: impl AsyncFn(String) -> Ended) -> Ended {
    // It takes no port 0, and somebody may take the port that was free a moment ago.
    for _ in 0..10 {
        let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
        let port = socket.local_addr().unwrap().port().to_string();
        drop(socket);
        let args = [&["--udp", "--echo", "--port", &port], flags].concat();
        let peer = Program::start("gnutls-serv", &args);
        let ended = talk(format!("127.0.0.1:{port}")).await;
        if !ended.err.contains("cannot connect") && !ended.err.contains("no session") {
            return ended;
        }
        println!(
            "tried another port after {ended:?} and {:?}",
            peer.kill().await
        );
    }
    panic!("gnutls-serv answered on none of ten ports");
}
