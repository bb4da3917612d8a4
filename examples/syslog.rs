//! Syslog over DTLS (RFC 6012): `cargo run --example syslog -- receive 127.0.0.1:6514` prints what it is sent, and
//! `cargo run --example syslog -- send 127.0.0.1:6514` sends each line of stdin as a message.

use std::{io::BufRead, net::SocketAddr, thread};

use anyhow::{Context, bail, ensure};
use dtls_session::{Acceptor, Connector, Handshake, Identity, Limits, Listener, Roots, SendError};
use tokio::sync::mpsc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let args: Vec<_> = std::env::args().skip(1).collect();
    match &args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["receive", addr] => receive(addr.parse().context("ADDR:PORT is no address")?).await,
        ["send", receiver] => send(receiver).await,
        _ => bail!("usage: syslog receive ADDR:PORT, or syslog send HOST:PORT"),
    }
}

async fn receive(addr: SocketAddr) -> anyhow::Result<()> {
    let identity = Identity::from_pem_files(
        concat!(env!("CARGO_MANIFEST_DIR"), "/certs/server.pem"),
        concat!(env!("CARGO_MANIFEST_DIR"), "/certs/server.key"),
    )?;
    let acceptor = Acceptor::builder(identity).build()?;
    let listener = Listener::bind(addr, acceptor, Limits::default())?;
    println!("listening on {}", listener.local_addr());
    loop {
        let handshake = listener.accept().await?;
        tokio::spawn(async {
            if let Err(error) = print(handshake).await {
                eprintln!("{error:#}");
            }
        });
    }
}

async fn print(handshake: Handshake) -> anyhow::Result<()> {
    let session = handshake.await?;
    let peer = session.peer_addr();
    // Longer than the 2048 bytes that a receiver has to take (RFC 6012 5.4.1).
    let mut buf = vec![0; 16_384];
    while let Some(length) = session.recv(&mut buf).await? {
        let mut rest = &buf[..length];
        while !rest.is_empty() {
            match first_message(rest) {
                Ok((message, others)) => {
                    println!("{peer} {}", printable(message));
                    rest = others;
                }
                // The next datagram starts with a frame again, so nothing else is lost.
                Err(error) => {
                    eprintln!("{peer}: {error}");
                    break;
                }
            }
        }
    }
    Ok(())
}

/// Takes a frame off: the message's length in octets, a space, and the message. A record may hold several
/// (RFC 6012 5.4).
fn first_message(frames: &[u8]) -> anyhow::Result<(&[u8], &[u8])> {
    let digits = frames.iter().take_while(|byte| byte.is_ascii_digit());
    let (length, rest) = frames.split_at(digits.count());
    ensure!(
        !length.is_empty() && !length.starts_with(b"0"),
        "a frame without its length"
    );
    let length: usize = str::from_utf8(length)?.parse()?;
    let rest = rest.strip_prefix(b" ").context("no space after a length")?;
    rest.split_at_checked(length)
        .with_context(|| format!("{length} bytes promised, {} there", rest.len()))
}

async fn send(receiver: &str) -> anyhow::Result<()> {
    let roots = Roots::from_pem_file(concat!(env!("CARGO_MANIFEST_DIR"), "/certs/ca.pem"))?;
    let connector = Connector::builder(roots).build()?;
    let session = connector.connect(receiver).await?;
    let mut typed = lines_of_stdin();
    while let Some(line) = typed.recv().await {
        match session.send(frame(&line).as_bytes()).await {
            // One message is one datagram; a longer one would have to be cut by whoever makes it.
            Err(error @ SendError::TooLarge { .. }) => eprintln!("not sent: {error}"),
            outcome => outcome?,
        }
    }
    session.close();
    Ok(())
}

/// A thread, so that the session is looked after while nothing is typed.
fn lines_of_stdin() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(1);
    thread::spawn(move || {
        let mut lines = std::io::stdin().lock().lines().map_while(Result::ok);
        while lines
            .next()
            .is_some_and(|line| sender.blocking_send(line).is_ok())
        {}
    });
    receiver
}

/// A message of RFC 5424 in a frame: a user's notice, and `-` for what is not known.
fn frame(text: &str) -> String {
    let message = format!("<13>1 - - dtls-echo - - - {text}");
    format!("{} {message}", message.len())
}

/// Others write this: what would command the terminal is left out.
fn printable(message: &[u8]) -> String {
    let text = String::from_utf8_lossy(message);
    text.chars().filter(|c| !c.is_control()).collect()
}
