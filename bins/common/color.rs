//! Colours on a terminal.

use std::io;

use anstream::{AutoStream, ColorChoice, adapter::strip_str};
use clap::{Args, ValueEnum};

/// The flag that says whether stderr gets colours.
#[derive(Clone, Copy, Debug, Args)]
pub struct ColorArgs {
    /// Whether to use colours on stderr; auto is on a terminal, unless NO_COLOR is set
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: When,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum When {
    Auto,
    Always,
    Never,
}

impl ColorArgs {
    /// Makes of a text with colours what stderr is to get, which may be one without.
    pub fn paint(self, text: String) -> String {
        let choice = match self.color {
            When::Auto => AutoStream::choice(&io::stderr()),
            When::Always => return text,
            When::Never => ColorChoice::Never,
        };
        if choice == ColorChoice::Never {
            strip_str(&text).to_string()
        } else {
            text
        }
    }
}
