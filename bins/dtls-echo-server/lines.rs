//! Files of lines, which somebody may be writing at this moment.

use std::{error::Error, path::Path};

use anyhow::{Context, bail};
use dtls_echo::{CUT, is_whole, read_text};

/// When they are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lines {
    /// A last line without its newline is a warning, for many programs leave it out.
    OfStart,
    /// It is refused, since what there was before is known to be whole.
    OfReload,
}

impl Lines {
    /// Makes something of a file's text.
    pub(crate) fn read<T, E: Error + Send + Sync + 'static>(
        self,
        file: &Path,
        flag: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> anyhow::Result<T> {
        let cannot = || format!("cannot use {} for {flag}", file.display());
        let text = read_text(file).with_context(cannot)?;
        match self {
            _ if is_whole(&text) => {}
            Self::OfStart => warn(file, flag),
            Self::OfReload => bail!("{}: {CUT}", cannot()),
        }
        parse(&text).with_context(cannot)
    }
}

/// Tells of a file that a reload would refuse.
pub(crate) fn warn(file: &Path, flag: &str) {
    tracing::warn!("{} for {flag}: {CUT}; SIGHUP refuses it", file.display());
}
