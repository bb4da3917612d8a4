//! Every direct dependency is used, and has its reason in docs/architecture.md.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{collections::BTreeSet, fs, process::Command};

use serde_json::Value;

#[test]
fn the_table_of_dependencies_agrees_with_the_manifests() {
    assert_eq!(reasons(), dependencies());
}

/// Cargo does not tell of these.
#[test]
fn the_workspace_names_no_dependency_that_nobody_uses() {
    assert_eq!(of_the_workspace(), dependencies());
}

#[test]
fn the_programs_know_openssl_by_the_library_alone() {
    let packages = packages();
    let programs = packages.iter().find(|it| it["name"] == "dtls-echo");
    let dependencies = programs.unwrap()["dependencies"].as_array().unwrap();
    let of_programs = dependencies.iter().filter(|it| it["kind"].is_null());
    let names: Vec<_> = of_programs.map(|it| it["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"dtls-session"), "{names:?}");
    assert!(!names.iter().any(|it| it.contains("openssl")), "{names:?}");
}

/// The crates in the table's first column.
fn reasons() -> BTreeSet<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/architecture.md");
    let text = fs::read_to_string(path).unwrap();
    let (_, section) = text.split_once("\n## Dependencies\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.flat_map(|row| {
        let column = row.split('|').nth(1).unwrap();
        column.split('`').skip(1).step_by(2).map(str::to_owned)
    })
    .collect()
}

/// The crates that the members of the workspace name, but for one another.
fn dependencies() -> BTreeSet<String> {
    let packages = packages();
    let named = packages
        .iter()
        .flat_map(|package| package["dependencies"].as_array().unwrap());
    let others = named.filter(|dependency| dependency["path"].is_null());
    others
        .map(|dependency| dependency["name"].as_str().unwrap().to_owned())
        .collect()
}

/// The members of the workspace.
fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version=1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

fn of_the_workspace() -> BTreeSet<String> {
    let manifest = include_str!("../Cargo.toml");
    let (_, section) = manifest.split_once("\n[workspace.dependencies]\n").unwrap();
    let (section, _) = section.split_once("\n[").unwrap();
    let lines = section.lines().filter(|line| !line.contains("path = "));
    lines
        .filter_map(|line| Some(line.split_once(" = ")?.0.to_owned()))
        .collect()
}
