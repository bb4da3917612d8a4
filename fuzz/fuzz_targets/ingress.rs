//! Forged records between the genuine flights of a handshake.

#![no_main]

use std::{
    io,
    pin::Pin,
    sync::LazyLock,
    task::{Context, Poll, Waker},
};

use arbitrary::Arbitrary;
use dtls_session::{Acceptor, Connector, CookieGate, Identity, Pipe, Roots, Verdict};
use dtls_wire::{ContentType, Encode, ProtocolVersion};
use libfuzzer_sys::fuzz_target;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    runtime::{Builder, Runtime},
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
};

#[derive(Arbitrary, Debug)]
struct Record<'a> {
    content_type: u8,
    version: Option<u16>,
    epoch: u8,
    sequence: u64,
    /// What the header claims, if that is not the truth.
    length: Option<u16>,
    body: &'a [u8],
}

/// For each side, and each time it is about to read: datagrams of a few records.
type Forged<'a> = Vec<[Vec<Vec<Record<'a>>>; 2]>;

fuzz_target!(|forged: Forged<'_>| {
    let harmless = forged.iter().flatten().flatten().flatten().all(is_harmless);
    let established = RUNTIME.block_on(handshake(&forged));
    assert!(established || !harmless);
});

/// Whether the filter promises that this record, whoever sent it, does not end a handshake.
fn is_harmless(record: &Record<'_>) -> bool {
    !(record.epoch == 0 && record.content_type == 22)
}

async fn handshake(forged: &Forged<'_>) -> bool {
    let (client_line, mut from_client, to_client) = line();
    let (server_line, mut from_server, to_server) = line();
    let mut cx = Context::from_waker(Waker::noop());
    let mut client = Box::pin(
        CONNECTOR
            .connect("localhost")
            .over(Pipe::from_io(client_line)),
    );
    assert!(client.as_mut().poll(&mut cx).is_pending());
    let peer = ([192, 0, 2, 1], 1).into();
    let first = from_client.try_recv().expect("a first hello");
    let Verdict::Challenge(request) = GATE.check(peer, &first) else {
        panic!("no challenge");
    };
    to_client.send(request.as_ref().to_vec()).expect("it lives");
    assert!(client.as_mut().poll(&mut cx).is_pending());
    let second = from_client.try_recv().expect("a second hello");
    let Verdict::Verified(hello) = GATE.check(peer, &second) else {
        panic!("not verified");
    };
    let mut server = Box::pin(ACCEPTOR.accept_verified(&hello, Pipe::from_io(server_line)));
    let (mut server_side, mut client_side) = (None, None);
    for round in 0..ROUNDS {
        let empty = [Vec::new(), Vec::new()];
        let [at_server, at_client] = forged.get(round).unwrap_or(&empty);
        inject(&to_server, at_server);
        pass(&mut from_client, &to_server);
        inject(&to_client, at_client);
        if server_side.is_none() {
            match server.as_mut().poll(&mut cx) {
                Poll::Ready(Ok(session)) => server_side = Some(session),
                Poll::Ready(Err(_)) => return false,
                Poll::Pending => {}
            }
        }
        pass(&mut from_server, &to_client);
        if client_side.is_none() {
            match client.as_mut().poll(&mut cx) {
                Poll::Ready(Ok(session)) => client_side = Some(session),
                Poll::Ready(Err(_)) => return false,
                Poll::Pending => {}
            }
        }
    }
    // Their keepers end with them.
    let established = server_side.is_some() && client_side.is_some();
    drop((server_side, client_side));
    tokio::task::yield_now().await;
    established
}

fn inject(to: &UnboundedSender<Vec<u8>>, datagrams: &[Vec<Record<'_>>]) {
    for records in datagrams {
        let bytes = records.iter().flat_map(encoded).collect();
        to.send(bytes).expect("it lives");
    }
}

fn encoded(record: &Record<'_>) -> Vec<u8> {
    let body = &record.body[..record.body.len().min(2048)];
    let length = record.length.unwrap_or(body.len() as u16);
    let honest = dtls_wire::Record {
        content_type: ContentType::new(record.content_type),
        version: ProtocolVersion::new(record.version.unwrap_or(0xfefd)),
        epoch: record.epoch.into(),
        sequence: record.sequence & ((1 << 48) - 1),
        connection_id: &[],
        body,
    };
    let mut bytes = honest.to_vec().expect("its body is short");
    bytes[11..13].copy_from_slice(&length.to_be_bytes());
    bytes
}

fn pass(from: &mut UnboundedReceiver<Vec<u8>>, to: &UnboundedSender<Vec<u8>>) {
    while let Ok(datagram) = from.try_recv() {
        to.send(datagram).expect("it lives");
    }
}

/// A pipe, what was written to it, and what it will read.
fn line() -> (Line, UnboundedReceiver<Vec<u8>>, UnboundedSender<Vec<u8>>) {
    let (out, written) = unbounded_channel();
    let (inject, inbox) = unbounded_channel();
    (Line { out, inbox }, written, inject)
}

#[derive(Debug)]
struct Line {
    out: UnboundedSender<Vec<u8>>,
    inbox: UnboundedReceiver<Vec<u8>>,
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Polled each round, so nobody has to be woken; and no budget ends a round early.
        match self.inbox.try_recv() {
            Ok(datagram) => buf.put_slice(&datagram),
            Err(_) => return Poll::Pending,
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let _ = self.out.send(buf.to_vec());
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime")
});
static GATE: LazyLock<CookieGate> = LazyLock::new(|| CookieGate::new().expect("random bytes"));
static ACCEPTOR: LazyLock<Acceptor> = LazyLock::new(|| {
    let (chain, key) = (
        include_bytes!("../../certs/server.pem"),
        include_bytes!("../../certs/server.key"),
    );
    let identity = Identity::from_pem(chain, key).expect("a good identity");
    Acceptor::builder(identity).build().expect("an acceptor")
});
static CONNECTOR: LazyLock<Connector> = LazyLock::new(|| {
    let roots = Roots::from_pem(include_bytes!("../../certs/ca.pem")).expect("good roots");
    Connector::builder(roots).build().expect("a connector")
});

/// Two flights each way, and some for what was held back or put off.
const ROUNDS: usize = 16;
