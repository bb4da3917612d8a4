//! Datagrams as they pass, on stderr.

use std::{
    fmt::{self, Write as _},
    io,
    net::SocketAddr,
    time::Duration,
};

use anstyle::{AnsiColor, Style};
use clap::{Args, ValueEnum};
use dtls_echo::{ColorArgs, json, plain, tell};
use serde::Serialize;

use crate::{
    direction::Direction,
    flights::Novelty,
    wire::{Datagram, Extension, Hello, Message, Opened, Record, Unparsed},
};

/// The flag that asks for a trace.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct TraceArgs {
    /// Show each datagram on stderr, both ways, with what is in it [FORMAT: text, or with --json json]
    #[arg(long, value_name = "FORMAT", num_args = 0..=1, require_equals = true)]
    trace: Option<Option<Format>>,
    #[command(flatten)]
    color: ColorArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// A JSON object a line
    Json,
}

impl TraceArgs {
    /// `json` is the form where none was named.
    pub(crate) fn trace(self, json: bool) -> Option<Trace> {
        let json = self.trace?.map_or(json, |format| format == Format::Json);
        Some(if json {
            Trace::Json
        } else {
            Trace::Text(self.color)
        })
    }
}

/// Shows datagrams on stderr.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trace {
    Text(ColorArgs),
    Json,
}

/// A datagram, and how it was seen.
#[derive(Debug)]
pub(crate) struct Sight {
    pub(crate) peer: SocketAddr,
    /// Since the first one could be sent.
    pub(crate) time: Duration,
    pub(crate) direction: Direction,
    pub(crate) novelty: Novelty,
    pub(crate) datagram: Datagram,
}

impl Trace {
    pub(crate) fn show(self, sight: &Sight) {
        let line = Line {
            direction: Some(sight.direction),
            novelty: Some(sight.novelty),
            datagram: Some(&sight.datagram),
            ..Line::new(sight.peer, sight.time)
        };
        self.write(&line, || {
            let mut text = String::new();
            // Nothing can fail in memory.
            let _ = Tree(&mut text).sight(sight);
            text
        });
    }

    /// Shows what is in an encrypted record of the datagram before.
    pub(crate) fn show_opened(
        self,
        peer: SocketAddr,
        time: Duration,
        direction: Direction,
        opened: &Opened,
    ) {
        let line = Line {
            direction: Some(direction),
            decrypted: Some(opened),
            ..Line::new(peer, time)
        };
        self.write(&line, || {
            let (style, arrow) = look(direction);
            let time_ms = millis(time);
            format!("{time_ms:>9.3} ms {style}{arrow} {peer}{style:#} decrypted: {NAME}{opened}{NAME:#}\n")
        });
    }

    pub(crate) fn show_error(self, peer: SocketAddr, time: Duration, error: &io::Error) {
        let line = Line {
            error: Some(error.to_string()),
            ..Line::new(peer, time)
        };
        self.write(&line, || {
            let time_ms = millis(time);
            format!("{time_ms:>9.3} ms {ERROR}!! {peer} {error}{ERROR:#}\n")
        });
    }

    fn write(self, line: &Line<'_>, text: impl FnOnce() -> String) {
        match self {
            Self::Json => {
                if let Ok(json) = json(line) {
                    tell(&format!("{json}\n"));
                }
            }
            Self::Text(color) => tell(&color.paint(text())),
        }
    }
}

#[derive(Debug, Serialize)]
struct Line<'a> {
    time_ms: f64,
    peer: SocketAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    direction: Option<Direction>,
    #[serde(skip_serializing_if = "Option::is_none")]
    novelty: Option<Novelty>,
    #[serde(flatten)]
    datagram: Option<&'a Datagram>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decrypted: Option<&'a Opened>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl Line<'_> {
    fn new(peer: SocketAddr, time: Duration) -> Self {
        Self {
            time_ms: millis(time),
            peer,
            direction: None,
            novelty: None,
            datagram: None,
            decrypted: None,
            error: None,
        }
    }
}

/// Writes what a datagram holds, each level further to the right than the one above it.
struct Tree<'a>(&'a mut String);

