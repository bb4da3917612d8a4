//! GnuTLS's server.

use std::net::UdpSocket;

use super::{Ended, Program, cert};

/// Starts `gnutls-serv --echo` with the development identity and lets `talk` go there.
pub(crate) async fn with_gnutls_echo(talk: impl AsyncFn(String) -> Ended) -> Ended {
    let (pem, key) = (cert("server.pem"), cert("server.key"));
    with_gnutls_serv(&["--x509certfile", &pem, "--x509keyfile", &key], talk).await
}

/// Starts `gnutls-serv --echo` with these flags and lets `talk` go there.
pub(crate) async fn with_gnutls_serv(flags: &[&str], talk: impl AsyncFn(String) -> Ended) -> Ended {
    // It takes no port 0, and somebody may take the port that was free a moment ago.
    for _ in 0..10 {
        let port = free_port().to_string();
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

fn free_port() -> u16 {
    let socket = UdpSocket::bind("0.0.0.0:0").expect("there are ports left");
    socket.local_addr().expect("it is bound").port()
}
