//! A chat: `cargo run --example chat -- serve 127.0.0.1:9000`, and then, in as many terminals as you like,
//! `cargo run --example chat -- join 127.0.0.1:9000 NAME`.

use std::{io::BufRead, net::SocketAddr, thread};

use anyhow::{Context, bail};
use dtls_session::{Acceptor, Connector, Handshake, Identity, Limits, Listener, Roots, SendError};
use tokio::sync::{
    broadcast::{self, error::RecvError},
    mpsc,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let args: Vec<_> = std::env::args().skip(1).collect();
    match &args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", addr] => serve(addr.parse().context("ADDR:PORT is no address")?).await,
        ["join", server, name] => join(server, name).await,
        _ => bail!("usage: chat serve ADDR:PORT, or chat join HOST:PORT NAME"),
    }
}

/// What one of them has said, and who, so that it does not come back.
type Line = (SocketAddr, String);

async fn serve(addr: SocketAddr) -> anyhow::Result<()> {
    let identity = Identity::from_pem_files(
        concat!(env!("CARGO_MANIFEST_DIR"), "/certs/server.pem"),
        concat!(env!("CARGO_MANIFEST_DIR"), "/certs/server.key"),
    )?;
    let acceptor = Acceptor::builder(identity).build()?;
    let listener = Listener::bind(addr, acceptor, Limits::default())?;
    println!("listening on {}", listener.local_addr());
    // Who is slower than the others by more than this misses lines, and holds nobody up.
    let (room, _) = broadcast::channel(256);
    loop {
        let handshake = listener.accept().await?;
        let room = room.clone();
        tokio::spawn(async move {
            if let Err(error) = attend(handshake, room).await {
                eprintln!("{error:#}");
            }
        });
    }
}

async fn attend(handshake: Handshake, room: broadcast::Sender<Line>) -> anyhow::Result<()> {
    // Before the client knows that it is in, so it misses nothing that is said from then on.
    let mut lines = room.subscribe();
    let session = handshake.await?;
    let peer = session.peer_addr();
    let tell = |text: String| drop(room.send((peer, text)));
    tell(format!("* {peer} has joined"));
    let mut buf = vec![0; 16_384];
    let ended = loop {
        // Each branch may lose the race without losing a datagram: `recv` is cancel safe.
        tokio::select! {
            received = session.recv(&mut buf) => match received {
                Ok(Some(length)) => tell(String::from_utf8_lossy(&buf[..length]).into_owned()),
                Ok(None) => break Ok(()),
                Err(error) => break Err(error.into()),
            },
            line = lines.recv() => match line {
                Ok((author, _)) if author == peer => {}
                Ok((_, text)) => if let Err(error) = say(&session, &text).await {
                    break Err(error.into());
                },
                Err(RecvError::Lagged(missed)) => eprintln!("{peer} has missed {missed} lines"),
                Err(RecvError::Closed) => break Ok(()),
            },
        }
    };
    tell(format!("* {peer} has left"));
    ended
}

async fn join(server: &str, name: &str) -> anyhow::Result<()> {
    let roots = Roots::from_pem_file(concat!(env!("CARGO_MANIFEST_DIR"), "/certs/ca.pem"))?;
    let connector = Connector::builder(roots).build()?;
    let session = connector.connect(server).await?;
    println!("* in, by {}", session.info().cipher);
    let mut typed = lines_of_stdin();
    let mut buf = vec![0; 16_384];
    loop {
        tokio::select! {
            line = typed.recv() => match line {
                Some(line) => say(&session, &format!("{name}: {line}")).await?,
                None => break,
            },
            received = session.recv(&mut buf) => match received? {
                Some(length) => println!("{}", printable(&buf[..length])),
                None => break,
            },
        }
    }
    session.close();
    Ok(())
}

/// Sends a line, or tells that it does not fit: a datagram is not split.
async fn say(session: &dtls_session::Session, text: &str) -> Result<(), SendError> {
    match session.send(text.as_bytes()).await {
        Err(error @ (SendError::TooLarge { .. } | SendError::Empty)) => {
            eprintln!("not sent: {error}");
            Ok(())
        }
        outcome => outcome,
    }
}

/// A thread, because a runtime cannot end while it waits for a line at the terminal.
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

/// Others write this: what would command the terminal is left out.
fn printable(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    text.chars().filter(|c| !c.is_control()).collect()
}
