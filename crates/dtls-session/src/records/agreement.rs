//! Tests that OpenSSL's `SSL` and these records understand each other.

use std::io::Write;

use dtls_wire::{CipherSuite, ContentType};
use openssl::ssl::{ErrorCode, ShutdownState};

use crate::records::{
    last_flight,
    layout::Layout,
    open::{OpenError, Opening},
    seal::{Sealing, nonce_base},
    suite::Suite,
    testing::{Pair, sealed},
};

/// One of each AEAD, as OpenSSL and as the IANA have them.
const SUITES: [(&str, CipherSuite); 7] = [
    (
        "PSK-AES128-GCM-SHA256",
        CipherSuite::TLS_PSK_WITH_AES_128_GCM_SHA256,
    ),
    (
        "PSK-AES256-GCM-SHA384",
        CipherSuite::TLS_PSK_WITH_AES_256_GCM_SHA384,
    ),
    ("PSK-AES128-CCM", CipherSuite::TLS_PSK_WITH_AES_128_CCM),
    ("PSK-AES256-CCM", CipherSuite::TLS_PSK_WITH_AES_256_CCM),
    ("PSK-AES128-CCM8", CipherSuite::TLS_PSK_WITH_AES_128_CCM_8),
    ("PSK-AES256-CCM8", CipherSuite::TLS_PSK_WITH_AES_256_CCM_8),
    (
        "PSK-CHACHA20-POLY1305",
        CipherSuite::TLS_PSK_WITH_CHACHA20_POLY1305_SHA256,
    ),
];

#[test]
fn openssl_reads_what_is_sealed_here_and_the_other_way_round() {
    for (name, number) in SUITES {
        let mut pair = Pair::new(name);
        let suite = Suite::new(number).unwrap();
        let (client_key, server_key) = pair.secrets(suite).key_block(suite).unwrap();
        let mut opening = Opening::new(client_key, Layout::Plain);
        let mut content = Vec::new();

        // Both Finished, as they were on the wire.
        let finished: Vec<_> = pair.client.get_ref().protected().collect();
        let opened = opening.open_vec(&finished[0], &mut content).unwrap();
        assert!(last_flight::asks(opened.content_type, &content), "{name}");
        assert_eq!(content.len(), 24);
        let finished: Vec<_> = pair.server.get_ref().protected().collect();
        let mut own = Opening::new(server_key, Layout::Plain);
        let opened = own.open_vec(&finished[0], &mut content).unwrap();
        assert!(last_flight::asks(opened.content_type, &content), "{name}");

        // The server's key goes on here.
        let base = nonce_base(&finished[0]).unwrap();
        let next = own.window().newest().unwrap() + 1;
        let (_, server_key) = pair.secrets(suite).key_block(suite).unwrap();
        let mut sealing = Sealing::new(server_key, Layout::Plain, next, base);
        for warm in [false, true] {
            if warm {
                sealing.warm().unwrap();
                opening.warm().unwrap();
            }
            for length in [1, 64, 1200, 1 << 14] {
                let plaintext = vec![length as u8; length];
                pair.client
                    .get_ref()
                    .deliver(sealed(&mut sealing, &plaintext));
                let mut buf = vec![0; 1 << 14];
                let read = pair.client.ssl_read(&mut buf).unwrap();
                assert_eq!(buf[..read], plaintext, "{name}");

                // OpenSSL has a limit of its own for what it writes to a path.
                let plaintext = &plaintext[..length.min(1200)];
                pair.client.write_all(plaintext).unwrap();
                let record = pair.client.get_ref().protected().last().unwrap();
                let opened = opening.open_vec(&record, &mut content).unwrap();
                assert_eq!(opened.content_type, ContentType::APPLICATION_DATA);
                assert_eq!(content, plaintext, "{name}");
                assert!(opened.newest);
                let again = opening.open_vec(&record, &mut content);
                assert_eq!(again, Err(OpenError::Replayed));
            }
        }

        // OpenSSL's nonces are one series, which is gone on with.
        let explicit = finished.iter().filter_map(nonce_base);
        assert!(!suite.is_gcm() || explicit.clone().all(|other| other == base));

        let mut alert = Vec::new();
        sealing
            .seal(ContentType::ALERT, &[1, 0], &mut alert)
            .unwrap();
        pair.client.get_ref().deliver(alert);
        let end = pair.client.ssl_read(&mut [0; 16]).unwrap_err();
        assert_eq!(end.code(), ErrorCode::ZERO_RETURN, "{name}");
        assert!(pair.client.get_shutdown().contains(ShutdownState::RECEIVED));
    }
}

#[test]
fn gcm_nonces_of_openssl_count_with_the_numbers() {
    let mut pair = Pair::new("PSK-AES128-GCM-SHA256");
    for _ in 0..3 {
        pair.client.write_all(b"hello").unwrap();
    }
    let bases: Vec<_> = pair
        .client
        .get_ref()
        .protected()
        .map(|record| nonce_base(&record))
        .collect();
    assert_eq!(bases.len(), 4);
    assert!(bases.iter().all(|base| *base == bases[0] && base.is_some()));
}

#[test]
fn keying_material_is_openssls() {
    for (name, number) in SUITES {
        let pair = Pair::new(name);
        let secrets = pair.secrets(Suite::new(number).unwrap());
        for context in [None, Some(&b""[..]), Some(b"context")] {
            for length in [1, 20, 32, 60, 200] {
                let (mut expected, mut actual) = (vec![0; length], vec![0; length]);
                let label = "EXPORTER-of-a-test";
                let ssl = pair.server.ssl();
                ssl.export_keying_material(&mut expected, label, context)
                    .unwrap();
                secrets
                    .export(label.as_bytes(), context, &mut actual)
                    .unwrap();
                assert_eq!(actual, expected, "{name} {context:?} {length}");
            }
        }
    }
}
