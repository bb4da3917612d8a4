//! What waits for the pipe to take it.

use std::{
    collections::VecDeque,
    task::{Context, Poll, ready},
};

use dtls_wire::Record;

use crate::records::link::Link;

/// Datagrams in the order in which they are to leave.
#[derive(Default)]
pub(crate) struct Outbound {
    datagrams: VecDeque<Box<[u8]>>,
}

impl Outbound {
    pub(crate) fn is_empty(&self) -> bool {
        self.datagrams.is_empty()
    }

    /// Queues a datagram; false if there is no room.
    pub(crate) fn push(&mut self, datagram: &[u8]) -> bool {
        let fits = self.datagrams.len() < MAX_DATAGRAMS;
        if fits {
            self.datagrams.push_back(datagram.into());
        }
        fits
    }

    /// Queues records, as many of them in a datagram as it may have bytes (RFC 6347 4.2.3), and returns for how
    /// many datagrams there was no room.
    pub(crate) fn push_flight(&mut self, records: &[u8], mtu: usize) -> u64 {
        let (mut start, mut end, mut dropped) = (0, 0, 0);
        while let Ok((record, _)) = Record::split(&records[end..]) {
            let next = end + record.wire_len();
            if next - start > mtu && end > start {
                dropped += u64::from(!self.push(&records[start..end]));
                start = end;
            }
            end = next;
        }
        if end > start {
            dropped += u64::from(!self.push(&records[start..end]));
        }
        dropped
    }

    pub(crate) fn poll_drain(&mut self, cx: &mut Context<'_>, link: &mut Link) -> Poll<()> {
        while let Some(datagram) = self.datagrams.front() {
            ready!(link.poll_send(cx, datagram));
            self.datagrams.pop_front();
            if self.datagrams.is_empty() {
                self.datagrams = VecDeque::new();
            }
        }
        link.flush(cx);
        Poll::Ready(())
    }
}

impl From<VecDeque<Vec<u8>>> for Outbound {
    fn from(datagrams: VecDeque<Vec<u8>>) -> Self {
        Self {
            datagrams: datagrams.into_iter().map(Into::into).collect(),
        }
    }
}

/// Whoever sends waits until nothing waits here, so these are alerts and answers.
const MAX_DATAGRAMS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn record(length: u8) -> Vec<u8> {
        let mut record = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, length];
        record.resize(13 + usize::from(length), length);
        record
    }

    #[test]
    fn a_flight_fills_datagrams() {
        let [a, b, c] = [record(30), record(1), record(40)];
        let lengths = |mtu| {
            let mut outbound = Outbound::default();
            assert_eq!(outbound.push_flight(&[&a[..], &b, &c].concat(), mtu), 0);
            let lengths = outbound.datagrams.iter().map(|datagram| datagram.len());
            lengths.collect::<Vec<_>>()
        };
        assert_eq!(lengths(1200), [110]);
        assert_eq!(lengths(57), [57, 53]);
        assert_eq!(lengths(56), [43, 14, 53]);
        assert_eq!(lengths(10), [43, 14, 53]);
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut outbound = Outbound::default();
        let taken = (0..100).filter(|_| outbound.push(&[1]));
        assert_eq!(taken.count(), MAX_DATAGRAMS);
        let flight = [record(1), record(40)].concat();
        assert_eq!(outbound.push_flight(&flight, 53), 2);
        assert_eq!(outbound.push_flight(&flight, 1200), 1);
        assert_eq!(outbound.push_flight(&[], 1200), 0);
    }
}
