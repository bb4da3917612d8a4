//! Everything at once: a bad network, restarts, a flood and junk, and each answer is checked.
//!
//! `CHAOS_SEED`, `CHAOS_CLIENTS` and `CHAOS_SECONDS` change the storm; a failure names the seed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(
    dead_code,
    reason = "this uses its part of what the hostile tests have"
)]

mod common;
#[path = "hostile/living.rs"]
mod living;
#[path = "hostile/raw.rs"]
mod raw;
#[path = "hostile/socket.rs"]
mod socket;

use std::{env, net::SocketAddr, sync::Arc, time::Duration};

use common::{Relay, Server, Weather, run};
use living::Living;
use raw::{bind, hello};
use socket::Socket;
use tokio::{
    net::UdpSocket,
    task::JoinSet,
    time::{Instant, sleep},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_does_not_garble_or_stop_anything() {
    let (seed, clients, seconds) = (
        setting("CHAOS_SEED", 1),
        setting("CHAOS_CLIENTS", 20),
        setting("CHAOS_SECONDS", 5),
    );
    println!("replay: CHAOS_SEED={seed} CHAOS_CLIENTS={clients} CHAOS_SECONDS={seconds}");
    let server = Server::start(&[]).await;
    let addr: SocketAddr = server.addr.parse().unwrap();
    let weather = Weather {
        seed,
        drop: 0.2,
        duplicate: 0.1,
        reorder: 0.1,
        corrupt: 0.02,
        ..Weather::default()
    };
    let relay = Relay::start(addr, weather).await.unwrap();
    let mut attacks = JoinSet::new();
    attacks.spawn(flood(addr));
    attacks.spawn(junk(addr, seed));
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut living = JoinSet::new();
    for client in 0..clients {
        living.spawn(live(relay.addr(), seed + client, until));
    }
    let mut total = Tally::default();
    while let Some(tally) = living.join_next().await {
        let tally = tally.unwrap();
        assert!(tally.echoes > 0, "a client was never answered");
        total.echoes += tally.echoes;
        total.sessions += tally.sessions;
        total.failures += tally.failures;
    }
    println!("{total:?}");
    drop(attacks);
    let ended = run(&server.addr, &["--timeout", "60"], b"after the storm\n").await;
    assert_eq!(ended.out, "Echo: after the storm\n", "{ended:?}");
    server.program.signal("-TERM");
    let ended = server.program.end().await;
    assert_eq!(ended.code, Some(0));
    let report = ended.err.lines().filter(|line| line.contains(" in all"));
    report.for_each(|line| println!("{line}"));
}

#[derive(Debug, Default)]
struct Tally {
    sessions: u64,
    echoes: u64,
    /// Handshakes that the weather spoiled: plaintext that was damaged on the way.
    failures: u64,
}

/// A client that vanishes after a few lines and starts anew from the same port.
async fn live(server: SocketAddr, seed: u64, until: Instant) -> Tally {
    let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    udp.connect(server).await.unwrap();
    let udp = Arc::new(udp);
    let mut tally = Tally::default();
    while tally.echoes == 0 || Instant::now() < until {
        let Ok(mut living) = Living::try_over(Socket::over(&udp)).await else {
            tally.failures += 1;
            continue;
        };
        tally.sessions += 1;
        for _ in 0..1 + (seed + tally.sessions) % 10 {
            living.echoes().await;
            tally.echoes += 1;
        }
        living.vanish();
    }
    tally
}

async fn flood(server: SocketAddr) {
    for host in 1.. {
        let socket = bind(&format!("127.77.{}.{}", host / 250 % 250, 1 + host % 250)).await;
        for random in 0..50 {
            let _ = socket.try_send_to(&hello(random, &[]), server);
        }
        sleep(Duration::from_millis(5)).await;
    }
}

async fn junk(server: SocketAddr, seed: u64) {
    let socket = bind("127.0.0.1").await;
    for n in seed.. {
        let byte = n.wrapping_mul(0x9e37_79b9) as u8;
        let _ = socket.try_send_to(&vec![byte; usize::from(byte) * 5], server);
        if n % 50 == 0 {
            sleep(Duration::from_millis(5)).await;
        }
    }
}

fn setting(name: &str, default: u64) -> u64 {
    let number = |text: String| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name}={text} is no number"))
    };
    env::var(name).map_or(default, number)
}
