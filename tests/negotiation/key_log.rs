//! Secrets for Wireshark.

use std::net::SocketAddr;

use tokio::net::UdpSocket;

use crate::common::{Ended, Files, Program, Server, run, within};

pub(crate) async fn key_log() {
    let files = Files::new();
    let secrets = files.path("secrets");
    // The server by its flag, since the client's secrets are the same.
    let server = Server::start(&["--keylog", &secrets]).await;
    let front = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let addr = front.local_addr().unwrap().to_string();
    let capture = tokio::spawn(capture(front, server.addr.parse().unwrap(), 2));
    let ended = run(&addr, &["--timeout", "60"], b"secret word\n").await;
    assert_eq!((ended.code, &*ended.out), (Some(0), "Echo: secret word\n"));
    let pcap = files.write("pcap", within(capture).await.unwrap());
    let ended = tshark(&pcap, &secrets, server.port()).await;
    assert!(ended.out.contains("Echo: secret wor"), "{ended:?}");
    let none = files.write("none", "");
    let ended = tshark(&pcap, &none, server.port()).await;
    assert!(
        ended.code == Some(0) && !ended.out.contains("Echo: "),
        "{ended:?}"
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&secrets).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

async fn tshark(pcap: &str, secrets: &str, port: &str) -> Ended {
    let (secrets, port) = (
        format!("tls.keylog_file:{secrets}"),
        format!("udp.port=={port},dtls"),
    );
    let args = ["-r", pcap, "-o", &secrets, "-d", &port, "-x"];
    Program::start("tshark", &args).end().await
}

/// Relays one client to the server until both have said goodbye, and returns what went by in the
/// format of libpcap.
async fn capture(front: UdpSocket, server: SocketAddr, goodbyes: usize) -> Vec<u8> {
    let back = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    back.connect(server).await.unwrap();
    // Magic number, version 2.4, no time zone, no accuracy, 64 KiB a packet, raw IP.
    let mut pcap = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 101] {
        pcap.extend(word.to_le_bytes());
    }
    let mut client = None;
    let (mut up, mut down) = ([0; 2048], [0; 2048]);
    let mut alerts = 0;
    while alerts < goodbyes {
        let datagram = tokio::select! {
            received = front.recv_from(&mut up) => {
                let (length, from) = received.unwrap();
                client = Some(from);
                back.send(&up[..length]).await.unwrap();
                pcap.extend(packet(from.port(), server.port(), &up[..length]));
                &up[..length]
            }
            received = back.recv(&mut down) => {
                let (length, to) = (received.unwrap(), client.unwrap());
                front.send_to(&down[..length], to).await.unwrap();
                pcap.extend(packet(server.port(), to.port(), &down[..length]));
                &down[..length]
            }
        };
        alerts += usize::from(datagram[0] == 21);
    }
    pcap
}

/// A datagram with its headers, without checksums, between two ports of 127.0.0.1.
fn packet(from: u16, to: u16, datagram: &[u8]) -> Vec<u8> {
    let udp = 8 + datagram.len() as u16;
    let length = u32::from(20 + udp);
    let mut packet = Vec::new();
    for word in [0, 0, length, length] {
        packet.extend(word.to_le_bytes());
    }
    packet.extend([0x45, 0]);
    packet.extend((20 + udp).to_be_bytes());
    packet.extend([0, 0, 0, 0, 64, 17, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1]);
    for half in [from, to, udp, 0] {
        packet.extend(half.to_be_bytes());
    }
    packet.extend(datagram);
    packet
}
