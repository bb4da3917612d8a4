//! Which requests wait for their replies.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use tokio::time::Instant;

/// The requests of one run.
#[derive(Debug, Default)]
pub(crate) struct Round {
    outstanding: VecDeque<(u64, Instant)>,
    /// Those given up, which may still come.
    lost: BTreeMap<u64, Instant>,
    sent: u64,
}

/// What a reply is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// The one that was waited for since then.
    First(Instant),
    /// To a request that had been given up, and was sent then.
    Late(Instant),
    /// There was one before.
    Duplicate,
}

impl Round {
    /// Numbers a request, from 1.
    pub(crate) fn open(&mut self, now: Instant) -> u64 {
        self.sent += 1;
        self.outstanding.push_back((self.sent, now));
        self.sent
    }

    pub(crate) fn has_sent(&self, number: u64) -> bool {
        (1..=self.sent).contains(&number)
    }

    pub(crate) fn close(&mut self, number: u64) -> Reply {
        let place = self
            .outstanding
            .binary_search_by_key(&number, |(waiting, _)| *waiting);
        let waiting = place.ok().and_then(|place| self.outstanding.remove(place));
        match (waiting, self.lost.remove(&number)) {
            (Some((_, sent)), _) => Reply::First(sent),
            (None, Some(sent)) => Reply::Late(sent),
            (None, None) => Reply::Duplicate,
        }
    }

    /// Gives up those that are older than `patience`, or too many, and returns their numbers.
    pub(crate) fn give_up(&mut self, now: Instant, patience: Duration) -> Vec<u64> {
        let mut given_up = Vec::new();
        while let Some((number, sent)) = self.outstanding.front().copied()
            && (now.saturating_duration_since(sent) >= patience || self.outstanding.len() > MOST)
        {
            self.outstanding.pop_front();
            self.lost.insert(number, sent);
            given_up.push(number);
        }
        while self.lost.len() > MOST {
            self.lost.pop_first();
        }
        given_up
    }

    /// When the one that waits longest was sent.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        self.outstanding.front().map(|(_, sent)| *sent)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.outstanding.is_empty()
    }
}

/// How many may wait for their replies, and how many that are lost may still turn up.
const MOST: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_first_late_or_duplicate() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let mut round = Round::default();
        for number in 1..=3 {
            let sent = start + second * (number as u32);
            assert_eq!(round.open(sent), number);
        }
        assert_eq!(
            (round.has_sent(0), round.has_sent(3), round.has_sent(4)),
            (false, true, false)
        );
        assert_eq!(round.close(2), Reply::First(start + 2 * second));
        assert_eq!(round.close(2), Reply::Duplicate);
        assert_eq!(round.oldest(), Some(start + second));
        assert_eq!(round.give_up(start + 3 * second, 2 * second), [1]);
        assert_eq!(round.close(1), Reply::Late(start + second));
        assert_eq!(round.close(1), Reply::Duplicate);
        assert!(!round.is_empty());
        assert_eq!(round.close(3), Reply::First(start + 3 * second));
        assert!(round.is_empty());
    }
}
