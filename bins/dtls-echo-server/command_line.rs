//! The command line, and the file that completes it.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fmt, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Arg, ArgMatches, Command, CommandFactory, parser::ValueSource};

use dtls_echo::is_whole;

use crate::{
    Args,
    config::{self, Fault, Setting},
};

/// What was written after the program's name, and before it.
#[derive(Clone, Debug)]
pub(crate) struct CommandLine(Vec<OsString>);

/// A command line with what the file says put into it.
#[derive(Clone, Debug)]
pub(crate) struct Complete {
    given: Vec<OsString>,
    settings: Vec<Setting>,
    cut: Option<PathBuf>,
}

/// Why a configuration file is of no use.
#[derive(Debug)]
pub(crate) enum ConfigError {
    Read { path: PathBuf, source: io::Error },
    Fault { path: PathBuf, fault: Fault },
}

impl CommandLine {
    pub(crate) fn new(args: Vec<OsString>) -> Self {
        Self(args)
    }

    /// Reads the file that `--config` names, if there is one.
    ///
    /// What stands on the command line overrides what stands in the file, and so does what
    /// cannot be together with it.
    pub(crate) fn complete(&self) -> Result<Complete, ConfigError> {
        let mut command = Args::command();
        command.build();
        let mut complete = Complete {
            given: self.0.clone(),
            settings: Vec::new(),
            cut: None,
        };
        if let Some((path, given)) = self.given(&command) {
            let (settings, whole) = read(&path, &command)?;
            let counts = |setting: &Setting| !is_displaced(&setting.key, &command, &given);
            complete.settings = settings.into_iter().filter(counts).collect();
            complete.cut = (!whole).then_some(path);
        }
        Ok(complete)
    }

    /// The file and what is on the command line beside it; None where that alone is wrong already.
    fn given(&self, command: &Command) -> Option<(PathBuf, ArgMatches)> {
        let matches = match command.clone().try_get_matches_from(&self.0) {
            Ok(matches) => matches,
            // What is missing may stand in the file.
            Err(error) if config::is_about_others(error.kind()) => {
                let lenient = command.clone().ignore_errors(true);
                lenient.try_get_matches_from(&self.0).ok()?
            }
            Err(_) => return None,
        };
        let path = matches.get_one::<PathBuf>("config")?.clone();
        Some((path, matches))
    }
}

impl Complete {
    /// The program's name and all arguments, those of the file first.
    pub(crate) fn args(&self) -> Vec<OsString> {
        let (name, given) = self.given.split_at(1.min(self.given.len()));
        let settings = self.settings.iter().flat_map(|setting| &setting.args);
        let settings = settings.map(OsString::from);
        name.iter()
            .cloned()
            .chain(settings)
            .chain(given.iter().cloned())
            .collect()
    }

    /// The file, if its last line may have been cut.
    pub(crate) fn cut(&self) -> Option<&Path> {
        self.cut.as_deref()
    }

    /// The keys that this file and another one differ in.
    pub(crate) fn changed(&self, other: &Self) -> BTreeSet<String> {
        let (ours, theirs) = (self.by_key(), other.by_key());
        let keys = ours.keys().chain(theirs.keys());
        keys.filter(|key| ours.get(*key) != theirs.get(*key))
            .map(|key| (*key).to_owned())
            .collect()
    }

    fn by_key(&self) -> BTreeMap<&str, &[String]> {
        let settings = self.settings.iter();
        settings
            // A switch that is off might as well not be there.
            .filter(|setting| !setting.args.is_empty())
            .map(|setting| (&*setting.key, &*setting.args))
            .collect()
    }
}

/// The settings, and whether the last line has its newline.
fn read(path: &Path, command: &Command) -> Result<(Vec<Setting>, bool), ConfigError> {
    let bytes = dtls_echo::read(path).map_err(|source| ConfigError::Read {
        path: path.to_owned(),
        source,
    })?;
    let settings = match str::from_utf8(&bytes) {
        Ok(text) => config::settings(text, command).map(|settings| (settings, is_whole(text))),
        Err(error) => {
            let before = &bytes[..error.valid_up_to()];
            let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
            let what = "this is not UTF-8".to_owned();
            Err(Fault { line, what })
        }
    };
    settings.map_err(|fault| ConfigError::Fault {
        path: path.to_owned(),
        fault,
    })
}

fn is_displaced(key: &str, command: &Command, given: &ArgMatches) -> bool {
    let is_given =
        |arg: &Arg| given.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine);
    let Some(own) = command
        .get_arguments()
        .find(|arg| config::key_of(arg) == key)
    else {
        return false;
    };
    command
        .get_arguments()
        .filter(|arg| is_given(arg))
        .any(|arg| {
            let conflicts = |one, other: &Arg| {
                let conflicts: Vec<&Arg> = command.get_arg_conflicts_with(one);
                conflicts.iter().any(|arg| arg.get_id() == other.get_id())
            };
            arg.get_id() == own.get_id() || conflicts(own, arg) || conflicts(arg, own)
        })
}

impl ConfigError {
    /// What is in the file are arguments.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Read { .. } => ExitCode::FAILURE,
            Self::Fault { .. } => ExitCode::from(2),
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { path, source } => {
                write!(f, "cannot use {} for --config: {source}", path.display())
            }
            Self::Fault { path, fault } => {
                write!(f, "{}:{}: {}", path.display(), fault.line, fault.what)
            }
        }
    }
}
