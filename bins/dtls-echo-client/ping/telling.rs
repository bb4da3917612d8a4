//! What `--ping` prints.

use std::{net::SocketAddr, time::Duration};

use dtls_echo::print;
use dtls_session::SessionInfo;
use serde_json::json;

use super::statistics::Statistics;

/// Prints on stdout, for people or an object a line for tools.
#[derive(Debug)]
pub(crate) struct Telling {
    host: String,
    peer: SocketAddr,
    json: bool,
}

/// What is to be told of.
#[derive(Debug)]
pub(crate) enum Event<'a> {
    Start {
        size: usize,
        info: &'a SessionInfo,
    },
    Reply {
        bytes: usize,
        number: u64,
        /// None for a duplicate.
        time: Option<Duration>,
        late: bool,
    },
    Lost {
        number: u64,
        patience: Duration,
    },
    /// Something that is no reply to any request.
    Wrong {
        bytes: usize,
    },
    Summary(&'a Statistics),
}

impl Telling {
    pub(crate) fn new(host: String, peer: SocketAddr, json: bool) -> Self {
        Self { host, peer, json }
    }

    /// Prints a line, at once.
    pub(crate) fn tell(&self, event: &Event<'_>) -> anyhow::Result<()> {
        let line = if self.json {
            self.object(event).to_string()
        } else {
            self.text(event)
        };
        print(line + "\n")
    }

    fn text(&self, event: &Event<'_>) -> String {
        let peer = self.peer;
        match event {
            Event::Start { size, info } => format!(
                "PING {} ({peer}): {size} bytes, {} {}, {}handshake {:.3} ms",
                self.host,
                info.version,
                info.cipher,
                if info.resumed { "resumed, " } else { "" },
                millis(info.handshake_time)
            ),
            Event::Reply {
                bytes,
                number,
                time,
                late,
            } => {
                let time = time.map(|time| format!(" time={:.3} ms", millis(time)));
                let remark = match (&time, late) {
                    (None, _) => " (DUP!)",
                    (_, true) => " (late)",
                    _ => "",
                };
                let time = time.unwrap_or_default();
                format!("{bytes} bytes from {peer}: seq={number}{time}{remark}")
            }
            Event::Lost { number, patience } => {
                format!("no reply from {peer}: seq={number} within {patience:?}")
            }
            Event::Wrong { bytes } => format!("{bytes} bytes from {peer}: wrong reply"),
            Event::Summary(statistics) => format!("\n{statistics}"),
        }
    }

    fn object(&self, event: &Event<'_>) -> serde_json::Value {
        match event {
            Event::Start { size, info } => json!({
                "type": "start",
                "host": self.host,
                "peer": self.peer,
                "bytes": size,
                "version": info.version.to_string(),
                "cipher": info.cipher,
                "resumed": info.resumed,
                "handshake_ms": millis(info.handshake_time),
            }),
            Event::Reply {
                bytes,
                number,
                time,
                late,
            } => json!({
                "type": "reply",
                "seq": number,
                "bytes": bytes,
                "time_ms": time.map(millis),
                "duplicate": time.is_none(),
                "late": late,
            }),
            Event::Lost { number, patience } => json!({
                "type": "lost",
                "seq": number,
                "after_ms": millis(*patience),
            }),
            Event::Wrong { bytes } => json!({ "type": "wrong", "bytes": bytes }),
            Event::Summary(statistics) => {
                let mut object = json!(statistics);
                object["type"] = json!("summary");
                object
            }
        }
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
