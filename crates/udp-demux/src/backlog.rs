use std::{
    collections::VecDeque,
    net::{IpAddr, SocketAddr},
};

use bytes::{Bytes, BytesMut};

use crate::config::Config;

/// The datagrams that wait for somebody to accept them.
#[derive(Debug)]
pub(crate) struct Backlog {
    waiting: VecDeque<Waiting>,
    bytes: usize,
    // Datagrams are split off one allocation after the other, so that a flood does not allocate for each.
    arena: BytesMut,
    max_datagrams: usize,
    max_bytes: usize,
}

#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) peer: SocketAddr,
    pub(crate) local_ip: Option<IpAddr>,
    pub(crate) datagram: Bytes,
}

impl Backlog {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            waiting: VecDeque::new(),
            bytes: 0,
            arena: BytesMut::new(),
            max_datagrams: config.backlog,
            max_bytes: config.backlog_bytes,
        }
    }

    /// Appends the datagram, or returns false if it does not fit. An empty backlog takes one of any size.
    pub(crate) fn push(
        &mut self,
        peer: SocketAddr,
        local_ip: Option<IpAddr>,
        datagram: &[u8],
    ) -> bool {
        let room = self.waiting.len() < self.max_datagrams
            && self.bytes + datagram.len() <= self.max_bytes;
        if !room && !self.waiting.is_empty() {
            return false;
        }
        if self.arena.capacity() < datagram.len() {
            self.arena.reserve(datagram.len().max(ARENA));
        }
        self.arena.extend_from_slice(datagram);
        self.bytes += datagram.len();
        self.waiting.push_back(Waiting {
            peer,
            local_ip,
            datagram: self.arena.split().freeze(),
        });
        true
    }

    pub(crate) fn pop(&mut self) -> Option<Waiting> {
        let first = self.waiting.pop_front()?;
        self.bytes -= first.datagram.len();
        Some(first)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Takes out, in order, the datagrams of the peer that `wanted` picks.
    pub(crate) fn extract(
        &mut self,
        peer: SocketAddr,
        wanted: impl Fn(&[u8]) -> bool,
    ) -> Vec<Bytes> {
        let mut taken = Vec::new();
        self.waiting.retain(|waiting| {
            let take = waiting.peer == peer && wanted(&waiting.datagram);
            if take {
                self.bytes -= waiting.datagram.len();
                taken.push(waiting.datagram.clone());
            }
            !take
        });
        taken
    }

    /// Drops everything and returns how many datagrams that were.
    pub(crate) fn clear(&mut self) -> usize {
        let dropped = self.waiting.len();
        self.waiting = VecDeque::new();
        self.arena = BytesMut::new();
        self.bytes = 0;
        dropped
    }
}

// A datagram that is kept for long keeps this much memory with it.
const ARENA: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_bounded_and_freed() {
        let mut backlog = Backlog::new(&Config::default().backlog_bytes(10));
        assert!(backlog.push(peer(1), None, &[1; 6]));
        assert!(!backlog.push(peer(2), None, &[2; 6]));
        assert_eq!(backlog.pop().unwrap().datagram, [1; 6][..]);
        assert!(backlog.push(peer(2), None, &[2; 11]));
    }

    #[test]
    fn one_peers_datagrams_are_taken_out_in_order() {
        let mut backlog = Backlog::new(&Config::default());
        for (port, byte) in [(1, 1), (2, 2), (1, 3), (1, 4)] {
            assert!(backlog.push(peer(port), None, &[byte]));
        }
        assert_eq!(
            backlog.extract(peer(1), |datagram| datagram != [3]),
            [&[1][..], &[4]]
        );
        assert_eq!(backlog.pop().unwrap().datagram, [2][..]);
        assert_eq!(backlog.pop().unwrap().datagram, [3][..]);
        assert!(backlog.is_empty());
        assert_eq!(backlog.bytes, 0);
    }

    fn peer(port: u16) -> SocketAddr {
        ([127, 0, 0, 1], port).into()
    }
}
