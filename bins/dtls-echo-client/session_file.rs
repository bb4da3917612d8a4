//! The session that the next run may resume.

use std::{io, path::Path};

use anyhow::{Context, bail};
use dtls_echo::{read, replace};
use dtls_session::{Connector, Resumption};

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
        if let Err(error) = replace(path, resumption.as_der()) {
            tracing::warn!("cannot keep the session in {}: {error}", path.display());
        }
    }

    fn read(&self, connector: &Connector, name: &str) -> anyhow::Result<Option<Resumption>> {
        let bytes = match read(self.0) {
            // The first run.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            bytes => bytes.context("it cannot be read")?,
        };
        let resumption = Resumption::from_der(&bytes)?;
        if !connector.can_resume(name, &resumption) {
            bail!("it has expired, or belongs to another server name, authority or identity");
        }
        Ok(Some(resumption))
    }
}
