//! From an outcome to an exit code.

use std::process::ExitCode;

use anyhow::Context;
use tokio::runtime;

use crate::{LogArgs, describe, stderr, stdout::is_broken_pipe, tell_error};

/// Starts logging and runs a program's future on a current-thread runtime; an error goes to stderr,
/// with its causes, and makes the exit code 1.
pub fn run(log: LogArgs, program: impl Future<Output = anyhow::Result<ExitCode>>) -> ExitCode {
    let code = log
        .start()
        .and_then(|()| block_on(program))
        .unwrap_or_else(|error| {
            if is_broken_pipe(&error) {
                return ExitCode::SUCCESS;
            }
            tell_error(describe(&error));
            ExitCode::FAILURE
        });
    stderr::flush();
    code
}

fn block_on(program: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    let outcome = runtime.block_on(program);
    // A thread may still be waiting for a line at the terminal.
    runtime.shutdown_background();
    outcome
}
