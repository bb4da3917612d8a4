//! What the server has counted, for Prometheus.

mod catalogue;
mod counts;
mod http;
mod outcome;
mod timed;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use anyhow::Context;
use dtls_session::{Listener, Session, SessionStats, linked};
use metrics::{Histogram, gauge, histogram, with_local_recorder};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusRecorder};

use crate::certificates::Certificate;

pub(crate) use self::{
    http::Exposition,
    outcome::{Ending, Failure},
    timed::Timed,
};

/// The server's metrics; cheap to clone.
#[derive(Clone)]
pub(crate) struct Metrics(Arc<Inner>);

struct Inner {
    recorder: PrometheusRecorder,
    /// By the numbers of their shards.
    listeners: Mutex<BTreeMap<usize, Weak<Listener>>>,
    handshake: Histogram,
    echo: Histogram,
}

impl Metrics {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let recorder = recorder().context("the histograms' buckets are refused")?;
        let (handshake, echo) = with_local_recorder(&recorder, || {
            catalogue::describe();
            let (server, openssl) = (env!("CARGO_PKG_VERSION"), linked::version());
            gauge!("dtls_build_info", "version" => server, "openssl" => openssl).set(1);
            outcome::start();
            counts::add_session(&SessionStats::default());
            (histogram!(HANDSHAKE), histogram!(ECHO))
        });
        Ok(Self(Arc::new(Inner {
            recorder,
            listeners: Mutex::default(),
            handshake,
            echo,
        })))
    }

    /// Reads this shard's counters, too, when somebody asks.
    pub(crate) fn watch(&self, shard: usize, listener: &Arc<Listener>) {
        self.listeners().insert(shard, Arc::downgrade(listener));
    }

    /// Counts a handshake that has made a session.
    pub(crate) fn handshake(&self, took: Duration) {
        self.0.handshake.record(took);
    }

    /// Counts a handshake that has made none.
    pub(crate) fn failed_handshake(&self, failure: Failure) {
        with_local_recorder(&self.0.recorder, || {
            outcome::failed_handshake(failure).increment(1);
        });
    }

    /// Measures what passes between a session's requests and its replies.
    pub(crate) fn timed<'a>(&'a self, session: &'a mut Session) -> Timed<'a> {
        Timed::new(session, &self.0.echo)
    }

    /// Counts a session that has ended.
    pub(crate) fn session(&self, ending: Ending, stats: &SessionStats) {
        with_local_recorder(&self.0.recorder, || {
            outcome::session(ending).increment(1);
            counts::add_session(stats);
        });
    }

    /// Counts an attempt to read the files again.
    pub(crate) fn reload(&self, succeeded: bool) {
        with_local_recorder(&self.0.recorder, || outcome::reload(succeeded).increment(1));
    }

    /// Tells when the first of the certificates expires that clients are shown; never, if there are none.
    pub(crate) fn certificates(&self, certificates: &[Certificate]) {
        let expiries = certificates.iter().filter_map(Certificate::expiry);
        let first = expiries.min().map_or(f64::INFINITY, |time| time as f64);
        with_local_recorder(&self.0.recorder, || {
            gauge!("dtls_certificate_expiry_timestamp_seconds").set(first);
        });
    }

    /// Everything in Prometheus's text format.
    fn render(&self) -> String {
        let alive = |(shard, it): (&usize, &Weak<_>)| Some((*shard, it.upgrade()?));
        let listeners: Vec<_> = self.listeners().iter().filter_map(alive).collect();
        with_local_recorder(&self.0.recorder, || counts::set_listeners(&listeners));
        self.0.recorder.handle().render()
    }

    /// Sorts what the histograms have collected, which would pile up otherwise.
    fn tidy(&self) {
        self.0.recorder.handle().run_upkeep();
    }

    fn listeners(&self) -> MutexGuard<'_, BTreeMap<usize, Weak<Listener>>> {
        let listeners = self.0.listeners.lock();
        listeners.unwrap_or_else(PoisonError::into_inner)
    }
}

fn recorder() -> Result<PrometheusRecorder, metrics_exporter_prometheus::BuildError> {
    let exactly = |name: &str| Matcher::Full(name.to_owned());
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(exactly(HANDSHAKE), &HANDSHAKE_BUCKETS)?
        .set_buckets_for_metric(exactly(ECHO), &ECHO_BUCKETS)?;
    Ok(builder.build_recorder())
}

const HANDSHAKE: &str = "dtls_handshake_seconds";
/// From one round trip on loopback to what the deadline usually is.
const HANDSHAKE_BUCKETS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];
const ECHO: &str = "dtls_echo_seconds";
/// From a few calls of OpenSSL to what a peer notices.
const ECHO_BUCKETS: [f64; 11] = [
    2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 1e-2, 1e-1,
];
