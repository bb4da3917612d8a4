//! Application protocols.

use crate::{
    common::{Server, cert, client},
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
