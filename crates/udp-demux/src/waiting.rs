use std::{
    collections::{HashMap, VecDeque},
    net::{IpAddr, SocketAddr},
    task::Waker,
};

use crate::{outbox::Outbox, queue::Queue};

/// Where a datagram goes, and from which address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Way {
    pub(crate) peer: SocketAddr,
    pub(crate) from: Option<IpAddr>,
}

/// Datagrams that the send buffer has no room for: a queue for each way, and the ways take turns.
#[derive(Debug)]
pub(crate) struct Waiting {
    flows: HashMap<Way, Flow>,
    turns: VecDeque<Way>,
    bytes: usize,
    bounds: Bounds,
    /// Who waited for room and has it, or has waited in vain: to be woken without a lock.
    woken: Vec<Waker>,
}

/// What waits at most, in bytes, for one way and for all of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) each: usize,
    pub(crate) all: usize,
}

#[derive(Debug)]
struct Flow {
    queue: Queue,
    /// It waits until no more than this is in the send buffer.
    hold: Option<usize>,
    senders: Vec<Waker>,
}

/// The way has as much waiting as it may have.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Waiting {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self {
            flows: HashMap::new(),
            turns: VecDeque::new(),
            bytes: 0,
            bounds,
            woken: Vec::new(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    /// Whether datagrams of the way wait, or those that come have to.
    pub(crate) fn contains(&self, way: &Way) -> bool {
        !self.flows.is_empty() && self.flows.contains_key(way)
    }

    /// Whether all ways together have as much as they may.
    pub(crate) fn is_full(&self, length: usize) -> bool {
        self.bytes + length > self.bounds.all
    }

    /// Appends the datagram, and returns how many had to go for it: the newest of the fullest way,
    /// which may be this one. An empty queue takes one of any size.
    pub(crate) fn push(&mut self, way: Way, datagram: &[u8]) -> Result<usize, Full> {
        let own = self.flows.get(&way).map_or(0, |flow| flow.queue.len());
        let after = own + datagram.len();
        if own > 0 && after > self.bounds.each {
            return Err(Full);
        }
        let mut dropped = 0;
        while self.bytes > 0 && self.is_full(datagram.len()) {
            let (fullest, most) = self.fullest();
            if fullest == way || most < after {
                return if own > 0 { Err(Full) } else { Ok(dropped + 1) };
            }
            self.drop_newest(fullest);
            dropped += 1;
        }
        let flow = self
            .flows
            .entry(way)
            .or_insert_with(|| Flow::new(self.bounds));
        if own == 0 {
            self.turns.push_back(way);
        }
        // Never longer than UDP can bring, and the bound of bytes has been checked.
        flow.queue.push(datagram);
        self.bytes += datagram.len();
        Ok(dropped)
    }

    /// Wakes `waker` when the way has room again; false if nothing of it waits.
    pub(crate) fn enlist(&mut self, way: &Way, waker: &Waker) -> bool {
        let Some(flow) = self.flows.get_mut(way) else {
            return false;
        };
        if !flow.senders.iter().any(|other| other.will_wake(waker)) {
            // Senders that gave up leave their wakers; those that did not will come back.
            if flow.senders.len() >= MAX_SENDERS {
                self.woken.append(&mut flow.senders);
            }
            flow.senders.push(waker.clone());
        }
        true
    }

    /// Takes out whom to wake once no lock is held.
    pub(crate) fn woken(&mut self) -> Vec<Waker> {
        std::mem::take(&mut self.woken)
    }

    /// The next way whose turn it is, if the send buffer holds `used` bytes.
    pub(crate) fn turn(&mut self, used: usize) -> Option<Way> {
        for _ in 0..self.turns.len() {
            let way = self.turns.pop_front()?;
            self.turns.push_back(way);
            let flow = self.flows.get_mut(&way)?;
            if flow.may_go(used) {
                flow.hold = None;
                return Some(way);
            }
        }
        None
    }

    /// Whether any way may take its turn, if the send buffer holds `used` bytes.
    pub(crate) fn has_turn(&self, used: usize) -> bool {
        let mut flows = self.turns.iter().filter_map(|way| self.flows.get(way));
        flows.any(|flow| flow.may_go(used))
    }

    /// Lets the way wait until the send buffer holds no more than `used` bytes.
    pub(crate) fn hold(&mut self, way: Way, used: usize) {
        if self.flows.len() < MAX_HELD || self.flows.contains_key(&way) {
            let flow = self
                .flows
                .entry(way)
                .or_insert_with(|| Flow::new(self.bounds));
            flow.hold = Some(used);
        }
    }

    /// Lets all go on.
    pub(crate) fn release(&mut self) {
        self.flows.retain(|_, flow| {
            flow.hold = None;
            flow.queue.datagrams() > 0
        });
    }

    /// Moves up to `bytes`, but at least one datagram, of the way whose turn it is to the outbox,
    /// and returns how many bytes those are.
    pub(crate) fn take(&mut self, way: &Way, bytes: usize, outbox: &mut Outbox) -> usize {
        let Some(flow) = self.flows.get_mut(way) else {
            return 0;
        };
        let mut taken = 0;
        while let Some(length) = flow.queue.first_len() {
            if taken > 0 && taken + length > bytes {
                break;
            }
            let pop = |bytes: &mut Vec<u8>| {
                let start = bytes.len();
                bytes.resize(start + length, 0);
                flow.queue.pop_into(&mut bytes[start..]);
            };
            if !outbox.push_with(way.peer, way.from, length, pop) {
                break;
            }
            taken += length;
        }
        self.bytes -= taken;
        self.woken.append(&mut flow.senders);
        if flow.queue.first_len().is_none() {
            self.flows.remove(way);
            // Whose turn it is stands at the end.
            self.turns.pop_back();
        }
        taken
    }

    /// Drops everything and returns how many datagrams that were.
    pub(crate) fn clear(&mut self) -> usize {
        let mut dropped = 0;
        for (_, mut flow) in self.flows.drain() {
            dropped += flow.queue.datagrams();
            self.woken.append(&mut flow.senders);
        }
        self.turns.clear();
        self.bytes = 0;
        dropped
    }

    /// The way of which most waits, the first of several, and its bytes.
    fn fullest(&self) -> (Way, usize) {
        let sizes = self
            .turns
            .iter()
            .map(|way| (*way, self.flows[way].queue.len()));
        sizes
            .reduce(|most, other| if other.1 > most.1 { other } else { most })
            .expect("there are bytes, so there is a way")
    }

    fn drop_newest(&mut self, way: Way) {
        let Some(flow) = self.flows.get_mut(&way) else {
            return;
        };
        self.bytes -= flow.queue.drop_newest();
        if flow.queue.first_len().is_none() {
            self.woken.append(&mut flow.senders);
            self.flows.remove(&way);
            self.turns.retain(|other| *other != way);
        }
    }
}

