//! Manual pages and completions, as packagers and shells take them.
//!
//! A test whose shell is not on this machine is reported as ignored, never as passed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::process::{Command, ExitCode};

use common::{Files, has, trial};
use libtest_mimic::Arguments;

const PROGRAMS: [(&str, &str); 3] = [
    ("dtls-echo-server", env!("CARGO_BIN_EXE_dtls-echo-server")),
    ("dtls-echo-client", env!("CARGO_BIN_EXE_dtls-echo-client")),
    ("dtls-echo-load", env!("CARGO_BIN_EXE_dtls-echo-load")),
];

fn main() -> ExitCode {
    let groff = has(&["groff", "--version"]);
    let shell = |name: &'static str| has(&[name, "-c", "true"]);
    let trials = vec![
        trial("manual_pages_tell_of_every_flag", true, manual_pages),
        trial("programs_md_tells_of_every_flag", true, programs),
        trial("groff_finds_nothing_wrong", groff, formatted),
        trial("bash_completes", shell("bash"), bash),
        trial("zsh_takes_the_completions", shell("zsh"), || loaded("zsh")),
        trial("fish_completes", shell("fish"), fish),
        trial("generate_goes_with_nothing_else", true, alone),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

async fn manual_pages() {
    for (name, program) in PROGRAMS {
        let page = generate(program, "man");
        // Roff writes a hyphen that is to be copied as `\-`.
        let plain = page.replace("\\-", "-");
        for flag in flags(program) {
            assert!(plain.contains(&flag), "{name}'s page lacks {flag}");
        }
        for section in [
            "NAME",
            "SYNOPSIS",
            "OPTIONS",
            "EXIT STATUS",
            "ENVIRONMENT",
            "EXAMPLES",
        ] {
            let heading = [format!(".SH {section}\n"), format!(".SH \"{section}\"\n")];
            assert!(
                heading.iter().any(|heading| page.contains(heading)),
                "{name}'s page lacks {section}"
            );
        }
    }
}

async fn programs() {
    let programs = include_str!("../docs/programs.md");
    let words: Vec<_> = programs
        .split(|c: char| !(c.is_ascii_alphanumeric() || "-_".contains(c)))
        .collect();
    let mut known = vec!["--help".to_owned(), "--version".to_owned()];
    for (name, program) in PROGRAMS {
        for flag in flags(program) {
            let told = words.contains(&&*flag) || known.contains(&flag);
            assert!(told, "programs.md lacks {name}'s {flag}");
            known.push(flag);
        }
    }
    for word in words
        .iter()
        .filter(|word| word.starts_with("--") && !word.ends_with('-'))
    {
        assert!(known.contains(&(*word).to_owned()), "no program has {word}");
    }
}

async fn formatted() {
    let files = Files::new();
    for (name, program) in PROGRAMS {
        let page = files.write(&format!("{name}.1"), generate(program, "man"));
        let output = run("groff", &["-man", "-Tutf8", "-ww", &page]);
        assert_eq!(String::from_utf8_lossy(&output.1), "", "{name}");
        assert!(!output.0.is_empty());
    }
}

async fn bash() {
    let files = Files::new();
    for (name, program) in PROGRAMS {
        let script = files.write(name, generate(program, "bash"));
        // What bash does at the tabulator key.
        let ask = format!(
            "source {script}; COMP_WORDS=({name} --time); COMP_CWORD=1; \
             f=$(complete -p {name} | sed 's/.*-F \\([^ ]*\\).*/\\1/'); $f {name} --time {name}; \
             printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        let (out, err) = run("bash", &["--norc", "-c", &ask]);
        let offered = String::from_utf8_lossy(&out).into_owned();
        let expected = flags(program)
            .into_iter()
            .filter(|flag| flag.starts_with("--time"));
        let expected: Vec<_> = expected.collect();
        let offered: Vec<_> = offered.lines().filter(|line| !line.is_empty()).collect();
        assert_eq!(offered, expected, "{}", String::from_utf8_lossy(&err));
    }
}

async fn fish() {
    let files = Files::new();
    for (name, program) in PROGRAMS {
        let script = files.write(name, generate(program, "fish"));
        let ask = format!("source {script}; complete --do-complete '{name} --vers'");
        let (out, err) = run("fish", &["--no-config", "-c", &ask]);
        let offered = String::from_utf8_lossy(&out);
        assert!(
            offered.lines().any(|line| line.starts_with("--version")),
            "{offered} {}",
            String::from_utf8_lossy(&err)
        );
    }
}

/// A completion for zsh is a function that only its own machinery can call; that it is one is what is shown.
async fn loaded(shell: &str) {
    let files = Files::new();
    for (name, program) in PROGRAMS {
        let script = files.write(&format!("_{name}"), generate(program, shell));
        assert!(generate(program, shell).starts_with(&format!("#compdef {name}\n")));
        let ask = format!(
            "fpath=({} $fpath); autoload -Uz compinit; compinit -u -D; print ${{_comps[{name}]}}; zsh -n {script}",
            std::path::Path::new(&script).parent().unwrap().display()
        );
        let (out, err) = run(shell, &["-f", "-c", &ask]);
        let said = String::from_utf8_lossy(&out).into_owned();
        assert_eq!(
            said.trim(),
            format!("_{name}"),
            "{}",
            String::from_utf8_lossy(&err)
        );
    }
}

async fn alone() {
    for (_, program) in PROGRAMS {
        let output = Command::new(program)
            .args(["--generate", "man", "127.0.0.1:1"])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(output.stdout.is_empty());
    }
}

/// The long flags that a program's help names.
fn flags(program: &str) -> Vec<String> {
    let output = Command::new(program).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let flags = help.lines().filter_map(|line| {
        let line = line.trim_start();
        let line = line
            .split_once(", ")
            .filter(|(short, _)| short.len() == 2)
            .map_or(line, |(_, long)| long);
        let flag = line.split([' ', '=', '[']).next()?;
        flag.starts_with("--").then(|| flag.to_owned())
    });
    let flags: Vec<_> = flags.collect();
    assert!(flags.len() > 10, "{help}");
    flags
}

fn generate(program: &str, kind: &str) -> String {
    let output = Command::new(program)
        .args(["--generate", kind])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn run(program: &str, args: &[&str]) -> (Vec<u8>, Vec<u8>) {
    let output = Command::new(program).args(args).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    (output.stdout, output.stderr)
}
