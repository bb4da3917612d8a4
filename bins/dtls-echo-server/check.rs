//! `--check-config`: all that can be wrong before the server starts.

use std::{
    net::{Ipv6Addr, SocketAddr},
    path::Path,
    process::ExitCode,
};

use anyhow::bail;
use dtls_echo::print;

use crate::{Args, acceptor, lines};

/// Makes everything that a server is made from, but for its sockets.
pub(crate) async fn check(args: &Args, cut: Option<&Path>) -> anyhow::Result<ExitCode> {
    if let Some(file) = cut {
        lines::warn(file, "--config");
    }
    let addresses = match &args.addr {
        Some(addr) => addr.resolve().await?,
        // Which sockets systemd will pass is not known yet.
        None => vec![SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0))],
    };
    if let Some(metrics) = &args.metrics {
        metrics.resolve().await?;
    }
    let (_, certificates) = acceptor(args, &addresses, None)?;
    for certificate in &certificates {
        print(format!("{certificate}\n"))?;
    }
    let refused = certificates.iter().filter(|it| it.is_refused()).count();
    if refused > 0 {
        bail!(
            "clients will refuse {refused} of {} certificates",
            certificates.len()
        );
    }
    print("the configuration is good\n")?;
    Ok(ExitCode::SUCCESS)
}