impl Flow {
    fn new(bounds: Bounds) -> Self {
        Self {
            queue: Queue::new(usize::MAX, bounds.each),
            hold: None,
            senders: Vec::new(),
        }
    }

    fn may_go(&self, used: usize) -> bool {
        self.hold.is_none_or(|hold| used <= hold)
    }
}

/// How many ways are kept in mind as slow.
const MAX_HELD: usize = 4096;

/// Wakers of one way, of which one is the rule.
const MAX_SENDERS: usize = 16;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOUNDS: Bounds = Bounds { each: 40, all: 90 };

    #[test]
    fn ways_take_turns_and_a_held_one_is_passed_over() {
        let mut waiting = Waiting::new(BOUNDS);
        for (port, byte) in [(1, 1), (1, 2), (1, 3), (2, 4), (3, 5), (2, 6)] {
            assert_eq!(waiting.push(way(port), &[byte; 4]), Ok(0));
        }
        waiting.hold(way(3), 10);
        let mut order = Vec::new();
        while let Some((_, datagram)) = leave(&mut waiting, 11) {
            order.push(datagram[0]);
        }
        assert_eq!(order, [1, 4, 2, 6, 3]);
        assert!(!waiting.has_turn(11) && waiting.has_turn(10));
        assert_eq!(leave(&mut waiting, 10), Some((3, vec![5; 4])));
        assert!(waiting.is_empty());
    }

    #[test]
    fn a_way_is_held_also_while_nothing_of_it_waits() {
        let mut waiting = Waiting::new(BOUNDS);
        waiting.hold(way(1), 10);
        assert!(waiting.contains(&way(1)) && waiting.is_empty());
        waiting.push(way(1), &[1]).unwrap();
        assert_eq!(leave(&mut waiting, 11), None);
        waiting.release();
        assert_eq!(leave(&mut waiting, 11), Some((1, vec![1])));
        assert!(!waiting.contains(&way(1)));
    }

    #[test]
    fn the_newest_of_the_fullest_goes_for_one_who_has_less() {
        let mut waiting = Waiting::new(BOUNDS);
        for (port, byte, length) in [(1, 1, 20), (1, 2, 20), (2, 3, 30), (3, 4, 20)] {
            assert_eq!(waiting.push(way(port), &vec![byte; length]), Ok(0));
        }
        assert_eq!(waiting.push(way(4), &[5; 10]), Ok(1));
        let mut left = Vec::new();
        while let Some((port, datagram)) = leave(&mut waiting, 0) {
            left.push((port, datagram[0]));
        }
        assert_eq!(left, [(1, 1), (2, 3), (3, 4), (4, 5)]);
    }

    #[test]
    fn who_waits_for_room_is_woken_when_there_is_some() {
        let mut waiting = Waiting::new(BOUNDS);
        waiting.push(way(1), &[1; 40]).unwrap();
        assert_eq!(waiting.push(way(1), &[2]), Err(Full));
        assert!(waiting.enlist(&way(1), Waker::noop()));
        assert!(waiting.woken().is_empty());
        leave(&mut waiting, 0).unwrap();
        assert_eq!(waiting.woken().len(), 1);
        assert!(!waiting.enlist(&way(1), Waker::noop()));
    }

    proptest! {
        #[test]
        fn each_way_is_a_bounded_queue_and_none_waits_longer_than_a_round(
            steps in prop::collection::vec(prop::option::weighted(0.7, (1..6_u16, 1..30_usize)), 0..300),
        ) {
            let mut waiting = Waiting::new(BOUNDS);
            let mut model: Vec<(u16, VecDeque<Vec<u8>>)> = Vec::new();
            for (number, step) in steps.into_iter().enumerate() {
                let Some((port, length)) = step else {
                    // The first way leaves one datagram, and goes to the end if it has more.
                    let expected = (!model.is_empty()).then(|| {
                        let (port, mut queue) = model.remove(0);
                        let first = queue.pop_front().unwrap();
                        if !queue.is_empty() {
                            model.push((port, queue));
                        }
                        (port, first)
                    });
                    prop_assert_eq!(leave(&mut waiting, 0), expected);
                    continue;
                };
                let datagram = vec![number as u8; length];
                let own = size(&model, port);
                let total = |model: &[(u16, VecDeque<Vec<u8>>)]| {
                    model.iter().map(|(_, queue)| bytes(queue)).sum::<usize>()
                };
                let pushed = waiting.push(way(port), &datagram);
                if own > 0 && own + length > BOUNDS.each {
                    prop_assert_eq!(pushed, Err(Full));
                    continue;
                }
                let mut dropped = 0;
                let refused = loop {
                    if total(&model) + length <= BOUNDS.all {
                        break false;
                    }
                    let sizes: Vec<_> = model.iter().map(|(_, queue)| bytes(queue)).collect();
                    let most = *sizes.iter().max().unwrap();
                    let victim = sizes.iter().position(|size| *size == most).unwrap();
                    if most < own + length || model[victim].0 == port {
                        break true;
                    }
                    model[victim].1.pop_back();
                    if model[victim].1.is_empty() {
                        model.remove(victim);
                    }
                    dropped += 1;
                };
                match (refused, own > 0) {
                    (true, true) => prop_assert_eq!(pushed, Err(Full)),
                    (true, false) => prop_assert_eq!(pushed, Ok(dropped + 1)),
                    (false, _) => {
                        prop_assert_eq!(pushed, Ok(dropped));
                        match model.iter_mut().find(|(other, _)| *other == port) {
                            Some((_, queue)) => queue.push_back(datagram),
                            None => model.push((port, VecDeque::from([datagram]))),
                        }
                    }
                }
                prop_assert_eq!(waiting.bytes, total(&model));
                prop_assert!(waiting.bytes <= BOUNDS.all);
                prop_assert_eq!(waiting.turns.len(), waiting.flows.len());
            }
        }
    }

    fn way(port: u16) -> Way {
        Way {
            peer: ([127, 0, 0, 1], port).into(),
            from: None,
        }
    }

    fn bytes(queue: &VecDeque<Vec<u8>>) -> usize {
        queue.iter().map(Vec::len).sum()
    }

    fn size(model: &[(u16, VecDeque<Vec<u8>>)], port: u16) -> usize {
        let of_port = model.iter().find(|(other, _)| *other == port);
        of_port.map_or(0, |(_, queue)| bytes(queue))
    }

    /// Lets the way whose turn it is send one datagram.
    fn leave(waiting: &mut Waiting, used: usize) -> Option<(u16, Vec<u8>)> {
        let way = waiting.turn(used)?;
        let mut outbox = Outbox::new(1);
        waiting.take(&way, 1, &mut outbox);
        let (runs, bytes) = outbox.next_burst();
        Some((runs[0].peer.port(), bytes[..runs[0].len].to_vec()))
    }
}
