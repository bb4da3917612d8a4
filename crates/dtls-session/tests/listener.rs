//! A listener on a real socket: cookies, fragments, limits, clients that start anew.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use common::{UdpPipe, acceptor, connector, identity, patient, roots, within};
use dtls_session::{Acceptor, Connector, HandshakeError, Limits, Listener, RecvError, Session};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::UdpSocket,
    sync::mpsc,
};
use udp_demux::{Channel, Config, Endpoint};

/// A listener whose sessions come out of a queue as they are established.
struct Server {
    addr: SocketAddr,
    listener: Arc<Listener>,
    sessions: mpsc::Receiver<Session<Channel>>,
}

fn serve(acceptor: Acceptor, limits: Limits) -> Server {
    let listener = Listener::bind("127.0.0.1:0".parse().unwrap(), acceptor, limits).unwrap();
    let listener = Arc::new(listener);
    let (established, sessions) = mpsc::channel(100);
    tokio::spawn({
        let listener = Arc::clone(&listener);
        async move {
            loop {
                let handshake = listener.accept().await.unwrap();
                let established = established.clone();
                tokio::spawn(async move {
                    if let Ok(session) = handshake.await {
                        let _ = established.send(session).await;
                    }
                });
            }
        }
    });
    Server {
        addr: listener.local_addr(),
        listener,
        sessions,
    }
}

impl Server {
    async fn next(&mut self) -> Session<Channel> {
        within(self.sessions.recv()).await.unwrap()
    }

