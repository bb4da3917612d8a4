//! What a clock means for a session.

use std::time::Duration;

use crate::error::ClosedBy;

/// Tells by the time, in milliseconds, when a session is to be looked at, and when it ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watch {
    /// 0 is for ever.
    idle_timeout: u64,
    signs_of_life: u64,
    last_sign: u64,
    /// When a peer that seems silent is given up, or 0.
    doubt: u64,
    /// When the session last [rested](Self::rests), or was too busy for that.
    rested: u64,
    /// The earliest looks that are on the agenda, in their order; 0 is none.
    next: [u64; 2],
}

/// How a session is when it is looked at.
pub(crate) struct State {
    /// How many authentic datagrams have come.
    pub(crate) signs_of_life: u64,
    /// Whether the application has datagrams to take.
    pub(crate) is_full: bool,
    /// Whether there is something to let go of at the next rest.
    pub(crate) is_busy: bool,
    /// For how long this side has waited for the answer to its close_notify.
    pub(crate) closing: Option<Duration>,
    /// In how long something may be forgotten.
    pub(crate) forgets: Option<Duration>,
}

impl Watch {
    pub(crate) fn new(idle_timeout: Option<Duration>, now: u64) -> Self {
        Self {
            // A time that no clock reaches is never.
            idle_timeout: idle_timeout.map_or(0, |idle| milliseconds(idle).max(1)),
            signs_of_life: 0,
            last_sign: now,
            doubt: 0,
            rested: now,
            next: [0; 2],
        }
    }

    /// Returns whether anything has happened since it was asked before.
    pub(crate) fn observe(&mut self, now: u64, state: &State) -> bool {
        // Who has datagrams to read is not kept waiting by a silent peer.
        let active = state.signs_of_life != self.signs_of_life || state.is_full;
        if active {
            self.signs_of_life = state.signs_of_life;
            self.last_sign = now;
            self.doubt = 0;
        }
        active
    }

    /// Whether it is time to let go of what only a busy session needs.
    pub(crate) fn rests(&mut self, now: u64) -> bool {
        let rests = now - self.rested >= LATER_INTERVAL;
        if rests {
            self.rested = now;
        }
        rests
    }

    /// Returns what ends the session: the peer is silent, or does not answer a close_notify.
    ///
    /// After a pause of this process a clock says that a peer was silent, while its datagrams
    /// still wait in the socket: so the clock has to say it twice, with time between to fetch
    /// them.
    pub(crate) fn expire(&mut self, now: u64, state: &State) -> Option<ClosedBy> {
        if state.closing.is_some_and(|closing| closing >= CLOSE_WAIT) {
            return Some(ClosedBy::Us);
        }
        if self.idle_timeout == 0 || now - self.last_sign < self.idle_timeout {
            return None;
        }
        if self.doubt == 0 {
            let grace = (self.idle_timeout / IDLE_PARTS).clamp(MIN_GRACE, MAX_GRACE);
            self.doubt = now + grace;
        }
        let idle = Duration::from_millis(self.idle_timeout);
        (now >= self.doubt).then_some(ClosedBy::Idle(idle))
    }

