//! The real server, faced with people who mean it harm.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../common/mod.rs"]
mod common;
mod floods;
mod injection;
mod limits;
mod living;
mod raw;
mod restarts;
mod socket;

use std::collections::HashMap;

use common::Server;

/// Ends the server and returns what it had counted.
async fn counted(server: Server) -> HashMap<String, u64> {
    server.program.signal("-TERM");
    let ended = server.program.end().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let report = ended.err.lines().filter(|line| line.contains(" in all"));
    let mut counts = HashMap::new();
    // Each shard tells of its own socket.
    for field in report.flat_map(str::split_whitespace) {
        if let Some((name, value)) = field.split_once('=')
            && let Ok(value) = value.parse::<u64>()
        {
            *counts.entry(name.to_owned()).or_default() += value;
        }
    }
    counts
}
