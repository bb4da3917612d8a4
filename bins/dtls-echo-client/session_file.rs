//! The session that the next run may resume.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use dtls_session::{Connector, Resumption};
use zeroize::Zeroizing;

/// A file that holds one session, keys included. What goes wrong with it costs a full handshake
/// and is a warning: it is never in the way.
#[derive(Debug)]
pub(crate) struct SessionFile<'a>(pub(crate) &'a Path);

impl SessionFile<'_> {
    /// Reads what the last run has left, if that is still good for the server called `name`.
    pub(crate) fn load(&self, connector: &Connector, name: &str) -> Option<Resumption> {
        let Self(path) = self;
        self.read(connector, name).unwrap_or_else(|error| {
            tracing::warn!(
                "cannot use {} for --session, so the handshake is a full one: {error:#}",
                path.display()
            );
            None
        })
    }

    /// Leaves a session to the next run.
    pub(crate) fn store(&self, resumption: Option<Resumption>) {
        let Self(path) = self;
        let Some(resumption) = resumption else {
            tracing::warn!("the server gave nothing to keep for --session");
            return;
        };
        if let Err(error) = self.write(resumption.as_der()) {
            tracing::warn!("cannot keep the session in {}: {error}", path.display());
        }
    }

    fn read(&self, connector: &Connector, name: &str) -> anyhow::Result<Option<Resumption>> {
        let bytes = match fs::read(self.0) {
            // The first run.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            bytes => Zeroizing::new(bytes.context("it cannot be read")?),
        };
        let resumption = Resumption::from_der(&bytes)?;
        if !connector.can_resume(name, &resumption) {
            bail!("it has expired, or belongs to another server name, authority or identity");
        }
        Ok(Some(resumption))
    }

    /// Replaces the file as a whole, so that another run reads the old session or the new one.
    fn write(&self, der: &[u8]) -> io::Result<()> {
        let mut name = self.0.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}", std::process::id()));
        let part: PathBuf = self.0.with_file_name(name);
        let written = private(&part).and_then(|mut file| file.write_all(der));
        let renamed = written.and_then(|()| fs::rename(&part, self.0));
        if renamed.is_err() {
            let _ = fs::remove_file(&part);
        }
        renamed
    }
}

/// Makes a file that nobody else may read.
fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
