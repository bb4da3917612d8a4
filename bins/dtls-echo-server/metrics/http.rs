//! The port that Prometheus reads the metrics from.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context;
use dtls_echo::HostPort;
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{ALLOW, CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{MissedTickBehavior, interval, sleep, timeout},
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
        tokio::spawn(listen(self.0, metrics));
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

async fn listen(listener: TcpListener, metrics: Metrics) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                let metrics = metrics.clone();
                tokio::spawn(async move {
                    attend(stream, &metrics).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::debug!(%error, "no connection for metrics");
                // There may be no descriptors left, which the next turn would not change.
                sleep(PAUSE).await;
            }
        }
    }
}

/// Answers one request.
async fn attend(stream: TcpStream, metrics: &Metrics) {
    let service = service_fn(async |request| Ok::<_, Infallible>(respond(&request, metrics)));
    let attending = http1::Builder::new()
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    match timeout(PATIENCE, attending).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a request for metrics failed"),
        Err(_) => tracing::debug!("a request for metrics took too long"),
    }
}

fn respond(request: &Request<Incoming>, metrics: &Metrics) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    if request.uri().path() != "/metrics" {
        *response.status_mut() = StatusCode::NOT_FOUND;
    } else if ![Method::GET, Method::HEAD].contains(request.method()) {
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        let allowed = HeaderValue::from_static("GET, HEAD");
        response.headers_mut().insert(ALLOW, allowed);
    } else {
        let text = HeaderValue::from_static(TEXT);
        response.headers_mut().insert(CONTENT_TYPE, text);
        *response.body_mut() = metrics.render().into();
    }
    response
}

/// Prometheus's text format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// More are not answered at a time: descriptors are for sessions.
const CONNECTIONS: usize = 32;

/// How long a connection may take: as long as Prometheus waits.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long to leave a failing listener alone.
const PAUSE: Duration = Duration::from_secs(1);
