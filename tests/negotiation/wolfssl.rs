//! wolfSSL, which has no program of its own for this: its client and server here are compiled by the
//! test. They are programs of their own: its licence, the GPL, lets it into none of ours.

use std::{path::Path, process::Command};

use crate::{
    KEY,
    common::{Files, Program, Server, cert, within},
};

/// A cipher suite by wolfSSL's name and by OpenSSL's.
pub(crate) type Suite = (&'static str, &'static str);

pub(crate) const CERTIFICATE: &[Suite] = &[
    (
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES128-GCM-SHA256",
    ),
    (
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
    ),
    (
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
    ),
    ("ECDHE-ECDSA-AES128-CCM", "ECDHE-ECDSA-AES128-CCM"),
    ("ECDHE-ECDSA-AES128-CCM-8", "ECDHE-ECDSA-AES128-CCM8"),
];

pub(crate) const PSK: &[Suite] = &[
    ("ECDHE-PSK-CHACHA20-POLY1305", "ECDHE-PSK-CHACHA20-POLY1305"),
    ("PSK-CHACHA20-POLY1305", "PSK-CHACHA20-POLY1305"),
];

/// What small devices have, and Debian's wolfSSL has not.
pub(crate) const SMALL_PSK: &[Suite] = &[
    ("PSK-AES128-CCM", "PSK-AES128-CCM"),
    ("PSK-AES128-CCM-8", "PSK-AES128-CCM8"),
];

/// The program, and what its wolfSSL was built with.
#[derive(Clone)]
pub(crate) struct Wolfssl {
    program: String,
    suites: String,
}

impl Wolfssl {
    /// Compiles the program; None if this machine has no compiler or no wolfSSL.
    pub(crate) fn build() -> Option<Self> {
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("wolfssl_peer");
        let source = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/negotiation/wolfssl_peer.c"
        );
        let mut cc = Command::new("cc");
        cc.args(["-Wall", "-Wextra", "-Werror", source, "-o"])
            .arg(&program);
        if let Ok(built) = std::env::var("WOLFSSL_DIR") {
            let [include, library] = ["-I", "-L"].map(|flag| format!("{flag}{built}"));
            cc.args([include, library, format!("-Wl,-rpath,{built}")]);
        }
        cc.arg("-lwolfssl");
        let compiled = cc.output().ok()?;
        let words = String::from_utf8_lossy(&compiled.stderr);
        let missing = words.contains("No such file") || words.contains("cannot find -lwolfssl");
        assert!(compiled.status.success() || missing, "{words}");
        if missing {
            return None;
        }
        let listed = Command::new(&program).arg("suites").output().ok()?;
        assert!(listed.status.success(), "{listed:?}");
        Some(Self {
            program: program.to_str().expect("it is UTF-8").to_owned(),
            suites: String::from_utf8(listed.stdout).expect("names are ASCII"),
        })
    }

    /// Whether it was built with all of these suites.
    pub(crate) fn has(&self, suites: &[Suite]) -> bool {
        let has = |theirs| self.suites.trim().split(':').any(|suite| suite == theirs);
        suites.iter().all(|(theirs, _)| has(*theirs))
    }

    fn client(&self, server: &Server, suite: &str) -> Program {
        let ca = cert("ca.pem");
        let proof = match with_key(suite) {
            true => ["psk", "device", KEY],
            false => ["cert", &*ca, "localhost"],
        };
        let args = [&["client", server.port(), suite], &proof[..]].concat();
        Program::start(&self.program, &args)
    }

    fn server(&self, suite: &str) -> Program {
        let (pem, key) = (cert("server.pem"), cert("server.key"));
        let proof = match with_key(suite) {
            true => ["psk", "device", KEY],
            false => ["cert", &*pem, &*key],
        };
        let args = [&["server", suite], &proof[..]].concat();
        Program::start(&self.program, &args)
    }
}

/// Its client has a session with our server, and another one that resumes the first.
pub(crate) async fn client(wolfssl: Wolfssl, suites: &[Suite]) {
    for whose in ["own", "openssl"] {
        for (theirs, ours) in suites {
            let server = start_server(theirs, whose).await;
            let mut peer = wolfssl.client(&server, theirs);
            for (session, resumed) in [(1, "no"), (2, "yes")] {
                peer.says_times("resumed ", session).await;
                peer.says(&format!("resumed {resumed}\n")).await;
                for text in ["short", &"x".repeat(1200), "last"] {
                    let line = format!("{resumed} {text}\n");
                    peer.write(line.as_bytes()).await;
                    peer.says(&format!("Echo: {line}")).await;
                }
                if session == 1 {
                    peer.write(b"again\n").await;
                }
            }
            let ended = peer.end().await;
            assert_eq!(ended.code, Some(0), "{ended:?}");
            let goodbyes = ended.out.matches("both have said goodbye\n").count();
            assert_eq!(goodbyes, 2, "{ended:?}");
            let program = &server.program;
            let heard = "reason=\"the peer has closed the session\" received=3";
            program.logs_times(heard, 2).await;
            assert_eq!(program.logged(&format!("cipher={ours:?}")), 2);
            for resumed in [false, true] {
                let facts = format!("resumed={resumed} record_protection={whose:?}");
                assert_eq!(program.logged(&facts), 1, "{facts}");
            }
        }
    }
}

