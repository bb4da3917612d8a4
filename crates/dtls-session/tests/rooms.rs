//! The source keeps to its rooms: who may use whom, who knows OpenSSL, and where unsafe code is.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// The folders of `src/` and the files beside them. Each may use those in earlier lines, and itself.
const ROOMS: &[&[&str]] = &[
    &[
        "alert",
        "certificate",
        "datagrams",
        "deadline",
        "file",
        "guard",
        "stats",
        "wall_clock",
    ],
    &["settings"],
    &["error"],
    &["openssl"],
    &["credentials"],
    &["cookie", "records", "resumption"],
    &["record_layer"],
    &["info"],
    &["established"],
    &["session"],
    &["handshake"],
    &["client", "server"],
];

/// They put everything together, or are documentation, or serve benchmarks.
const ABOVE_ALL: &[&str] = &["lib", "guide", "internals"];

#[test]
fn arrows_point_one_way() {
    let floors: BTreeMap<_, _> = ROOMS
        .iter()
        .enumerate()
        .flat_map(|(floor, rooms)| rooms.iter().map(move |room| (*room, floor)))
        .collect();
    let (mut wrong, mut seen) = (BTreeSet::new(), 0);
    for source in Source::all() {
        let room = source.room();
        if ABOVE_ALL.contains(&&*room) {
            continue;
        }
        let floor = floors
            .get(&*room)
            .unwrap_or_else(|| panic!("{room} has no place in ROOMS"));
        for used in source
            .of_this_crate()
            .into_iter()
            .filter(|used| *used != room)
        {
            seen += 1;
            if floors.get(&*used).is_none_or(|below| below >= floor) {
                wrong.insert(format!("{} uses {used}", source.path.display()));
            }
        }
    }
    assert!(seen > 200, "only {seen} arrows were found");
    assert!(wrong.is_empty(), "not below them:\n{}", join(wrong));
}

#[test]
fn only_one_folder_knows_openssl() {
    let (mut wrong, mut within) = (BTreeSet::new(), 0);
    for source in Source::all() {
        let foreign = source
            .paths()
            .filter(|path| OPENSSL.contains(&&*path[0]))
            .count();
        match &*source.room() {
            "openssl" => within += foreign,
            // There the name is this crate's own folder.
            "lib" => {}
            _ if foreign > 0 => {
                wrong.insert(source.path.display().to_string());
            }
            _ => {}
        }
    }
    assert!(within > 20, "only {within} imports were found in openssl/");
    assert!(wrong.is_empty(), "OpenSSL is imported in\n{}", join(wrong));
}

/// What `configure` hands out.
#[test]
fn only_the_builders_name_types_of_openssl() {
    let namers: BTreeSet<_> = Source::all()
        .into_iter()
        .filter(|source| source.room() != "openssl")
        .filter(|source| {
            source
                .paths()
                .any(|path| path.starts_with(&LINKED.map(str::to_owned)))
        })
        .map(|source| source.path.display().to_string())
        .collect();
    assert_eq!(namers.len(), 2, "{namers:?}");
    assert!(
        namers.iter().all(|path| path.ends_with("/builder.rs")),
        "{namers:?}"
    );
}

#[test]
fn unsafe_code_is_in_one_folder() {
    let is_unsafe = |source: &Source| {
        let words = source
            .code
            .split(|character: char| !character.is_alphanumeric());
        words.into_iter().any(|word| word == "unsafe")
    };
    let (within, without): (Vec<_>, Vec<_>) = Source::all()
        .into_iter()
        .filter(is_unsafe)
        .map(|source| source.path.display().to_string())
        .partition(|path| path.contains("src/openssl/ffi/"));
    assert!(within.len() > 5 && without.is_empty(), "{without:?}");
}

/// A reader of a folder learns first what it is for, and what it may use.
#[test]
fn each_folder_says_what_it_may_use() {
    let heads: Vec<_> = Source::all()
        .into_iter()
        .filter(|source| source.path.ends_with("mod.rs") && source.depth() == 2)
        .collect();
    assert!(heads.len() > 8, "{}", heads.len());
    for head in heads {
        let first: String = head
            .text
            .lines()
            .map_while(|line| line.strip_prefix("//!"))
            .take_while(|line| !line.is_empty())
            .collect();
        assert!(first.contains(" use"), "{}: {first}", head.path.display());
    }
}

struct Source {
    path: PathBuf,
    text: String,
    /// Without comments and tests.
    code: String,
}

