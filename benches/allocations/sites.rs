//! Where allocations were made, from DHAT's file.

use serde::Deserialize;

/// A place in the program.
pub(crate) struct Site {
    allocations: u64,
    bytes: u64,
    /// What was not given back, in blocks and in bytes.
    kept: (u64, u64),
    frames: Vec<String>,
}

/// The part of DHAT's format that is needed.
#[derive(Deserialize)]
struct Profile {
    pps: Vec<Point>,
    ftbl: Vec<String>,
}

#[derive(Deserialize)]
struct Point {
    tb: u64,
    tbk: u64,
    eb: u64,
    ebk: u64,
    fs: Vec<usize>,
}

impl Site {
    /// All places in a file, that of the most allocations first.
    pub(crate) fn read(file: &[u8]) -> Vec<Self> {
        let profile: Profile = serde_json::from_slice(file).unwrap();
        let mut sites: Vec<_> = profile
            .pps
            .iter()
            .map(|point| Self {
                allocations: point.tbk,
                bytes: point.tb,
                kept: (point.ebk, point.eb),
                frames: point
                    .fs
                    .iter()
                    .map(|&at| profile.ftbl[at].clone())
                    .collect(),
            })
            .collect();
        sites.sort_by_key(|site| std::cmp::Reverse(site.allocations));
        sites
    }

    /// What it comes to for each datagram, and who called whom, unless it is next to nothing.
    pub(crate) fn a_datagram(&self, datagrams: u64) -> Option<String> {
        let each = |count: u64| count as f64 / datagrams as f64;
        let (allocations, bytes) = (each(self.allocations), each(self.bytes));
        if allocations < LEAST {
            return None;
        }
        Some(format!(
            "    {allocations:.4} of {bytes:.1} bytes in all:{}",
            self.callers()
        ))
    }

    /// What of it each session keeps, unless it is next to nothing.
    pub(crate) fn a_session(&self, sessions: u64) -> Option<String> {
        let each = |count: u64| count as f64 / sessions as f64;
        let (blocks, bytes) = (each(self.kept.0), each(self.kept.1));
        (bytes >= 1.0).then(|| format!("    {bytes:.0} bytes in {blocks:.2}:{}", self.callers()))
    }

    pub(crate) fn kept(&self) -> u64 {
        self.kept.1
    }

    fn callers(&self) -> String {
        let mut text = String::new();
        let places = self.frames.iter().filter_map(|frame| place(frame));
        let mut places = places.take(CALLERS).peekable();
        if places.peek().is_none() {
            text.push_str(" outside these crates");
        }
        for place in places {
            text.push_str("\n      ");
            text.push_str(place);
        }
        text
    }
}

/// The place in a frame, such as `0x1: name (dtls-session/src/session/waiters.rs:29:9)`, if it is ours.
/// Names say less than places: optimised, they are those of the standard library's generics.
fn place(frame: &str) -> Option<&str> {
    let (_, place) = frame.strip_suffix(')')?.rsplit_once('(')?;
    let ours = |folder| place.contains(folder);
    FOLDERS.into_iter().any(ours).then_some(place)
}

const FOLDERS: [&str; 4] = [
    "udp-demux/src/",
    "dtls-session/src/",
    "echo-codec/src/",
    "bytes_mut.rs",
];
/// Less than this a datagram is not worth a word.
const LEAST: f64 = 0.001;
/// How many callers are named.
const CALLERS: usize = 8;
