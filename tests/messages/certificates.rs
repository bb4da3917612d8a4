//! What the server says of certificates and keys that clients will not take.

use openssl::nid::Nid;

use crate::{
    Case,
    client::err,
    common::{Certificate, Files, Program, curve, p256, rsa_pss},
};

pub(crate) fn cases() -> Vec<Case> {
    let good = Certificate::default;
    vec![
        Case::new(
            "a server of DTLS 1.2 cannot use a key of the kind ...: ECDSA or RSA is needed",
            move || with(good().pem(&rsa_pss()), None),
        ),
        Case::new("it has expired on ...: clients will refuse it", || {
            with(dated(-3, -1), None)
        }),
        Case::new(
            "it is good only from ... on: clients will refuse it until then",
            || with(dated(1, 3), None),
        ),
        Case::new(
            "its key usage or extended key usage is not for servers: clients will refuse it",
            || {
                let certificate = Certificate {
                    usage: Some("clientAuth"),
                    ..Certificate::default()
                };
                with(certificate.pem(&p256()), None)
            },
        ),
        Case::new(
            "its key is on the curve ..., which clients do not take unless they are told to",
            move || with(good().pem(&curve(Nid::SECP256K1)), None),
        ),
        Case::new(
            "it is not for ..., for which --sni shows it: clients will refuse it",
            move || with(good().pem(&p256()), Some("a.example")),
        ),
        Case::new("error: clients will refuse ... of ... certificates", || {
            with(dated(-3, -1), None)
        }),
    ]
}

fn dated(from: i64, to: i64) -> (Vec<u8>, Vec<u8>) {
    let certificate = Certificate {
        from,
        to,
        ..Certificate::default()
    };
    certificate.pem(&p256())
}

/// What `--check-config` says of a certificate and its key.
async fn with((pem, key): (Vec<u8>, Vec<u8>), name: Option<&str>) -> String {
    let files = Files::new();
    let (pem, key) = (files.write("pem", pem), files.write("key", key));
    let mut flags = vec!["127.0.0.1:0", "--check-config"];
    let named = format!("{}={pem},{key}", name.unwrap_or_default());
    match name {
        Some(_) => flags.extend(["--sni", &named]),
        None => flags.extend(["--cert", &pem, "--key", &key]),
    }
    let ended = Program::start(env!("CARGO_BIN_EXE_dtls-echo-server"), &flags)
        .end()
        .await;
    let said = ended.out.clone();
    said + &err(ended)
}
