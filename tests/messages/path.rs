//! What the client says of the way to a server.

use std::net::SocketAddr;

use tokio::{net::UdpSocket, task::JoinHandle};

use crate::{
    Case,
    client::err,
    common::{Direction, Program, Relay, Server, Weather, has, run},
};

const CLIENT: &str = env!("CARGO_BIN_EXE_dtls-echo-client");

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new("the server's flight began, and its end never came", narrow),
        Case::new("the handshake did not get to its end", unfinished),
        Case::new("nothing came back at all: the system says: ...", cut_off)
            .only_if(has(&["unshare", "-rn", "ip", "link", "set", "lo", "up"])),
    ]
}

/// The ServerHello passes, and the fragments of the certificate do not.
async fn narrow() -> String {
    let server = Server::start(&["--mtu", "400"]).await;
    let weather = Weather {
        mtu: Some(350),
        ..Weather::default()
    };
    let relay = Relay::start(server.addr.parse().unwrap(), weather).await;
    let addr = relay.as_ref().unwrap().addr().to_string();
    err(run(&addr, &["--timeout", "3"], b"").await)
}

async fn unfinished() -> String {
    let server = Server::start(&[]).await;
    let (addr, path) = half_way(&server.addr, Direction::ToClient).await;
    let said = err(run(&addr, &["--timeout", "3"], b"").await);
    path.abort();
    said
}

/// A path to a server where nothing passes in one direction that is behind a ChangeCipherSpec.
pub(crate) async fn half_way(server: &str, cut: Direction) -> (String, JoinHandle<()>) {
    let front = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let back = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    back.connect(server).await.unwrap();
    let addr = front.local_addr().unwrap().to_string();
    let path = tokio::spawn(async move {
        let (mut up, mut down) = ([0; 2048], [0; 2048]);
        let mut client: Option<SocketAddr> = None;
        loop {
            tokio::select! {
                received = front.recv_from(&mut up) => {
                    let (length, from) = received.unwrap();
                    client = Some(from);
                    back.send(passing(&up[..length], cut == Direction::ToServer)).await.unwrap();
                }
                received = back.recv(&mut down) => {
                    let datagram = passing(&down[..received.unwrap()], cut == Direction::ToClient);
                    front.send_to(datagram, client.unwrap()).await.unwrap();
                }
            }
        }
    });
    (addr, path)
}

/// What passes of a datagram.
fn passing(datagram: &[u8], cut: bool) -> &[u8] {
    const CHANGE_CIPHER_SPEC: u8 = 20;
    if !cut {
        return datagram;
    }
    let mut rest = datagram;
    while let [kind, _, _, _, _, _, _, _, _, _, _, high, low, body @ ..] = rest {
        rest = &body[usize::from(u16::from_be_bytes([*high, *low]))..];
        if *kind == CHANGE_CIPHER_SPEC {
            break;
        }
    }
    &datagram[..datagram.len() - rest.len()]
}

/// The network, which is this client's own, goes away once the first hello is sent.
async fn cut_off() -> String {
    let script = format!(
        "ip link set lo up
        {CLIENT} 127.0.0.1:9 --timeout 5 --trace 2>&1 </dev/null | while read -r line; do
            case $line in *' ms -> '*) ip addr flush dev lo ;; esac
            echo \"$line\" >&2
        done"
    );
    let ended = Program::start("unshare", &["-rn", "sh", "-c", &script]).end();
    ended.await.err
}
