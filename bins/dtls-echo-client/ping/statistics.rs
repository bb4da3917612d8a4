//! What a run of pings came to.

use std::{fmt, time::Duration};

use serde::{Serialize, Serializer, ser::SerializeStruct};
use tokio::time::Instant;

/// Counts and times, which are printed as `ping` does.
#[derive(Debug)]
pub(crate) struct Statistics {
    host: String,
    started: Instant,
    pub(crate) transmitted: u64,
    pub(crate) received: u64,
    pub(crate) duplicates: u64,
    pub(crate) late: u64,
    pub(crate) wrong: u64,
    times: Times,
}

/// Round trips in milliseconds.
#[derive(Clone, Copy, Debug, Default)]
struct Times {
    count: f64,
    min: f64,
    max: f64,
    mean: f64,
    /// Of the squares of the distances from the mean (Welford).
    sum: f64,
}

impl Statistics {
    pub(crate) fn new(host: String) -> Self {
        Self {
            host,
            started: Instant::now(),
            transmitted: 0,
            received: 0,
            duplicates: 0,
            late: 0,
            wrong: 0,
            times: Times::default(),
        }
    }

    /// Counts a reply that came in time.
    pub(crate) fn add(&mut self, time: Duration) {
        self.received += 1;
        self.times.add(time.as_secs_f64() * 1e3);
    }

    fn loss_percent(&self) -> f64 {
        if self.transmitted == 0 {
            return 0.0;
        }
        let lost = self.transmitted.saturating_sub(self.received);
        lost as f64 / self.transmitted as f64 * 100.0
    }
}

impl Times {
    fn add(&mut self, time: f64) {
        self.min = if self.count == 0.0 {
            time
        } else {
            self.min.min(time)
        };
        self.max = self.max.max(time);
        self.count += 1.0;
        let distance = time - self.mean;
        self.mean += distance / self.count;
        self.sum += distance * (time - self.mean);
    }

    /// The standard deviation, which `ping` calls mdev.
    fn deviation(&self) -> f64 {
        (self.sum / self.count.max(1.0)).sqrt()
    }
}

impl fmt::Display for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "--- {} ping statistics ---", self.host)?;
        let (transmitted, received) = (self.transmitted, self.received);
        write!(f, "{transmitted} packets transmitted, {received} received")?;
        for (count, what) in [
            (self.duplicates, "duplicates"),
            (self.late, "late"),
            (self.wrong, "wrong"),
        ] {
            if count > 0 {
                write!(f, ", +{count} {what}")?;
            }
        }
        let loss = rounded(self.loss_percent());
        let time = self.started.elapsed().as_millis();
        write!(f, ", {loss}% packet loss, time {time} ms")?;
        if self.received > 0 {
            let Times { min, mean, max, .. } = self.times;
            let deviation = self.times.deviation();
            write!(
                f,
                "\nrtt min/avg/max/mdev = {min:.3}/{mean:.3}/{max:.3}/{deviation:.3} ms"
            )?;
        }
        Ok(())
    }
}

/// To one decimal place, or to as many as it takes to tell a little from nothing, and much from all.
fn rounded(percent: f64) -> f64 {
    let mut scale = 10.0;
    loop {
        let rounded = (percent * scale).round() / scale;
        if rounded == percent || (rounded > 0.0 && rounded < 100.0) {
            return rounded;
        }
        scale *= 10.0;
    }
}

impl Serialize for Statistics {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Statistics", 11)?;
        object.serialize_field("transmitted", &self.transmitted)?;
        object.serialize_field("received", &self.received)?;
        object.serialize_field("duplicates", &self.duplicates)?;
        object.serialize_field("late", &self.late)?;
        object.serialize_field("wrong", &self.wrong)?;
        object.serialize_field("loss_percent", &self.loss_percent())?;
        let time = self.started.elapsed().as_secs_f64() * 1e3;
        object.serialize_field("time_ms", &time)?;
        let times = (self.received > 0).then_some(self.times);
        object.serialize_field("rtt_min_ms", &times.map(|times| times.min))?;
        object.serialize_field("rtt_avg_ms", &times.map(|times| times.mean))?;
        object.serialize_field("rtt_max_ms", &times.map(|times| times.max))?;
        object.serialize_field("rtt_mdev_ms", &times.map(|times| times.deviation()))?;
        object.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_little_is_not_nothing() {
        for (percent, shown) in [
            (0.0, 0.0),
            (100.0, 100.0),
            (100.0 / 3.0, 33.3),
            (0.01, 0.01),
            (99.96, 99.96),
            (1e-7, 1e-7),
        ] {
            assert_eq!(rounded(percent), shown);
        }
    }

    #[test]
    fn the_summary_is_pings() {
        let mut statistics = Statistics::new("host:9".to_owned());
        statistics.transmitted = 3;
        for millis in [2, 4] {
            statistics.add(Duration::from_millis(millis));
        }
        let text = statistics.to_string();
        assert!(
            text.starts_with(
                "--- host:9 ping statistics ---\n\
                 3 packets transmitted, 2 received, 33.3% packet loss, time "
            ),
            "{text}"
        );
        assert!(
            text.ends_with("\nrtt min/avg/max/mdev = 2.000/3.000/4.000/1.000 ms"),
            "{text}"
        );
        statistics.duplicates = 1;
        statistics.late = 2;
        assert!(
            statistics
                .to_string()
                .contains("received, +1 duplicates, +2 late, 33.3%")
        );
    }

    #[test]
    fn without_replies_there_are_no_times() {
        let mut statistics = Statistics::new("host:9".to_owned());
        assert!(
            statistics
                .to_string()
                .contains("0 packets transmitted, 0 received, 0% packet loss")
        );
        statistics.transmitted = 1;
        let text = statistics.to_string();
        assert!(
            text.contains("100% packet loss") && !text.contains("rtt"),
            "{text}"
        );
    }
}
