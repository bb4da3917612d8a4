//! Clients that are refused at a limit.

use std::{sync::Arc, time::Duration};

use dtls_session::{Limit, Listener, Refused};
use tokio::time::sleep;

/// Warns of clients that are refused at a limit, and names its flag.
pub(crate) async fn warn(listener: Arc<Listener>) {
    let all = |listener: &Listener| {
        let stats = listener.stats();
        stats.refused_half_open
            + stats.refused_half_open_per_address
            + stats.refused_sessions
            + stats.refused_per_address
    };
    let mut told = 0;
    loop {
        let Refused { peer, limit, .. } = listener.refused().await;
        let flag = match limit {
            Limit::HalfOpen => "--max-half-open",
            Limit::HalfOpenPerAddress => "--max-half-open-per-address",
            Limit::Sessions => "--max-sessions",
            Limit::PerAddress => "--max-sessions-per-address",
            _ => "a limit",
        };
        let refused = all(&listener);
        tracing::warn!(%peer, hellos = refused - told, "clients are refused: {flag} is reached");
        told = refused;
        sleep(INTERVAL).await;
    }
}

/// How often they are told of at most.
const INTERVAL: Duration = Duration::from_secs(10);
