//! Whether secrets are written down, from the command line or the environment.

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::Args;
use dtls_session::KeyLog;

/// The flag that says where secrets go.
#[derive(Clone, Debug, Args)]
pub struct KeyLogArgs {
    /// Append the sessions' secrets to this file, for Wireshark to read a capture with [default:
    /// what SSLKEYLOGFILE names, if it is set]
    #[arg(long, value_name = "FILE")]
    keylog: Option<PathBuf>,
}

impl KeyLogArgs {
    /// Opens the file that the flag or else `SSLKEYLOGFILE` names, and warns of it.
    ///
    /// # Errors
    ///
    /// If it cannot be written to.
    pub fn open(&self) -> anyhow::Result<Option<KeyLog>> {
        if let Some(file) = &self.keylog {
            return open(file, "--keylog").map(Some);
        }
        match env::var_os("SSLKEYLOGFILE") {
            Some(file) if !file.is_empty() => open(file.as_ref(), "SSLKEYLOGFILE").map(Some),
            _ => Ok(None),
        }
    }
}

fn open(file: &Path, asked_by: &str) -> anyhow::Result<KeyLog> {
    let log = KeyLog::to_file(file).with_context(|| {
        format!(
            "cannot append to {}, which {asked_by} names",
            file.display()
        )
    })?;
    tracing::warn!(
        "{asked_by}: the sessions' secrets go to {}, and whoever has them can read the sessions",
        file.display()
    );
    Ok(log)
}
