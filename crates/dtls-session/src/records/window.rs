//! Which record numbers have been seen (RFC 6347 4.1.2.6).

/// The newest number, and which of the 128 up to it have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// One more than the newest number; 0 before the first.
    next: u64,
    /// The lowest bit is the newest number's, the bit above it stands for the number before.
    seen: u128,
}

impl Window {
    pub(crate) const EMPTY: Self = Self { next: 0, seen: 0 };

    /// Notes a number, once its record has proved to be authentic; whether it is newer than all before.
    pub(crate) fn mark(&mut self, number: u64) -> bool {
        let newer = number >= self.next;
        if newer {
            let steps = number - self.next + 1;
            self.seen = match u32::try_from(steps) {
                Ok(steps) => self.seen.checked_shl(steps).unwrap_or(0),
                Err(_) => 0,
            };
            self.next = number + 1;
        }
        if let Some(bit) = self.bit(number) {
            self.seen |= bit;
        }
        newer
    }

    /// Whether a number has not been seen, and is not too old to tell.
    pub(crate) fn is_new(&self, number: u64) -> bool {
        number >= self.next || self.bit(number).is_some_and(|bit| self.seen & bit == 0)
    }

    /// Returns the highest number that has come.
    pub(crate) const fn newest(&self) -> Option<u64> {
        self.next.checked_sub(1)
    }

    /// Returns the bit of a number that is not newer than the newest.
    fn bit(&self, number: u64) -> Option<u128> {
        let age = self.newest()?.checked_sub(number)?;
        1_u128.checked_shl(u32::try_from(age).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    /// Keeps all numbers.
    #[derive(Default)]
    struct Naive(HashSet<u64>);

    impl Naive {
        fn is_new(&self, number: u64) -> bool {
            let oldest = self.newest().map_or(0, |newest| newest.saturating_sub(127));
            number >= oldest && !self.0.contains(&number)
        }

        fn newest(&self) -> Option<u64> {
            self.0.iter().max().copied()
        }
    }

    fn numbers() -> impl Strategy<Value = Vec<u64>> {
        let near = prop_oneof![0..300_u64, 1000..1200_u64];
        let far = prop_oneof![0..u64::MAX >> 16, (1_u64 << 48) - 300..(1 << 48) - 1];
        prop::collection::vec(prop_oneof![9 => near, 1 => far], 0..400)
    }

    proptest! {
        #[test]
        fn does_as_one_that_keeps_all_numbers(numbers in numbers()) {
            let (mut window, mut naive) = (Window::EMPTY, Naive::default());
            for number in numbers {
                prop_assert_eq!(window.is_new(number), naive.is_new(number), "{}", number);
                if window.is_new(number) {
                    let newer = naive.newest().is_none_or(|newest| number > newest);
                    prop_assert_eq!(window.mark(number), newer);
                    naive.0.insert(number);
                }
                prop_assert_eq!(window.newest(), naive.newest());
                prop_assert!(!window.is_new(number));
            }
        }
    }

    #[test]
    fn the_last_128_numbers_are_told_apart() {
        let mut window = Window::EMPTY;
        assert!(window.is_new(0) && window.newest().is_none());
        assert!(window.mark(200));
        assert!(window.is_new(73) && !window.is_new(72));
        assert!(!window.mark(73));
        assert!(!window.is_new(73));
        assert_eq!(window.newest(), Some(200));
    }
}
