//! When flights are sent again, and when a handshake has taken too long.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use common::{
    Direction, Pipe, acceptor, any, connector, echo_once, exchange, hellos, lossless, open,
    patient, pipe, relay, serve, sessions, within,
};
use dtls_session::{Limits, SessionConfig};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::UdpSocket,
    time::{Instant, timeout, timeout_at},
};

#[tokio::test]
async fn a_client_that_computes_for_three_seconds_gets_the_flight_as_the_rfc_has_it() {
    let server = serve(acceptor(patient()), Limits::default());
    let (socket, _, second) = hellos(server.addr, patient()).await;
    socket.connect(server.addr).await.unwrap();
    let until = Instant::now() + Duration::from_millis(3500);
    socket.send(&second).await.unwrap();
    let mut flights = Vec::new();
    let mut buf = [0; 2048];
    while let Ok(received) = timeout_at(until, socket.recv(&mut buf)).await {
        flights.push(received.unwrap());
    }
    // At once, after 1 s and after 3 s; fewer if the machine was slow.
    assert!((1..=3).contains(&flights.len()), "{flights:?}");
    // All of one size: a silence is no reason for smaller ones.
    assert!(flights.iter().all(|flight| *flight == flights[0]));
}

#[tokio::test]
async fn a_hello_that_the_client_repeats_is_answered_at_once_and_a_doubled_one_is_not() {
    let server = serve(acceptor(never()), Limits::default());
    let (socket, _, mut second) = hellos(server.addr, patient()).await;
    socket.connect(server.addr).await.unwrap();
    let mut buf = [0; 2048];
    socket.send(&second).await.unwrap();
    let flight = within(socket.recv(&mut buf)).await.unwrap();
    let last_number = |buf: &[u8]| u64::from_be_bytes(buf[3..11].try_into().unwrap());
    let first_number = last_number(&buf);
    for _ in 0..3 {
        let moment = Duration::from_millis(60);
        socket.send(&second).await.unwrap();
        let answer = timeout(moment, socket.recv(&mut buf)).await;
        assert!(answer.is_err(), "the network's copy was answered");
    }
    // The client's own has a new number.
    let mut answer = None;
    while answer.is_none() {
        second[10] += 1;
        socket.send(&second).await.unwrap();
        answer = timeout(Duration::from_secs(1), socket.recv(&mut buf))
            .await
            .ok();
    }
    assert_eq!(answer.unwrap().unwrap(), flight);
    assert!(last_number(&buf) > first_number, "it would be a replay");
}

#[tokio::test]
async fn a_client_answers_a_flight_that_the_server_repeats() {
    // The client's last flight is lost, and its own timer is far away.
    let fate = Arc::new(Mutex::new(
        |direction: Direction, index: usize, datagram: &[u8]| {
            let lost = (direction, index) == (Direction::ToServer, 1);
            if lost {
                vec![]
            } else {
                vec![datagram.to_vec()]
            }
        },
    ));
    let (server, client) = sessions(&acceptor(patient()), &connector(never()), pipe(fate)).await;
    echo_once(&server, &client).await;
    let stats = client.stats();
    assert_eq!((stats.repeats_answered, stats.retransmissions), (1, 0));
    assert_eq!(server.stats().retransmissions, 1);
}

#[tokio::test]
async fn what_is_missing_of_a_flight_is_asked_for() {
    // The first part of the server's flight is lost, and nobody's timer is near.
    let mut server = serve(acceptor(never().mtu(400)), Limits::default());
    let (addr, mut answers) = (server.addr, 0);
    let path = relay(
        move || addr,
        move |datagram| {
            answers += 1;
            let lost = answers == 2;
            if lost {
                vec![]
            } else {
                vec![datagram.to_vec()]
            }
        },
    );
    let channel = open(any(), path.await);
    let client = within(connector(never()).connect("localhost").over(channel))
        .await
        .unwrap();
    let server = server.next().await;
    exchange(&server, &client).await;
    assert_eq!(server.stats().repeats_answered, 1);
    let repeats = [server.stats(), client.stats()].map(|stats| stats.retransmissions);
    assert_eq!(repeats, [0, 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_round_trip_begins_before_the_datagram_leaves() {
    let (server, client) = pipe(lossless());
    let accepting = tokio::spawn(acceptor(patient()).accept(server));
    let client = dtls_session::Pipe::from_io(Slow(client));
    let client = within(connector(never()).connect("localhost").over(client))
        .await
        .unwrap();
    within(accepting).await.unwrap().unwrap();
    assert!(client.info().round_trip.unwrap() >= SLOWNESS);
}

#[tokio::test]
async fn what_came_during_a_pause_counts_before_the_deadline() {
    let server = serve(acceptor(patient()), Limits::default());
    let front = UdpSocket::bind(any()).await.unwrap();
    let back = UdpSocket::bind(any()).await.unwrap();
    back.connect(server.addr).await.unwrap();
    let brief = SessionConfig::default().handshake_timeout(Duration::from_secs(2));
    let channel = open(any(), front.local_addr().unwrap());
    let client = tokio::spawn(connector(brief).connect("localhost").over(channel));
    let mut buf = [0; 2048];
    let (length, from) = within(front.recv_from(&mut buf)).await.unwrap();
    back.send(&buf[..length]).await.unwrap();
    let length = within(back.recv(&mut buf)).await.unwrap();
    front.send_to(&buf[..length], from).await.unwrap();
    // Everything here has one thread: nothing is read, no clock is looked at.
    std::thread::sleep(Duration::from_secs(4));
    let relay = tokio::spawn(async move {
        let mut answer = [0; 2048];
        loop {
            tokio::select! {
                length = front.recv(&mut buf) => back.send(&buf[..length.unwrap()]).await.unwrap(),
                length = back.recv(&mut answer) => front.send_to(&answer[..length.unwrap()], from).await.unwrap(),
            };
        }
    });
    within(client).await.unwrap().unwrap();
    relay.abort();
}

/// A peer whose own timers do not expire.
fn never() -> SessionConfig {
    let far = Duration::from_secs(300);
    patient().initial_rto(far).rto_bounds(far, far)
}

/// A pipe whose writes return only when the answer may be there.
struct Slow(Pipe);

const SLOWNESS: Duration = Duration::from_millis(100);

impl AsyncRead for Slow {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Slow {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.0).poll_write(cx, buf);
        std::thread::sleep(SLOWNESS);
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