/// Our client has a session with its server, and another one that resumes the first.
pub(crate) async fn server(wolfssl: Wolfssl, suites: &[Suite]) {
    for whose in ["own", "openssl"] {
        for (theirs, ours) in suites {
            let files = Files::new();
            let session = files.path("session");
            let mut peer = wolfssl.server(theirs);
            let addr = peer.says_line("ACCEPT ").await;
            for (number, resumed) in [(1, "no"), (2, "yes")] {
                let mut client = start_client(&addr, theirs, whose, &["--session", &session]);
                let [sent, pushed] = ["x", "y"].map(|text| format!("{}\n", text.repeat(1200)));
                for line in ["one\n", &sent, "three\n"] {
                    client.write(line.as_bytes()).await;
                    client.says(line).await;
                }
                for line in ["four\n", &pushed, "six\n"] {
                    peer.write(line.as_bytes()).await;
                    client.says(line).await;
                }
                let ended = client.end().await;
                assert_eq!(ended.code, Some(0), "{ended:?}");
                assert_eq!(ended.out, format!("one\n{sent}three\nfour\n{pushed}six\n"));
                tells(&ended.err, ours, whose, resumed);
                peer.says_times("the peer has said goodbye\n", number).await;
                peer.says_times("both have said goodbye\n", number).await;
                peer.says(&format!("resumed {resumed}\n")).await;
            }
            assert_eq!(peer.said("resumed "), 2);
        }
    }
}

/// A server that ends says goodbye, and the client answers.
pub(crate) async fn servers_end(wolfssl: Wolfssl) {
    let suite = "ECDHE-ECDSA-AES128-GCM-SHA256";
    for whose in ["own", "openssl"] {
        let server = start_server(suite, whose).await;
        let mut peer = wolfssl.client(&server, suite);
        peer.write(b"x\n").await;
        peer.says("Echo: x\n").await;
        let stopped = server.program.stop().await;
        assert_eq!(stopped.code, Some(0), "{stopped:?}");
        let facts = format!("record_protection={whose:?}");
        assert!(stopped.err.contains(&facts), "{stopped:?}");
        peer.says("the peer has said goodbye\nboth have said goodbye\n")
            .await;

        let mut peer = wolfssl.server(suite);
        let addr = peer.says_line("ACCEPT ").await;
        let mut client = start_client(&addr, suite, whose, &[]);
        client.write(b"x\n").await;
        client.says("x\n").await;
        drop(peer.stdin.take());
        // Its own stdin is open.
        let status = within(client.child.wait()).await.unwrap();
        assert_eq!(status.code(), Some(1));
        let ended = client.end().await;
        tells(&ended.err, suite, whose, "no");
        ended.fails_with(1, &["the server has closed the session"]);
        let ended = peer.end().await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.out.ends_with("both have said goodbye\n"), "{ended:?}");
    }
}

async fn start_server(suite: &str, whose: &str) -> Server {
    let files = Files::new();
    let keys = files.write("keys", format!("device:{KEY}"));
    let psk = ["--psk-file", &keys, "--allow-plain-psk"];
    let psk = if with_key(suite) { &psk[..] } else { &[] };
    let flags = ["--allow-ccm8", "--records", whose];
    Server::start(&[&flags, psk].concat()).await
}

fn start_client(addr: &str, suite: &str, whose: &str, flags: &[&str]) -> Program {
    let key = format!("device:{KEY}");
    let psk = ["--psk", &key, "--allow-plain-psk"];
    let psk = if with_key(suite) { &psk[..] } else { &[] };
    let args = ["-v", "--allow-ccm8", "--records", whose];
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_dtls-echo-client"));
    let command = command.arg(addr).args(args).args(psk).args(flags);
    Program::start_with(command.env("RUST_LOG", "info"))
}

fn tells(err: &str, cipher: &str, whose: &str, resumed: &str) {
    for line in [
        format!(" ({cipher})\n"),
        format!("record protection       {whose}\n"),
        format!("resumed                 {resumed}\n"),
    ] {
        assert!(err.contains(&line), "no {line:?} in {err}");
    }
    assert!(!err.contains("did not answer close_notify"), "{err}");
}

fn with_key(suite: &str) -> bool {
    suite.contains("PSK")
}
