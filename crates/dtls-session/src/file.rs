//! Files that somebody has named: regular ones, read to a bound.

use std::{
    fs::{self, File, FileType},
    io::{self, Read},
    path::Path,
};

use thiserror::Error;
use zeroize::Zeroizing;

/// The most bytes of a file that are read: a million keys, or a hundred times the system's authorities.
pub(crate) const MOST: u64 = 64 << 20;

/// Reads all of a regular file, links followed, but for a byte-order mark at its start.
///
/// Other kinds are not even opened: a device may do something then, and a FIFO makes wait for ever.
pub(crate) fn read(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let length = check(path)?;
    // With room for all of it, so that no secret is left behind where there was too little.
    let mut bytes = Zeroizing::new(Vec::with_capacity(length.min(MOST) as usize + 1));
    File::open(path)?.take(MOST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST {
        return Err(unusable(FileError::TooLong));
    }
    if bytes.starts_with(BYTE_ORDER_MARK.as_bytes()) {
        bytes.drain(..BYTE_ORDER_MARK.len());
    }
    Ok(bytes)
}

/// Reads a file as [`read`] does, which has to be UTF-8.
pub(crate) fn read_text(path: &Path) -> io::Result<Zeroizing<String>> {
    let mut bytes = read(path)?;
    let text = String::from_utf8(std::mem::take(&mut *bytes));
    text.map(Zeroizing::new).map_err(|error| {
        drop(Zeroizing::new(error.into_bytes()));
        unusable(FileError::NotText)
    })
}

/// Makes sure that a file is a regular one, and returns its length.
pub(crate) fn check(path: &Path) -> io::Result<u64> {
    let metadata = fs::metadata(path)?;
    if metadata.is_file() {
        Ok(metadata.len())
    } else {
        Err(unusable(FileError::NotRegular {
            kind: kind(metadata.file_type()),
        }))
    }
}

/// Text without the mark that some editors put before it, which is no part of it.
pub(crate) fn unmarked(text: &str) -> &str {
    text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)
}

/// The same for files that were joined, which have one in the middle.
pub(crate) fn without_marks(mut bytes: &[u8]) -> Vec<u8> {
    let mark = BYTE_ORDER_MARK.as_bytes();
    let mut clean = Vec::with_capacity(bytes.len());
    while let Some(place) = bytes.windows(mark.len()).position(|it| it == mark) {
        clean.extend_from_slice(&bytes[..place]);
        bytes = &bytes[place + mark.len()..];
    }
    clean.extend_from_slice(bytes);
    clean
}

pub(crate) const BYTE_ORDER_MARK: &str = "\u{feff}";

#[derive(Debug, Error)]
enum FileError {
    #[error("it is {kind}: a regular file is needed, or a link to one")]
    NotRegular { kind: &'static str },
    #[error("it has more than {} MiB, of which no file is read more", MOST >> 20)]
    TooLong,
    #[error("it is not UTF-8")]
    NotText,
}

fn unusable(error: FileError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, error)
}

fn kind(file: FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if file.is_fifo() {
            return "a pipe";
        }
        if file.is_socket() {
            return "a socket";
        }
        if file.is_char_device() || file.is_block_device() {
            return "a device";
        }
    }
    if file.is_dir() {
        "a directory"
    } else {
        "something else"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_are_read() {
        let error = read(&std::env::temp_dir()).unwrap_err().to_string();
        assert!(error.contains("a directory: a regular file"), "{error}");
        #[cfg(unix)]
        for device in ["/dev/zero", "/dev/null"] {
            let error = read(Path::new(device)).unwrap_err().to_string();
            assert!(error.contains("a device: a regular file"), "{error}");
        }
    }

    #[test]
    fn no_more_is_read_than_the_bound() {
        let path = std::env::temp_dir().join(format!("dtls-session-long-{}", std::process::id()));
        let file = File::create(&path).unwrap();
        // Takes no room on the disk.
        file.set_len(MOST + 1).unwrap();
        let error = read(&path).unwrap_err().to_string();
        fs::remove_file(&path).unwrap();
        assert!(error.contains("more than 64 MiB"), "{error}");
    }
}
