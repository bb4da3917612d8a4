//! How long OpenSSL waits before it repeats a flight (RFC 6347 4.2.4.1).
//!
//! What matters is what the peer has to do before it can answer.
//!
//! - It has to compute with keys, and how long that takes is not known: small devices take seconds.
//!   Then the timer is RFC 6347's, 1 s at first and doubled at each expiry up to 60 s; where the
//!   path takes longer it starts at three round trips (RFC 6298 2.2, 2.4).
//! - It has nothing to compute, as for a first hello, which is answered with a cookie, or when a
//!   session is resumed; or it has shown how long it takes: a server that has answered a hello
//!   with a key and a signature does not take longer for its last flight. Then the timer starts
//!   at three times what was measured, within its bounds, and at 1 s if nothing was. It grows by
//!   half, and by no more once it is above 2 s: a lost datagram is all that can be the matter.
//!
//! Whatever the timer, a flight that the peer repeats is answered at once (RFC 6347 4.2.4), and
//! then the timer starts anew: it is the peer that has waited.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::{openssl::timer::Intervals, settings::config::SessionConfig};

/// The retransmission timer's policy and state for one `Ssl`.
///
/// OpenSSL asks for its [`Intervals`] in the midst of a handshake; what the record
/// layer learns meanwhile is left here.
#[derive(Debug)]
pub(crate) struct Pace(Mutex<State>);

#[derive(Debug)]
struct State {
    initial: Duration,
    min: Duration,
    max: Duration,
    /// What the next flight is to wait at first, its bounds apart.
    first: Duration,
    /// What the path alone would ask for.
    path: Option<Duration>,
    /// Whether nothing unknown has to be computed by the peer.
    known: bool,
    /// What was last given to OpenSSL.
    interval: Duration,
    /// What the present flight waits for its next repeat, answers apart.
    backoff: Duration,
    waited: Duration,
    expiries: u32,
    total: u32,
    /// When the present flight was last sent at the peer's wish.
    answered: Option<Instant>,
    /// What OpenSSL is about to write.
    turn: Turn,
}

/// What OpenSSL's timer has it write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Nothing: what it writes is new.
    New,
    /// The present flight, again.
    Repeat,
    /// The same, but the peer has got it only just now.
    Withheld,
}

impl Pace {
    /// Starts with a first hello, which the peer answers without any work.
    pub(crate) fn new(config: &SessionConfig) -> Self {
        Self(Mutex::new(State {
            initial: config.initial_rto,
            min: config.min_rto,
            max: config.max_rto,
            first: config.initial_rto,
            path: None,
            known: true,
            interval: config.initial_rto,
            backoff: config.initial_rto,
            waited: Duration::ZERO,
            expiries: 0,
            total: 0,
            answered: None,
            turn: Turn::New,
        }))
    }

    /// Lets the next flight wait for a peer that has to compute, over a path with this round trip.
    pub(crate) fn expect_work(&self, round_trip: Duration) {
        self.expect_work_within(round_trip.saturating_mul(3));
        self.state().path = Some(round_trip.saturating_mul(3)).filter(|path| !path.is_zero());
    }

    /// The same, where the path may ask for no more than this.
    pub(crate) fn expect_work_within(&self, path: Duration) {
        let mut state = self.state();
        state.known = false;
        state.first = state.initial.max(path);
    }

    /// Lets the next flight wait for no more work than what has just taken this long, or less if it
    /// is not `certain`, because there were repeats (Karn's rule).
    pub(crate) fn expect_no_more_than(&self, response: Duration, certain: bool) {
        let mut state = self.state();
        state.known = true;
        state.first = match certain {
            true => response.saturating_mul(3),
            // It may have answered an earlier copy, or its own timer has expired meanwhile.
            false => response
                .min(state.initial.saturating_mul(4))
                .max(state.initial),
        };
    }

    /// Lets the next flight be a first hello.
    pub(crate) fn restart(&self) {
        let mut state = self.state();
        state.known = true;
        state.first = state.initial;
        state.turn = Turn::New;
    }

    /// Starts the timer anew, since the flight was sent because the peer had repeated its own.
    pub(crate) fn answered(&self) {
        let mut state = self.state();
        state.answered = Some(Instant::now());
        state.backoff = state.first();
    }

    /// What OpenSSL has written because its timer expired, until something was read.
    pub(crate) fn turn(&self) -> Turn {
        self.state().turn
    }

    /// Tells that a record was read: what is written next answers it.
    pub(crate) fn heard(&self) {
        self.state().turn = Turn::New;
    }

    /// The interval that runs now.
    pub(crate) fn interval(&self) -> Duration {
        self.state().interval
    }

    /// How long the current flight will have gone unanswered when the interval ends.
    pub(crate) fn waited(&self) -> Duration {
        self.state().waited
    }

    /// How often the current flight has been repeated.
    pub(crate) fn expiries(&self) -> u32 {
        self.state().expiries
    }

