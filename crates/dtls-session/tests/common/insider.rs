//! A peer that may send any record under its session's keys, which OpenSSL does not do for anybody.

use std::sync::{Arc, Mutex};

use dtls_session::{Acceptor, Connector, Preferences, RecordProtection, Session};
use openssl::{
    hash::MessageDigest,
    pkey::PKey,
    sign::Signer,
    symm::{Cipher, encrypt_aead},
};
use tokio::sync::mpsc;

use super::{Direction, Pipe, identity, patient, pipe, roots};

/// Seals records as one side of a session, and puts them before the other.
pub(crate) struct Insider {
    key: [u8; 16],
    salt: [u8; 4],
    next: u64,
    inject: mpsc::Sender<Vec<u8>>,
}

impl Insider {
    /// Sends a record, under the next number.
    pub(crate) fn send(&mut self, content_type: u8, plaintext: &[u8]) {
        let record = self.seal(content_type, plaintext);
        self.put(record);
    }

    /// Makes a record, under the next number.
    pub(crate) fn seal(&mut self, content_type: u8, plaintext: &[u8]) -> Vec<u8> {
        let number = (1 << 48 | self.next).to_be_bytes();
        self.next += 1;
        // Any number that is used once will do (RFC 5288 3), and OpenSSL's begin at random.
        let nonce = [&self.salt[..], &number].concat();
        let length = (plaintext.len() as u16).to_be_bytes();
        let head = [&number[..], &[content_type, 0xfe, 0xfd], &length].concat();
        let mut tag = [0; 16];
        let cipher = Cipher::aes_128_gcm();
        let sealed = encrypt_aead(cipher, &self.key, Some(&nonce), &head, plaintext, &mut tag);
        let body = [&number[..], &sealed.unwrap(), &tag].concat();
        let mut record = vec![content_type, 0xfe, 0xfd];
        record.extend_from_slice(&number);
        record.extend_from_slice(&(body.len() as u16).to_be_bytes());
        record.extend_from_slice(&body);
        record
    }

    /// Puts any bytes before the other side.
    pub(crate) fn put(&self, datagram: Vec<u8>) {
        self.inject.try_send(datagram).unwrap();
    }

    /// Sends a handshake message, whole, under its number.
    pub(crate) fn send_message(&mut self, kind: u8, number: u8, body: &[u8]) {
        let length = body.len() as u8;
        let header = [kind, 0, 0, length, 0, number, 0, 0, 0, 0, 0, length];
        self.send(HANDSHAKE, &[&header[..], body].concat());
    }
}

/// A session's two ends, the server's first, and whoever speaks to each of them as the other.
pub(crate) struct Inside {
    pub(crate) sessions: [Session; 2],
    pub(crate) insiders: [Insider; 2],
    pub(crate) acceptor: Acceptor,
    pub(crate) connector: Connector,
    watched: Watched,
}

type Watched = Arc<Mutex<(Vec<u8>, String)>>;

impl Inside {
    /// Makes a session by a full handshake.
    pub(crate) async fn new(protection: RecordProtection) -> Self {
        let config = || patient().record_protection(protection);
        let watched = Watched::default();
        let log = Arc::clone(&watched);
        let preferences = || Preferences::default().cipher_suites("ECDHE-ECDSA-AES128-GCM-SHA256");
        let logging =
            preferences().key_log(move |line| line.clone_into(&mut log.lock().unwrap().1));
        let acceptor = Acceptor::builder(identity("server"))
            .session(config())
            .preferences(preferences());
        let connector = Connector::builder(roots())
            .session(config())
            .preferences(logging);
        let (acceptor, connector) = (acceptor.build().unwrap(), connector.build().unwrap());
        let (server, client) = Self::pipe(&watched);
        let inject = [client.injector(), server.injector()];
        let sessions = super::sessions(&acceptor, &connector, (server, client)).await;
        Self {
            sessions: sessions.into(),
            insiders: Self::insiders(&watched, inject),
            acceptor,
            connector,
            watched,
        }
    }

    /// Makes a session that goes on from this one.
    pub(crate) async fn resume(self) -> Self {
        let resumption = self.sessions[1].resumption().unwrap();
        let (server, client) = Self::pipe(&self.watched);
        let inject = [client.injector(), server.injector()];
        let accepting = self.acceptor.accept(server);
        let connecting = self
            .connector
            .connect("localhost")
            .resume_from(&resumption)
            .over(client);
        let (server, client) = super::within(async { tokio::join!(accepting, connecting) }).await;
        let sessions = [server.unwrap(), client.unwrap()];
        assert!(sessions[1].info().resumed);
        Self {
            sessions,
            insiders: Self::insiders(&self.watched, inject),
            ..self
        }
    }

    /// Reads the ServerHello's random.
    fn pipe(watched: &Watched) -> (Pipe, Pipe) {
        let watched = Arc::clone(watched);
        let watch = move |towards: Direction, _: usize, datagram: &[u8]| {
            let plaintext = datagram.starts_with(&[HANDSHAKE, 0xfe, 0xfd, 0, 0]);
            if towards == Direction::ToClient && plaintext && datagram[13] == SERVER_HELLO {
                watched.lock().unwrap().0 = datagram[27..59].to_vec();
            }
            vec![datagram.to_vec()]
        };
        pipe(Arc::new(Mutex::new(watch)))
    }

    fn insiders(watched: &Watched, inject: [mpsc::Sender<Vec<u8>>; 2]) -> [Insider; 2] {
        let watched = watched.lock().unwrap();
        let (server_random, line) = &*watched;
        let fields: Vec<_> = line.split(' ').collect();
        let (client_random, master) = (unhex(fields[1]), unhex(fields[2]));
        let seed = [b"key expansion", &server_random[..], &client_random].concat();
        let block = prf(&master, &seed, 40);
        let [to_server, to_client] = inject;
        let insider = |key: usize, salt: usize, inject| Insider {
            key: block[key..key + 16].try_into().unwrap(),
            salt: block[salt..salt + 4].try_into().unwrap(),
            // Within the window of what the other end itself may still send.
            next: 20,
            inject,
        };
        [insider(0, 32, to_server), insider(16, 36, to_client)]
    }
}

/// P_SHA256 (RFC 5246 5).
fn prf(secret: &[u8], seed: &[u8], length: usize) -> Vec<u8> {
    let mac = |data: &[u8]| {
        let key = PKey::hmac(secret).unwrap();
        let mut signer = Signer::new(MessageDigest::sha256(), &key).unwrap();
        signer.sign_oneshot_to_vec(data).unwrap()
    };
    let (mut a, mut out) = (mac(seed), Vec::new());
    while out.len() < length {
        out.extend(mac(&[&a[..], seed].concat()));
        a = mac(&a);
    }
    out
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

const HANDSHAKE: u8 = 22;
const SERVER_HELLO: u8 = 2;