    async fn reach(&self, what: impl Fn(&dtls_session::ListenerStats) -> bool) {
        within(async {
            while !what(&self.listener.stats()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }
}

fn open(local: SocketAddr, server: SocketAddr) -> Channel {
    let endpoint = Endpoint::bind(local, Config::default().batch(2)).unwrap();
    endpoint.open(server).unwrap()
}

fn any() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

async fn exchange<S>(server: &Session<Channel>, client: &Session<S>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut buf = [0; 100];
    client.send(b"there").await.unwrap();
    assert_eq!(within(server.recv(&mut buf)).await.unwrap(), Some(5));
    server.send(b"back").await.unwrap();
    assert_eq!(within(client.recv(&mut buf)).await.unwrap(), Some(4));
}

#[tokio::test]
async fn a_client_gets_in_and_names_its_address() {
    let mut server = serve(acceptor(patient()), Limits::default());
    let channel = open(any(), server.addr);
    let local = channel.local_addr();
    let client = within(connector(patient()).connect("127.0.0.1", channel))
        .await
        .unwrap();
    let session = server.next().await;
    assert_eq!(session.peer_addr().port(), local.port());
    exchange(&session, &client).await;
    let stats = server.listener.stats();
    assert_eq!((stats.accepted, stats.sessions, stats.half_open), (1, 1, 0));
    assert_eq!(stats.challenged, 1);
    drop(session);
    assert_eq!(server.listener.stats().sessions, 0);
}

/// What a client sends first, and second once it has got a HelloVerifyRequest.
async fn hellos(
    server: SocketAddr,
    config: dtls_session::SessionConfig,
) -> (UdpSocket, Vec<u8>, Vec<u8>) {
    let front = UdpSocket::bind(any()).await.unwrap();
    let back = UdpSocket::bind(any()).await.unwrap();
    let channel = open(any(), front.local_addr().unwrap());
    let client = tokio::spawn(connector(config).connect("localhost", channel));
    let mut buf = [0; 2048];
    let (length, from) = within(front.recv_from(&mut buf)).await.unwrap();
    let first = buf[..length].to_vec();
    back.send_to(&first, server).await.unwrap();
    let length = within(back.recv(&mut buf)).await.unwrap();
    front.send_to(&buf[..length], from).await.unwrap();
    let second = loop {
        let length = within(front.recv(&mut buf)).await.unwrap();
        if buf[..length] != first[..] && buf[..length].len() != first.len() {
            break buf[..length].to_vec();
        }
    };
    client.abort();
    (back, first, second)
}

#[tokio::test]
async fn a_first_hello_is_answered_alike_and_nothing_is_kept() {
    let server = serve(acceptor(patient()), Limits::default());
    let (socket, mut first, _) = hellos(server.addr, patient()).await;
    first[10] = 77;
    let mut buf = [0; 2048];
    for _ in 0..3 {
        socket.send_to(&first, server.addr).await.unwrap();
        let length = within(socket.recv(&mut buf)).await.unwrap();
        assert!(length < first.len());
        assert_eq!(buf[..13], [22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 77, 0, 45]);
        assert_eq!(
            buf[13..28],
            [3, 0, 0, 33, 0, 0, 0, 0, 0, 0, 0, 33, 0xfe, 0xff, 30]
        );
    }
    for junk in [&first[..20], b"junk", &[22; 100], &[]] {
        socket.send_to(junk, server.addr).await.unwrap();
    }
    server.reach(|stats| stats.discarded == 3).await;
    let stats = server.listener.stats();
    assert_eq!(
        (stats.challenged, stats.accepted, stats.half_open),
        (4, 0, 0)
    );
    assert_eq!(server.listener.endpoint_stats().dropped_empty, 1);
}

#[tokio::test]
async fn a_repeated_second_hello_starts_one_handshake() {
    let server = serve(acceptor(patient()), Limits::default());
    let (socket, _, second) = hellos(server.addr, patient()).await;
    for _ in 0..5 {
        socket.send_to(&second, server.addr).await.unwrap();
    }
    server.reach(|stats| stats.repeated == 4).await;
    let stats = server.listener.stats();
    assert_eq!((stats.accepted, stats.half_open), (1, 1));
}

#[tokio::test]
async fn the_first_flight_is_numbered_from_the_hello_it_answers() {
    let server = serve(acceptor(patient()), Limits::default());
    let (socket, _, mut second) = hellos(server.addr, patient()).await;
    // As if the first hello had been lost a few times.
    second[10] = 9;
    socket.send_to(&second, server.addr).await.unwrap();
    let mut buf = [0; 2048];
    let length = within(socket.recv(&mut buf)).await.unwrap();
    assert!(length > 100);
    assert_eq!(
        (buf[0], buf[13], buf[10]),
        (22, 2, 9),
        "a ServerHello in record 9"
    );
}

#[tokio::test]
async fn fragmented_hellos_get_in() {
    let mut server = serve(acceptor(patient()), Limits::default());
    let connector = Connector::builder(roots())
        .session(patient().mtu(256))
        .danger_accept_any_certificate()
        .build()
        .unwrap();
    // A name this long does not leave the hello room in one datagram.
    let name = ["a".repeat(60), "b".repeat(60), "c".repeat(60)].join(".");
    let client = within(connector.connect(&name, open(any(), server.addr)))
        .await
        .unwrap();
    let session = server.next().await;
    exchange(&session, &client).await;
}

#[tokio::test]
async fn a_restarted_client_replaces_its_session_only_once_it_is_established() {
    let mut server = serve(acceptor(patient()), Limits::default());
    let (_, first_hello, _) = hellos(server.addr, patient()).await;
    let socket = Arc::new(UdpSocket::bind(any()).await.unwrap());
    socket.connect(server.addr).await.unwrap();
    let pipe = UdpPipe::new(Arc::clone(&socket));
    let client = within(connector(patient()).connect("localhost", pipe.clone()))
        .await
        .unwrap();
    let old = server.next().await;
    exchange(&old, &client).await;

    // A hello from that very address is answered beside the session and changes nothing.
    let challenged = server.listener.stats().challenged;
    socket.send(&first_hello).await.unwrap();
    server.reach(|stats| stats.challenged > challenged).await;
    exchange(&old, &client).await;

    // The client vanishes, and starts anew from the same port; the session that it had is
    // still there until the new one is.
    pipe.vanish();
    let pipe = UdpPipe::new(socket);
    let client = within(connector(patient()).connect("localhost", pipe))
        .await
        .unwrap();
    let new = server.next().await;
    exchange(&new, &client).await;
    let error = within(old.recv(&mut [0; 100])).await.unwrap_err();
    assert!(matches!(error, RecvError::Pipe(_)), "{error:?}");
    assert_eq!(server.listener.stats().accepted, 2);
}

#[tokio::test]
async fn a_client_that_restarts_in_the_middle_of_its_handshake_gets_in() {
    let mut server = serve(acceptor(patient()), Limits::default());
    let (socket, _, second) = hellos(server.addr, patient()).await;
    socket.send_to(&second, server.addr).await.unwrap();
    server.reach(|stats| stats.half_open == 1).await;
    let local = socket.local_addr().unwrap();
    drop(socket);
    let channel = open(local, server.addr);
    let client = within(connector(patient()).connect("localhost", channel))
        .await
        .unwrap();
    let session = server.next().await;
    exchange(&session, &client).await;
    server.reach(|stats| stats.half_open == 0).await;
    assert_eq!(server.listener.stats().sessions, 1);
}

#[tokio::test]
async fn limits_refuse_the_newest_and_are_counted() {
    let mut server = serve(acceptor(patient()), Limits::default().sessions(1));
    let client = within(connector(patient()).connect("localhost", open(any(), server.addr)))
        .await
        .unwrap();
    let session = server.next().await;
    let hasty = connector(patient().handshake_timeout(Duration::from_millis(500)));
    let error = within(hasty.connect("localhost", open(any(), server.addr)))
        .await
        .unwrap_err();
    assert!(matches!(error, HandshakeError::TimedOut { .. }));
    assert!(server.listener.stats().refused_sessions > 0);
    exchange(&session, &client).await;
    drop(session);
    let client = within(connector(patient()).connect("localhost", open(any(), server.addr)))
        .await
        .unwrap();
    exchange(&server.next().await, &client).await;
}

#[tokio::test]
async fn silent_handshakes_end_and_leave_nothing() {
    let config = patient().handshake_timeout(Duration::from_millis(300));
    let acceptor = Acceptor::builder(identity("server"))
        .session(config)
        .build()
        .unwrap();
    let server = serve(acceptor, Limits::default());
    let (socket, _, second) = hellos(server.addr, patient()).await;
    socket.send_to(&second, server.addr).await.unwrap();
    server.reach(|stats| stats.accepted == 1).await;
    server.reach(|stats| stats.half_open == 0).await;
}
