//! The port that Prometheus reads the metrics from.

use std::{io, net::SocketAddr, time::Duration};

use anyhow::Context;
use axum::{Router, http::header::CONTENT_TYPE, routing::get};
use dtls_echo::HostPort;
use tokio::{
    net::TcpListener,
    time::{MissedTickBehavior, interval},
};

use super::Metrics;

/// A port that is open, but not read from yet.
pub(crate) struct Exposition(TcpListener);

impl Exposition {
    pub(crate) async fn bind(addr: &HostPort) -> anyhow::Result<Self> {
        let addresses = addr.resolve().await?;
        let listener = TcpListener::bind(&addresses[..]).await;
        Ok(Self(listener.with_context(|| {
            format!("cannot serve metrics on {addr}")
        })?))
    }

    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    /// Answers for as long as the runtime lives.
    pub(crate) fn start(self, metrics: Metrics) {
        tokio::spawn(tidy(metrics.clone()));
        let read = async move || ([(CONTENT_TYPE, TEXT)], metrics.render());
        let router = Router::new().route("/metrics", get(read));
        tokio::spawn(async move {
            if let Err(error) = axum::serve(self.0, router).await {
                tracing::error!(%error, "the metrics are not served any more");
            }
        });
    }
}

async fn tidy(metrics: Metrics) {
    let mut ticks = interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        metrics.tidy();
    }
}

/// Prometheus's text format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
