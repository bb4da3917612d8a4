//! Which lines wait for their replies, and since when.

use tokio::time::Instant;

/// Counts lines and replies, which have nothing in them that tells which belongs to which.
#[derive(Debug)]
pub(crate) struct Tally {
    /// Lines sent.
    pub(crate) sent: u64,
    /// Lines that have come back.
    pub(crate) answered: u64,
    /// Lines sent whose replies are still to come.
    pub(crate) outstanding: u64,
    /// Lines sent since the last reply came.
    pub(crate) unanswered: u64,
    /// Lines sent whose replies are no longer waited for; they may still come.
    given_up: u64,
    since: Instant,
}

impl Tally {
    pub(crate) fn new() -> Self {
        Self {
            sent: 0,
            answered: 0,
            outstanding: 0,
            unanswered: 0,
            given_up: 0,
            since: Instant::now(),
        }
    }

    /// When the last reply came, or the first line after it went: a line that nobody answers any more
    /// is no reason to be impatient with the next one.
    pub(crate) fn waiting_since(&self) -> Instant {
        self.since
    }

    pub(crate) fn send(&mut self, now: Instant) {
        if self.outstanding == 0 || self.unanswered == 0 {
            self.since = now;
        }
        self.sent += 1;
        self.outstanding += 1;
        self.unanswered += 1;
    }

    pub(crate) fn receive(&mut self, lines: u64, now: Instant) {
        self.answered += lines;
        self.unanswered = 0;
        // A late reply is taken for one that was given up.
        self.given_up = self.given_up.saturating_sub(lines);
        self.outstanding = (self.sent - self.given_up).saturating_sub(self.answered);
        self.since = now;
    }

    /// Takes what is outstanding for lost.
    pub(crate) fn give_up(&mut self) {
        self.given_up += self.outstanding;
        self.outstanding = 0;
    }

    pub(crate) fn missing(&self) -> u64 {
        self.sent.saturating_sub(self.answered)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_lost_reply_does_not_hurry_the_next() {
        let mut tally = Tally::new();
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        tally.send(at(0));
        tally.send(at(1));
        assert_eq!(tally.waiting_since(), at(0));
        tally.receive(1, at(2));
        assert_eq!((tally.outstanding, tally.waiting_since()), (1, at(2)));
        tally.send(at(9));
        tally.send(at(10));
        assert_eq!((tally.outstanding, tally.waiting_since()), (3, at(9)));
        tally.receive(2, at(11));
        assert_eq!((tally.outstanding, tally.missing()), (1, 1));
    }

    #[test]
    fn a_late_reply_is_one_that_was_given_up() {
        let mut tally = Tally::new();
        let now = Instant::now();
        tally.send(now);
        tally.give_up();
        assert_eq!((tally.outstanding, tally.missing()), (0, 1));
        tally.send(now);
        tally.receive(1, now);
        assert_eq!(tally.outstanding, 1);
        tally.receive(1, now);
        assert_eq!((tally.outstanding, tally.missing()), (0, 0));
    }
}
