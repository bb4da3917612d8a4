//! A bad network on loopback: a UDP relay that loses, repeats, delays and damages datagrams.
//!
//! What happens to a datagram depends only on the seed, on which client it belongs to, on its
//! direction and on how many went before it: the same seed is the same weather.

use std::{
    collections::{HashMap, hash_map::Entry},
    io,
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use tokio::{net::UdpSocket, task::JoinSet, time::sleep};

use super::Capture;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Direction {
    ToServer,
    ToClient,
}

/// How bad it is; probabilities are from 0 to 1, for each datagram and direction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Weather {
    pub(crate) seed: u64,
    pub(crate) drop: f64,
    pub(crate) duplicate: f64,
    /// Datagrams that arrive up to 40 ms late, behind others.
    pub(crate) reorder: f64,
    pub(crate) corrupt: f64,
    /// Added to every datagram's way.
    pub(crate) delay: Duration,
    /// Longer datagrams vanish, as in a path MTU black hole.
    pub(crate) mtu: Option<usize>,
    /// The n-th datagram of each client in this direction, counted from 0, is lost.
    pub(crate) drop_nth: Option<(Direction, u64)>,
}

impl Weather {
    /// Returns the copies that arrive and how late each is.
    pub(crate) fn deliver(
        &self,
        client: u64,
        direction: Direction,
        index: u64,
        datagram: &[u8],
    ) -> Vec<(Duration, Vec<u8>)> {
        let mut dice = Dice::new(self.seed, client, direction, index);
        let lost = dice.chance(self.drop);
        let (twice, late, damaged) = (
            dice.chance(self.duplicate),
            dice.chance(self.reorder),
            dice.chance(self.corrupt),
        );
        if lost
            || self.drop_nth == Some((direction, index))
            || self.mtu.is_some_and(|mtu| datagram.len() > mtu)
        {
            return Vec::new();
        }
        let mut copy = datagram.to_vec();
        if damaged && !copy.is_empty() {
            let place = dice.roll() as usize % copy.len();
            copy[place] ^= 1 << (dice.roll() % 8);
        }
        let lateness = if late {
            Duration::from_millis(1 + dice.roll() % 40)
        } else {
            Duration::ZERO
        };
        let mut copies = vec![(self.delay + lateness, copy)];
        if twice {
            let again = (
                self.delay + Duration::from_millis(dice.roll() % 40),
                datagram.to_vec(),
            );
            copies.push(again);
        }
        copies
    }
}

/// Relays between any number of clients and one server until it is dropped.
#[derive(Debug)]
pub(crate) struct Relay {
    addr: SocketAddr,
    _tasks: JoinSet<()>,
}

impl Relay {
    pub(crate) async fn start(server: SocketAddr, weather: Weather) -> io::Result<Self> {
        Self::begin(server, weather, None).await
    }

    /// Starts a relay that keeps what it has delivered.
    pub(crate) async fn start_recording(
        server: SocketAddr,
        weather: Weather,
        capture: Capture,
    ) -> io::Result<Self> {
        Self::begin(server, weather, Some(capture)).await
    }

    async fn begin(
        server: SocketAddr,
        weather: Weather,
        capture: Option<Capture>,
    ) -> io::Result<Self> {
        let front = Arc::new(UdpSocket::bind("127.0.0.1:0").await?);
        let addr = front.local_addr()?;
        let mut tasks = JoinSet::new();
        tasks.spawn(relay(front, server, weather, capture));
        Ok(Self {
            addr,
            _tasks: tasks,
        })
    }

    /// Where clients find the server.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }
}

struct Client {
    number: u64,
    sent: u64,
    upstream: Arc<UdpSocket>,
}

async fn relay(
    front: Arc<UdpSocket>,
    server: SocketAddr,
    weather: Weather,
    capture: Option<Capture>,
) {
    let mut clients: HashMap<SocketAddr, Client> = HashMap::new();
    let mut back = JoinSet::new();
    let mut buf = vec![0; 65_536];
    loop {
        // An error is some client's ICMP message.
        let Ok((length, peer)) = front.recv_from(&mut buf).await else {
            continue;
        };
        let number = clients.len() as u64;
        let client = match clients.entry(peer) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(vacant) => {
                let upstream = connected_to(server).await;
                let (up, down) = (Arc::clone(&upstream), Arc::clone(&front));
                back.spawn(relay_back(
                    up,
                    down,
                    peer,
                    number,
                    weather.clone(),
                    capture.clone(),
                ));
                vacant.insert(Client {
                    number,
                    sent: 0,
                    upstream,
                })
            }
        };
        let index = client.sent;
        client.sent += 1;
        let copies = weather.deliver(client.number, Direction::ToServer, index, &buf[..length]);
        for (delay, copy) in copies {
            if let Some(capture) = &capture {
                capture.add(Direction::ToServer, &copy);
            }
            deliver(Arc::clone(&client.upstream), server, delay, copy);
        }
    }
}

async fn connected_to(server: SocketAddr) -> Arc<UdpSocket> {
    let socket = UdpSocket::bind("127.0.0.1:0")
        .await
        .expect("loopback has ports left");
    let connected = socket.connect(server).await;
    connected.expect("loopback can be connected to");
    // Before that Tokio takes a new socket's buffer for full, and the first datagram would be lost.
    socket.writable().await.expect("a new socket is writable");
    Arc::new(socket)
}

async fn relay_back(
    upstream: Arc<UdpSocket>,
    front: Arc<UdpSocket>,
    peer: SocketAddr,
    number: u64,
    weather: Weather,
    capture: Option<Capture>,
) {
    let mut buf = vec![0; 65_536];
    let mut index = 0;
    loop {
        // A server that has gone is a silence to its client.
        let Ok(length) = upstream.recv(&mut buf).await else {
            sleep(Duration::from_millis(10)).await;
            continue;
        };
        let copies = weather.deliver(number, Direction::ToClient, index, &buf[..length]);
        index += 1;
        for (delay, copy) in copies {
            if let Some(capture) = &capture {
                capture.add(Direction::ToClient, &copy);
            }
            deliver(Arc::clone(&front), peer, delay, copy);
        }
    }
}

fn deliver(socket: Arc<UdpSocket>, to: SocketAddr, delay: Duration, copy: Vec<u8>) {
    if delay.is_zero() {
        let _ = send(&socket, to, &copy);
    } else {
        tokio::spawn(async move {
            sleep(delay).await;
            let _ = send(&socket, to, &copy);
        });
    }
}

fn send(socket: &UdpSocket, to: SocketAddr, copy: &[u8]) -> io::Result<usize> {
    match socket.peer_addr() {
        Ok(_) => socket.try_send(copy),
        Err(_) => socket.try_send_to(copy, to),
    }
}

/// SplitMix64, started from what names a datagram.
struct Dice(u64);

impl Dice {
    fn new(seed: u64, client: u64, direction: Direction, index: u64) -> Self {
        let mut dice = Self(seed);
        for part in [client, direction as u64, index] {
            dice.0 = dice.roll() ^ part;
        }
        dice
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn chance(&mut self, probability: f64) -> bool {
        (self.roll() >> 11) as f64 / ((1u64 << 53) as f64) < probability
    }
}
