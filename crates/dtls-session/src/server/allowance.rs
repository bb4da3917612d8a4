//! A token bucket.

use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

/// So much a second, of which a second's worth can be saved up.
#[derive(Debug)]
pub(crate) struct Allowance {
    per_second: f64,
    purse: Mutex<Purse>,
}

#[derive(Debug)]
struct Purse {
    tokens: f64,
    counted: Instant,
}

impl Allowance {
    pub(crate) fn new(per_second: u32) -> Self {
        let purse = Purse {
            tokens: per_second.into(),
            counted: Instant::now(),
        };
        Self {
            per_second: per_second.into(),
            purse: Mutex::new(purse),
        }
    }

    /// Takes one token, if there is one.
    pub(crate) fn take(&self) -> bool {
        let now = Instant::now();
        let mut purse = self.purse.lock().unwrap_or_else(PoisonError::into_inner);
        let earned = now.duration_since(purse.counted).as_secs_f64() * self.per_second;
        purse.tokens = (purse.tokens + earned).min(self.per_second);
        purse.counted = now;
        let affordable = purse.tokens >= 1.0;
        if affordable {
            purse.tokens -= 1.0;
        }
        affordable
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_and_then_so_much_a_second() {
        let allowance = Allowance::new(10);
        let taken = || (0..100).filter(|_| allowance.take()).count();
        assert_eq!(taken(), 10);
        tokio::time::advance(Duration::from_millis(500)).await;
        assert_eq!(taken(), 5);
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!(taken(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn none_is_none() {
        assert!(!Allowance::new(0).take());
    }
}
