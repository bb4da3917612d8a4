//! Logging to stderr as RUST_LOG says.

use std::{
    env, fmt,
    io::{self, Write},
    sync::OnceLock,
};

use anstream::{AutoStream, ColorChoice};
use anyhow::Context;
use clap::{Args, ValueEnum};
use tracing_subscriber::{
    EnvFilter,
    filter::LevelFilter,
    fmt::{
        format::Writer,
        time::{FormatTime, SystemTime},
    },
};

/// The flag that says how log lines look.
#[derive(Clone, Copy, Debug, Args)]
pub struct LogArgs {
    /// Log for people, or for tools: one JSON object a line
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

/// Set once, as the subscriber is.
static FORMAT: OnceLock<LogFormat> = OnceLock::new();

impl LogArgs {
    /// Starts logging what `RUST_LOG` asks for, and warnings where it does not say.
    ///
    /// # Errors
    ///
    /// If `RUST_LOG` is no filter, such as `info` or `dtls_session=trace`.
    pub fn start(self) -> anyhow::Result<()> {
        let format = *FORMAT.get_or_init(|| self.log_format);
        let wanted = env::var("RUST_LOG").unwrap_or_default();
        let filter = EnvFilter::builder()
            .with_default_directive(LevelFilter::WARN.into())
            .parse(&wanted)
            .with_context(|| format!("RUST_LOG={wanted:?} is not understood; try RUST_LOG=info"))?;
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(io::stderr);
        match format {
            LogFormat::Text => subscriber
                .with_ansi(AutoStream::choice(&io::stderr()) != ColorChoice::Never)
                .init(),
            LogFormat::Json => subscriber.json().flatten_event(true).init(),
        }
        Ok(())
    }
}

/// Writes an error to stderr in the form that logging has, whatever `RUST_LOG` leaves out.
pub fn tell_error(error: impl fmt::Display) {
    let line = match FORMAT.get() {
        Some(LogFormat::Json) => {
            let mut timestamp = String::new();
            // A line without its time is better than none.
            let _ = SystemTime.format_time(&mut Writer::new(&mut timestamp));
            let message = error.to_string();
            serde_json::json!({
                "timestamp": timestamp,
                "level": "ERROR",
                "message": message,
                "target": env!("CARGO_CRATE_NAME"),
            })
            .to_string()
        }
        _ => format!("error: {error}"),
    };
    // Whoever closed stderr does not want to know.
    let _ = writeln!(io::stderr(), "{line}");
}
