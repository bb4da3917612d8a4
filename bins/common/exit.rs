//! From an outcome to an exit code.

use std::{io, process::ExitCode};

use tokio::runtime;

/// Runs a program's future on a current-thread runtime; an error goes to stderr, with its causes,
/// and makes the exit code 1.
pub fn run(program: impl Future<Output = anyhow::Result<ExitCode>>) -> ExitCode {
    let outcome = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| {
            let outcome = runtime.block_on(program);
            // A thread may still be waiting for a line at the terminal.
            runtime.shutdown_background();
            outcome
        });
    outcome.unwrap_or_else(|error| {
        if is_broken_pipe(&error) {
            return ExitCode::SUCCESS;
        }
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

/// Whether the reader of our output has gone, which is its right.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
