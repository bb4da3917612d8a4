//! `--check-config`: all that can be wrong before the server starts.

use std::{
    io::{self, Write},
    net::{Ipv6Addr, SocketAddr},
    path::Path,
    process::ExitCode,
};

use anyhow::Context;
use dtls_echo::{CertificateFacts, Validity, plain, read};
use openssl::x509::X509;

use crate::{Args, acceptor, credentials, lines};

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
    acceptor(args, &addresses, None)?;
    let mut out = io::stdout();
    for file in credentials::certificates(args) {
        writeln!(out, "{}", describe(file)?)?;
    }
    writeln!(out, "the configuration is good")?;
    Ok(ExitCode::SUCCESS)
}

/// Whom a certificate is for, and until when: a server starts with an old one, and no client takes it.
fn describe(file: &Path) -> anyhow::Result<String> {
    let cannot = || format!("cannot use {}", file.display());
    let pem = read(file).with_context(cannot)?;
    let facts = CertificateFacts::of(&*X509::from_pem(&pem).with_context(cannot)?);
    let subject = plain(&facts.subject);
    let until = &facts.not_after;
    let validity = match (facts.validity, facts.expires_in_days) {
        (Validity::Expired, _) => format!("it has expired on {until}: clients will refuse it"),
        (Validity::NotYetValid, _) => {
            let from = &facts.not_before;
            format!("it is good only from {from} on: clients will refuse it until then")
        }
        (Validity::Valid, Some(days)) => format!("good until {until}, {days} days from now"),
        (Validity::Valid, None) => format!("good until {until}"),
    };
    Ok(format!("{}: {subject}, {validity}", file.display()))
}
