use std::{collections::VecDeque, mem};

use bytes::{Buf, Bytes, BytesMut};

/// A bounded queue of datagrams, kept end to end in one block of memory with their lengths beside.
#[derive(Debug)]
pub(crate) struct Queue {
    /// What waits. What was taken lies before it in the block, and may still be read by who has it.
    bytes: BytesMut,
    /// How many bytes the block has.
    block: usize,
    /// The most bytes that have waited since the queue last ran empty.
    peak: usize,
    /// How many bytes the next block is to have at least.
    expected: usize,
    lengths: VecDeque<u16>,
    max_datagrams: usize,
    max_bytes: usize,
}

impl Queue {
    pub(crate) fn new(max_datagrams: usize, max_bytes: usize) -> Self {
        Self {
            bytes: BytesMut::new(),
            block: 0,
            peak: 0,
            expected: 0,
            lengths: VecDeque::new(),
            max_datagrams,
            max_bytes,
        }
    }

    /// Appends the datagram, or returns false if it does not fit. An empty queue takes one of any size.
    pub(crate) fn push(&mut self, datagram: &[u8]) -> bool {
        let room = self.lengths.len() < self.max_datagrams
            && self.bytes.len() + datagram.len() <= self.max_bytes;
        if !room && !self.lengths.is_empty() {
            return false;
        }
        let Ok(length) = u16::try_from(datagram.len()) else {
            return false; // Longer than UDP can bring.
        };
        if !self.bytes.try_reclaim(datagram.len()) {
            self.begin_block(datagram.len());
        }
        self.bytes.extend_from_slice(datagram);
        self.peak = self.peak.max(self.bytes.len());
        self.lengths.push_back(length);
        true
    }

    /// The length of the first datagram.
    pub(crate) fn first_len(&self) -> Option<usize> {
        self.lengths.front().map(|length| usize::from(*length))
    }

    /// Takes the first datagram out, without a copy of it: it keeps its block's memory alive.
    pub(crate) fn pop(&mut self) -> Option<Bytes> {
        let length = self.lengths.pop_front()?;
        let datagram = self.bytes.split_to(usize::from(length)).freeze();
        self.popped();
        Some(datagram)
    }

    /// Moves the first datagram into `buf`, which is exactly as long.
    ///
    /// # Panics
    ///
    /// If there is no datagram or its length is another.
    pub(crate) fn pop_into(&mut self, buf: &mut [u8]) {
        assert_eq!(
            self.first_len(),
            Some(buf.len()),
            "the buffer has the length of the first datagram"
        );
        self.lengths.pop_front();
        self.bytes.copy_to_slice(buf);
        self.popped();
    }

    /// Drops the last datagram and returns its length.
    pub(crate) fn drop_newest(&mut self) -> usize {
        let length = self.lengths.pop_back().map_or(0, usize::from);
        self.bytes.truncate(self.bytes.len() - length);
        length
    }

    /// How many bytes wait.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// How many datagrams wait.
    pub(crate) fn datagrams(&self) -> usize {
        self.lengths.len()
    }

    /// Drops all datagrams and all memory.
    pub(crate) fn clear(&mut self) {
        *self = Self::new(self.max_datagrams, self.max_bytes);
    }

    /// Drops all memory, if nothing waits.
    pub(crate) fn shrink_to_fit(&mut self) {
        if self.lengths.is_empty() {
            self.clear();
        }
    }

    /// Moves what waits to a new block with room for so many bytes behind it. The old one is too small, or not all
    /// that was taken from it is dropped.
    fn begin_block(&mut self, additional: usize) {
        let waiting = self.bytes.len();
        // Who keeps what was taken for a while must not need a block for each datagram.
        let usual = (2 * self.block).min(KEPT_BYTES);
        let needed = 2 * waiting + additional;
        self.block = needed.max(usual).max(self.expected);
        let mut bytes = BytesMut::with_capacity(self.block);
        bytes.extend_from_slice(&self.bytes);
        self.bytes = bytes;
    }

    /// Gives memory back that a burst has needed, once it is over.
    fn popped(&mut self) {
        if !self.lengths.is_empty() {
            return;
        }
        let peak = mem::take(&mut self.peak);
        // The next burst is like this one: let it need one block, not one for each doubling.
        self.expected = if peak > KEPT_BYTES { peak } else { 0 };
        if self.block > 2 * KEPT_BYTES {
            self.bytes = BytesMut::new();
            self.block = 0;
        }
        self.lengths.shrink_to(KEPT_LENGTHS);
    }
}

