//! What a program tells packagers and shells about itself.

use std::{
    env,
    ffi::OsString,
    io::{self, Write},
    process,
    sync::LazyLock,
};

use clap::{Arg, ArgMatches, Command, Parser, ValueEnum, value_parser};
use clap_complete::{
    Generator,
    shells::{Bash, Fish, Zsh},
};

use dtls_session::linked;

use crate::{Manual, print, stdout::is_broken_pipe, tell_error};

/// Parses the command line of a program; with `--generate` it prints what that asks for, and exits.
pub fn parse<A: Parser>(manual: &Manual) -> A {
    parse_from(manual, env::args_os())
}

/// Parses a command line, the program's name first, as [`parse`] does.
pub fn parse_from<A: Parser>(manual: &Manual, args: impl IntoIterator<Item = OsString>) -> A {
    let mut command = A::command().arg(flag()).long_version(&**VERSION);
    let mut matches = command
        .try_get_matches_from_mut(args)
        .unwrap_or_else(|error| error.exit());
    if let Some(kind) = asked_for(&mut matches) {
        let mut text = Vec::new();
        let written = kind
            .write(A::command().arg(flag()), manual, &mut text)
            .map_err(Into::into);
        match written.and_then(|()| print(text)) {
            Err(error) if !is_broken_pipe(&error) => {
                tell_error(format_args!("{error:#}"));
                process::exit(1)
            }
            _ => process::exit(0),
        }
    }
    A::from_arg_matches_mut(&mut matches).unwrap_or_else(|error| error.format(&mut command).exit())
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    Man,
    Bash,
    Zsh,
    Fish,
}

impl Kind {
    fn write(self, mut command: Command, manual: &Manual, to: &mut dyn Write) -> io::Result<()> {
        let name = command.get_name().to_owned();
        command.set_bin_name(name);
        command.build();
        match self {
            Self::Man => manual.write(command, to),
            Self::Bash => Bash.try_generate(&command, to),
            Self::Zsh => Zsh.try_generate(&command, to),
            Self::Fish => Fish.try_generate(&command, to),
        }
    }
}

fn flag() -> Arg {
    Arg::new(ID)
        .long("generate")
        .value_name("KIND")
        .help("Print a manual page, or completions for a shell, and exit")
        .value_parser(value_parser!(Kind))
        .exclusive(true)
        // The last heading would be this flag's too.
        .help_heading(None)
}

fn asked_for(matches: &mut ArgMatches) -> Option<Kind> {
    matches.remove_one(ID)
}

const ID: &str = "generate";

/// What `--version` prints behind the name: faults of OpenSSL are the program's too.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let (program, openssl) = (env!("CARGO_PKG_VERSION"), linked::version());
    format!("{program}\nlinked with {openssl}")
});
