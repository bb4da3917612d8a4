//! What the programs tell, and what they refuse.

use serde_json::Value;

use crate::common::{Files, Program, Server, client, run};

pub(crate) async fn facts() {
    let server = Server::start(&[
        "--groups",
        "P-256",
        "--ciphers",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
    ])
    .await;
    let ended = run(&server.addr, &["--json"], b"x\n").await;
    assert_eq!(
        (ended.code, &*ended.out),
        (Some(0), "Echo: x\n"),
        "{ended:?}"
    );
    let facts: Value = serde_json::from_str(&ended.err).unwrap();
    for (name, value) in [
        ("version", "DTLS 1.2"),
        ("cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"),
        ("cipher_suite", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
        ("group", "secp256r1"),
    ] {
        assert_eq!(facts[name], value, "{facts}");
    }
    assert_eq!(
        (&facts["resumed"], &facts["mtu"]),
        (&false.into(), &1350.into())
    );
    let certificate = &facts["peer_certificates"][0];
    assert_eq!(certificate["subject"], "CN=DTLS echo development server");
    assert_eq!(certificate["sha256"].as_str().unwrap().len(), 95);
    let ended = run(&server.addr, &["-v"], b"x\n").await;
    assert!(
        ended.err.contains("\nversion                 DTLS 1.2\n"),
        "{ended:?}"
    );
    assert!(ended.err.contains("\n  SHA-256 "), "{ended:?}");
    let server = Server::start(&["--json"]).await;
    run(&server.addr, &[], b"x\n").await;
    server.program.logs("\"psk_identity\":null").await;
}

pub(crate) async fn passed() {
    let pass = "\
import os, socket, sys
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(('127.0.0.1', 0))
os.dup2(udp.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1')
os.execv(sys.argv[1], sys.argv[1:])
";
    let program = env!("CARGO_BIN_EXE_dtls-echo-server");
    let server = Program::start("python3", &["-c", pass, program, "--socket-activation"]);
    let addr = server.says_line("listening on ").await;
    let ended = run(&addr, &[], b"x\n").await;
    assert_eq!(
        (ended.code, &*ended.out),
        (Some(0), "Echo: x\n"),
        "{ended:?}"
    );
    let ended = Program::start(program, &["--socket-activation"])
        .end()
        .await;
    ended.fails_with(1, &["no socket was passed", ".socket unit"]);
    let ended = Program::start(program, &["--socket-activation", "127.0.0.1:0"])
        .end()
        .await;
    ended.fails_with(2, &["--socket-activation", "ADDR"]);
}

pub(crate) async fn refusals() {
    let files = Files::new();
    let bad = files.write("bad", "device:secret");
    let missing = files.path("missing");
    let server = |flags: &[&str]| {
        let args = [&["127.0.0.1:0"], flags].concat();
        Program::start(env!("CARGO_BIN_EXE_dtls-echo-server"), &args)
    };
    let client = |flags: &[&str]| client("127.0.0.1:9", flags);
    for (program, code, words) in [
        (
            server(&["--psk-file", &bad]),
            1,
            ["bad for --psk-file", "line 1"],
        ),
        (
            server(&["--psk-file", &missing]),
            1,
            ["missing", "No such file"],
        ),
        (server(&["--psk-hint", "x"]), 2, ["--psk-file", "required"]),
        (
            server(&["--client-auth", "require"]),
            2,
            ["--client-ca", "required"],
        ),
        (
            server(&["--client-ca", &missing]),
            1,
            ["--client-ca", "No such file"],
        ),
        (
            server(&["--sni", "x"]),
            2,
            ["--sni", "NAME=CERT,KEY is needed"],
        ),
        (
            server(&["--sni", "x=a,b"]),
            1,
            ["cannot read a", "No such file"],
        ),
        (
            server(&["--ciphers", "x"]),
            1,
            ["cipher suite list `x`", "nothing in it"],
        ),
        (
            server(&["--ciphers", "ECDHE-ECDSA-AES128-GCM-SHA256:x"]),
            1,
            ["`x` is no cipher suite", "OpenSSL"],
        ),
        (
            server(&["--ciphers", "ECDHE-RSA-AES128-GCM-SHA256"]),
            1,
            [
                "ECDHE-RSA-AES128-GCM-SHA256",
                "nothing in it that goes with",
            ],
        ),
        (
            server(&["--ciphers", "ECDHE-ECDSA-AES128-CCM8"]),
            1,
            ["CCM-8", "--allow-ccm8"],
        ),
        (
            client(&["--ciphers", "ECDHE-ECDSA-AES128-CCM8"]),
            1,
            ["CCM-8", "--allow-ccm8"],
        ),
        (
            client(&[
                "--psk",
                "x:00",
                "--ciphers",
                "ECDHE-ECDSA-AES128-GCM-SHA256",
            ]),
            1,
            ["nothing in it that goes with", "key"],
        ),
        (
            server(&["--alpn", "a,,b"]),
            2,
            ["--alpn", "none that is empty"],
        ),
        (client(&["--alpn", ""]), 2, ["--alpn", "none that is empty"]),
        (
            server(&["--allow-plain-psk"]),
            2,
            ["--psk-file", "required"],
        ),
        (
            server(&["--client-auth", "perhaps", "--client-ca", "x"]),
            2,
            ["--client-auth", "request"],
        ),
        (
            server(&["--groups", "x"]),
            1,
            ["group list `x`", "nothing in it"],
        ),
        (
            server(&["--sigalgs", "x"]),
            1,
            ["signature algorithm list `x`", "nothing in it"],
        ),
        (
            server(&["--srtp", "x"]),
            1,
            ["SRTP profile list `x`", "nothing in it"],
        ),
        (
            client(&["--max-version", "1.3", "--psk", "a:0011"]),
            1,
            [
                "pre-shared keys and DTLS 1.3",
                "--max-version 1.2 does that",
            ],
        ),
        (
            server(&["--max-version", "1.1"]),
            2,
            ["--max-version", "1.3"],
        ),
        (
            server(&["--keylog", "/"]),
            1,
            ["cannot write secrets to /", "directory"],
        ),
        (
            client(&["--psk", "device:secret"]),
            2,
            ["--psk: ", "hexadecimal"],
        ),
        (
            client(&["--psk", "x:00", "--ca", "x"]),
            2,
            ["--psk", "--ca"],
        ),
        (
            client(&["--psk-file", &missing]),
            1,
            ["missing for --psk-file", "No such file"],
        ),
        (client(&["--cert", "x"]), 2, ["--key", "required"]),
        (
            client(&["--ciphers", "x"]),
            1,
            ["cipher suite list `x`", "nothing in it"],
        ),
    ] {
        let ended = program.end().await;
        ended.fails_with(code, &words);
        assert!(
            !ended.err.contains("secret\n") && !ended.err.contains("device:"),
            "{ended:?}"
        );
        assert_eq!(ended.out, "");
    }
}
