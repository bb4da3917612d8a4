//! An endpoint with little room, and three peers who send it anything at any time.

#![no_main]

use std::{net::UdpSocket, sync::LazyLock};

use arbitrary::Arbitrary;
use futures::FutureExt;
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};
use udp_demux::{Channel, Config, Endpoint, Incoming, Route};

#[derive(Arbitrary, Debug)]
enum Step<'a> {
    Send { peer: u8, datagram: &'a [u8] },
    Burst { peer: u8, datagrams: u8, first: u8 },
    Reply { datagram: &'a [u8] },
    Accept,
    Stand { promote: bool },
    Ignore,
    Receive { channel: u8, room: u8 },
    Answer { channel: u8, datagram: &'a [u8] },
    Drop { channel: u8 },
    Open { peer: u8 },
}

fuzz_target!(|steps: Vec<Step<'_>>| {
    RUNTIME.block_on(play(&steps));
});

async fn play(steps: &[Step<'_>]) {
    let config = Config::default()
        .recv_queue(4)
        .recv_queue_bytes(100)
        .backlog(3)
        .backlog_bytes(200)
        .max_channels(CHANNELS)
        .max_datagram(LONGEST)
        .batch(4)
        .route(|datagram| match datagram[0] {
            b'H' => Route::Accept,
            _ => Route::Peer,
        });
    let endpoint = Endpoint::bind(([127, 0, 0, 1], 0).into(), config).expect("a port");
    let peers = [(); 3].map(|()| UdpSocket::bind("127.0.0.1:0").expect("a port"));
    for peer in &peers {
        peer.set_nonblocking(true).expect("it is a socket");
    }
    let mut channels: Vec<Channel> = Vec::new();
    for step in steps.iter().take(64) {
        perform(step, &endpoint, &peers, &mut channels);
        // The driver runs on this thread, so it gets its turns.
        for _ in 0..4 {
            tokio::task::yield_now().await;
        }
        assert!(endpoint.channels() <= CHANNELS);
    }
    drop((endpoint, channels));
    tokio::task::yield_now().await;
}

fn perform(
    step: &Step<'_>,
    endpoint: &Endpoint,
    peers: &[UdpSocket; 3],
    channels: &mut Vec<Channel>,
) {
    let peer = |number: u8| &peers[usize::from(number) % peers.len()];
    let incoming = || {
        endpoint
            .accept()
            .now_or_never()
            .map(|it| it.expect("the socket lives"))
    };
    match step {
        Step::Send {
            peer: from,
            datagram,
        } => {
            let _ = peer(*from).send_to(datagram, endpoint.local_addr());
        }
        Step::Burst {
            peer: from,
            datagrams,
            first,
        } => {
            for length in 0..*datagrams % 40 {
                let datagram = vec![*first; usize::from(length)];
                let _ = peer(*from).send_to(&datagram, endpoint.local_addr());
            }
        }
        Step::Reply { datagram } => {
            if let Some(incoming) = incoming() {
                let _ = incoming.reply(datagram);
            }
        }
        Step::Accept => channels.extend(incoming().and_then(|it| it.accept().ok())),
        Step::Stand { promote } => {
            let stand = |it: Incoming| it.accept_candidate().ok();
            if let Some((channel, promotion)) = incoming().and_then(stand) {
                if *promote {
                    promotion.promote();
                }
                channels.push(channel);
            }
        }
        Step::Ignore => drop(incoming()),
        Step::Receive { channel, room } => {
            if let Some(channel) = pick(channels, *channel) {
                receive(channel, usize::from(*room));
            }
        }
        Step::Answer { channel, datagram } => {
            if let Some(channel) = pick(channels, *channel) {
                let _ = channel.try_send(datagram);
            }
        }
        Step::Drop { channel } => {
            if !channels.is_empty() {
                channels.swap_remove(usize::from(*channel) % channels.len());
            }
        }
        Step::Open { peer: to } => {
            let address = peer(*to).local_addr().expect("it is bound");
            channels.extend(endpoint.open(address).ok());
        }
    }
}

fn pick(channels: &mut [Channel], number: u8) -> Option<&mut Channel> {
    let count = channels.len().max(1);
    channels.get_mut(usize::from(number) % count)
}

fn receive(channel: &mut Channel, room: usize) {
    let mut buf = [0; LONGEST + 1];
    let before = channel.stats();
    if let Ok(Some(length)) = channel.try_recv(&mut buf[..room.min(LONGEST)]) {
        assert!((1..=LONGEST).contains(&length));
        assert!(before.received > 0);
    }
}

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_current_thread()
        .enable_io()
        .build()
        .expect("a runtime")
});

const CHANNELS: usize = 3;
const LONGEST: usize = 60;
