//! A CoAP server over DTLS (RFC 7252 9), with pre-shared keys and certificates:
//! `cargo run -p dtls-session --example coap -- 127.0.0.1:5684`, and then
//! `coap-client-openssl -u device -k 0123456789abcdef coaps://127.0.0.1/time`.
//!
//! It answers GET of `/` and `/time`; its part of CoAP is the messages, not retransmission,
//! which a server that only answers does not need.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use dtls_session::{Acceptor, Handshake, Identity, Limits, Listener, Preferences, Psk, PskKeys};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let addr = std::env::args().nth(1).context("usage: coap ADDR:PORT")?;
    let listener = Listener::bind(addr.parse()?, acceptor()?, Limits::default())?;
    println!("listening on {}", listener.local_addr());
    serve(listener).await
}

/// Small devices have plain keys (RFC 7252 9.1.3.1), so these are allowed here.
pub(crate) fn acceptor() -> anyhow::Result<Acceptor> {
    let identity = Identity::from_pem_files(
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../certs/server.pem"),
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../certs/server.key"),
    )?;
    let mut keys = PskKeys::default();
    keys.add(Psk::new("device", b"0123456789abcdef")?)?;
    let acceptor = Acceptor::builder(identity)
        .psk(keys)
        .allow_plain_psk()
        .preferences(Preferences::default().protocols(["coap"]));
    Ok(acceptor.build()?)
}

pub(crate) async fn serve(listener: Listener) -> anyhow::Result<()> {
    loop {
        let handshake = listener.accept().await?;
        tokio::spawn(async {
            if let Err(error) = answer(handshake).await {
                eprintln!("{error:#}");
            }
        });
    }
}

async fn answer(handshake: Handshake) -> anyhow::Result<()> {
    let session = handshake.await?;
    let mut buf = vec![0; 16_384];
    while let Some(length) = session.recv(&mut buf).await? {
        if let Some(reply) = reply(&buf[..length]) {
            session.send(&reply).await?;
        }
    }
    Ok(())
}

/// The reply to a message, if it wants one.
pub(crate) fn reply(message: &[u8]) -> Option<Vec<u8>> {
    let &[first, code, id_high, id_low, ref rest @ ..] = message else {
        return None;
    };
    let (version, kind, token) = (first >> 6, first >> 4 & 3, usize::from(first & 15));
    // Version 1 (RFC 7252 3). Acknowledgements and resets are answers themselves.
    if version != 1 || kind > NON_CONFIRMABLE {
        return None;
    }
    let (token, options) = rest.split_at_checked(token)?;
    if code == EMPTY {
        // A ping (RFC 7252 4.3).
        return (kind == CONFIRMABLE).then(|| vec![1 << 6 | RESET << 4, EMPTY, id_high, id_low]);
    }
    let kind = if kind == CONFIRMABLE {
        ACKNOWLEDGEMENT
    } else {
        NON_CONFIRMABLE
    };
    let (code, text) = match (code, path(options)?.as_str()) {
        (GET, "/") => (CONTENT, "hello over DTLS\n".to_owned()),
        (GET, "/time") => (CONTENT, format!("{}\n", seconds())),
        (GET, _) => (NOT_FOUND, String::new()),
        _ => (METHOD_NOT_ALLOWED, String::new()),
    };
    let mut reply = vec![
        1 << 6 | kind << 4 | token.len() as u8,
        code,
        id_high,
        id_low,
    ];
    reply.extend(token);
    if !text.is_empty() {
        reply.extend([PAYLOAD]);
        reply.extend(text.as_bytes());
    }
    Some(reply)
}

/// The Uri-Path options joined by slashes (RFC 7252 3.1); None if they are malformed.
fn path(mut options: &[u8]) -> Option<String> {
    let (mut number, mut path) = (0, String::new());
    while let [first, rest @ ..] = options {
        if *first == PAYLOAD {
            break;
        }
        let (delta, rest) = extended(first >> 4, rest)?;
        let (length, rest) = extended(first & 15, rest)?;
        let (value, rest) = rest.split_at_checked(length)?;
        number += delta;
        options = rest;
        if number == URI_PATH {
            path += "/";
            path += str::from_utf8(value).ok()?;
        }
    }
    Some(if path.is_empty() {
        "/".to_owned()
    } else {
        path
    })
}

fn extended(nibble: u8, rest: &[u8]) -> Option<(usize, &[u8])> {
    match (nibble, rest) {
        (0..=12, _) => Some((nibble.into(), rest)),
        (13, [more, rest @ ..]) => Some((13 + usize::from(*more), rest)),
        (14, [high, low, rest @ ..]) => {
            Some((269 + usize::from(u16::from_be_bytes([*high, *low])), rest))
        }
        _ => None,
    }
}

fn seconds() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |time| time.as_secs())
}

const CONFIRMABLE: u8 = 0;
const NON_CONFIRMABLE: u8 = 1;
const ACKNOWLEDGEMENT: u8 = 2;
const RESET: u8 = 3;

const EMPTY: u8 = 0;
const GET: u8 = 1;
const CONTENT: u8 = 2 << 5 | 5;
const NOT_FOUND: u8 = 4 << 5 | 4;
const METHOD_NOT_ALLOWED: u8 = 4 << 5 | 5;

const URI_PATH: usize = 11;
const PAYLOAD: u8 = 0xff;
