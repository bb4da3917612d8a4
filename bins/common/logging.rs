//! Logging to stderr as RUST_LOG says.

use std::{env, io};

use anstream::{AutoStream, ColorChoice};
use anyhow::Context;
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

/// Starts logging what `RUST_LOG` asks for, and warnings where it does not say.
///
/// # Errors
///
/// If `RUST_LOG` is no filter, such as `info` or `dtls_session=trace`.
pub fn start_logging() -> anyhow::Result<()> {
    let wanted = env::var("RUST_LOG").unwrap_or_default();
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::WARN.into())
        .parse(&wanted)
        .with_context(|| format!("RUST_LOG={wanted:?} is not understood; try RUST_LOG=info"))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(AutoStream::choice(&io::stderr()) != ColorChoice::Never)
        .init();
    Ok(())
}