impl Source {
    fn all() -> Vec<Self> {
        let mut files = Vec::new();
        walk(&root(), &mut files);
        let tests: BTreeSet<_> = files
            .iter()
            .flat_map(|file| modules_of_tests(file))
            .collect();
        let sources = files.into_iter().filter(|file| !tests.contains(file));
        let sources = sources.map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let code = code(&text);
            Self { path, text, code }
        });
        sources.collect()
    }

    /// The first part of its path below `src/`.
    fn room(&self) -> String {
        let below = self.path.strip_prefix(root()).unwrap();
        let first = below.iter().next().unwrap().to_str().unwrap();
        first.trim_end_matches(".rs").to_owned()
    }

    fn depth(&self) -> usize {
        self.path.strip_prefix(root()).unwrap().iter().count()
    }

    /// What it names of this crate, by the first part; what `lib.rs` only gives a name is left out.
    fn of_this_crate(&self) -> BTreeSet<String> {
        self.paths()
            .filter(|path| path[0] == "crate")
            .filter_map(|path| path.get(1).cloned())
            .filter(|name| name.starts_with(char::is_lowercase))
            .collect()
    }

    /// All paths that are used or have several parts, those in braces written out.
    fn paths(&self) -> impl Iterator<Item = Vec<String>> {
        let (mut paths, mut rest) = (Vec::new(), String::new());
        let mut lines = self.code.lines();
        while let Some(line) = lines.next() {
            let words = line.trim_start().trim_start_matches("pub");
            let words = words
                .trim_start_matches("(crate)")
                .trim_start_matches("(super)");
            let Some(begun) = words.trim_start().strip_prefix("use ") else {
                rest += line;
                rest.push('\n');
                continue;
            };
            let mut statement = begun.to_owned();
            while !statement.ends_with(';') {
                statement += lines.next().unwrap();
            }
            expand(statement.trim_end_matches(';'), &[], &mut paths);
        }
        for path in rest.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':') {
            if path.contains("::") {
                expand(path, &[], &mut paths);
            }
        }
        paths.into_iter().filter(|path| !path.is_empty())
    }
}

/// Writes out `a::{b, c::{d, e}}`.
fn expand(tree: &str, before: &[String], paths: &mut Vec<Vec<String>>) {
    let tree = tree.trim();
    let Some((stem, branches)) = tree.split_once('{') else {
        let tree = tree.split(" as ").next().unwrap();
        paths.push(before.iter().cloned().chain(parts(tree)).collect());
        return;
    };
    let stem: Vec<_> = before.iter().cloned().chain(parts(stem)).collect();
    let (mut depth, mut start) = (1, 0);
    for (place, character) in branches.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 || depth == 1 && character == ',' {
            let branch = &branches[start..place];
            if !branch.trim().is_empty() {
                expand(branch, &stem, paths);
            }
            start = place + 1;
        }
        if depth == 0 {
            break;
        }
    }
}

/// Without the `::` that a path may begin with.
fn parts(path: &str) -> impl Iterator<Item = String> {
    let parts = path.split("::").map(|part| part.trim().to_owned());
    parts.filter(|part| !part.is_empty())
}

/// Leaves out comments, and the tests, which stand last.
fn code(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    let tests = lines.windows(2).position(|pair| {
        pair[0] == "#[cfg(test)]" && pair[1].contains("mod ") && pair[1].ends_with('{')
    });
    let code = lines[..tests.unwrap_or(lines.len())].iter();
    let code = code.filter(|line| !line.trim_start().starts_with("//"));
    code.map(|line| format!("{line}\n")).collect()
}

/// The files that a file has as modules for its tests alone.
fn modules_of_tests(file: &Path) -> Vec<PathBuf> {
    let text = fs::read_to_string(file).unwrap();
    let lines: Vec<_> = text.lines().collect();
    let declared = lines.windows(2).filter(|pair| pair[0] == "#[cfg(test)]");
    let names = declared.filter_map(|pair| pair[1].split_once("mod ")?.1.strip_suffix(';'));
    names
        .map(|name| file.with_file_name(format!("{name}.rs")))
        .collect()
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn join(lines: BTreeSet<String>) -> String {
    lines.into_iter().collect::<Vec<_>>().join("\n")
}

/// The crates that are OpenSSL, or show it.
const OPENSSL: &[&str] = &["openssl", "openssl_sys", "foreign_types", "tokio_openssl"];

const LINKED: [&str; 4] = ["crate", "openssl", "linked", "openssl"];
