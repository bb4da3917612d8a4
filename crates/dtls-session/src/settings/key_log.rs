//! Sessions' secrets, for whoever has to read a capture of them.

use std::{
    fs::OpenOptions,
    io::{self, Write},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use zeroize::Zeroizing;

use crate::file;

/// Takes one line of a key log, without its newline.
pub(crate) type KeyLog = Arc<dyn Fn(&str) + Send + Sync>;

/// Appends lines to a file, which is made for its owner's eyes only.
pub(crate) fn file(path: &Path) -> io::Result<KeyLog> {
    match file::check(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    let path = path.to_owned();
    let warned = AtomicBool::new(false);
    Ok(Arc::new(move |line| {
        // In one write, so that no other process's line comes between.
        let line = Zeroizing::new(format!("{line}\n"));
        if let Err(error) = (&file).write_all(line.as_bytes())
            && !warned.swap(true, Relaxed)
        {
            tracing::warn!(path = %path.display(), %error, "secrets are missing in the key log");
        }
    }))
}
