//! Colours on a terminal.

use std::io;

use anstream::{AutoStream, ColorChoice};
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
    /// Returns stderr, which passes colours on or leaves them out.
    pub fn stderr(self) -> AutoStream<io::Stderr> {
        let choice = match self.color {
            When::Auto => ColorChoice::Auto,
            When::Always => ColorChoice::Always,
            When::Never => ColorChoice::Never,
        };
        AutoStream::new(io::stderr(), choice)
    }
}
