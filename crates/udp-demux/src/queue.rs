use std::collections::VecDeque;

/// A bounded queue of datagrams, kept end to end in one ring of bytes with their lengths beside.
#[derive(Debug)]
pub(crate) struct Queue {
    bytes: VecDeque<u8>,
    lengths: VecDeque<u16>,
    max_datagrams: usize,
    max_bytes: usize,
}

impl Queue {
    pub(crate) fn new(max_datagrams: usize, max_bytes: usize) -> Self {
        Self {
            bytes: VecDeque::new(),
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
        let capacity = self.bytes.capacity();
        if capacity >= KEPT_BYTES && capacity - self.bytes.len() < datagram.len() {
            // Doubled, it would grow several times for each burst anew.
            self.bytes.reserve_exact(datagram.len().max(BURST));
        }
        self.bytes.extend(datagram);
        self.lengths.push_back(length);
        true
    }

    /// The length of the first datagram.
    pub(crate) fn first_len(&self) -> Option<usize> {
        self.lengths.front().map(|length| usize::from(*length))
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
        let (head, tail) = self.bytes.as_slices();
        let split = head.len().min(buf.len());
        let (front, back) = buf.split_at_mut(split);
        front.copy_from_slice(&head[..split]);
        back.copy_from_slice(&tail[..back.len()]);
        self.bytes.drain(..buf.len());
        if self.lengths.is_empty() {
            self.bytes.shrink_to(KEPT_BYTES);
            self.lengths.shrink_to(KEPT_LENGTHS);
        }
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
        self.bytes = VecDeque::new();
        self.lengths = VecDeque::new();
    }
}

// What a quiet peer keeps: enough for the usual exchange of a few datagrams to allocate nothing.
const KEPT_BYTES: usize = 4096;
const KEPT_LENGTHS: usize = 128;

const BURST: usize = 40 << 10;

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
        assert!(
            queue.bytes.capacity() <= 2 * KEPT_BYTES,
            "{}",
            queue.bytes.capacity()
        );
    }

    #[test]
    fn a_steady_trickle_does_not_allocate() {
        let mut queue = Queue::new(8, 4096);
        queue.push(&[0; 1000]);
        queue.push(&[0; 1000]);
        pop(&mut queue);
        let capacity = queue.bytes.capacity();
        for _ in 0..1000 {
            queue.push(&[0; 1000]);
            pop(&mut queue);
            assert_eq!(queue.bytes.capacity(), capacity);
        }
    }

    proptest! {
        #[test]
        fn behaves_like_a_queue_of_vectors(steps in prop::collection::vec(step(), 0..400)) {
            const DATAGRAMS: usize = 8;
            const BYTES: usize = 300;
            let mut queue = Queue::new(DATAGRAMS, BYTES);
            let mut model: VecDeque<Vec<u8>> = VecDeque::new();
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
                    Step::Pop => prop_assert_eq!(pop(&mut queue), model.pop_front()),
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
        DropNewest,
        Clear,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            10 => prop::collection::vec(any::<u8>(), 0..120).prop_map(Step::Push),
            8 => Just(Step::Pop),
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
