//! Sessions' secrets, for whoever has to read a capture of them.

use std::{
    fmt,
    fs::OpenOptions,
    io::{self, Write},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use zeroize::Zeroizing;

/// Where the secrets of sessions are written, in the format that NSS started and that Wireshark
/// reads (RFC 9850); cheap to clone.
///
/// Whoever has them can read what the sessions carry. So this is for finding faults, and for
/// nothing else.
///
/// ```
/// use dtls_session::{Connector, KeyLog, Roots};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let path = std::env::temp_dir().join(format!("key-log-doc-{}", std::process::id()));
/// let log = KeyLog::to_file(&path)?;
/// let connector = Connector::builder(Roots::system()).key_log(log).build()?;
/// # std::fs::remove_file(path)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct KeyLog(Arc<dyn Fn(&str) + Send + Sync>);

impl KeyLog {
    /// Hands each line to `log`, without a newline; it is called during handshakes and should
    /// return soon.
    pub fn new(log: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(log))
    }

    /// Appends each line to a file, which is made, for its owner's eyes only, if it is not there.
    ///
    /// Several processes may write to the same file. What cannot be written is lost, and the
    /// first such loss is a warning.
    ///
    /// # Errors
    ///
    /// The operating system's if the file cannot be opened.
    pub fn to_file(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref().to_owned();
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path)?;
        let warned = AtomicBool::new(false);
        Ok(Self::new(move |line| {
            // In one write, so that no other's comes between.
            let line = Zeroizing::new(format!("{line}\n"));
            if let Err(error) = (&file).write_all(line.as_bytes())
                && !warned.swap(true, Relaxed)
            {
                tracing::warn!(path = %path.display(), %error, "cannot write the key log");
            }
        }))
    }

    pub(crate) fn write(&self, line: &str) {
        (self.0)(line);
    }
}

impl fmt::Debug for KeyLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyLog").finish_non_exhaustive()
    }
}
