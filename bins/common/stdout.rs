//! What a program was asked for, on stdout.

use std::{
    io::{self, Write},
    time::Duration,
};

use anyhow::Context;
use tokio::{task::spawn_blocking, time::timeout};

/// Writes to stdout, all of it and at once.
///
/// # Errors
///
/// What stdout says, a full disk for example; [`run`](crate::run) passes over a reader that has gone.
pub fn print(text: impl AsRef<[u8]>) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_ref()).and_then(|()| out.flush());
    written.context("cannot write to stdout")
}

/// Writes to stdout what nobody has to read: a reader that has gone is no error, and one that does not
/// read is waited for a second.
///
/// # Errors
///
/// As for [`print()`].
pub async fn announce(text: String) -> anyhow::Result<()> {
    let printing = spawn_blocking(move || print(text));
    match timeout(Duration::from_secs(1), printing).await {
        Ok(printed) => match printed? {
            Err(error) if is_broken_pipe(&error) => Ok(()),
            printed => printed,
        },
        Err(_) => {
            tracing::warn!(
                "nobody reads stdout: the first lines of this program are missing there"
            );
            Ok(())
        }
    }
}

/// Whether the reader of our output has gone, which is its right.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
