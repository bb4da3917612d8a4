//! Certificates and keys of the server that clients will not take: it says so, before they do.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::{Certificate, Ended, Files, Program, Server, curve, p256, rsa_pss, run};
use openssl::{
    dsa::Dsa,
    nid::Nid,
    pkey::{PKey, Private},
};

const SERVER: &str = env!("CARGO_BIN_EXE_dtls-echo-server");

#[tokio::test]
async fn a_key_that_serves_nobody_is_refused_at_the_start() {
    let dsa = PKey::from_dsa(Dsa::generate(1024).unwrap()).unwrap();
    for (key, kind) in [(rsa_pss(), "RSA-PSS"), (dsa, "DSA")] {
        let files = Files::new();
        let (pem, key) = write(&files, &Certificate::default(), &key);
        let words = [&*format!(
            "a key of the kind {kind}: ECDSA or RSA is needed"
        )];
        let named = format!("x={pem},{key}");
        for flags in [&["--cert", &pem, "--key", &key][..], &["--sni", &named]] {
            serve(flags).await.fails_with(1, &words);
            check(flags).await.fails_with(1, &words);
        }
    }
}

#[tokio::test]
async fn what_clients_will_refuse_is_told_by_the_check_and_at_the_start() {
    let good = Certificate {
        names: &["a.example", "*.b.example"],
        ..Certificate::default()
    };
    let expired = Certificate {
        from: -3,
        to: -1,
        ..good
    };
    let early = Certificate {
        from: 1,
        to: 3,
        ..good
    };
    let clients = Certificate {
        usage: Some("clientAuth"),
        ..good
    };
    let both = Certificate {
        usage: Some("serverAuth"),
        ..good
    };
    let p256 = p256();
    let rare = curve(Nid::SECP256K1);
    for (certificate, key, name, fault) in [
        (&good, &p256, None, None),
        (&good, &p256, Some("a.example"), None),
        (&good, &p256, Some("x.b.example"), None),
        (&good, &p256, Some("*.b.example"), None),
        (&both, &p256, None, None),
        (
            &good,
            &p256,
            Some("b.example"),
            Some("it is not for b.example"),
        ),
        (
            &good,
            &p256,
            Some("*.example"),
            Some("it is not for *.example"),
        ),
        (
            &good,
            &p256,
            Some("x.y.b.example"),
            Some("it is not for x.y.b.example"),
        ),
        (&expired, &p256, None, Some("it has expired on ")),
        (
            &early,
            &p256,
            Some("a.example"),
            Some("it is good only from "),
        ),
        (
            &clients,
            &p256,
            None,
            Some("its key usage or extended key usage is not for servers"),
        ),
        (
            &good,
            &rare,
            None,
            Some("its key is on the curve secp256k1"),
        ),
    ] {
        let files = Files::new();
        let (pem, key) = write(&files, certificate, key);
        let named = format!("{}={pem},{key}", name.unwrap_or_default());
        let flags = match name {
            Some(_) => vec!["--sni", &named],
            None => vec!["--cert", &pem, "--key", &key],
        };
        let line = format!("{pem}: CN=self-signed, ");
        let checked = check(&flags).await;
        let told = checked.out.lines().find(|told| told.starts_with(&line));
        let told = told.unwrap_or_else(|| panic!("{checked:?}"));
        assert!(told.contains(fault.unwrap_or("good until ")), "{told}");
        let server = Server::start(&flags).await;
        let level = if fault.is_some() {
            assert_eq!(checked.code, Some(1), "{checked:?}");
            let all = 1 + usize::from(name.is_some());
            let words = format!("error: clients will refuse 1 of {all} certificates\n");
            assert_eq!(checked.err, words);
            "WARN"
        } else {
            assert_eq!((checked.code, &*checked.err), (Some(0), ""));
            assert!(checked.out.ends_with("\nthe configuration is good\n"));
            "INFO"
        };
        server
            .program
            .logs(&format!("{level} dtls_echo_server::certificates: {told}\n"))
            .await;
    }
}

/// A curve that clients have to be told of, and a purpose: what is warned of does fail.
#[tokio::test]
async fn clients_do_refuse_it() {
    let files = Files::new();
    let clients = Certificate {
        usage: Some("clientAuth"),
        ..Certificate::default()
    };
    for (certificate, key, words) in [
        (clients, p256(), "unsuitable certificate purpose"),
        (
            Certificate::default(),
            curve(Nid::SECP256K1),
            "handshake_failure",
        ),
    ] {
        let (pem, key) = write(&files, &certificate, &key);
        let server = Server::start(&["--cert", &pem, "--key", &key]).await;
        let ended = run(&server.addr, &["--ca", &pem], b"x\n").await;
        ended.fails_with(1, &[words]);
    }
}

#[tokio::test]
async fn a_certificate_behind_it_counts_too() {
    let files = Files::new();
    let (own, key) = Certificate::default().pem(&p256());
    let expired = Certificate {
        from: -3,
        to: -1,
        ..Certificate::default()
    };
    let (behind, _) = expired.pem(&p256());
    let pem = files.write("cert.pem", [own, behind].concat());
    let key = files.write("key.pem", key);
    let checked = check(&["--cert", &pem, "--key", &key]).await;
    assert_eq!(checked.code, Some(1), "{checked:?}");
    let words = ", good until ";
    let (before, after) = checked.out.split_once(words).unwrap();
    assert!(before.ends_with("CN=self-signed"), "{checked:?}");
    let words = "; of CN=self-signed behind it: it has expired on ";
    assert!(after.contains(words), "{checked:?}");
}

#[tokio::test]
async fn a_reload_tells_of_the_new_certificate() {
    let files = Files::new();
    let (pem, key) = write(&files, &Certificate::default(), &p256());
    let server = Server::start(&["--cert", &pem, "--key", &key]).await;
    let expired = Certificate {
        from: -3,
        to: -1,
        ..Certificate::default()
    };
    write(&files, &expired, &p256());
    server.program.signal("-HUP");
    let words =
        format!("WARN dtls_echo_server::certificates: {pem}: CN=self-signed, it has expired on ");
    server.program.logs(&words).await;
}

fn write(files: &Files, certificate: &Certificate<'_>, key: &PKey<Private>) -> (String, String) {
    let (pem, key) = certificate.pem(key);
    (files.write("cert.pem", pem), files.write("key.pem", key))
}

async fn check(flags: &[&str]) -> Ended {
    serve(&[flags, &["--check-config"]].concat()).await
}

async fn serve(flags: &[&str]) -> Ended {
    Program::start(SERVER, &[&["127.0.0.1:0"], flags].concat())
        .end()
        .await
}
