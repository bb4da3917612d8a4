//! What time it is, for cookies that go from one server to another.
//!
//! Other servers can only compare a cookie's time with their wall clock. But a wall clock jumps,
//! when it is set and when a machine wakes up, and should not expire the cookies that are under
//! way then; nor is it good for a round trip that two clocks have a part in. So a cookie carries
//! the wall clock's time and the mark of the reckoning that it was stamped by. A server judges
//! its own marks by the monotonic clock, and all others by the wall clock, in either direction,
//! as the other's clock may be ahead.
//!
//! Where the wall clock has jumped, a new reckoning with a new mark begins, so that others agree
//! again with what is stamped from then on, and the former one is kept to judge what it stamped.

use std::{
    sync::{PoisonError, RwLock},
    time::Duration,
};

use tokio::time::Instant;

use crate::{error::OpenSslError, openssl::random, wall_clock};

#[derive(Debug)]
pub(crate) struct CookieClock {
    started: Instant,
    reckonings: RwLock<Reckonings>,
}

/// What a cookie says of its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Since 1970, in milliseconds.
    pub(crate) time: u64,
    pub(crate) mark: u32,
}

/// How old a cookie is that has not expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    Own(Duration),
    /// Another server made it, and its clock is not this one.
    Foreign,
}

impl CookieClock {
    pub(crate) fn new() -> Result<Self, OpenSslError> {
        let mut mark = [0; 4];
        random::fill(&mut mark)?;
        Ok(Self {
            started: Instant::now(),
            reckonings: RwLock::new(Reckonings::new(u32::from_be_bytes(mark), wall_clock::now())),
        })
    }

    pub(crate) fn stamp(&self) -> Stamp {
        self.read(|reckonings, _, steady| reckonings.stamp(steady))
    }

    /// Returns a stamp's age, or None if it has expired.
    pub(crate) fn age(&self, stamp: Stamp) -> Option<Age> {
        self.read(|reckonings, wall, steady| reckonings.age(stamp, wall, steady))
    }

    fn read<R>(&self, read: impl Fn(&Reckonings, Duration, Duration) -> R) -> R {
        let (wall, steady) = (wall_clock::now(), self.started.elapsed());
        let reckonings = self
            .reckonings
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        if reckonings.agree(wall, steady) {
            return read(&reckonings, wall, steady);
        }
        drop(reckonings);
        let mut reckonings = self
            .reckonings
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        // Another thread may have been faster.
        if !reckonings.agree(wall, steady) {
            reckonings.begin_anew(wall, steady);
        }
        read(&reckonings, wall, steady)
    }
}

#[derive(Debug)]
struct Reckonings {
    current: Reckoning,
    former: Reckoning,
}

#[derive(Clone, Copy, Debug)]
struct Reckoning {
    mark: u32,
    /// The wall clock when the monotonic one showed zero.
    origin: Duration,
}

impl Reckonings {
    fn new(mark: u32, origin: Duration) -> Self {
        let current = Reckoning { mark, origin };
        Self {
            current,
            former: current,
        }
    }

    fn agree(&self, wall: Duration, steady: Duration) -> bool {
        wall.abs_diff(self.current.origin + steady) < JUMP
    }

    fn begin_anew(&mut self, wall: Duration, steady: Duration) {
        self.former = self.current;
        self.current = Reckoning {
            mark: self.current.mark.wrapping_add(1),
            origin: wall.saturating_sub(steady),
        };
    }

    fn stamp(&self, steady: Duration) -> Stamp {
        Stamp {
            time: milliseconds(self.current.origin + steady),
            mark: self.current.mark,
        }
    }

    fn age(&self, stamp: Stamp, wall: Duration, steady: Duration) -> Option<Age> {
        let own = [self.current, self.former]
            .into_iter()
            .find(|reckoning| reckoning.mark == stamp.mark);
        let lifetime = milliseconds(LIFETIME);
        if let Some(own) = own {
            let age = milliseconds(own.origin + steady).checked_sub(stamp.time)?;
            return (age <= lifetime).then(|| Age::Own(Duration::from_millis(age)));
        }
        let apart = milliseconds(wall).abs_diff(stamp.time);
        (apart <= lifetime).then_some(Age::Foreign)
    }
}

fn milliseconds(time: Duration) -> u64 {
    time.as_millis() as u64
}

/// How long a cookie is good for; another server's also as long before its time.
pub(crate) const LIFETIME: Duration = Duration::from_secs(60);

/// What the two clocks may differ by before one of them has jumped.
const JUMP: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const START: Duration = Duration::from_secs(1_800_000_000);

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn an_own_stamp_has_the_age_that_the_monotonic_clock_says() {
        let own = Reckonings::new(1, START);
        let stamp = own.stamp(s(5));
        assert_eq!(own.age(stamp, START + s(7), s(7)), Some(Age::Own(s(2))));
        // Half a second of difference is nothing to it.
        let wall = START + s(7) - Duration::from_millis(500);
        assert!(own.agree(wall, s(7)));
        assert_eq!(own.age(stamp, wall, s(7)), Some(Age::Own(s(2))));
        let late = s(5) + LIFETIME + Duration::from_millis(1);
        assert_eq!(own.age(stamp, START + late, late), None);
        assert_eq!(own.age(stamp, START + s(4), s(4)), None);
    }

    #[test]
    fn a_clock_that_jumps_expires_nothing_and_others_agree_afterwards() {
        for wall in [START + 60 * MINUTE, START - 60 * MINUTE] {
            let mut own = Reckonings::new(1, START);
            let before = own.stamp(s(5));
            assert!(!own.agree(wall, s(6)));
            own.begin_anew(wall, s(6));
            assert!(own.agree(wall + s(1), s(7)));
            assert_eq!(own.age(before, wall + s(1), s(7)), Some(Age::Own(s(2))));
            let after = own.stamp(s(8));
            assert_eq!(own.age(after, wall + s(3), s(9)), Some(Age::Own(s(1))));
            let other = Reckonings::new(1000, wall);
            assert_eq!(other.age(after, wall + s(2), s(2)), Some(Age::Foreign));
            assert_eq!(other.age(before, wall + s(2), s(2)), None);
        }
    }

    #[test]
    fn another_servers_clock_may_be_ahead_or_behind_by_a_minute() {
        let other = Reckonings::new(1000, START);
        let stamp = other.stamp(s(0));
        let own = Reckonings::new(1, START);
        for wall in [START - MINUTE, START, START + MINUTE] {
            assert_eq!(own.age(stamp, wall, s(0)), Some(Age::Foreign));
        }
        let more = MINUTE + Duration::from_millis(1);
        for wall in [START - more, START + more] {
            assert_eq!(own.age(stamp, wall, s(0)), None);
        }
    }
}
