//! Names of servers: neither case nor the root's dot matters, and what no client asks for is refused.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::{Files, Program, Server, cert, run, self_signed};

#[tokio::test]
async fn a_certificate_is_found_good_however_its_name_is_written() {
    let server = Server::start(&[]).await;
    let files = Files::new();
    let session = files.path("session");
    for (name, resumed) in [
        ("localhost", "no"),
        ("localhost.", "yes"),
        ("LocalHost", "yes"),
        ("LOCALHOST.", "yes"),
    ] {
        let flags = ["--server-name", name, "--session", &session, "--info"];
        let ended = run(&server.addr, &flags, b"").await;
        assert_eq!((ended.code, &*ended.err), (Some(0), ""), "{name}");
        for line in [
            "server name             localhost",
            &format!("resumed                 {resumed}"),
        ] {
            assert!(
                ended.out.contains(&format!("{line}\n")),
                "{name}: {ended:?}"
            );
        }
    }
    run(&server.addr, &["--server-name", "localhost.."], b"x\n")
        .await
        .fails_with(1, &["hostname mismatch"]);
}

#[tokio::test]
async fn an_identity_is_shown_however_its_name_is_written() {
    let files = Files::new();
    let (pem, key) = self_signed();
    let (pem, key) = (files.write("pem", pem), files.write("key", key));
    let exact = format!("A.Example.={pem},{key}");
    let wild = format!("*.Wild.Example.={pem},{key}");
    let server = Server::start(&["--sni", &exact, "--sni", &wild]).await;
    for (name, subject) in [
        ("a.example", "CN=self-signed"),
        ("A.EXAMPLE.", "CN=self-signed"),
        ("x.wild.example.", "CN=self-signed"),
        ("wild.example", "CN=DTLS echo development server"),
    ] {
        let flags = ["--server-name", name, "--insecure", "--info"];
        let ended = run(&server.addr, &flags, b"").await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let line = format!("certificate 0           {subject}");
        assert!(ended.out.contains(&line), "{name}: {}", ended.out);
    }
}

#[tokio::test]
async fn names_that_no_client_asks_for_are_refused() {
    let (pem, key) = (cert("server.pem"), cert("server.key"));
    let named = |name: &str| format!("{name}={pem},{key}");
    for (names, words) in [
        (&["*"][..], "`*` cannot be the name"),
        (&["a.*.b"], "`a.*.b` cannot be the name"),
        (&["a*.b"], "the whole first label only"),
        (&["a..b"], "an empty label"),
        (&["127.0.0.1"], "clients name no addresses"),
        (&["::1"], "clients name no addresses"),
        (&["bücher.example"], "xn--"),
        (
            &["a.example", "A.Example."],
            "two identities for the server name `A.Example.`",
        ),
    ] {
        let names: Vec<_> = names.iter().map(|name| named(name)).collect();
        let sni = names.iter().flat_map(|name| ["--sni", name]);
        let args: Vec<_> = ["127.0.0.1:0", "--check-config"]
            .into_iter()
            .chain(sni)
            .collect();
        let program = env!("CARGO_BIN_EXE_dtls-echo-server");
        let ended = Program::start(program, &args).end().await;
        ended.fails_with(1, &[words, "(--sni names it)"]);
    }
}
