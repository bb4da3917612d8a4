//! How long OpenSSL waits before it repeats a flight (RFC 6347 4.2.4.1).

use std::{
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use openssl::{
    error::ErrorStack,
    ex_data::Index,
    ssl::{Ssl, SslRef},
};

use crate::{
    config::SessionConfig,
    ffi::{self, Timer},
};

/// The retransmission timer's policy and state for one `Ssl`.
///
/// Intervals grow by half rather than double: a handshake is a few small datagrams, and under
/// loss the 90th percentile is what doubling costs.
///
/// OpenSSL asks for each interval as its [`Timer`]; the handshake reads back how often the
/// current flight has expired.
#[derive(Debug)]
pub(crate) struct Pace {
    initial: AtomicU32,
    min: u32,
    max: u32,
    interval: AtomicU32,
    waited: AtomicU32,
    expiries: AtomicU32,
    total: AtomicU32,
    /// 0 until one was measured.
    round_trip: AtomicU32,
}

impl Pace {
    pub(crate) fn new(config: &SessionConfig) -> Self {
        Self {
            initial: AtomicU32::new(micros(config.initial_rto)),
            min: micros(config.min_rto),
            max: micros(config.max_rto),
            interval: AtomicU32::new(micros(config.initial_rto)),
            waited: AtomicU32::new(0),
            expiries: AtomicU32::new(0),
            total: AtomicU32::new(0),
            round_trip: AtomicU32::new(0),
        }
    }

    /// Makes `ssl` ask this pace for its intervals.
    pub(crate) fn attach(self: &Arc<Self>, ssl: &mut Ssl) -> Result<(), ErrorStack> {
        ssl.set_ex_data(index()?, Arc::clone(self));
        ffi::set_timer_callback::<Self>(ssl);
        Ok(())
    }

    /// Lets the next flight start from a measured round trip.
    pub(crate) fn observe(&self, round_trip: Duration) {
        self.round_trip.store(micros(round_trip).max(1), Relaxed);
        let initial = micros(round_trip).saturating_mul(2).saturating_add(MARGIN);
        self.initial
            .store(initial.clamp(self.min, self.max), Relaxed);
    }

    /// The round trip that was measured, if one was.
    pub(crate) fn round_trip(&self) -> Option<Duration> {
        let round_trip = self.round_trip.load(Relaxed);
        (round_trip > 0).then(|| Duration::from_micros(round_trip.into()))
    }

    /// The interval that runs now.
    pub(crate) fn interval(&self) -> Duration {
        Duration::from_micros(self.interval.load(Relaxed).into())
    }

    /// How long the current flight will have gone unanswered when the interval ends.
    pub(crate) fn waited(&self) -> Duration {
        Duration::from_micros(self.waited.load(Relaxed).into())
    }

    /// How often the current flight has been repeated.
    pub(crate) fn expiries(&self) -> u32 {
        self.expiries.load(Relaxed)
    }

    /// How often any flight has been repeated.
    pub(crate) fn total_expiries(&self) -> u32 {
        self.total.load(Relaxed)
    }

    fn next(&self, previous: u32) -> u32 {
        let initial = self.initial.load(Relaxed);
        let interval = if previous == 0 {
            self.expiries.store(0, Relaxed);
            self.waited.store(0, Relaxed);
            initial
        } else {
            self.expiries.fetch_add(1, Relaxed);
            self.total.fetch_add(1, Relaxed);
            (previous / 2).saturating_mul(3).min(self.max)
        };
        self.interval.store(interval, Relaxed);
        self.waited.fetch_add(interval, Relaxed);
        interval
    }
}

impl Timer for Pace {
    fn interval(ssl: &SslRef, previous: u32) -> u32 {
        let pace = index().ok().and_then(|index| ssl.ex_data(index));
        match pace {
            Some(pace) => pace.next(previous),
            // OpenSSL's own policy.
            None => previous.saturating_mul(2).max(1_000_000),
        }
    }
}

fn index() -> Result<Index<Ssl, Arc<Pace>>, ErrorStack> {
    static INDEX: LazyLock<Result<Index<Ssl, Arc<Pace>>, ErrorStack>> =
        LazyLock::new(Ssl::new_ex_index);
    INDEX.clone()
}

fn micros(duration: Duration) -> u32 {
    duration.as_micros().try_into().unwrap_or(u32::MAX)
}

/// Added to twice the round trip, for a scheduler's sake.
const MARGIN: u32 = 20_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn pace() -> Pace {
        Pace::new(&SessionConfig::default())
    }

    #[test]
    fn intervals_grow_from_the_round_trip_to_the_maximum() {
        let pace = pace();
        pace.observe(Duration::from_millis(40));
        let first = pace.next(0);
        assert_eq!(first, 100_000);
        let second = pace.next(first);
        assert_eq!(second, 150_000);
        assert_eq!(pace.waited(), Duration::from_millis(250));
        assert_eq!(
            (pace.expiries(), pace.interval()),
            (1, Duration::from_millis(150))
        );
        assert_eq!(pace.next(u32::MAX), pace.max);
        assert_eq!(pace.next(0), first);
        assert_eq!((pace.expiries(), pace.total_expiries()), (0, 2));
    }

    #[test]
    fn a_round_trip_stays_within_its_bounds() {
        let pace = pace();
        pace.observe(Duration::ZERO);
        assert_eq!(pace.next(0), pace.min);
        pace.observe(Duration::from_secs(4000));
        assert_eq!(pace.next(0), pace.max);
    }
}
