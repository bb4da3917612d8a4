//! Logging to stderr as RUST_LOG says.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    env, fmt, io, panic,
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

use crate::stderr::{self, Stderr, tell};

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
    /// If `RUST_LOG` is no filter, such as `info` or `dtls_session=trace`, or no thread can be started.
    pub fn start(self) -> anyhow::Result<()> {
        let format = *FORMAT.get_or_init(|| self.log_format);
        stderr::start(notice).context("cannot start the thread that writes the log")?;
        // The standard library's own would wait for whoever reads stderr, with a shard.
        panic::set_hook(Box::new(|panic| {
            let trace = Backtrace::capture();
            match trace.status() {
                BacktraceStatus::Captured => tell_error(format_args!("{panic}\n{trace}")),
                _ => tell_error(panic),
            }
        }));
        let wanted = env::var("RUST_LOG").unwrap_or_default();
        let filter = EnvFilter::builder()
            .with_default_directive(LevelFilter::WARN.into())
            .parse(&wanted)
            .with_context(|| format!("RUST_LOG={wanted:?} is not understood; try RUST_LOG=info"))?;
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(|| Stderr);
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
        Some(LogFormat::Json) => object("ERROR", &error.to_string()),
        _ => format!("error: {error}\n"),
    };
    tell(&line);
}

/// The same for lines that could not be written before.
fn notice(lost: u64) -> String {
    let message = format!("lines of this log that could not be written: {lost}");
    match FORMAT.get() {
        Some(LogFormat::Json) => object("WARN", &message),
        _ => format!("warning: {message}\n"),
    }
}

fn object(level: &str, message: &str) -> String {
    let mut timestamp = String::new();
    // A line without its time is better than none.
    let _ = SystemTime.format_time(&mut Writer::new(&mut timestamp));
    let object = serde_json::json!({
        "timestamp": timestamp,
        "level": level,
        "message": message,
        "target": env!("CARGO_CRATE_NAME"),
    });
    format!("{object}\n")
}
