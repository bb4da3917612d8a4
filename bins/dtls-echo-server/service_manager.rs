//! What systemd is told, if it has started the server (`sd_notify(3)`).

use std::net::SocketAddr;

#[cfg(unix)]
use sd_notify::NotifyState;

/// The server answers.
pub(crate) fn ready(addr: SocketAddr) {
    #[cfg(unix)]
    {
        let status = format!("listening on {addr}");
        notify(&[NotifyState::Ready, NotifyState::Status(&status)]);
    }
    #[cfg(not(unix))]
    let _ = addr;
}

/// The files are read again, until [`ready`].
pub(crate) fn reloading() {
    #[cfg(unix)]
    if let Ok(now) = NotifyState::monotonic_usec_now() {
        notify(&[NotifyState::Reloading, now]);
    }
}

/// Nobody new is let in.
pub(crate) fn stopping() {
    #[cfg(unix)]
    notify(&[NotifyState::Stopping]);
}

/// Without NOTIFY_SOCKET there is nobody to tell.
#[cfg(unix)]
fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "the service manager cannot be told");
    }
}
