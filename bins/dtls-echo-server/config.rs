//! The configuration file, in which each key is a flag without its dashes.

use std::error::Error;

use clap::{
    Arg, ArgAction, Command,
    error::{ContextKind, ContextValue, ErrorKind},
};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// A key of the file, as it would stand on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) key: String,
    pub(crate) args: Vec<String>,
}

/// What is wrong, and in which line, counted from 1.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) line: usize,
    pub(crate) what: String,
}

/// Reads a file's text for a program whose flags `command` has.
pub(crate) fn settings(text: &str, command: &Command) -> Result<Vec<Setting>, Fault> {
    let at = |start: usize, what: String| Fault {
        line: 1 + text[..start].matches('\n').count(),
        what,
    };
    let table = DeTable::parse(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        at(start, error.message().to_owned())
    })?;
    let mut entries: Vec<_> = table.get_ref().iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    let settings = entries.into_iter().map(|(key, value)| {
        setting(key.get_ref(), value, command).map_err(|what| at(key.span().start, what))
    });
    settings.collect()
}

fn setting(key: &str, value: &Spanned<DeValue<'_>>, command: &Command) -> Result<Setting, String> {
    if OF_THE_COMMAND_LINE.contains(&key) {
        return Err(format!("`{key}` belongs on the command line"));
    }
    if let DeValue::Table(_) = value.get_ref() {
        return Err(format!(
            "`{key}` is a table, and the file has none: each key is a flag"
        ));
    }
    let arg = command
        .get_arguments()
        .find(|arg| key_of(arg) == key)
        .ok_or_else(|| unknown(key, command))?;
    let args = match (arg.get_action(), value.get_ref()) {
        (ArgAction::SetTrue, DeValue::Boolean(true)) => vec![format!("--{key}")],
        (ArgAction::SetTrue, DeValue::Boolean(false)) => Vec::new(),
        (ArgAction::SetTrue, _) => return Err(format!("`{key}` wants true or false")),
        (ArgAction::Append, DeValue::Array(values)) => {
            let values = values.iter().map(|value| scalar(value.get_ref()));
            let values: Option<Vec<_>> = values.collect();
            let values = values.ok_or_else(|| format!("`{key}` wants a list of texts"))?;
            values.iter().map(|value| argument(arg, value)).collect()
        }
        (_, DeValue::Array(_)) => return Err(format!("`{key}` wants one value, and no list")),
        (_, value) => {
            let value = scalar(value).ok_or_else(|| format!("`{key}` wants a text or a number"))?;
            vec![argument(arg, &value)]
        }
    };
    for value in &args {
        check(arg, value, command).map_err(|what| format!("`{key}`: {what}"))?;
    }
    Ok(Setting {
        key: key.to_owned(),
        args,
    })
}

/// The name of an argument in the file.
pub(crate) fn key_of(arg: &Arg) -> &str {
    arg.get_long().unwrap_or_else(|| arg.get_id().as_str())
}

fn unknown(key: &str, command: &Command) -> String {
    let names = command.get_arguments().map(key_of);
    let names = names.filter(|name| !OF_THE_COMMAND_LINE.contains(name));
    let likeness = |name: &&str| strsim::jaro_winkler(&key.replace('_', "-"), name);
    match names.max_by(|a, b| likeness(a).total_cmp(&likeness(b))) {
        Some(name) if likeness(&name) > LIKE => {
            format!("there is no key `{key}`; is it `{name}`?")
        }
        _ => format!("there is no key `{key}`; --help lists the flags, which are the keys"),
    }
}

/// A single value as it is written on a command line.
fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => i128::from_str_radix(number.as_str(), number.radix())
            .ok()
            .map(|number| number.to_string()),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        _ => None,
    }
}

fn argument(arg: &Arg, value: &str) -> String {
    match arg.get_long() {
        Some(name) => format!("--{name}={value}"),
        None => value.to_owned(),
    }
}

/// Says what is wrong with a single argument, whatever else it needs.
fn check(arg: &Arg, value: &str, command: &Command) -> Result<(), String> {
    let mut args = vec![command.get_name(), value];
    if arg.is_positional() {
        // Whatever it looks like, it is no flag.
        args.insert(1, "--");
    }
    match command.clone().try_get_matches_from(args) {
        Err(error) if !is_about_others(error.kind()) => Err(reason(&error)),
        _ => Ok(()),
    }
}

