//! How much of the peer's flight has come.

/// Follows the fragments of a flight's messages, which come in order unless some are lost.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    first: u16,
    messages: Vec<Message>,
}

/// A message as far as it has come without a gap.
#[derive(Clone, Copy, Debug, Default)]
struct Message {
    reached: usize,
    whole: bool,
}

impl Progress {
    /// Starts before a flight whose first message has this number.
    pub(crate) fn before(first: u16) -> Self {
        Self {
            first,
            messages: Vec::new(),
        }
    }

    /// Adds a fragment, and returns whether anything before it is missing.
    pub(crate) fn add(&mut self, number: u16, part: Part) -> bool {
        let Some(place) = number.checked_sub(self.first).map(usize::from) else {
            return false;
        };
        if place >= MAX_MESSAGES {
            return false;
        }
        if place >= self.messages.len() {
            self.messages.resize(place + 1, Message::default());
        }
        let message = &mut self.messages[place];
        let end = part.offset + part.length;
        if part.offset <= message.reached {
            message.reached = message.reached.max(end);
            message.whole |= message.reached >= part.whole;
        }
        let reached = self.messages[place].reached >= end;
        !reached || self.messages[..place].iter().any(|earlier| !earlier.whole)
    }
}

/// The part of a message that a fragment is (RFC 6347 4.2.2), in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) offset: usize,
    pub(crate) length: usize,
    /// The message's own length.
    pub(crate) whole: usize,
}

/// More than any flight has.
const MAX_MESSAGES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn fragment(offset: usize, length: usize, whole: usize) -> Part {
        Part {
            offset,
            length,
            whole,
        }
    }

    #[test]
    fn what_comes_in_order_has_no_gap() {
        let mut progress = Progress::before(3);
        assert!(!progress.add(3, fragment(0, 10, 10)));
        assert!(!progress.add(4, fragment(0, 10, 30)));
        assert!(!progress.add(4, fragment(10, 20, 30)));
        assert!(!progress.add(5, fragment(0, 0, 0)));
        // Again, and one of a flight before.
        assert!(!progress.add(4, fragment(0, 10, 30)));
        assert!(!progress.add(2, fragment(5, 5, 10)));
    }

    #[test]
    fn what_is_missing_shows_in_what_comes_behind_it() {
        for (missing, behind) in [
            ((3, fragment(0, 10, 10)), (4, fragment(0, 30, 30))),
            ((4, fragment(0, 10, 30)), (4, fragment(10, 20, 30))),
            ((4, fragment(10, 20, 30)), (5, fragment(0, 0, 0))),
        ] {
            let mut progress = Progress::before(3);
            for (number, fragment) in [
                (3, fragment(0, 10, 10)),
                (4, fragment(0, 10, 30)),
                (4, fragment(10, 20, 30)),
            ] {
                let earlier = number < behind.0 || fragment.offset < behind.1.offset;
                let lost = (number, fragment.offset) == (missing.0, missing.1.offset);
                if earlier && !lost {
                    progress.add(number, fragment);
                }
            }
            assert!(progress.add(behind.0, behind.1), "{missing:?}");
            // A repeat has it all.
            progress.add(3, fragment(0, 10, 10));
            progress.add(4, fragment(0, 10, 30));
            progress.add(4, fragment(10, 20, 30));
            assert!(!progress.add(5, fragment(0, 0, 0)), "{missing:?}");
        }
    }

    #[test]
    fn no_number_takes_memory() {
        let mut progress = Progress::before(1);
        assert!(!progress.add(u16::MAX, fragment(0, 1, 1)));
        assert!(progress.messages.is_empty());
    }
}
