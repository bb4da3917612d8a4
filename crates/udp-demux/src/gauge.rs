use std::sync::atomic::{AtomicU64, Ordering};

/// How full the socket's send buffer is, in bytes as the system counts them: with its own overhead.
///
/// A datagram is charged from the call that sends it until the interface has taken it. So one slow
/// interface can fill the buffer for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fill {
    pub(crate) used: usize,
    pub(crate) size: usize,
}

impl Fill {
    /// Where the system does not tell: as if there were always room.
    pub(crate) const UNKNOWN: Self = Self {
        used: 0,
        size: usize::MAX,
    };

    /// Below this the system tells when a datagram has left; it is all that data may fill.
    fn share(self) -> usize {
        self.size / 2
    }

    /// Whether so little waits that nobody's way is slow.
    pub(crate) fn is_low(self) -> bool {
        self.used <= self.share() / PARTS
    }

    /// Whether data has filled all that it may.
    pub(crate) fn is_full(self) -> bool {
        self.used >= self.share()
    }

    /// Whether only what is urgent may enter.
    pub(crate) fn is_high(self) -> bool {
        self.used >= self.share() + self.share() / 2
    }

    /// What one peer may add unseen: a part of what is left, so that many slow peers get on, too.
    pub(crate) fn allowance(self) -> usize {
        if self.is_high() {
            return 0;
        }
        (self.share().saturating_sub(self.used) / PARTS).max(MIN_ALLOWANCE)
    }
}

/// What one peer was given to the send buffer since that was last seen to be low.
#[derive(Debug, Default)]
pub(crate) struct Meter(AtomicU64);

impl Meter {
    /// Adds a datagram and returns what there is in this epoch.
    pub(crate) fn charge(&self, epoch: u32, length: usize) -> usize {
        let old = self.0.load(Ordering::Relaxed);
        let before = if old >> 32 == u64::from(epoch) {
            old & u64::from(u32::MAX)
        } else {
            0
        };
        let now = (before + cost(length) as u64).min(u64::from(u32::MAX));
        // Two senders of one peer may take each other's sum away: it is an estimate anyway.
        self.0
            .store(u64::from(epoch) << 32 | now, Ordering::Relaxed);
        now as usize
    }
}

/// Roughly what the system charges for a datagram.
pub(crate) fn cost(length: usize) -> usize {
    length + OVERHEAD
}

const OVERHEAD: usize = 768;
const PARTS: usize = 8;
const MIN_ALLOWANCE: usize = 2 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_starts_anew_with_each_epoch() {
        let meter = Meter::default();
        assert_eq!(meter.charge(0, 100), cost(100));
        assert_eq!(meter.charge(0, 50), cost(100) + cost(50));
        assert_eq!(meter.charge(1, 7), cost(7));
        assert_eq!(meter.charge(0, 7), cost(7));
    }

    #[test]
    fn allowances_leave_room_for_the_next_peer() {
        let mut fill = Fill {
            used: 0,
            size: 400_000,
        };
        for _ in 0..20 {
            fill.used += fill.allowance();
        }
        assert!(fill.used < 200_000 && !fill.is_high(), "{fill:?}");
        for _ in 0..60 {
            fill.used += fill.allowance();
        }
        assert!(fill.is_high());
        assert_eq!(fill.allowance(), 0);
    }
}
