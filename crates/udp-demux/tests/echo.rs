//! Many peers, and the addresses they write to.

#![allow(
    clippy::unwrap_used,
    reason = "a step that fails fails the test, in helpers too"
)]

mod common;

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use common::{accept, endpoint, peer, recv, recv_from, soon};
use quinn_udp::{Transmit, UdpSocketState};
use tokio::net::UdpSocket;
use udp_demux::{Channel, Config, Endpoint};

#[tokio::test]
async fn many_peers_get_their_own_datagrams_back_on_one_thread() {
    echo_many_peers(50, 20).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_peers_get_their_own_datagrams_back_on_two_threads() {
    echo_many_peers(50, 20).await;
}

#[tokio::test]
async fn a_socket_on_all_ipv4_addresses_answers_from_the_one_written_to() {
    let server = Endpoint::bind("0.0.0.0:0".parse().unwrap(), Config::default()).unwrap();
    answers_from(&server, "127.0.0.2").await;
    answers_from(&server, "127.0.0.3").await;
}

#[tokio::test]
async fn a_socket_on_all_addresses_answers_from_the_one_written_to() {
    let Ok(server) = Endpoint::bind("[::]:0".parse().unwrap(), Config::default()) else {
        println!("skipped: no IPv6 here");
        return;
    };
    answers_from(&server, "127.0.0.2").await;
    answers_from(&server, "127.0.0.3").await;
    if UdpSocket::bind("[::1]:0").await.is_err() {
        println!("skipped in part: no IPv6 loopback here");
        return;
    }
    answers_from(&server, "::1").await;
}

#[tokio::test]
async fn an_opened_channel_of_a_dual_stack_socket_reaches_both_families() {
    let Ok(client) = Endpoint::bind("[::]:0".parse().unwrap(), Config::default()) else {
        println!("skipped: no IPv6 here");
        return;
    };
    for local in ["127.0.0.1:0", "[::1]:0"] {
        let Ok(server) = UdpSocket::bind(local).await else {
            println!("skipped in part: no {local} here");
            continue;
        };
        let mut channel = client.open(server.local_addr().unwrap()).unwrap();
        channel.send(b"ping").await.unwrap();
        let (datagram, from) = recv_from(&server).await;
        assert_eq!(datagram, b"ping");
        server.send_to(b"pong", from).await.unwrap();
        assert_eq!(recv(&mut channel).await, b"pong");
    }
}

#[tokio::test]
async fn coalesced_datagrams_arrive_one_by_one() {
    let server = endpoint(Config::default());
    let run: Vec<u8> = (0..4500_u32).map(|n| n as u8).collect();
    if !send_run(server.local_addr(), &run, 1000) {
        println!("skipped: no segmentation offload here");
        return;
    }
    let mut channel = accept(&server).await.accept().unwrap();
    for datagram in run.chunks(1000) {
        assert_eq!(recv(&mut channel).await, datagram);
    }
    let stats = server.stats();
    assert_eq!((stats.received, stats.received_bytes), (5, 4500));
}

#[tokio::test]
async fn coalesced_datagrams_wake_as_many_acceptors() {
    let server = Arc::new(endpoint(Config::default()));
    let acceptors = [(); 2].map(|()| {
        let server = Arc::clone(&server);
        tokio::spawn(async move { accept(&server).await.datagram().to_vec() })
    });
    tokio::task::yield_now().await;
    if !send_run(server.local_addr(), b"onetwo", 3) {
        println!("skipped: no segmentation offload here");
        return;
    }
    let mut accepted = Vec::new();
    for acceptor in acceptors {
        accepted.push(soon(acceptor).await.unwrap());
    }
    accepted.sort();
    assert_eq!(accepted, [b"one", b"two"]);
}

/// Sends datagrams of `stride` bytes as one, which on loopback they stay until they are received.
fn send_run(destination: SocketAddr, contents: &[u8], stride: usize) -> bool {
    let sender = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let state = UdpSocketState::new((&sender).into()).unwrap();
    let segment_size = Some(stride);
    let transmit = Transmit {
        destination,
        ecn: None,
        contents,
        segment_size,
        src_ip: None,
    };
    state.max_gso_segments() > 1 && state.try_send((&sender).into(), &transmit).is_ok()
}

async fn echo_many_peers(peers: u8, rounds: u8) {
    let server = endpoint(Config::default());
    let addr = server.local_addr();
    let serving = tokio::spawn(async move {
        loop {
            tokio::spawn(echo(server.accept().await?.accept()?));
        }
        #[expect(unreachable_code, reason = "it tells the type of the block")]
        io::Result::Ok(())
    });
    let clients: Vec<_> = (0..peers)
        .map(|n| tokio::spawn(ask(addr, n, rounds)))
        .collect();
    for client in clients {
        soon(client).await.unwrap();
    }
    serving.abort();
}

async fn ask(addr: SocketAddr, name: u8, rounds: u8) {
    let peer = peer().await;
    for round in 0..rounds {
        let datagram = vec![name ^ round; 1 + usize::from(name) * usize::from(round)];
        peer.send_to(&datagram, addr).await.unwrap();
        assert_eq!(recv_from(&peer).await, (datagram, addr));
    }
}

async fn echo(mut channel: Channel) -> io::Result<()> {
    let mut buf = vec![0; 65_535];
    loop {
        let len = channel.recv(&mut buf).await?;
        channel.send(&buf[..len]).await?;
    }
}

async fn answers_from(server: &Endpoint, ip: &str) {
    let ip: IpAddr = ip.parse().unwrap();
    let written_to = SocketAddr::new(ip, server.local_addr().port());
    let peer = UdpSocket::bind(SocketAddr::new(
        if ip.is_ipv4() {
            [127, 0, 0, 1].into()
        } else {
            ip
        },
        0,
    ))
    .await
    .unwrap();
    peer.send_to(b"hello", written_to).await.unwrap();

    let incoming = accept(server).await;
    assert_eq!(incoming.peer_addr(), peer.local_addr().unwrap());
    assert_eq!(incoming.local_ip(), Some(ip));
    incoming.reply(b"stateless").unwrap();
    assert_eq!(recv_from(&peer).await, (b"stateless".to_vec(), written_to));

    let channel = incoming.accept().unwrap();
    assert_eq!(channel.local_addr(), written_to);
    channel.send(b"channel").await.unwrap();
    assert_eq!(recv_from(&peer).await, (b"channel".to_vec(), written_to));
    channel.try_send(b"at once").unwrap();
    assert_eq!(recv_from(&peer).await, (b"at once".to_vec(), written_to));
}
