//! New certificates, keys and secrets for a server that goes on.

use std::{io, net::SocketAddr, sync::Arc};

use anyhow::{anyhow, bail};
use clap::Parser;
use dtls_echo::CUT;
use dtls_session::{Acceptor, Listener};

use crate::{
    Args, acceptor,
    certificates::Certificate,
    command_line::{CommandLine, Complete},
    metrics::Metrics,
    service_manager,
};

/// Where the server's settings come from, and what they were when it started.
#[derive(Debug)]
pub(crate) struct Reload {
    pub(crate) command_line: CommandLine,
    pub(crate) whole: Complete,
}

impl Reload {
    /// Reads all files again at each SIGHUP, for all shards: clients that come later meet what is in
    /// them, and nobody else notices.
    ///
    /// # Errors
    ///
    /// If signals cannot be listened to, or a thread cannot be started.
    #[cfg(unix)]
    pub(crate) fn at_each_hangup(
        self,
        addresses: Vec<SocketAddr>,
        listener: Arc<Listener>,
        metrics: Option<Metrics>,
    ) -> io::Result<()> {
        use std::thread;
        use tokio::{
            runtime::Handle,
            signal::unix::{SignalKind, signal},
        };
        let mut hangup = signal(SignalKind::hangup())?;
        let runtime = Handle::current();
        // Files take time, which the runtime's thread has for sessions.
        let reloading = move || {
            while runtime.block_on(hangup.recv()).is_some() {
                service_manager::reloading();
                let made = self.acceptor(&addresses, &listener.acceptor());
                if let Some(metrics) = &metrics {
                    metrics.reload(made.is_ok());
                }
                match made {
                    Ok((acceptor, certificates)) => {
                        listener.set_acceptor(acceptor);
                        certificates.iter().for_each(Certificate::log);
                        if let Some(metrics) = &metrics {
                            metrics.certificates(&certificates);
                        }
                        tracing::info!("reloaded");
                    }
                    Err(error) => {
                        tracing::error!("cannot reload, and goes on as before: {error:#}");
                    }
                }
                service_manager::ready(listener.local_addr());
            }
        };
        thread::Builder::new()
            .name("reload".to_owned())
            .spawn(reloading)?;
        Ok(())
    }

    /// There is no SIGHUP here.
    #[cfg(not(unix))]
    pub(crate) fn at_each_hangup(
        self,
        _: Vec<SocketAddr>,
        _: Arc<Listener>,
        _: Option<Metrics>,
    ) -> io::Result<()> {
        Ok(())
    }

    fn acceptor(
        &self,
        addresses: &[SocketAddr],
        former: &Acceptor,
    ) -> anyhow::Result<(Acceptor, Vec<Certificate>)> {
        let whole = self
            .command_line
            .complete()
            .map_err(|error| anyhow!("{error}"))?;
        if let Some(file) = whole.cut() {
            bail!("cannot use {} for --config: {CUT}", file.display());
        }
        let args = Args::try_parse_from(whole.args()).map_err(|error| {
            // What follows an empty line is for somebody at a terminal.
            let text = error.to_string();
            let said = text.lines().take_while(|line| !line.is_empty());
            let said: Vec<_> = said.map(str::trim).collect();
            anyhow!(
                "{}",
                said.join(" ").trim_start_matches("error: ").to_owned()
            )
        })?;
        let made = acceptor(&args, addresses, Some(former))?;
        for key in whole.changed(&self.whole) {
            if AT_THE_START.contains(&&*key) {
                tracing::warn!(
                    "`{key}` has changed in the configuration file, which needs a restart"
                );
            }
        }
        Ok(made)
    }
}

/// What the server cannot change while it runs.
const AT_THE_START: [&str; 14] = [
    "addr",
    "drain-timeout",
    "json",
    "log-format",
    "max-challenges",
    "max-half-open",
    "max-half-open-per-address",
    "max-sessions",
    "max-sessions-per-address",
    "max-unproven",
    "metrics",
    "shards",
    "socket-activation",
    "verbose",
];

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::config::key_of;

    #[test]
    fn what_is_set_at_the_start_is_known_by_its_flag() {
        let command = Args::command();
        for key in AT_THE_START {
            assert!(
                command.get_arguments().any(|arg| key_of(arg) == key),
                "{key}"
            );
        }
    }
}
