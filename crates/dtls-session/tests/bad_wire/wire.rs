//! A wire that is bad, and what it has seen.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, ready},
};

use dtls_wire::{AnyRecord, ContentType, Record, records};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::UdpSocket,
};

use crate::common::Direction;

/// What was seen, of all sessions together.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sum {
    pub(crate) resumed: u64,
    /// Those of a client that began anew.
    pub(crate) restarted: u64,
    /// Those that OpenSSL's server gave up after twelve repeats, while the client had its session.
    pub(crate) given_up: u64,
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    pub(crate) swapped: u64,
    /// Records under keys, each of which was another one.
    pub(crate) protected: u64,
    /// Records of a handshake that left again as they were.
    pub(crate) again: u64,
}

impl Sum {
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            resumed: self.resumed + other.resumed,
            restarted: self.restarted + other.restarted,
            given_up: self.given_up + other.given_up,
            lost: self.lost + other.lost,
            doubled: self.doubled + other.doubled,
            swapped: self.swapped + other.swapped,
            protected: self.protected + other.protected,
            again: self.again + other.again,
        }
    }
}

/// A client's socket, behind a wire that is bad both ways.
#[derive(Debug)]
pub(crate) struct BadPipe {
    pub(crate) socket: UdpSocket,
    pub(crate) wire: Arc<Mutex<Wire>>,
    pub(crate) come: VecDeque<Vec<u8>>,
}

impl AsyncRead for BadPipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            if let Some(datagram) = self.come.pop_front() {
                buf.put_slice(&datagram);
                return Poll::Ready(Ok(()));
            }
            let mut datagram = [0; 2048];
            let mut datagram = ReadBuf::new(&mut datagram);
            ready!(self.socket.poll_recv(cx, &mut datagram))?;
            let mut wire = self.wire.lock().unwrap();
            let come = wire.pass(Direction::ToClient, datagram.filled());
            drop(wire);
            self.come.extend(come);
        }
    }
}

impl AsyncWrite for BadPipe {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        for datagram in self.wire.lock().unwrap().pass(Direction::ToServer, buf) {
            let _ = self.socket.try_send(&datagram);
        }
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A wire, and all that has left either side.
#[derive(Debug)]
pub(crate) struct Wire {
    random: Random,
    /// In a hundred.
    lost: u64,
    held: [Option<Vec<u8>>; 2],
    seen: [Ledger; 2],
    /// The randoms of the client.
    pub(crate) hellos: HashSet<Vec<u8>>,
    /// Numbers and nonces that were used twice.
    pub(crate) faults: Vec<String>,
    pub(crate) sum: Sum,
}

/// What one side has sent under one pair of keys.
#[derive(Debug, Default)]
struct Ledger {
    records: HashMap<(u16, u64), Vec<u8>>,
    nonces: HashSet<Vec<u8>>,
}

impl Wire {
    pub(crate) fn new(random: Random, lost: u64) -> Self {
        Self {
            random,
            lost,
            held: [None, None],
            seen: Default::default(),
            hellos: HashSet::new(),
            faults: Vec::new(),
            sum: Sum::default(),
        }
    }

    fn pass(&mut self, towards: Direction, datagram: &[u8]) -> Vec<Vec<u8>> {
        for record in records(datagram) {
            match record.unwrap() {
                AnyRecord::Full(record) => self.look_at(towards, &record),
                AnyRecord::Unified(record) => panic!("{record:?}"),
            }
        }
        let mut delivered = Vec::new();
        let held = &mut self.held[towards as usize];
        if self.random.percent(self.lost) {
            self.sum.lost += 1;
        } else if held.is_none() && self.random.percent(SWAPPED) {
            self.sum.swapped += 1;
            *held = Some(datagram.to_vec());
            return delivered;
        } else {
            delivered.push(datagram.to_vec());
            if self.random.percent(DOUBLED) {
                self.sum.doubled += 1;
                delivered.push(datagram.to_vec());
            }
        }
        delivered.extend(held.take());
        delivered
    }

    fn look_at(&mut self, towards: Direction, record: &Record<'_>) {
        self.count_hellos(towards, record);
        let ledger = &mut self.seen[towards as usize];
        if record.epoch == 0 {
            return;
        }
        self.sum.protected += 1;
        let key = (record.epoch, record.sequence);
        let body = record.body.to_vec();
        if let Some(former) = ledger.records.insert(key, body.clone()) {
            // Only a flight of the handshake may leave again, byte by byte.
            if record.content_type != ContentType::HANDSHAKE || former != body {
                self.faults
                    .push(format!("{towards:?}: {key:?} again: {record:?}"));
            }
            self.sum.again += 1;
            self.sum.protected -= 1;
            return;
        }
        // ChaCha20-Poly1305 has none: these bytes are ciphertext, in which nothing repeats either.
        let explicit = body[..8].to_vec();
        if !ledger.nonces.insert(explicit) {
            self.faults
                .push(format!("{towards:?}: a nonce again: {record:?}"));
        }
    }

    /// A client that begins anew has new keys, and the server then may have both for a while.
    fn count_hellos(&mut self, towards: Direction, record: &Record<'_>) {
        let hello = towards == Direction::ToServer
            && (record.epoch, record.content_type) == (0, ContentType::HANDSHAKE)
            && record.body[0] == CLIENT_HELLO;
        if hello {
            self.hellos.insert(record.body[14..46].to_vec());
        }
    }
}

const DOUBLED: u64 = 20;
const SWAPPED: u64 = 20;
const CLIENT_HELLO: u8 = 1;

/// Numbers that are the same at each run (SplitMix64).
#[derive(Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    fn percent(&mut self, chance: u64) -> bool {
        self.next() % 100 < chance
    }

    pub(crate) fn one_in(&mut self, many: u64) -> bool {
        self.next().is_multiple_of(many)
    }
}