// What a quiet peer keeps: enough for the usual exchange of a few datagrams to allocate nothing.
const KEPT_BYTES: usize = 4096;
const KEPT_LENGTHS: usize = 128;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_empty_queue_takes_a_datagram_longer_than_the_bound() {
        let mut queue = Queue::new(4, 10);
        assert!(queue.push(&[7; 11]));
        assert!(!queue.push(&[8]));
        assert_eq!(pop(&mut queue), Some(vec![7; 11]));
        assert!(queue.push(&[8]));
    }

    #[test]
    fn memory_is_given_back_when_it_runs_empty() {
        let mut queue = Queue::new(1000, 1 << 20);
        for _ in 0..100 {
            assert!(queue.push(&[0; 1000]));
        }
        assert!(queue.bytes.capacity() >= 100_000);
        while pop(&mut queue).is_some() {}
        let kept = queue.bytes.capacity();
        assert!(kept <= 2 * KEPT_BYTES, "{kept}");

        queue.push(&[0; 100]);
        queue.shrink_to_fit();
        assert_eq!(queue.len(), 100);
        pop(&mut queue);
        queue.shrink_to_fit();
        let capacity = (queue.bytes.capacity(), queue.lengths.capacity());
        assert_eq!(capacity, (0, 0));
    }

    #[test]
    fn what_is_taken_lies_where_it_lay() {
        let mut queue = Queue::new(8, 4096);
        for text in [&b"first"[..], b"second"] {
            queue.push(text);
        }
        let lay = queue.bytes.as_ptr();
        let [first, second] = [(); 2].map(|()| queue.pop().unwrap());
        assert_eq!(first.as_ptr(), lay);
        assert_eq!(second.as_ptr(), first[first.len()..].as_ptr());
        // What is still read is not written over.
        for _ in 0..100 {
            queue.push(b"other");
            queue.pop();
        }
        assert_eq!((&first[..], &second[..]), (&b"first"[..], &b"second"[..]));
    }

    #[test]
    fn bursts_need_a_block_each() {
        let mut queue = Queue::new(1000, 1 << 20);
        for burst in 0..5 {
            let mut blocks = 0;
            for _ in 0..64 {
                let before = queue.block;
                queue.push(&[0; 1200]);
                blocks += u32::from(queue.block != before);
            }
            assert!(burst == 0 || blocks == 1, "{blocks}");
            while queue.pop().is_some() {}
        }
    }

    #[test]
    fn a_steady_trickle_does_not_allocate() {
        let mut queue = Queue::new(8, 4096);
        queue.push(&[0; 1000]);
        queue.push(&[0; 1000]);
        pop(&mut queue);
        queue.pop();
        let (block, start) = (queue.block, queue.bytes.as_ptr());
        let mut returned = 0;
        for _ in 0..1000 {
            queue.push(&[0; 1000]);
            queue.pop();
            assert_eq!(queue.block, block);
            returned += u32::from(queue.bytes.as_ptr() == start);
        }
        assert!(returned > 100, "it is the same block: {returned}");
    }

    proptest! {
        #[test]
        fn behaves_like_a_queue_of_vectors(steps in prop::collection::vec(step(), 0..400)) {
            const DATAGRAMS: usize = 8;
            const BYTES: usize = 300;
            let mut queue = Queue::new(DATAGRAMS, BYTES);
            let mut model: VecDeque<Vec<u8>> = VecDeque::new();
            // While they are, their blocks are not free.
            let mut kept: Vec<Bytes> = Vec::new();
            for step in steps {
                match step {
                    Step::Push(datagram) => {
                        let used: usize = model.iter().map(Vec::len).sum();
                        let fits = model.is_empty() || (model.len() < DATAGRAMS && used + datagram.len() <= BYTES);
                        prop_assert_eq!(queue.push(&datagram), fits);
                        if fits {
                            model.push_back(datagram);
                        }
                    }
                    Step::Pop => {
                        let (popped, expected) = (queue.pop(), model.pop_front());
                        prop_assert_eq!(popped.as_deref(), expected.as_deref());
                        kept.extend(popped.filter(|datagram| datagram.len() % 2 == 0));
                    }
                    Step::PopInto => prop_assert_eq!(pop(&mut queue), model.pop_front()),
                    Step::Shrink => queue.shrink_to_fit(),
                    Step::DropNewest => {
                        let length = model.pop_back().map_or(0, |datagram| datagram.len());
                        prop_assert_eq!(queue.drop_newest(), length);
                    }
                    Step::Clear => {
                        queue.clear();
                        model.clear();
                    }
                }
                prop_assert_eq!(queue.first_len(), model.front().map(Vec::len));
                prop_assert_eq!(queue.datagrams(), model.len());
                prop_assert_eq!(queue.len(), model.iter().map(Vec::len).sum::<usize>());
            }
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Push(Vec<u8>),
        Pop,
        PopInto,
        Shrink,
        DropNewest,
        Clear,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            10 => prop::collection::vec(any::<u8>(), 0..120).prop_map(Step::Push),
            5 => Just(Step::Pop),
            3 => Just(Step::PopInto),
            1 => Just(Step::Shrink),
            2 => Just(Step::DropNewest),
            1 => Just(Step::Clear),
        ]
    }

    fn pop(queue: &mut Queue) -> Option<Vec<u8>> {
        let mut datagram = vec![0; queue.first_len()?];
        queue.pop_into(&mut datagram);
        Some(datagram)
    }
}
