//! What the tests of records share: keys, and handshakes of OpenSSL's in memory.

use std::{
    collections::VecDeque,
    io::{self, Read, Write},
    sync::{Arc, Mutex},
};

use dtls_wire::{CipherSuite, ContentType, Record, records};
use openssl::ssl::{
    Ssl, SslContext, SslContextBuilder, SslMethod, SslOptions, SslStream, SslVerifyMode, SslVersion,
};
use proptest::prelude::*;

use crate::records::{
    key::Key, layout::Layout, open::Opening, seal::Sealing, secrets::Secrets, suite::Suite,
};

/// Makes both ends of one direction.
pub(crate) fn ends(suite: Suite, layout: &Layout, next: u64) -> (Sealing, Opening) {
    (
        Sealing::new(key(suite), layout.clone(), next, BASE),
        Opening::new(key(suite), layout.clone()),
    )
}

pub(crate) fn key(suite: Suite) -> Key {
    let secrets = Secrets::new(&[7; 48], [8; 32], [9; 32], suite.digest());
    secrets.key_block(suite).unwrap().0
}

/// One suite for each AEAD.
pub(crate) fn suites() -> impl Iterator<Item = Suite> {
    let numbers = [
        CipherSuite::TLS_PSK_WITH_AES_128_GCM_SHA256,
        CipherSuite::TLS_PSK_WITH_AES_256_GCM_SHA384,
        CipherSuite::TLS_PSK_WITH_AES_128_CCM,
        CipherSuite::TLS_PSK_WITH_AES_256_CCM,
        CipherSuite::TLS_PSK_WITH_AES_128_CCM_8,
        CipherSuite::TLS_PSK_WITH_AES_256_CCM_8,
        CipherSuite::TLS_PSK_WITH_CHACHA20_POLY1305_SHA256,
    ];
    numbers
        .into_iter()
        .map(|number| Suite::new(number).unwrap())
}

/// Any AEAD, with or without a connection ID.
pub(crate) fn any_kind() -> impl Strategy<Value = (Suite, Layout)> {
    let suite = prop::sample::select(suites().collect::<Vec<_>>());
    let id = prop::collection::vec(any::<u8>(), 0..20);
    let layout = (id, 0..70_u16).prop_map(|(id, block)| Layout::for_id(&id, block));
    (suite, layout)
}

/// Seals one record, to a vector of its own.
pub(crate) fn sealed(sealing: &mut Sealing, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let length = sealing.seal(ContentType::APPLICATION_DATA, content, &mut bytes);
    assert_eq!(length.unwrap(), bytes.len());
    bytes
}

/// Reads one record that has a connection ID like that of `layout`.
pub(crate) fn parsed<'a>(bytes: &'a [u8], layout: &Layout) -> Record<'a> {
    let (record, rest) = Record::split_with_cid(bytes, layout.id().len()).unwrap();
    assert!(rest.is_empty());
    record
}

/// Near the end, so that it wraps.
const BASE: u64 = u64::MAX - 1;

/// A client and a server after a full handshake.
pub(crate) struct Pair {
    pub(crate) client: SslStream<Line>,
    pub(crate) server: SslStream<Line>,
}

impl Pair {
    /// Shakes hands with a cipher suite by OpenSSL's name; a pre-shared key's, for brevity.
    pub(crate) fn new(suite: &str) -> Self {
        let (up, down) = (Arc::default(), Arc::default());
        let line = |inbox: &Queue, outbox: &Queue| Line {
            inbox: Arc::clone(inbox),
            outbox: Arc::clone(outbox),
            sent: Vec::new(),
        };
        let mut client = start(suite, line(&down, &up));
        let mut server = start(suite, line(&up, &down));
        let (mut client_done, mut server_done) = (false, false);
        for _ in 0..10 {
            client_done |= client.connect().is_ok();
            server_done |= server.accept().is_ok();
            if client_done && server_done {
                return Self { client, server };
            }
        }
        panic!("no handshake with {suite}");
    }

    pub(crate) fn secrets(&self, suite: Suite) -> Secrets {
        let ssl = self.client.ssl();
        let mut master = [0; 48];
        assert_eq!(ssl.session().unwrap().master_key(&mut master), 48);
        let (mut client_random, mut server_random) = ([0; 32], [0; 32]);
        ssl.client_random(&mut client_random);
        ssl.server_random(&mut server_random);
        Secrets::new(&master, client_random, server_random, suite.digest())
    }
}

fn start(suite: &str, line: Line) -> SslStream<Line> {
    let mut ssl = Ssl::new(&context(suite)).unwrap();
    ssl.set_mtu(1400).unwrap();
    SslStream::new(ssl, line).unwrap()
}

fn context(suite: &str) -> SslContext {
    let mut context = SslContextBuilder::new(SslMethod::dtls()).unwrap();
    let version = Some(SslVersion::DTLS1_2);
    context.set_min_proto_version(version).unwrap();
    context.set_max_proto_version(version).unwrap();
    // Newer OpenSSL counts CCM-8 as less than 1.
    context
        .set_cipher_list(&format!("{suite}:@SECLEVEL=0"))
        .unwrap();
    context.set_options(SslOptions::NO_QUERY_MTU);
    context.set_verify(SslVerifyMode::NONE);
    context.set_psk_client_callback(|_, _, identity, key| {
        identity[..2].copy_from_slice(b"i\0");
        key[..16].copy_from_slice(&[1; 16]);
        Ok(16)
    });
    context.set_psk_server_callback(|_, _, key| {
        key[..16].copy_from_slice(&[1; 16]);
        Ok(16)
    });
    context.build()
}

type Queue = Arc<Mutex<VecDeque<Vec<u8>>>>;

/// One end of a pipe of datagrams.
#[derive(Debug)]
pub(crate) struct Line {
    inbox: Queue,
    outbox: Queue,
    /// All that was ever sent from here.
    sent: Vec<Vec<u8>>,
}

impl Line {
    /// Puts a datagram where this end reads.
    pub(crate) fn deliver(&self, datagram: Vec<u8>) {
        self.inbox.lock().unwrap().push_back(datagram);
    }

    /// Returns all records sent under keys.
    pub(crate) fn protected(&self) -> impl Iterator<Item = Record<'_>> {
        let records = self.sent.iter().flat_map(|datagram| records(datagram));
        records.filter_map(|record| match record.unwrap() {
            dtls_wire::AnyRecord::Full(record) if record.epoch == 1 => Some(record),
            _ => None,
        })
    }
}

impl Read for Line {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let datagram = self.inbox.lock().unwrap().pop_front();
        let datagram = datagram.ok_or(io::ErrorKind::WouldBlock)?;
        buf[..datagram.len()].copy_from_slice(&datagram);
        Ok(datagram.len())
    }
}

impl Write for Line {
    fn write(&mut self, datagram: &[u8]) -> io::Result<usize> {
        self.sent.push(datagram.to_vec());
        self.outbox.lock().unwrap().push_back(datagram.to_vec());
        Ok(datagram.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
