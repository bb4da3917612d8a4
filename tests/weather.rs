//! Handshakes over UDP through a bad network.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{net::SocketAddr, time::Duration};

use common::{Capture, Direction, Relay, Weather, cert, within};
use dtls_session::{
    Acceptor, Connector, Identity, Limits, Listener, Roots, Session, SessionConfig,
};
use tokio::{task::JoinSet, time::timeout};
use udp_demux::{Config, Endpoint};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_handshakes_survive_thirty_percent_loss_each_way() {
    let weather = Weather {
        seed: 2026,
        drop: 0.3,
        duplicate: 0.1,
        reorder: 0.1,
        ..Weather::default()
    };
    let relay = Relay::start(echo_server(config()), weather).await.unwrap();
    let mut clients = JoinSet::new();
    for _ in 0..200 {
        let server = relay.addr();
        clients.spawn(async move {
            let session = connect(server).await;
            echo_until_it_comes_back(&session).await;
            session.info().handshake_time
        });
    }
    let mut times = Vec::new();
    while let Some(outcome) = clients.join_next().await {
        times.push(outcome.unwrap());
    }
    assert_eq!(times.len(), 200);
    times.sort_unstable();
    // Shown by `--nocapture`: the figures of docs/reliability.md.
    for percent in [50, 95, 99, 100] {
        let at = (times.len() * percent / 100).min(times.len() - 1);
        println!("p{percent} {:.2} s", times[at].as_secs_f64());
    }
}

#[tokio::test]
async fn each_datagram_of_a_handshake_may_be_lost() {
    let server = echo_server(config());
    for direction in [Direction::ToServer, Direction::ToClient] {
        // Two hellos and a flight one way; a cookie and two flights the other.
        for nth in 0..3 {
            let weather = Weather {
                drop_nth: Some((direction, nth)),
                ..Weather::default()
            };
            let relay = Relay::start(server, weather).await.unwrap();
            let session = connect(relay.addr()).await;
            echo_until_it_comes_back(&session).await;
        }
    }
}

#[tokio::test]
async fn a_path_that_drops_everything_above_600_bytes_is_found() {
    let weather = Weather {
        mtu: Some(600),
        ..Weather::default()
    };
    let relay = Relay::start(echo_server(config()), weather).await.unwrap();
    let session = connect(relay.addr()).await;
    echo_until_it_comes_back(&session).await;
}

/// As over two satellites, or a radio that sleeps: each datagram is paid for.
#[tokio::test]
#[ignore = "takes half a minute"]
async fn stress_at_a_round_trip_of_eight_seconds_few_datagrams_are_sent() {
    let capture = Capture::default();
    let weather = Weather {
        delay: Duration::from_secs(4),
        ..Weather::default()
    };
    let relay = Relay::start_recording(echo_server(config()), weather, capture.clone())
        .await
        .unwrap();
    let session = connect(relay.addr()).await;
    let [client, server] = [Direction::ToServer, Direction::ToClient]
        .map(|direction| capture.lengths(direction).len());
    println!("{client} datagrams by the client, {server} by the server");
    // The first hello is repeated until something is known; nothing else is.
    assert!(client <= 8 && server <= 8, "{client} and {server}");
    drop(session);
}

#[tokio::test]
async fn damaged_datagrams_end_nothing() {
    let weather = Weather {
        seed: 7,
        corrupt: 0.1,
        delay: Duration::from_millis(5),
        ..Weather::default()
    };
    let relay = Relay::start(echo_server(config()), weather).await.unwrap();
    let mut clients = JoinSet::new();
    for _ in 0..20 {
        let server = relay.addr();
        clients.spawn(async move {
            // A bit that flips in a plaintext handshake message is found out only by Finished:
            // such a handshake fails, and its client tries again.
            let session = loop {
                match try_connect(server).await {
                    Ok(session) => break session,
                    Err(error) => println!("tried again after: {error}"),
                }
            };
            for _ in 0..20 {
                echo_until_it_comes_back(&session).await;
            }
        });
    }
    while let Some(outcome) = within(clients.join_next()).await {
        outcome.unwrap();
    }
}

#[test]
fn the_same_seed_is_the_same_weather() {
    let weather = |seed| Weather {
        seed,
        drop: 0.3,
        duplicate: 0.2,
        reorder: 0.2,
        corrupt: 0.2,
        ..Weather::default()
    };
    let fates = |seed| -> Vec<_> {
        (0..1000)
            .map(|index| weather(seed).deliver(3, Direction::ToClient, index, b"datagram"))
            .collect()
    };
    assert_eq!(fates(1), fates(1));
    assert_ne!(fates(1), fates(2));
    let lost = fates(1).iter().filter(|copies| copies.is_empty()).count();
    assert!((250..350).contains(&lost), "{lost} of 1000 lost at 30 %");
}

fn config() -> SessionConfig {
    // Timers double up to a minute, so the unluckiest of two hundred takes long.
    SessionConfig::default().handshake_timeout(Duration::from_secs(240))
}

/// A server that sends each datagram back, for as long as the test runs.
fn echo_server(config: SessionConfig) -> SocketAddr {
    let identity = Identity::from_pem_files(cert("server.pem"), cert("server.key")).unwrap();
    let acceptor = Acceptor::builder(identity).session(config).build().unwrap();
    let any = "127.0.0.1:0".parse().unwrap();
    let listener = Listener::bind(any, acceptor, Limits::default()).unwrap();
    let addr = listener.local_addr();
    tokio::spawn(async move {
        loop {
            let handshake = listener.accept().await.unwrap();
            tokio::spawn(async move {
                // A client that starts anew leaves a handshake behind.
                let Ok(session) = handshake.await else { return };
                let mut buf = [0; 2048];
                while let Ok(Some(length)) = session.recv(&mut buf).await {
                    let _ = session.send(&buf[..length]).await;
                }
            });
        }
    });
    addr
}

async fn try_connect(server: SocketAddr) -> Result<Session, dtls_session::HandshakeError> {
    let roots = Roots::from_pem_file(cert("ca.pem")).unwrap();
    let connector = Connector::builder(roots).session(config()).build().unwrap();
    let any = "127.0.0.1:0".parse().unwrap();
    let endpoint = Endpoint::bind(any, Config::default().batch(2)).unwrap();
    connector
        .connect("localhost")
        .over(endpoint.open(server).unwrap())
        .await
}

async fn connect(server: SocketAddr) -> Session {
    let connecting = timeout(Duration::from_secs(300), try_connect(server));
    connecting.await.expect("it hangs").unwrap()
}

/// Application data is not repeated by DTLS, so the application does it here.
async fn echo_until_it_comes_back(session: &Session) {
    let mut buf = [0; 2048];
    within(async {
        loop {
            session.send(b"anybody there?").await.unwrap();
            if let Ok(received) = timeout(Duration::from_millis(500), session.recv(&mut buf)).await
            {
                assert_eq!(received.unwrap(), Some(14));
                assert_eq!(&buf[..14], b"anybody there?");
                return;
            }
        }
    })
    .await;
}
