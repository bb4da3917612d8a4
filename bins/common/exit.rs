//! From an outcome to an exit code.

use std::{io, process::ExitCode};

use tokio::runtime;

use crate::{LogArgs, tell_error};

/// Starts logging and runs a program's future on a current-thread runtime; an error goes to stderr,
/// with its causes, and makes the exit code 1.
pub fn run(log: LogArgs, program: impl Future<Output = anyhow::Result<ExitCode>>) -> ExitCode {
    log.start()
        .and_then(|()| block_on(program))
        .unwrap_or_else(|error| {
            if is_broken_pipe(&error) {
                return ExitCode::SUCCESS;
            }
            tell_error(format_args!("{error:#}"));
            ExitCode::FAILURE
        })
}

fn block_on(program: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(program);
    // A thread may still be waiting for a line at the terminal.
    runtime.shutdown_background();
    outcome
}

/// Whether the reader of our output has gone, which is its right.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
