use std::{collections::VecDeque, net::SocketAddr};

/// Where the datagrams of a queue came from, in its order. Nearly always that is one address.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    first: Option<Run>,
    others: VecDeque<Run>,
}

/// So many datagrams of one address.
#[derive(Clone, Copy, Debug)]
struct Run {
    from: SocketAddr,
    datagrams: usize,
}

impl Sources {
    pub(crate) fn push(&mut self, from: SocketAddr) {
        match self.others.back_mut().or(self.first.as_mut()) {
            Some(run) if run.from == from => run.datagrams += 1,
            last => {
                let run = Run { from, datagrams: 1 };
                if last.is_some() {
                    self.others.push_back(run);
                } else {
                    self.first = Some(run);
                }
            }
        }
    }

    pub(crate) fn pop(&mut self) -> Option<SocketAddr> {
        let first = self.first.as_mut()?;
        let from = first.from;
        first.datagrams -= 1;
        if first.datagrams == 0 {
            self.first = self.others.pop_front();
            if self.others.is_empty() {
                // Who moves does so rarely.
                self.others = VecDeque::new();
            }
        }
        Some(from)
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn behaves_like_a_queue_of_addresses(steps in prop::collection::vec(prop::option::weighted(0.6, 1..4_u16), 0..200)) {
            let (mut sources, mut model) = (Sources::default(), VecDeque::new());
            for step in steps {
                match step {
                    Some(port) => {
                        let from = SocketAddr::from(([127, 0, 0, 1], port));
                        sources.push(from);
                        model.push_back(from);
                    }
                    None => prop_assert_eq!(sources.pop(), model.pop_front()),
                }
            }
            while let Some(from) = model.pop_front() {
                prop_assert_eq!(sources.pop(), Some(from));
            }
            prop_assert_eq!(sources.pop(), None);
            prop_assert_eq!(sources.others.capacity(), 0);
        }
    }
}
