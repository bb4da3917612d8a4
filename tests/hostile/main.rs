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

/// Starts the server with one shard, which takes what comes in its order: when a session's echo is
/// back, what was sent before has been looked at.
async fn serve(flags: &[&str]) -> Server {
    Server::start(&[&["--shards", "1"], flags].concat()).await
}

/// Ends the server and returns what it had counted.
async fn counted(server: Server) -> HashMap<String, u64> {
    server.program.signal("-TERM");
    let ended = server.program.end().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let report = ended.err.lines().filter(|line| line.contains(" in all"));
    let fields = report.flat_map(str::split_whitespace);
    fields
        .filter_map(|field| {
            let (name, value) = field.split_once('=')?;
            Some((name.to_owned(), value.parse().ok()?))
        })
        .collect()
}
