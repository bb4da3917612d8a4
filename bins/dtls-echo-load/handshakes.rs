//! Handshakes and nothing else.

use std::time::Duration;

use futures::future::join_all;
use tokio::time::{Instant, timeout};

use crate::clients::Clients;

/// Keeps as many handshakes going as are planned, until the time is over.
pub(crate) async fn run(clients: Clients) {
    let start = Instant::now();
    let until = start + clients.plan.duration;
    let places = (0..clients.plan.sessions).map(|number| {
        let clients = clients.clone();
        tokio::spawn(async move {
            while Instant::now() < until {
                if let Some(client) = clients.connect(number).await {
                    client.session.close();
                    // What the server still sends to this port would disturb whoever gets it next.
                    let _ = timeout(FAREWELL, client.session.closed()).await;
                }
                clients.tally.lock().worked = start.elapsed();
            }
        })
    });
    join_all(places).await;
}

/// A close_notify can be lost, and is not repeated.
const FAREWELL: Duration = Duration::from_millis(500);
