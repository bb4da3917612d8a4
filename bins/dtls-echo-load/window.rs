//! Requests that wait for their replies.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// The outstanding requests of one session, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Window {
    outstanding: VecDeque<(u64, Instant)>,
    next: u64,
}

/// What a reply's number says of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// It answers the request that was sent, or due, at this time.
    To(Instant),
    /// It answers one that had been answered, or given up.
    Late,
    /// No such request was ever sent.
    Unasked,
}

impl Window {
    pub(crate) fn len(&self) -> usize {
        self.outstanding.len()
    }

    /// Numbers a request that is sent, or was due, at `sent`.
    pub(crate) fn open(&mut self, sent: Instant) -> u64 {
        let number = self.next;
        self.next += 1;
        self.outstanding.push_back((number, sent));
        number
    }

    pub(crate) fn close(&mut self, number: u64) -> Reply {
        if number >= self.next {
            return Reply::Unasked;
        }
        match self
            .outstanding
            .binary_search_by_key(&number, |(waiting, _)| *waiting)
        {
            Ok(place) => {
                let (_, sent) = self.outstanding.remove(place).expect("it was just found");
                Reply::To(sent)
            }
            Err(_) => Reply::Late,
        }
    }

    /// Gives up requests that are older than `patience`, and returns how many.
    pub(crate) fn give_up(&mut self, now: Instant, patience: Duration) -> u64 {
        let mut lost = 0;
        while let Some((_, sent)) = self.outstanding.front()
            && now.saturating_duration_since(*sent) >= patience
        {
            self.outstanding.pop_front();
            lost += 1;
        }
        lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_is_answered_once_in_any_order() {
        let mut window = Window::default();
        let start = Instant::now();
        let times: Vec<_> = (0..3).map(|n| start + Duration::from_secs(n)).collect();
        for time in &times {
            window.open(*time);
        }
        assert_eq!(window.close(1), Reply::To(times[1]));
        assert_eq!(window.close(1), Reply::Late);
        assert_eq!(window.close(3), Reply::Unasked);
        assert_eq!(window.close(0), Reply::To(times[0]));
        assert_eq!(window.len(), 1);
    }

    #[test]
    fn the_oldest_are_given_up_and_then_late() {
        let mut window = Window::default();
        let start = Instant::now();
        let patience = Duration::from_secs(1);
        window.open(start);
        window.open(start + patience);
        assert_eq!(window.give_up(start, patience), 0);
        assert_eq!(window.give_up(start + patience, patience), 1);
        assert_eq!(window.close(0), Reply::Late);
        assert_eq!(window.len(), 1);
    }
}
