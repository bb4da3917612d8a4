//! Logging to stderr as RUST_LOG says.

use std::{env, io};

use anyhow::Context;
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

/// Starts logging what `RUST_LOG` asks for; where it does not say, warnings, and with `verbose`
/// what is of interest, too.
///
/// # Errors
///
/// If `RUST_LOG` is no filter, such as `info` or `dtls_session=trace`.
pub fn start_logging(verbose: bool) -> anyhow::Result<()> {
    let default = if verbose {
        LevelFilter::INFO
    } else {
        LevelFilter::WARN
    };
    let wanted = env::var("RUST_LOG").unwrap_or_default();
    let filter = EnvFilter::builder()
        .with_default_directive(default.into())
        .parse(&wanted)
        .with_context(|| format!("RUST_LOG={wanted:?} is not understood; try RUST_LOG=info"))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::IsTerminal::is_terminal(&io::stderr()))
        .init();
    Ok(())
}
