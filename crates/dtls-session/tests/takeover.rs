//! Records of this crate's and OpenSSL's, under the keys of one handshake, understand each other.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::*;
use dtls_session::{
    Acceptor, ClosedBy, Connector, Identity, Preferences, Psk, PskKeys,
    RecordProtection::{self, OpenSsl, Own},
    Resumption, Session,
    linked::openssl::ssl::{SslContextBuilder, SslOptions, SslSessionCacheMode, SslVerifyMode},
};
use openssl::{dh::Dh, pkey::PKey, rsa::Rsa};

#[tokio::test]
async fn suites_with_an_ecdsa_certificate() {
    let suites = [AES_GCM, CHACHA20, CCM, CCM8].concat();
    all("ECDHE-ECDSA", &suites, |_| identity("server")).await;
}

#[tokio::test]
async fn suites_with_an_rsa_certificate() {
    let rsa = rsa();
    all("ECDHE-RSA", &[AES_GCM, CHACHA20].concat(), |_| rsa.clone()).await;
    let suites = [AES_GCM, CHACHA20, CCM, CCM8].concat();
    all("DHE-RSA", &suites, |_| rsa.clone()).await;
    // RSA's own key exchange has no name in OpenSSL's words.
    all("", &[AES_GCM, CCM, CCM8].concat(), |_| rsa.clone()).await;
}

#[tokio::test]
async fn suites_with_a_pre_shared_key() {
    let rsa = rsa();
    let suites = [AES_GCM, CHACHA20, CCM, CCM8].concat();
    all("PSK", &suites, |_| identity("server")).await;
    all("DHE-PSK", &suites, |_| identity("server")).await;
    all("ECDHE-PSK", CHACHA20, |_| identity("server")).await;
    all("RSA-PSK", &[AES_GCM, CHACHA20].concat(), |_| rsa.clone()).await;
}

const AES_GCM: &[&str] = &["AES128-GCM-SHA256", "AES256-GCM-SHA384"];
const CHACHA20: &[&str] = &["CHACHA20-POLY1305"];
const CCM: &[&str] = &["AES128-CCM", "AES256-CCM"];
const CCM8: &[&str] = &["AES128-CCM8", "AES256-CCM8"];

async fn all(exchange: &str, suites: &[&str], identity: impl Fn(&str) -> Identity) {
    for cipher in suites {
        let suite = format!("{exchange}-{cipher}");
        let suite = suite.trim_start_matches('-');
        let identity = identity(suite);
        for extended in [true, false] {
            for whose in [[Own, OpenSsl], [OpenSsl, Own]] {
                let case = Case {
                    suite,
                    extended,
                    whose,
                };
                let (acceptor, connector) = (case.acceptor(&identity), case.connector());
                let (server, client) = outcomes_of(&acceptor, &connector, "localhost").await;
                let ticket = case.check(&server.unwrap(), &client.unwrap(), false).await;
                let (server, client) = resumed(&acceptor, &connector, &ticket).await;
                case.check(&server.unwrap(), &client.unwrap(), true).await;
            }
        }
    }
}

/// A kind of session, of which each side has records of one of two kinds.
#[derive(Debug)]
struct Case<'a> {
    suite: &'a str,
    extended: bool,
    /// The server's, and the client's.
    whose: [RecordProtection; 2],
}

impl Case<'_> {
    fn acceptor(&self, identity: &Identity) -> Acceptor {
        let configure = self.configure();
        // By session ID where there is no ticket.
        let ticket = self.extended;
        Acceptor::builder(identity.clone())
            .psk(PskKeys::from_lines(KEY).unwrap())
            .session(patient().record_protection(self.whose[0]))
            .preferences(Preferences::default().allow_ccm8())
            .configure(move |context| {
                context.set_tmp_dh(&*Dh::get_2048_256()?)?;
                if !ticket {
                    context.set_options(SslOptions::NO_TICKET);
                    context.set_session_cache_mode(SslSessionCacheMode::SERVER);
                }
                configure(context)
            })
            .build()
            .unwrap()
    }

    fn connector(&self) -> Connector {
        let configure = self.configure();
        // Whom to trust is another test's question.
        Connector::with_psk(Psk::parse(KEY).unwrap())
            .session(patient().record_protection(self.whose[1]))
            .preferences(Preferences::default().allow_ccm8())
            .configure(move |context| {
                context.set_verify(SslVerifyMode::NONE);
                configure(context)
            })
            .build()
            .unwrap()
    }

    fn configure(
        &self,
    ) -> impl FnOnce(&mut SslContextBuilder) -> Result<(), openssl::error::ErrorStack> + Send + 'static
    {
        let suite = self.suite.to_owned();
        let extended = self.extended;
        move |context| {
            if !extended {
                context.set_options(SslOptions::from_bits_retain(NO_EXTENDED_MASTER_SECRET));
            }
            // Newer OpenSSL counts CCM-8 as less than 1.
            context.set_cipher_list(&format!("{suite}:@SECLEVEL=0"))
        }
    }

    async fn check(&self, server: &Session, client: &Session, resumed: bool) -> Resumption {
        for (session, whose) in [server, client].into_iter().zip(self.whose) {
            let info = session.info();
            assert_eq!(info.record_protection, whose, "{self:?} {resumed}");
            assert_eq!(
                (info.cipher, info.resumed, info.extended_master_secret),
                (self.suite, resumed, self.extended),
                "{self:?}"
            );
            assert_eq!(session.key_usage().is_some(), whose == Own);
        }
        // From the second record on a session is busy.
        for length in [1, 64, 1200] {
            let datagram = vec![length as u8; length];
            for (from, to) in [(server, client), (client, server)] {
                from.send(&datagram).await.unwrap();
                let received = within(to.recv_bytes()).await.unwrap().unwrap();
                assert_eq!(received, datagram, "{self:?} {resumed}");
            }
        }
        for context in [None, Some(&b"context"[..])] {
            let mut material = [[0; 77]; 2];
            for (out, session) in material.iter_mut().zip([server, client]) {
                session
                    .export_keying_material(out, "EXPERIMENTAL test", context)
                    .unwrap();
            }
            assert_eq!(material[0], material[1], "{self:?} {resumed}");
        }
        let ticket = client.resumption().unwrap();
        // Each of both hears of the other's end, and says its own.
        let (first, second) = if resumed {
            (client, server)
        } else {
            (server, client)
        };
        first.close();
        assert_eq!(within(second.recv(&mut [0; 8])).await.unwrap(), None);
        assert!(matches!(within(second.closed()).await.by, ClosedBy::Peer));
        second.close();
        assert!(matches!(within(first.closed()).await.by, ClosedBy::Us));
        for session in [server, client] {
            let stats = session.stats();
            assert_eq!(
                (stats.forged, stats.replayed, stats.unproven_keys),
                (0, 0, 0)
            );
        }
        ticket
    }
}

fn rsa() -> Identity {
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    self_signed("localhost", &key)
}

const KEY: &str = "a:00112233445566778899aabbccddeeff";
const NO_EXTENDED_MASTER_SECRET: u64 = 1;