    /// How often any flight has been repeated.
    pub(crate) fn total_expiries(&self) -> u32 {
        self.state().total
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn first(&self) -> Duration {
        self.first.clamp(self.min, self.max)
    }

    /// Forgets the time for work, if it was to be waited for.
    fn expect_only_the_path(&mut self) {
        if let Some(path) = self.path.filter(|_| !self.known) {
            self.first = path;
            self.known = true;
        }
    }

    fn begin(&mut self) -> Duration {
        self.turn = Turn::New;
        self.answered = None;
        self.expiries = 0;
        self.waited = Duration::ZERO;
        self.backoff = self.first();
        self.run(self.backoff)
    }

    fn expire(&mut self) -> Duration {
        let answered = self.answered.map(|at| at.elapsed());
        let left = answered.and_then(|ago| self.backoff.checked_sub(ago));
        if let Some(left) = left.filter(|left| *left > SessionConfig::LEAST_RTO) {
            self.turn = Turn::Withheld;
            return self.run(left);
        }
        self.turn = Turn::Repeat;
        self.answered = None;
        self.expiries += 1;
        self.total += 1;
        let grown = if self.known {
            (self.backoff / 2)
                .saturating_mul(3)
                .min(MOST_KNOWN.max(self.backoff))
        } else {
            self.backoff.saturating_mul(2)
        };
        self.backoff = grown.min(self.max);
        self.run(self.backoff)
    }

    fn run(&mut self, interval: Duration) -> Duration {
        self.interval = interval;
        self.waited = self.waited.saturating_add(interval);
        interval
    }
}

impl Intervals for Pace {
    fn begin(&self, resumed: bool) -> Duration {
        let mut state = self.state();
        // Who resumes a session has nothing to compute with keys.
        if resumed {
            state.expect_only_the_path();
        }
        state.begin()
    }

    fn expire(&self) -> Duration {
        self.state().expire()
    }
}

/// Above this an interval grows no more where the peer computes nothing unknown.
const MOST_KNOWN: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    fn s(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn pace() -> Pace {
        Pace::new(&SessionConfig::default())
    }

    /// The first intervals of a flight, in seconds.
    fn intervals<const N: usize>(pace: &Pace) -> [f64; N] {
        let mut state = pace.state();
        let mut next = Some(state.begin());
        [(); N].map(|()| next.take().unwrap_or_else(|| state.expire()).as_secs_f64())
    }

    #[test]
    fn a_peer_that_computes_is_given_a_second_then_twice_as_long() {
        let pace = pace();
        pace.expect_work(s(0.01));
        assert_eq!(intervals(&pace), [1., 2., 4., 8., 16., 32., 60., 60.]);
        assert_eq!((pace.expiries(), pace.total_expiries()), (7, 7));
        assert_eq!(pace.waited(), s(183.));
        assert_eq!(intervals(&pace), [1.]);
        assert_eq!((pace.expiries(), pace.total_expiries()), (0, 7));
    }

    #[test]
    fn a_long_round_trip_lengthens_the_timer_however_long_it_was() {
        let pace = pace();
        pace.expect_work(s(8.));
        assert_eq!(intervals(&pace), [24., 48., 60.]);
        pace.expect_work(s(4000.));
        assert_eq!(intervals(&pace), [60., 60.]);
    }

    #[test]
    fn a_hello_is_repeated_often() {
        assert_eq!(intervals(&pace()), [1., 1.5, 2., 2., 2.]);
    }

    #[test]
    fn a_peer_that_has_shown_how_long_it_takes_is_taken_at_its_word() {
        let pace = pace();
        pace.expect_no_more_than(s(0.1), true);
        assert_eq!(intervals(&pace), [0.3, 0.45]);
        pace.expect_no_more_than(s(0.001), true);
        assert_eq!(intervals(&pace), [0.2]);
        pace.expect_no_more_than(s(3.), true);
        assert_eq!(intervals(&pace), [9., 9.]);
        pace.expect_no_more_than(s(3.), false);
        assert_eq!(intervals(&pace), [3., 3.]);
        pace.expect_no_more_than(s(0.1), false);
        assert_eq!(intervals(&pace), [1., 1.5]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_starts_the_timer_anew() {
        let pace = pace();
        pace.expect_work(Duration::ZERO);
        assert_eq!(intervals(&pace), [1., 2.]);
        tokio::time::advance(s(1.25)).await;
        pace.answered();
        tokio::time::advance(s(0.25)).await;
        assert_eq!(pace.state().expire(), s(0.75));
        assert_eq!((pace.turn(), pace.expiries()), (Turn::Withheld, 1));
        tokio::time::advance(s(0.75)).await;
        assert_eq!(pace.state().expire(), s(2.));
        assert_eq!((pace.turn(), pace.expiries()), (Turn::Repeat, 2));
        pace.heard();
        assert_eq!(pace.turn(), Turn::New);
    }
}
