//! Every message of `docs/troubleshooting.md`, brought about.
//!
//! Each row of its tables is a test here and each test a row there; `...` in a message stands for
//! anything.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod admission;
mod certificates;
mod client;
#[path = "../common/mod.rs"]
mod common;
mod files;
mod path;
mod server;
mod stuck;

use std::{collections::BTreeSet, fs, pin::Pin, process::ExitCode};

use libtest_mimic::{Arguments, Trial};

/// A way to bring a message about: what the program has written then.
struct Case {
    message: &'static str,
    /// Whether this machine can do it.
    possible: bool,
    scene: Box<dyn FnOnce() -> Scene + Send>,
}

type Scene = Pin<Box<dyn Future<Output = String>>>;

impl Case {
    fn new<F>(message: &'static str, scene: impl FnOnce() -> F + Send + 'static) -> Self
    where
        F: Future<Output = String> + 'static,
    {
        Self {
            message,
            possible: true,
            scene: Box::new(|| Box::pin(scene())),
        }
    }

    fn only_if(mut self, possible: bool) -> Self {
        self.possible = possible;
        self
    }

    fn trial(self) -> Trial {
        let Self {
            message,
            possible,
            scene,
        } = self;
        common::trial(message, possible, move || async move {
            let written = scene().await;
            assert!(matches(&written, message), "no {message:?} in {written:?}");
        })
    }
}

fn main() -> ExitCode {
    let cases: Vec<Case> = client::cases()
        .into_iter()
        .chain(certificates::cases())
        .chain(files::cases())
        .chain(path::cases())
        .chain(server::cases())
        .chain(admission::cases())
        .chain(stuck::cases())
        .collect();
    let messages: BTreeSet<_> = cases.iter().map(|case| case.message.to_owned()).collect();
    assert_eq!(messages.len(), cases.len(), "a message has two tests");
    let table = common::trial("the_table_has_them_all", true, move || async move {
        assert_eq!(table(), messages);
    });
    let trials = cases.into_iter().map(Case::trial).chain([table]).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// The first column of all tables, which is in backquotes: two of them around what has such itself.
fn table() -> BTreeSet<String> {
    let path = format!("{}/docs/troubleshooting.md", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(path).unwrap();
    let mut rows = BTreeSet::new();
    for line in text.lines() {
        let double = line
            .strip_prefix("| `` ")
            .and_then(|row| row.split_once(" `` |"));
        let single = line
            .strip_prefix("| `")
            .and_then(|row| row.split_once("` |"));
        if let Some((message, _)) = double.or(single) {
            assert!(rows.insert(message.to_owned()), "two rows for {message:?}");
        }
    }
    rows
}

/// Whether the parts between the dots stand there one after the other.
fn matches(written: &str, message: &str) -> bool {
    let found = message.split("...").try_fold(written, |rest, part| {
        rest.split_once(part).map(|(_, behind)| behind)
    });
    found.is_some()
}
