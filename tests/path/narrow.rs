//! Three namespaces in a row; the one between carries little, and says so.

use std::net::SocketAddr;

use libtest_mimic::Trial;

use crate::{
    common::{Program, cert, trial},
    net::Net,
};

pub(crate) fn trials(possible: bool) -> Vec<Trial> {
    vec![
        trial(
            "lines_too_long_for_the_path_are_told_of_and_the_session_lives",
            possible,
            long_lines,
        ),
        trial(
            "a_clients_flight_is_sent_again_at_once_as_the_path_says_that_it_carries",
            possible,
            clients_flight,
        ),
        trial(
            "a_servers_flight_is_cut_to_what_the_path_says_that_it_carries",
            possible,
            || servers_flight("10.0.2.1:0"),
        ),
        trial(
            "so_is_that_of_a_server_with_one_socket_for_both_families",
            possible,
            || servers_flight("[::]:0"),
        ),
    ]
}

async fn long_lines() {
    let path = Path::new();
    // Large datagrams of the handshake are not what this is about.
    let (_server, server) = path.serve("10.0.2.1:0", &["--mtu", "500"]).await;
    let mut client = path.client(server);
    let line = |byte: &str, length| format!("{}\n", byte.repeat(length));
    client.write(line("a", 100).as_bytes()).await;
    client.says(&line("a", 100)).await;
    client
        .write((line("b", 1200) + &line("c", 1200)).as_bytes())
        .await;
    // The first is lost on its way, or both are: whoever is too quick hears of it only then.
    client.write(line("d", 100).as_bytes()).await;
    client.says(&line("d", 100)).await;
    client.write(line("e", 1200).as_bytes()).await;
    client
        .logs("line 5 has 1201 bytes with its newline, and one datagram carries up to 5")
        .await;
    client.write(line("f", 100).as_bytes()).await;
    client.says(&line("f", 100)).await;
    let ended = client.end().await;
    ended.fails_with(1, &["line 5 has 1201 bytes"]);
    assert!(!ended.err.contains("ended"), "{ended:?}");
}

/// The client's flight with its certificate is larger than the path, and its socket hears of it.
async fn clients_flight() {
    let path = Path::new();
    let ca = cert("ca.pem");
    // None of the server's datagrams is.
    let flags = ["--mtu", "500", "--client-ca", &ca];
    let (_server, addr) = path.serve("10.0.2.1:0", &flags).await;
    let (pem, key) = (cert("client.pem"), cert("client.key"));
    let mut client = path.client_with(addr, &["--cert", &pem, "--key", &key]);
    client.write(b"x\n").await;
    client.says("Echo: x\n").await;
    let ended = client.end().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let said = |what| ended.err.contains(what);
    assert!(said("the path's MTU has changed mtu=572"), "{ended:?}");
    // No timer has expired.
    assert!(said("handshake finished repeats=0"), "{ended:?}");
}

/// The server's flight is larger than the path. What the path says reaches its host, and the server hears
/// of it when it sends again.
async fn servers_flight(bound_to: &str) {
    let path = Path::new();
    let flags = ["--handshake-timeout", "60"];
    let (server, addr) = path.serve(bound_to, &flags).await;
    let mut client = path.client(addr);
    // The reply is longer than the line, and does not fit.
    let line = "x".repeat(534);
    client.write(format!("{line}\n").as_bytes()).await;
    client.says(&format!("Echo: {line}\n")).await;
    let ended = client.end().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    server.logs("the path's MTU has changed mtu=572").await;
    assert_eq!(server.logged("lowering the MTU"), 0);
}

/// A client, a router and a server's host. The namespaces end with this.
struct Path {
    client: Net,
    _router: Net,
    server: Net,
}

impl Path {
    fn new() -> Self {
        let (client, router, server) = (Net::new(), Net::new(), Net::new());
        client.cable("c0", &router, "c1");
        server.cable("s0", &router, "s1");
        client.sh("ip addr add 10.0.1.1/24 dev c0; ip link set c0 up");
        // Not the interfaces' MTU: what is too long for that is dropped without a word on its way in.
        router.sh(
            "ip addr add 10.0.1.2/24 dev c1; ip link set c1 up; ip addr add 10.0.2.2/24 dev s1
             ip link set s1 up; sysctl -qw net.ipv4.ip_forward=1
             ip route change 10.0.1.0/24 dev c1 mtu lock 600
             ip route change 10.0.2.0/24 dev s1 mtu lock 600",
        );
        server.sh("ip addr add 10.0.2.1/24 dev s0; ip link set s0 up");
        client.sh("ip route add default via 10.0.1.2");
        server.sh("ip route add default via 10.0.2.2");
        Self {
            client,
            _router: router,
            server,
        }
    }

    async fn serve(&self, addr: &str, flags: &[&str]) -> (Program, SocketAddr) {
        let (pem, key) = (cert("server.pem"), cert("server.key"));
        let identity = ["--cert", &*pem, "--key", &key];
        let flags = [&identity, flags].concat();
        let (server, bound) = self.server.serve(addr, &flags).await;
        (server, ([10, 0, 2, 1], bound.port()).into())
    }

    fn client(&self, server: SocketAddr) -> Program {
        self.client_with(server, &[])
    }

    fn client_with(&self, server: SocketAddr, flags: &[&str]) -> Program {
        let ca = cert("ca.pem");
        let usual = [
            "--ca",
            &*ca,
            "--server-name",
            "localhost",
            "--timeout",
            "60",
        ];
        self.client.client(server, &[&usual, flags].concat())
    }
}
