//! A server that is started anew between a client's two hellos (RFC 6347 4.2.1).

use std::{net::SocketAddr, sync::Arc};

use tokio::{net::UdpSocket, sync::Notify};

use crate::{
    KEY,
    common::{Files, Program, Server, cert, within},
    mbedtls::DEVICE,
};

pub(crate) async fn s_client() {
    gets_in(&[], |addr| {
        let ca = cert("ca.pem");
        let flags = ["-CAfile", &ca, "-verify_return_error"];
        let args = ["s_client", "-dtls1_2", "-connect", addr];
        Program::start("openssl", &[&args[..], &flags].concat())
    })
    .await;
}

pub(crate) async fn gnutls_cli() {
    gets_in(&[], |addr| {
        let port = addr.rsplit_once(':').expect("it has a port").1;
        let ca = cert("ca.pem");
        let args = ["--udp", "--port", port, "--x509cafile", &ca];
        Program::start("gnutls-cli", &[&args[..], &["127.0.0.1"]].concat())
    })
    .await;
}

pub(crate) async fn mbedtls(program: std::path::PathBuf) {
    let files = Files::new();
    let keys = files.write("keys", format!("device:{KEY}"));
    gets_in(&["--psk-file", &keys], |addr| {
        let port = addr.rsplit_once(':').expect("it has a port").1;
        let suite = "TLS-ECDHE-PSK-WITH-CHACHA20-POLY1305-SHA256";
        let args = [port, suite, "psk", DEVICE, KEY];
        Program::start(program.to_str().expect("it is UTF-8"), &args)
    })
    .await;
}

async fn gets_in(flags: &[&str], client: impl FnOnce(&str) -> Program) {
    let server = Server::start(flags).await;
    let held = Arc::new(Notify::new());
    let released = Arc::new(Notify::new());
    let path = path(&server.addr, &held, &released).await;
    let mut client = client(&path);
    client.write(b"x\n").await;
    within(held.notified()).await;
    let addr = server.addr.clone();
    server.program.kill().await;
    let again = Server::start_on(&addr, flags).await;
    released.notify_one();
    client.says("Echo: ").await;
    again.program.logs("record_protection=\"own\"").await;
    client.kill().await;
    assert_eq!(again.program.logged("handshake failed"), 0);
}

/// Brings datagrams to the server and back, and holds the first hello with a cookie until it is
/// `released`.
async fn path(server: &str, held: &Arc<Notify>, released: &Arc<Notify>) -> String {
    let front = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let back = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let addr = front.local_addr().unwrap();
    let server: SocketAddr = server.parse().unwrap();
    let (held, released) = (Arc::clone(held), Arc::clone(released));
    tokio::spawn(async move {
        let (mut request, mut answer) = ([0; 4096], [0; 4096]);
        let (mut client, mut restarted) = (None, false);
        loop {
            tokio::select! {
                received = front.recv_from(&mut request) => {
                    let (length, from) = received.unwrap();
                    client = Some(from);
                    // ClientHello, message 1.
                    if !restarted && request[13..19] == [1, 0, request[15], request[16], 0, 1] {
                        restarted = true;
                        held.notify_one();
                        released.notified().await;
                    }
                    back.send_to(&request[..length], server).await.unwrap();
                }
                received = back.recv(&mut answer) => {
                    front.send_to(&answer[..received.unwrap()], client.unwrap()).await.unwrap();
                }
            }
        }
    });
    addr.to_string()
}