    /// When to look again, whatever happens.
    pub(crate) fn next_look(&self, now: u64, active: bool, state: &State) -> Option<u64> {
        let idle = (self.idle_timeout > 0)
            .then(|| self.last_sign.checked_add(self.idle_timeout))
            .flatten();
        let doubt = (self.doubt > 0).then_some(self.doubt);
        let left = |closing| CLOSE_WAIT.saturating_sub(closing);
        let in_a_while = |left| now.saturating_add(milliseconds(left));
        [
            doubt.or(idle),
            state.closing.map(|closing| in_a_while(left(closing))),
            active.then(|| now + self.interval()),
            state.is_busy.then(|| self.rested + LATER_INTERVAL),
            state.forgets.map(in_a_while),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// How long to leave alone a session in which something happens.
    fn interval(&self) -> u64 {
        // Data tells that the peer has the last flight: then nothing is urgent any more.
        if self.signs_of_life == 0 {
            return INTERVAL;
        }
        match self.idle_timeout {
            0 => LATER_INTERVAL,
            idle => (idle / IDLE_PARTS).min(LATER_INTERVAL),
        }
    }

    /// Whether a look has to be put on the agenda, because none is there that comes as early.
    ///
    /// The one behind it is remembered: who speaks now and then would have one more on the agenda each time.
    pub(crate) fn enters(&mut self, now: u64, at: u64) -> bool {
        let [first, second] = self.next;
        let ahead = match [first > now, second > now] {
            [true, _] => self.next,
            [false, true] => [second, 0],
            [false, false] => [0; 2],
        };
        let listed = (1..=at).contains(&ahead[0]);
        self.next = if listed { ahead } else { [at, ahead[0]] };
        !listed
    }
}

/// Rounded up: whoever waits so long has waited long enough.
fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros().div_ceil(1000)).unwrap_or(u64::MAX)
}

/// In milliseconds, as all that follow.
const INTERVAL: u64 = 200;
const LATER_INTERVAL: u64 = 5000;

/// How long the peer's answer to a close_notify is waited for.
const CLOSE_WAIT: Duration = Duration::from_secs(3);

/// An idle session ends late by at most two of so many parts of its timeout.
const IDLE_PARTS: u64 = 8;

/// Bounds of the time in which datagrams that wait in the socket are fetched.
const MIN_GRACE: u64 = 50;
const MAX_GRACE: u64 = 1000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Looks as a keeper does, at what happens at these times; returns how many looks were ever on the agenda
    /// together.
    fn most_listed(idle: Duration, mut events: Vec<u64>) -> usize {
        let mut watch = Watch::new(Some(idle), 0);
        let (mut signs_of_life, mut rested) = (0, 0);
        let mut is_busy = true;
        let mut listed = vec![0];
        let mut most = 0;
        events.sort_unstable_by(|one, other| other.cmp(one));
        while let Some(&next) = listed.iter().min() {
            let now = events.last().map_or(next, |event| next.min(*event));
            if events.last() == Some(&now) {
                events.pop();
                signs_of_life += 1;
                is_busy = true;
            }
            if watch.rests(now) {
                is_busy = std::mem::replace(&mut rested, signs_of_life) != signs_of_life;
            }
            listed.retain(|at| *at > now);
            let state = State {
                signs_of_life,
                is_full: false,
                is_busy,
                closing: None,
                forgets: KEPT
                    .checked_sub(now)
                    .filter(|left| *left > 0)
                    .map(Duration::from_millis),
            };
            let active = watch.observe(now, &state);
            if watch.expire(now, &state).is_some() {
                break;
            }
            let wanted = watch.next_look(now, active, &state).unwrap();
            if watch.enters(now, wanted) {
                listed.push(wanted);
            }
            assert!(
                listed.iter().any(|at| *at <= wanted),
                "{now} {wanted} {listed:?}"
            );
            most = most.max(listed.len());
        }
        assert!(
            events.is_empty() || idle < Duration::from_secs(3600),
            "{events:?}"
        );
        most
    }

    #[test]
    fn a_peer_that_speaks_now_and_then_leaves_no_looks_behind() {
        let events = (0..1000).map(|number| number * 10_000).collect();
        assert!(most_listed(Duration::from_secs(3600), events) <= 3);
    }

    proptest! {
        #[test]
        fn there_is_always_a_look_in_time_and_there_are_never_many(
            idle in 100..4_000_000_u64,
            events in prop::collection::vec(0..3_000_000_u64, 0..300),
        ) {
            let most = most_listed(Duration::from_millis(idle), events);
            prop_assert!(most <= 4, "{}", most);
        }
    }

    const KEPT: u64 = 240_000;
}
