//! What went over a relay, as a file that tshark reads.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use super::Direction;

/// Datagrams between one client and one server, in the order that they were delivered in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Capture(Arc<Mutex<Vec<Datagram>>>);

type Datagram = (Direction, Vec<u8>);

impl Capture {
    pub(crate) fn add(&self, direction: Direction, datagram: &[u8]) {
        let mut datagrams = self.0.lock().expect("no panic");
        datagrams.push((direction, datagram.to_vec()));
    }

    /// Returns the lengths of the datagrams that went there.
    pub(crate) fn lengths(&self, direction: Direction) -> Vec<usize> {
        let datagrams = self.0.lock().expect("no panic");
        let there = datagrams.iter().filter(|(other, _)| *other == direction);
        there.map(|(_, datagram)| datagram.len()).collect()
    }

    /// Returns a pcap file of IPv4 packets between `server` and a client's port 40000.
    pub(crate) fn pcap(&self, server: SocketAddr) -> Vec<u8> {
        let mut file = Vec::new();
        // Version 2.4, UTC, no limit on lengths, and no link layer (LINKTYPE_RAW).
        for field in [0xa1b2_c3d4, 0x0002_0004_u32, 0, 0, 0xffff, 101] {
            file.extend(field.to_be_bytes());
        }
        let datagrams = self.0.lock().expect("no panic");
        for ((direction, datagram), number) in datagrams.iter().zip(0u32..) {
            let ports = match direction {
                Direction::ToServer => [40_000, server.port()],
                Direction::ToClient => [server.port(), 40_000],
            };
            let packet = packet(ports, datagram);
            let length = packet.len() as u32;
            for field in [number, 0, length, length] {
                file.extend(field.to_be_bytes());
            }
            file.extend(packet);
        }
        file
    }
}

/// Puts IPv4's and UDP's headers before a datagram, without checksums.
fn packet([from, to]: [u16; 2], datagram: &[u8]) -> Vec<u8> {
    let length = 8 + datagram.len() as u16;
    let mut packet = vec![0x45, 0];
    packet.extend((20 + length).to_be_bytes());
    packet.extend([0, 0, 0, 0, 64, 17, 0, 0]);
    packet.extend([127, 0, 0, 1, 127, 0, 0, 1]);
    for field in [from, to, length, 0] {
        packet.extend(field.to_be_bytes());
    }
    packet.extend(datagram);
    packet
}
