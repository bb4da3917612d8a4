//! ICMP messages that anybody can forge who knows, or guesses, two ports (RFC 5927).

use std::time::Duration;

use libtest_mimic::Trial;

use crate::{
    common::trial,
    forgery::{Icmp, icmp},
    net::Net,
};

pub(crate) fn trials(possible: bool) -> Vec<Trial> {
    vec![
        trial("no_icmp_message_ends_a_session", possible, || {
            unharmed("127.0.0.1:0", &IPV4)
        }),
        trial("no_icmpv6_message_ends_a_session", possible, || {
            unharmed("[::1]:0", &IPV6)
        }),
        trial("no_icmp_message_ends_a_handshake", possible, handshakes),
        trial(
            "a_forged_path_mtu_makes_datagrams_smaller_and_no_more",
            possible,
            forged_mtu,
        ),
    ]
}

/// A session that rests and one that is busy: each line comes back, and once.
async fn unharmed(addr: &str, messages: &[Icmp]) {
    let net = Net::new();
    let (_server, server) = net.serve(addr, &[]).await;
    let mut client = net.client(server, &[]);
    client.write(b"first\n").await;
    client.says("Echo: first\n").await;
    let local = net.client_of(server).await;
    for (number, message) in messages.iter().enumerate() {
        // The server hears of them, too.
        for _ in 0..3 {
            icmp(&net, *message, local, server);
            icmp(&net, *message, server, local);
        }
        client.write(format!("quiet {number}\n").as_bytes()).await;
        client.says(&format!("Echo: quiet {number}\n")).await;
        let lines: String = (0..100).map(|n| format!("busy {number} {n}\n")).collect();
        for line in lines.as_bytes().chunks(100) {
            client.write(line).await;
            icmp(&net, *message, local, server);
            icmp(&net, *message, server, local);
        }
        client.says(&format!("Echo: busy {number} 99\n")).await;
    }
    let ended = client.end().await;
    for number in 0..messages.len() {
        for line in (0..100).map(|n| format!("Echo: busy {number} {n}\n")) {
            assert!(ended.out.contains(&line), "no {line:?}; {}", ended.err);
        }
    }
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert_eq!(ended.out.lines().count(), 1 + 101 * messages.len());
}

/// A server that takes its time, and messages that say meanwhile that nobody listens there.
async fn handshakes() {
    let net = Net::new();
    let (server, addr) = net.serve("127.0.0.1:0", &[]).await;
    for message in IPV4 {
        server.signal("-STOP");
        let mut client = net.client(addr, &[]);
        let local = net.client_of(addr).await;
        for _ in 0..30 {
            icmp(&net, message, local, addr);
            tokio::time::sleep(APART).await;
        }
        server.signal("-CONT");
        client.write(b"x\n").await;
        client.says("Echo: x\n").await;
        let ended = client.end().await;
        assert_eq!(ended.code, Some(0), "{message:?}: {ended:?}");
    }
}

async fn forged_mtu() {
    let net = Net::new();
    let (_server, server) = net.serve("127.0.0.1:0", &[]).await;
    let mut client = net.client(server, &[]);
    client.write(b"first\n").await;
    client.says("Echo: first\n").await;
    let local = net.client_of(server).await;
    // Less than IPv4's least, and what the kernel takes it for.
    for mtu in [600, 68, 0] {
        icmp(&net, Icmp(3, 4, mtu), local, server);
        icmp(&net, Icmp(3, 4, mtu), server, local);
        let line = |length| format!("{}\n", "x".repeat(length));
        client.write(line(1200).as_bytes()).await;
        client.logs(" has 1201 bytes with its newline").await;
        client.write(line(400).as_bytes()).await;
        client.says(&format!("Echo: {}", line(400))).await;
    }
    let ended = client.end().await;
    assert_eq!(ended.err.matches("1201 bytes").count(), 3, "{ended:?}");
    assert_eq!(ended.out.lines().count(), 4, "{ended:?}");
}

/// Between two forged messages.
const APART: Duration = Duration::from_millis(10);
/// Unreachable: port, protocol, unknown host, prohibited, the path's MTU; and a bad parameter.
const IPV4: [Icmp; 6] = [
    Icmp(3, 3, 0),
    Icmp(3, 2, 0),
    Icmp(3, 7, 0),
    Icmp(3, 13, 0),
    Icmp(3, 4, 1400),
    Icmp(12, 0, 0),
];
/// No route, prohibited, address and port unreachable; too big; an unknown header.
const IPV6: [Icmp; 6] = [
    Icmp(1, 0, 0),
    Icmp(1, 1, 0),
    Icmp(1, 3, 0),
    Icmp(1, 4, 0),
    Icmp(2, 0, 1400),
    Icmp(4, 1, 0),
];
