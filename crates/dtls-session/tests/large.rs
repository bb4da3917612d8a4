//! Handshakes of many datagrams.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::sync::{Arc, Mutex};

use common::*;
use dtls_session::{Acceptor, Connector, Identity, Roots, SessionConfig};
use openssl::{
    asn1::Asn1Time,
    bn::BigNum,
    hash::MessageDigest,
    pkey::{PKey, Private},
    rsa::Rsa,
    x509::{
        X509, X509Builder, X509NameBuilder,
        extension::{BasicConstraints, SubjectAlternativeName},
    },
};

/// 4 certificates of 4096 bits from each side, in datagrams of up to 576 bytes.
#[tokio::test]
async fn chains_of_four_large_certificates_get_through_a_narrow_path() {
    let (acceptor, connector) = large();
    let largest = Arc::new(Mutex::new(0));
    let watched = {
        let largest = Arc::clone(&largest);
        move |_: Direction, _: usize, datagram: &[u8]| {
            let mut largest = largest.lock().unwrap();
            *largest = datagram.len().max(*largest);
            vec![datagram.to_vec()]
        }
    };
    let (server, client) = sessions(&acceptor, &connector, pipe(fate(watched))).await;
    assert!((500..=576).contains(&*largest.lock().unwrap()));
    for session in [&server, &client] {
        assert_eq!(session.info().peer_certificates.len(), 4);
    }
    echo_once(&server, &client).await;

    // The same where every fifth datagram is lost, and every third comes behind the next one.
    let (mut count, mut late) = ([0, 0], [None, None]);
    let rough = move |towards: Direction, _: usize, datagram: &[u8]| {
        let (count, late) = (&mut count[towards as usize], &mut late[towards as usize]);
        *count += 1;
        let mut delivered = Vec::new();
        if *count % 5 != 0 {
            delivered.push(datagram.to_vec());
        }
        if *count % 3 == 0 {
            *late = delivered.pop();
        } else {
            delivered.extend(late.take());
        }
        delivered
    };
    let (server, client) = sessions(&acceptor, &connector, pipe(fate(rough))).await;
    echo_once(&server, &client).await;
    let repeats = server.stats().retransmissions + client.stats().retransmissions;
    assert!(repeats > 0, "nothing was missed");
}

fn fate(decide: impl FnMut(Direction, usize, &[u8]) -> Vec<Vec<u8>> + Send + 'static) -> Fate {
    Arc::new(Mutex::new(decide))
}

fn large() -> (Acceptor, Connector) {
    // One key for all, because they take seconds to make.
    let key = PKey::from_rsa(Rsa::generate(4096).unwrap()).unwrap();
    let names = ["root", "upper", "lower", "localhost"];
    let mut chain: Vec<X509> = Vec::new();
    for (name, serial) in names.into_iter().zip(1..) {
        let issuer = chain.first().cloned();
        chain.insert(0, certificate(name, serial, issuer.as_ref(), &key));
    }
    let roots = Roots::from_pem(&chain[3].to_pem().unwrap()).unwrap();
    let pem: Vec<u8> = chain.iter().flat_map(|it| it.to_pem().unwrap()).collect();
    let identity = Identity::from_pem(&pem, &key.private_key_to_pem_pkcs8().unwrap()).unwrap();
    let narrow: SessionConfig = patient().mtu(576);
    let acceptor = Acceptor::builder(identity.clone())
        .require_client_certificate(roots.clone())
        .session(narrow.clone());
    let connector = Connector::builder(roots).identity(identity).session(narrow);
    (acceptor.build().unwrap(), connector.build().unwrap())
}

fn certificate(name: &str, serial: u32, issuer: Option<&X509>, key: &PKey<Private>) -> X509 {
    let mut subject = X509NameBuilder::new().unwrap();
    subject.append_entry_by_text("CN", name).unwrap();
    let subject = subject.build();
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    let serial = BigNum::from_u32(serial).unwrap().to_asn1_integer().unwrap();
    builder.set_serial_number(&serial).unwrap();
    builder.set_subject_name(&subject).unwrap();
    builder
        .set_issuer_name(issuer.map_or(&subject, |issuer| issuer.subject_name()))
        .unwrap();
    builder.set_pubkey(key).unwrap();
    builder
        .set_not_before(&Asn1Time::days_from_now(0).unwrap())
        .unwrap();
    builder
        .set_not_after(&Asn1Time::days_from_now(1).unwrap())
        .unwrap();
    if name == "localhost" {
        let context = builder.x509v3_context(None, None);
        let names = SubjectAlternativeName::new()
            .dns(name)
            .build(&context)
            .unwrap();
        builder.append_extension(names).unwrap();
    } else {
        builder
            .append_extension(BasicConstraints::new().critical().ca().build().unwrap())
            .unwrap();
    }
    builder.sign(key, MessageDigest::sha256()).unwrap();
    builder.build()
}
