//! What is told at the end.

use std::{fmt, time::Duration};

use dtls_echo::print;
use hdrhistogram::Histogram;
use serde::Serialize;

use crate::{
    plan::{Mode, Plan},
    tally::Counts,
};

/// The result of a run; times in milliseconds.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    #[serde(skip)]
    title: String,
    mode: Mode,
    sessions: usize,
    request_bytes: usize,
    seconds: f64,
    established: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    record_protection: Option<String>,
    failed: u64,
    broken: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_failure: Option<String>,
    retransmissions: u64,
    requests: u64,
    replies: u64,
    lost: u64,
    late: u64,
    wrong: u64,
    per_second: f64,
    megabytes_per_second: f64,
    handshake_ms: Times,
    #[serde(skip_serializing_if = "Option::is_none")]
    round_trip_ms: Option<Times>,
}

#[derive(Debug, Serialize)]
struct Times {
    p50: f64,
    p90: f64,
    p99: f64,
    p99_9: f64,
    max: f64,
}

impl Report {
    pub(crate) fn new(plan: &Plan, counts: &Counts) -> Self {
        let echo = plan.mode != Mode::Handshakes;
        let seconds = counts.worked.max(Duration::from_millis(1)).as_secs_f64();
        let done = if echo {
            counts.answered
        } else {
            counts.established
        };
        let bytes = counts.answered as f64 * plan.size as f64;
        Self {
            title: plan.to_string(),
            mode: plan.mode,
            sessions: plan.sessions,
            request_bytes: plan.size,
            seconds,
            established: counts.established,
            record_protection: counts.record_protection.map(|whose| whose.to_string()),
            failed: counts.failed,
            broken: counts.broken,
            first_failure: counts.failure.clone(),
            retransmissions: counts.retransmissions,
            requests: counts.sent,
            replies: counts.answered,
            lost: counts.lost,
            late: counts.late,
            wrong: counts.wrong,
            per_second: done as f64 / seconds,
            megabytes_per_second: bytes / seconds / 1e6,
            handshake_ms: Times::of(&counts.handshakes),
            round_trip_ms: echo.then(|| Times::of(&counts.round_trips)),
        }
    }

    pub(crate) fn print(&self, json: bool) -> anyhow::Result<()> {
        let text = if json {
            serde_json::to_string_pretty(self)? + "\n"
        } else {
            self.to_string()
        };
        print(text)
    }

    /// Whether all went as well as it had to.
    pub(crate) fn verdict(&self, max_loss: f64) -> Result<(), String> {
        let percent = |part: u64, whole: u64| 100.0 * part as f64 / whole.max(1) as f64;
        if self.wrong > 0 {
            return Err(format!("{} replies match no request", self.wrong));
        }
        if self.established == 0 {
            let reason = self.first_failure.as_deref().unwrap_or("interrupted");
            return Err(format!("no session was established: {reason}"));
        }
        let failed = percent(self.failed + self.broken, self.failed + self.established);
        if failed > max_loss {
            let reason = self.first_failure.as_deref().unwrap_or("unknown");
            return Err(format!("{failed:.3} % of the sessions failed: {reason}"));
        }
        let lost = percent(self.lost, self.requests);
        if lost > max_loss {
            return Err(format!(
                "{lost:.3} % of the requests were lost; --max-loss says how much may be"
            ));
        }
        Ok(())
    }
}

impl Times {
    fn of(histogram: &Histogram<u64>) -> Self {
        let millis = |quantile| histogram.value_at_quantile(quantile) as f64 / 1e6;
        Self {
            p50: millis(0.5),
            p90: millis(0.9),
            p99: millis(0.99),
            p99_9: millis(0.999),
            max: histogram.max() as f64 / 1e6,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            seconds,
            established,
            failed,
            broken,
            retransmissions,
            requests,
            replies,
            lost,
            late,
            wrong,
            ..
        } = self;
        writeln!(f, "{}, {seconds:.1} s", self.title)?;
        write!(
            f,
            "sessions     {established} established, {failed} failed, {broken} ended early, {retransmissions} flights repeated"
        )?;
        if let Some(whose) = &self.record_protection {
            write!(f, ", record protection {whose}")?;
        }
        writeln!(f)?;
        writeln!(f, "handshakes   {}", self.handshake_ms)?;
        let Some(round_trips) = &self.round_trip_ms else {
            return writeln!(f, "throughput   {:.0} handshakes/s", self.per_second);
        };
        writeln!(
            f,
            "requests     {requests} sent, {replies} answered, {lost} lost, {late} late, {wrong} wrong"
        )?;
        writeln!(f, "round trips  {round_trips}")?;
        writeln!(
            f,
            "throughput   {:.0} replies/s, {:.1} MB/s each way",
            self.per_second, self.megabytes_per_second
        )
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            p50,
            p90,
            p99,
            p99_9,
            max,
        } = self;
        write!(
            f,
            "p50 {p50:.3} ms, p90 {p90:.3}, p99 {p99:.3}, p99.9 {p99_9:.3}, max {max:.3}"
        )
    }
}
