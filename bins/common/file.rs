//! Files that the command line names: regular ones, read to a bound, and replaced as a whole.

use std::{
    fs::{self, File, FileType, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

/// What is wrong with lines that are not [whole](is_whole).
pub const CUT: &str =
    "its last line has no newline, as if the file had been cut off: end it with one";

/// Whether the last line has its newline. A server may read a file while another program writes it, and
/// half a key is a key, too.
pub fn is_whole(lines: &str) -> bool {
    lines.is_empty() || lines.ends_with('\n')
}

/// Reads all of a regular file of up to 64 MiB, links followed, but for a byte-order mark at its start.
///
/// Other kinds are not even opened: a device may do something then, and a FIFO makes wait for ever.
///
/// # Errors
///
/// The operating system's, or what is wrong with the file.
pub fn read(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let metadata = fs::metadata(path)?;
    regular(metadata.file_type())?;
    // With room for all of it, so that no secret is left behind where there was too little.
    let mut bytes = Zeroizing::new(Vec::with_capacity(metadata.len().min(MOST) as usize + 1));
    File::open(path)?.take(MOST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST {
        return Err(unusable(format!(
            "it has more than {} MiB, of which no file is read more",
            MOST >> 20
        )));
    }
    if bytes.starts_with(BYTE_ORDER_MARK) {
        bytes.drain(..BYTE_ORDER_MARK.len());
    }
    Ok(bytes)
}

/// Reads a file as [`read`] does, which has to be UTF-8.
///
/// # Errors
///
/// As for [`read`], or that it is not UTF-8.
pub fn read_text(path: &Path) -> io::Result<Zeroizing<String>> {
    let mut bytes = read(path)?;
    let text = String::from_utf8(std::mem::take(&mut *bytes));
    text.map(Zeroizing::new).map_err(|error| {
        drop(Zeroizing::new(error.into_bytes()));
        unusable("it is not UTF-8".to_owned())
    })
}

/// Replaces a regular file as a whole, so that whoever reads it gets the old one or the new one; it is
/// made, for its owner's eyes only, if it is not there. A link stays one, and its target is replaced.
///
/// # Errors
///
/// The operating system's, or that the file is no regular one.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let target = target(path)?;
    match fs::metadata(&target) {
        Ok(metadata) => regular(metadata.file_type())?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", std::process::id()));
    let part = target.with_file_name(name);
    let written = private(&part).and_then(|mut file| file.write_all(bytes));
    let renamed = written.and_then(|()| fs::rename(&part, &target));
    if renamed.is_err() {
        let _ = fs::remove_file(&part);
    }
    renamed
}

/// Where links lead to, even if nothing is there yet.
fn target(path: &Path) -> io::Result<PathBuf> {
    let mut target = path.to_owned();
    // As many as Linux follows.
    for _ in 0..40 {
        match fs::read_link(&target) {
            Ok(next) => target = target.parent().unwrap_or_else(|| Path::new("")).join(next),
            Err(_) => return Ok(target),
        }
    }
    Err(unusable("its links lead in a circle".to_owned()))
}

/// Makes a file that nobody else may read.
fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn regular(file: FileType) -> io::Result<()> {
    if file.is_file() {
        return Ok(());
    }
    Err(unusable(format!(
        "it is {}: a regular file is needed, or a link to one",
        kind(file)
    )))
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

fn unusable(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what)
}

/// The most bytes that are read: as many as the library reads of a file.
const MOST: u64 = 64 << 20;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
