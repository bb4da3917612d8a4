//! What a program's manual page says beside its flags.

use std::io::{self, Write};

use clap::Command;
use clap_mangen::{
    Man,
    roff::{Roff, bold, roman},
};

/// Sections of a manual page, in their order.
#[derive(Debug)]
pub struct Manual(pub &'static [Section]);

/// A section: its title, and what it explains.
pub type Section = (&'static str, &'static [Entry]);

/// A word, such as an exit code or a variable, and its explanation.
pub type Entry = (&'static str, &'static str);

impl Manual {
    pub(crate) fn write(&self, mut command: Command, to: &mut dyn Write) -> io::Result<()> {
        let usage = command.render_usage().to_string();
        let man = Man::new(command).manual("DTLS echo");
        man.render_title(to)?;
        man.render_name_section(to)?;
        // Clap's would list every flag, without its value.
        let mut roff = Roff::new();
        roff.control("SH", ["SYNOPSIS"]);
        roff.text([bold(usage.trim_start_matches("Usage: "))]);
        roff.to_writer(to)?;
        man.render_description_section(to)?;
        man.render_options_section(to)?;
        let mut roff = Roff::new();
        for (title, entries) in self.0 {
            roff.control("SH", [*title]);
            for (term, text) in *entries {
                roff.control("TP", []);
                roff.text([bold(*term)]);
                roff.text([roman(*text)]);
            }
        }
        roff.control("SH", ["SEE ALSO"]);
        roff.text([roman(SEE_ALSO)]);
        roff.to_writer(to)
    }
}

/// What `LogArgs` reads.
pub const RUST_LOG: Entry = (
    "RUST_LOG",
    "What to log to stderr: error, warn (the default), info, debug or trace, also for each crate of its own, as in \
     RUST_LOG=dtls_session=trace.",
);

/// What `PreferenceArgs` reads.
pub const SSLKEYLOGFILE: Entry = (
    "SSLKEYLOGFILE",
    "The file to which the sessions' secrets are appended, as by --keylog, which overrides it. Whoever reads the \
     file can read the sessions.",
);

/// The exit code of wrong arguments, which Clap has chosen.
pub const USAGE: Entry = ("2", "The arguments are wrong, as told on stderr.");

const SEE_ALSO: &str =
    "dtls-echo-server(1), dtls-echo-client(1), dtls-echo-load(1), openssl-s_client(1), tshark(1)";
