use std::net::{IpAddr, SocketAddr};

/// Datagrams that leave together, end to end, in the order in which they were given.
#[derive(Debug)]
pub(crate) struct Outbox {
    bytes: Vec<u8>,
    runs: Vec<Run>,
    /// How much of both has left already.
    sent_bytes: usize,
    sent_runs: usize,
    max_segments: usize,
}

/// Neighbours with one destination and one length, but for the last, which may be shorter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) peer: SocketAddr,
    pub(crate) from: Option<IpAddr>,
    /// The length of each datagram but the last.
    pub(crate) segment: usize,
    pub(crate) datagrams: usize,
    pub(crate) len: usize,
}

impl Outbox {
    /// `max_segments` is how many datagrams the system can cut one send into.
    pub(crate) fn new(max_segments: usize) -> Self {
        Self {
            bytes: Vec::new(),
            runs: Vec::new(),
            sent_bytes: 0,
            sent_runs: 0,
            max_segments,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Appends the datagram, or returns false if there is no room for it.
    pub(crate) fn push(&mut self, peer: SocketAddr, from: Option<IpAddr>, datagram: &[u8]) -> bool {
        self.push_with(peer, from, datagram.len(), |bytes| {
            bytes.extend_from_slice(datagram);
        })
    }

    /// Appends a datagram of `len` bytes, which `append` appends, or returns false if there is no
    /// room for it.
    pub(crate) fn push_with(
        &mut self,
        peer: SocketAddr,
        from: Option<IpAddr>,
        len: usize,
        append: impl FnOnce(&mut Vec<u8>),
    ) -> bool {
        if self.bytes.len() + len > MAX_BYTES {
            return false;
        }
        append(&mut self.bytes);
        match self.runs.last_mut() {
            // What has left cannot grow: `sent_runs` counts whole runs, so the last is still here.
            Some(run)
                if (run.peer, run.from) == (peer, from) && run.takes(len, self.max_segments) =>
            {
                run.datagrams += 1;
                run.len += len;
            }
            _ => self.runs.push(Run {
                peer,
                from,
                segment: len,
                datagrams: 1,
                len,
            }),
        }
        true
    }

    /// The next runs that one call can send, and their bytes: they leave from one address, and one
    /// segment size does for all of them.
    pub(crate) fn next_burst(&self) -> (&[Run], &[u8]) {
        let waiting = &self.runs[self.sent_runs..];
        let mut segment = None;
        let mut longest = 0;
        let count = waiting
            .iter()
            .take(MAX_BURST)
            .take_while(|run| {
                longest = longest.max(run.segment);
                if run.datagrams > 1 && segment.is_none() {
                    segment = Some(run.segment);
                }
                let fits = match segment {
                    Some(segment) if run.datagrams > 1 => run.segment == segment,
                    _ => true,
                };
                run.from == waiting[0].from && fits && segment.is_none_or(|it| longest <= it)
            })
            .count();
        (&waiting[..count], &self.bytes[self.sent_bytes..])
    }

    /// Takes note that the next `runs` have left, or never will.
    pub(crate) fn advance(&mut self, runs: usize) {
        let gone = &self.runs[self.sent_runs..self.sent_runs + runs];
        self.sent_bytes += gone.iter().map(|run| run.len).sum::<usize>();
        self.sent_runs += runs;
        if self.sent_runs == self.runs.len() {
            self.bytes.clear();
            self.runs.clear();
            (self.sent_bytes, self.sent_runs) = (0, 0);
        }
    }

    /// Lets the system cut no sends any more: it has refused to.
    pub(crate) fn stop_segmenting(&mut self) {
        self.max_segments = 1;
    }
}

impl Run {
    fn takes(&self, len: usize, max_segments: usize) -> bool {
        let whole = self.len == self.segment * self.datagrams;
        let room = self.datagrams < max_segments && self.len + len <= MAX_RUN;
        whole && room && len <= self.segment
    }
}

/// How many runs leave in one call.
pub(crate) const MAX_BURST: usize = 32;

/// The payload of the largest IPv4 datagram, with which segmentation starts.
const MAX_RUN: usize = 65_507;

/// What waits at most; who has more to send sends it himself, or waits.
const MAX_BYTES: usize = 256 << 10;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn peer(port: u16) -> SocketAddr {
        ([127, 0, 0, 1], port).into()
    }

    fn shapes(outbox: &Outbox) -> Vec<(u16, usize, usize)> {
        let runs = outbox.runs.iter();
        runs.map(|run| (run.peer.port(), run.segment, run.datagrams))
            .collect()
    }

    #[test]
    fn neighbours_of_one_length_share_a_run_that_a_shorter_one_ends() {
        let mut outbox = Outbox::new(64);
        for (port, len) in [(1, 5), (1, 5), (1, 3), (1, 3), (1, 4), (2, 4), (1, 4)] {
            assert!(outbox.push(peer(port), None, &vec![0; len]));
        }
        let expected = [(1, 5, 3), (1, 3, 1), (1, 4, 1), (2, 4, 1), (1, 4, 1)];
        assert_eq!(shapes(&outbox), expected);
    }

    #[test]
    fn without_segmentation_each_datagram_is_a_run() {
        let mut outbox = Outbox::new(1);
        outbox.push(peer(1), None, b"ab");
        outbox.push(peer(1), None, b"ab");
        assert_eq!(shapes(&outbox), [(1, 2, 1), (1, 2, 1)]);
    }

    #[test]
    fn one_call_has_one_source_and_one_segment_size() {
        let mut outbox = Outbox::new(64);
        let source = Some([127, 0, 0, 1].into());
        for (port, from, len) in [
            (1, None, 5),
            (2, None, 9),
            (2, None, 9),
            (3, None, 9),
            (4, None, 7),
            (4, None, 7),
            (5, None, 8),
            (5, source, 8),
        ] {
            outbox.push(peer(port), from, &vec![0; len]);
        }
        let mut calls = Vec::new();
        while !outbox.is_empty() {
            let ports: Vec<_> = outbox
                .next_burst()
                .0
                .iter()
                .map(|run| run.peer.port())
                .collect();
            outbox.advance(ports.len());
            calls.push(ports);
        }
        assert_eq!(calls, [vec![1, 2, 3], vec![4], vec![5], vec![5]]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut outbox = Outbox::new(64);
        assert!(outbox.push(peer(1), None, &vec![0; MAX_BYTES]));
        assert!(!outbox.push(peer(1), None, &[0]));
        outbox.advance(1);
        assert!(outbox.is_empty() && outbox.push(peer(1), None, &[0]));
    }

    proptest! {
        #[test]
        fn every_datagram_leaves_once_and_in_order(
            datagrams in prop::collection::vec((1..4_u16, 0..2_u8, 1..5_usize), 0..200),
            max_segments in 1..9_usize,
        ) {
            let mut outbox = Outbox::new(max_segments);
            let mut expected = Vec::new();
            for (number, (port, from, len)) in datagrams.into_iter().enumerate() {
                let from = (from == 1).then_some([127, 0, 0, 9].into());
                let datagram = vec![number as u8; len];
                prop_assert!(outbox.push(peer(port), from, &datagram));
                expected.push((peer(port), from, datagram));
            }
            let mut sent = Vec::new();
            while !outbox.is_empty() {
                let (runs, mut bytes) = outbox.next_burst();
                prop_assert!((1..=MAX_BURST).contains(&runs.len()));
                let segmented = runs.iter().find(|run| run.datagrams > 1);
                for run in runs {
                    prop_assert!(run.datagrams <= max_segments);
                    prop_assert_eq!(run.from, runs[0].from);
                    if let Some(other) = segmented {
                        // The kernel cuts at this size, whatever the datagrams of a run are.
                        prop_assert!(run.segment == other.segment || run.datagrams == 1 && run.len <= other.segment);
                    }
                    let (of_run, rest) = bytes.split_at(run.len);
                    bytes = rest;
                    let cut = of_run.chunks(run.segment);
                    sent.extend(cut.map(|datagram| (run.peer, run.from, datagram.to_vec())));
                }
                let count = runs.len();
                outbox.advance(count);
            }
            prop_assert_eq!(sent, expected);
        }
    }
}
