//! Files and sockets, of which a process may have so many.

use std::io;

/// An error with its causes, and what helps where there may be no more files and sockets.
pub fn describe(error: &anyhow::Error) -> String {
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref());
    if causes.any(is_out_of_files) {
        format!(
            "{error:#} (this process may have no more files and sockets open: `ulimit -n NUMBER` before \
             it, or LimitNOFILE= in its systemd unit, allows more)"
        )
    } else {
        format!("{error:#}")
    }
}

/// Whether a file or a socket could not be opened because there are too many.
pub fn is_out_of_files(error: &io::Error) -> bool {
    cfg!(unix) && matches!(error.raw_os_error(), Some(ENFILE | EMFILE))
}

/// The same numbers on all Unix systems.
const ENFILE: i32 = 23;
const EMFILE: i32 = 24;
