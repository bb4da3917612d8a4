//! Protocols and keys for something else.

use dtls_echo::development_identity;
use dtls_session::{Acceptor, Limits, Listener};

use crate::{
    common::{Program, Server, cert, client, within},
    echoes, s_client, s_server,
};

pub(crate) async fn s_client_protocol() {
    let server = Server::start(&["--alpn", "coap,echo"]).await;
    let mut peer = s_client(&server, &["-alpn", "x,echo"]);
    echoes(&mut peer).await;
    peer.says("ALPN protocol: echo").await;
    server.program.logs("protocol=\"echo\"").await;
    let ended = s_client(&server, &["-alpn", "x"]).end().await;
    assert!(ended.err.contains("no application protocol"), "{ended:?}");
}

pub(crate) async fn s_server_protocol() {
    let (pem, key) = (cert("server.pem"), cert("server.key"));
    let peer = s_server(&["-cert", &pem, "-key", &key, "-alpn", "echo"]);
    let addr = peer.says_line("ACCEPT ").await;
    let client = client(&addr, &["--alpn", "coap,echo", "-v"]);
    client.logs("protocol                echo").await;
}

pub(crate) async fn s_client_srtp() {
    let server = Server::start(&["--srtp", "SRTP_AEAD_AES_128_GCM"]).await;
    let profiles = "SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_128_GCM";
    let mut peer = s_client(&server, &["-use_srtp", profiles]);
    echoes(&mut peer).await;
    peer.says("SRTP Extension negotiated, profile=SRTP_AEAD_AES_128_GCM")
        .await;
}

pub(crate) async fn s_client_exports() {
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
    let (_session, material) = within(export).await;
    peer.says(&format!("Keying material: {material}")).await;
}
