//! New certificates, keys and secrets for a server that goes on.

use std::{io, net::SocketAddr, sync::Arc};

use dtls_session::Listener;

use crate::{Args, acceptor, metrics::Metrics, service_manager};

/// Reads the files of the command line again at each SIGHUP, for all shards: clients that come
/// later meet what is in them, and nobody else notices.
///
/// # Errors
///
/// If signals cannot be listened to.
#[cfg(unix)]
pub(crate) fn at_each_hangup(
    args: Args,
    addresses: Vec<SocketAddr>,
    listener: Arc<Listener>,
    metrics: Option<Metrics>,
) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            service_manager::reloading();
            let made = acceptor(&args, &addresses, Some(&listener.acceptor()));
            if let Some(metrics) = &metrics {
                metrics.reload(made.is_ok());
            }
            match made {
                Ok(acceptor) => {
                    listener.set_acceptor(acceptor);
                    tracing::info!("reloaded");
                }
                Err(error) => {
                    tracing::error!("cannot reload, and goes on as before: {error:#}");
                }
            }
            service_manager::ready(listener.local_addr());
        }
    });
    Ok(())
}

/// There is no SIGHUP here.
#[cfg(not(unix))]
pub(crate) fn at_each_hangup(
    _: Args,
    _: Vec<SocketAddr>,
    _: Arc<Listener>,
    _: Option<Metrics>,
) -> io::Result<()> {
    Ok(())
}
