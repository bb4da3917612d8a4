//! What OpenSSL itself takes for the server's half of a handshake: the floor for any server.

use std::{
    cell::RefCell,
    collections::VecDeque,
    io::{self, Read, Write},
    rc::Rc,
    time::{Duration, Instant},
};

use crate::Setting;
use openssl::ssl::{Ssl, SslContext, SslFiletype, SslMethod, SslOptions, SslStream};

pub(crate) fn compare(_: &Setting) {
    println!("\nserver's half of a handshake in memory, ECDSA P-256");
    println!("  {:<22} {:>9.2} us CPU", "OpenSSL alone", handshake());
}

/// The first datagram of a client.
pub(crate) fn hello() -> Vec<u8> {
    let client = SslContext::builder(SslMethod::dtls_client()).unwrap();
    let queue = Queue::default();
    let mut ssl = Ssl::new(&client.build()).unwrap();
    ssl.set_mtu(1350).unwrap();
    let (from, to) = (Queue::default(), Rc::clone(&queue));
    let _ = SslStream::new(ssl, Pipe { from, to }).unwrap().connect();
    queue.borrow_mut().pop_front().unwrap()
}

/// Microseconds for a full handshake, median of many.
fn handshake() -> f64 {
    let certs = concat!(env!("CARGO_MANIFEST_DIR"), "/certs");
    let mut server = SslContext::builder(SslMethod::dtls_server()).unwrap();
    server
        .set_certificate_chain_file(format!("{certs}/server.pem"))
        .unwrap();
    server
        .set_private_key_file(format!("{certs}/server.key"), SslFiletype::PEM)
        .unwrap();
    server.set_options(SslOptions::NO_QUERY_MTU);
    let mut client = SslContext::builder(SslMethod::dtls_client()).unwrap();
    client.set_options(SslOptions::NO_QUERY_MTU);
    let (server, client) = (server.build(), client.build());
    let mut times: Vec<Duration> = (0..3000).map(|_| once(&server, &client)).collect();
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1e6
}

#[expect(clippy::disallowed_methods, reason = "no runtime here")]
fn once(server: &SslContext, client: &SslContext) -> Duration {
    let (to_server, to_client) = (Queue::default(), Queue::default());
    let end = |context: &SslContext, from: &Queue, to: &Queue| {
        let mut ssl = Ssl::new(context).unwrap();
        ssl.set_mtu(1350).unwrap();
        let (from, to) = (Rc::clone(from), Rc::clone(to));
        SslStream::new(ssl, Pipe { from, to }).unwrap()
    };
    let mut client = end(client, &to_client, &to_server);
    let _ = client.connect();
    let start = Instant::now();
    let mut server = end(server, &to_server, &to_client);
    let mut spent = start.elapsed();
    loop {
        let start = Instant::now();
        let accepted = server.accept();
        spent += start.elapsed();
        let connected = client.connect();
        if accepted.is_ok() && connected.is_ok() {
            let start = Instant::now();
            drop(server);
            return spent + start.elapsed();
        }
    }
}

type Queue = Rc<RefCell<VecDeque<Vec<u8>>>>;

struct Pipe {
    from: Queue,
    to: Queue,
}

impl Read for Pipe {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let datagram = self.from.borrow_mut().pop_front();
        let datagram = datagram.ok_or(io::ErrorKind::WouldBlock)?;
        buf[..datagram.len()].copy_from_slice(&datagram);
        Ok(datagram.len())
    }
}

impl Write for Pipe {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.to.borrow_mut().push_back(buf.to_vec());
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