impl Tree<'_> {
    fn sight(&mut self, sight: &Sight) -> fmt::Result {
        let (style, arrow) = look(sight.direction);
        let novelty = match sight.novelty {
            Novelty::New => "",
            Novelty::Repeated => ", repeated",
            Novelty::Duplicate => ", duplicate",
        };
        let (time, peer) = (millis(sight.time), sight.peer);
        let length = sight.datagram.length;
        writeln!(
            self.0,
            "{time:>9.3} ms {style}{arrow} {peer} {length} bytes{novelty}{style:#}"
        )?;
        for record in &sight.datagram.records {
            self.record(record)?;
        }
        self.unparsed(2, sight.datagram.unparsed.as_ref())
    }

    fn record(&mut self, record: &Record) -> fmt::Result {
        let Record {
            content_type,
            version,
            epoch,
            length,
            ..
        } = record;
        write!(
            self.0,
            "    {NAME}{content_type}{NAME:#} {version}, epoch {epoch}"
        )?;
        if let Some(sequence) = record.sequence {
            write!(self.0, ", number {sequence}")?;
        }
        write!(self.0, ", {length} bytes")?;
        if record.encrypted {
            write!(self.0, ", encrypted")?;
        }
        if let Some(alert) = &record.alert {
            write!(
                self.0,
                ": {ERROR}{} {}{ERROR:#}",
                alert.level, alert.description
            )?;
        }
        writeln!(self.0)?;
        for message in &record.messages {
            self.message(message)?;
        }
        self.unparsed(3, record.unparsed.as_ref())
    }

    fn message(&mut self, message: &Message) -> fmt::Result {
        let Message {
            name,
            length,
            sequence,
            fragment_offset,
            fragment_length,
            ..
        } = message;
        write!(
            self.0,
            "      {NAME}{name}{NAME:#} {length} bytes, message {sequence}"
        )?;
        write!(self.0, ", fragment {fragment_offset}+{fragment_length}")?;
        writeln!(self.0)?;
        message
            .hello
            .as_ref()
            .map_or(Ok(()), |hello| self.hello(hello))
    }

    fn hello(&mut self, hello: &Hello) -> fmt::Result {
        write!(self.0, "        {}", hello.version)?;
        for (what, length) in [
            ("session ID", hello.session_id_length),
            ("cookie", hello.cookie_length),
        ] {
            if let Some(length) = length {
                write!(self.0, ", {what} of {length} bytes")?;
            }
        }
        writeln!(self.0)?;
        if !hello.cipher_suites.is_empty() {
            self.list(
                "cipher suites",
                hello.cipher_suites.iter().map(|suite| &**suite),
            )?;
        }
        for Extension { name, values } in &hello.extensions {
            if !values.is_empty() {
                self.list(name, values.iter().map(|value| &**value))?;
            }
        }
        let others = hello
            .extensions
            .iter()
            .filter(|extension| extension.values.is_empty());
        let mut others = others.map(|extension| &*extension.name).peekable();
        if others.peek().is_some() {
            self.list("extensions", others)?;
        }
        self.unparsed(4, hello.unparsed.as_ref())
    }

    /// A list that goes on in the next line where it gets too long.
    fn list<'a>(&mut self, name: &str, values: impl Iterator<Item = &'a str>) -> fmt::Result {
        let start = format!("        {name}:");
        let mut column = start.len();
        write!(self.0, "{start}")?;
        for value in values {
            let value = plain(value);
            column += 1 + value.chars().count();
            if column > WIDTH {
                column = 10 + value.chars().count();
                write!(self.0, "\n          {value}")?;
            } else {
                write!(self.0, " {value}")?;
            }
        }
        writeln!(self.0)
    }

    fn unparsed(&mut self, depth: usize, unparsed: Option<&Unparsed>) -> fmt::Result {
        let Some(Unparsed { length, start }) = unparsed else {
            return Ok(());
        };
        let more = if start.len() < 2 * length { "..." } else { "" };
        let indent = 2 * depth;
        writeln!(
            self.0,
            "{:indent$}{ERROR}unparsed{ERROR:#} {length} bytes: {start}{more}",
            ""
        )
    }
}

fn look(direction: Direction) -> (Style, &'static str) {
    match direction {
        Direction::Sent => (SENT, "->"),
        Direction::Received => (RECEIVED, "<-"),
    }
}

/// Milliseconds to three digits behind the point.
fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

const SENT: Style = AnsiColor::Cyan.on_default();
const RECEIVED: Style = AnsiColor::Green.on_default();
const NAME: Style = Style::new().bold();
const ERROR: Style = AnsiColor::Red.on_default();
const WIDTH: usize = 100;