/// Whether an argument is all right, and only another one is missing or too many.
pub(crate) fn is_about_others(kind: ErrorKind) -> bool {
    [
        ErrorKind::MissingRequiredArgument,
        ErrorKind::ArgumentConflict,
    ]
    .contains(&kind)
}

fn reason(error: &clap::Error) -> String {
    if let Some(source) = error.source() {
        return source.to_string();
    }
    let Some(ContextValue::String(value)) = error.get(ContextKind::InvalidValue) else {
        return "this is no value for it".to_owned();
    };
    match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(good)) if !good.is_empty() => {
            format!("{value:?} is none of {}", good.join(", "))
        }
        _ => format!("{value:?} is no value for it"),
    }
}

/// What says where the file is, or makes no server of it.
pub(crate) const OF_THE_COMMAND_LINE: [&str; 5] =
    ["check-config", "config", "generate", "help", "version"];

/// A key less like any other is no typing error.
const LIKE: f64 = 0.8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Args;
    use clap::CommandFactory;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Vec<Setting>, Fault> {
        let mut command = Args::command();
        command.build();
        settings(text, &command)
    }

    #[test]
    fn keys_become_flags() {
        let text = "# every kind of value\naddr = '[::1]:0'\nmtu = 1_200\nidle-timeout = 0.5\njson = true\n\
                    verbose = false\nalpn = ['a', 'b']\nsni = ['x=c,k']\ngroups = 'P-256'\nmin-version = 1.2\n";
        let expected: [(&str, &[&str]); 9] = [
            ("addr", &["[::1]:0"]),
            ("mtu", &["--mtu=1200"]),
            ("idle-timeout", &["--idle-timeout=0.5"]),
            ("json", &["--json"]),
            ("verbose", &[]),
            ("alpn", &["--alpn=a", "--alpn=b"]),
            ("sni", &["--sni=x=c,k"]),
            ("groups", &["--groups=P-256"]),
            ("min-version", &["--min-version=1.2"]),
        ];
        let expected = expected.map(|(key, args)| Setting {
            key: key.to_owned(),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        });
        assert_eq!(read(text).unwrap(), expected);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, line, words) in [
            (
                "mtu = 1200\n\nmtux = 1",
                3,
                "there is no key `mtux`; is it `mtu`?",
            ),
            ("max_sessions = 1", 1, "is it `max-sessions`?"),
            ("zzz = 1", 1, "--help lists the flags"),
            ("config = 'x'", 1, "belongs on the command line"),
            ("help = true", 1, "belongs on the command line"),
            (
                "mtu = 1200\n[limits]\nmax-sessions = 1",
                2,
                "`limits` is a table",
            ),
            ("mtu = {}", 1, "`mtu` is a table"),
            ("mtu = 12", 1, "`mtu`: 12 is not in 256..=16384"),
            ("mtu = 'x'", 1, "`mtu`: invalid digit"),
            ("mtu = true", 1, "`mtu` wants a text or a number"),
            ("mtu = 2026-11-23", 1, "`mtu` wants a text or a number"),
            ("mtu = [1200]", 1, "`mtu` wants one value, and no list"),
            ("alpn = ['a', ['b']]", 1, "`alpn` wants a list of texts"),
            ("json = 1", 1, "`json` wants true or false"),
            (
                "client-auth = 'maybe'",
                1,
                "\"maybe\" is none of request, require",
            ),
            ("addr = 'here'", 1, "`addr`: no port in"),
            ("addr = '--json'", 1, "`addr`: "),
            ("mtu = 1200\nmtu = 1201", 2, "duplicate key"),
            ("\n\nmtu", 3, ""),
            ("mtu = 'x", 1, ""),
        ] {
            let fault = read(text).unwrap_err();
            assert_eq!(fault.line, line, "{text}: {fault:?}");
            assert!(fault.what.contains(words), "{text}: {fault:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_settings_or_a_fault(text in "\\PC*|([a-z-]{1,12} = [0-9'\\[\\]{}a-z.,-]{0,12}\n){0,4}") {
            if let Err(fault) = read(&text) {
                prop_assert!((1..=1 + text.matches('\n').count()).contains(&fault.line), "{fault:?}");
            }
        }

        #[test]
        fn a_value_stays_one_argument(value in "[^'\n\r\\p{Cc}]*") {
            let read = read(&format!("psk-hint = '{value}'")).unwrap();
            prop_assert_eq!(&read[0].args, &[format!("--psk-hint={value}")]);
        }
    }
}
