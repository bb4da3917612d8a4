//! Tests that need a peer, which the machine may lack.

use std::process::{Command, Stdio};

use libtest_mimic::Trial;

/// Whether a command runs here.
pub(crate) fn has(command: &[&str]) -> bool {
    Command::new(command[0])
        .args(&command[1..])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// A test that is reported as ignored, and never as passed, where its peer is not here.
pub(crate) fn trial<F>(
    name: &str,
    peer_is_here: bool,
    test: impl FnOnce() -> F + Send + 'static,
) -> Trial
where
    F: Future<Output = ()>,
{
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(test());
        Ok(())
    };
    Trial::test(name, run).with_ignored_flag(!peer_is_here)
}
