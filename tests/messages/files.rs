//! What either program says of its files and lists.

use std::{
    fs,
    io::{Read, Write},
    os::{fd::OwnedFd, unix::net::UnixStream},
    process::Stdio,
};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
    task::spawn_blocking,
};

use crate::{
    Case,
    client::err,
    common::{Files, Program, Server, cert, has, run, within},
};

const SERVER: &str = env!("CARGO_BIN_EXE_dtls-echo-server");

const KEY: &str = "00112233445566778899aabbccddeeff";

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "cannot use ... for --ca: cannot read ...: No such file",
            || client(&["--ca", "/no/such/file"]),
        ),
        Case::new(
            "no certificate found: a PEM block that starts with -----BEGIN CERTIFICATE----- is needed",
            || async { client(&["--ca", &cert("server.key")]).await },
        ),
        Case::new(
            "the private key does not parse: an unencrypted PEM key in PKCS#8, SEC1 or PKCS#1 form is needed",
            || server_with("server.pem", "server.pem"),
        ),
        Case::new(
            "the private key does not belong to the first certificate of the chain",
            || server_with("server.pem", "client.key"),
        ),
        Case::new(
            "cannot use ... with ...: cannot read ...: No such file",
            || server(&["--cert", "/no/cert", "--key", "/no/key"]),
        ),
        Case::new(
            "--psk: IDENTITY:KEY is needed, the key in hexadecimal digits",
            || async {
                let ended = run("127.0.0.1:9", &["--psk", "00ff"], b"").await;
                assert_eq!(ended.code, Some(2), "{ended:?}");
                ended.err
            },
        ),
        Case::new("there is no key ...; is it", || async {
            let files = Files::new();
            let config = files.write("server.toml", "mtux = 1\n");
            config_file(&config).await
        }),
        Case::new("cannot use ... for --config: No such file", || {
            config_file("/no/such/file")
        }),
        Case::new(
            "cannot use ... for --psk-file: there is no key in it",
            || psk_file("# none\n"),
        ),
        Case::new(
            "cannot use ... for --psk-file: line ... is of no use: IDENTITY:KEY is needed",
            || psk_file("a:00ff\nb\n"),
        ),
        Case::new(
            "line ... is of no use: the key has to be given in hexadecimal",
            || psk_file("a:secret\n"),
        ),
        Case::new(
            "line ... is of no use: the identity has a key already",
            || psk_file("a:00\na:01\n"),
        ),
        Case::new(
            "line ... is of no use: the identity has white space at an end or a control character",
            || async {
                let written = psk_file("a:00ff\n b:00ff\n").await;
                assert!(written.contains("line 2 "), "{written}");
                psk_file("a\tb:00ff\n").await
            },
        ),
        Case::new(
            "line ... is of no use: the identity is empty: hex=,KEY says so if it is meant",
            || psk_file(":00ff\n"),
        ),
        Case::new(
            "line ... is of no use: hex=IDENTITY,KEY is needed, both in hexadecimal",
            || psk_file("hex=61:00ff\n"),
        ),
        Case::new("cannot use ... for --psk-file: it is not UTF-8", || {
            psk_file(b"ger\xe4t:00ff\n")
        }),
        Case::new(
            "--psk: the identity can have up to 255 bytes, none of them zero",
            || async {
                let ended = run("127.0.0.1:9", &["--psk", "hex=610062,00ff"], b"").await;
                assert_eq!(ended.code, Some(2), "{ended:?}");
                ended.err
            },
        ),
        Case::new(
            "cannot use ... for --psk-file: it has ... keys, and a client uses one",
            || async {
                let files = Files::new();
                let file = files.write("keys", "a:00\nb:00\n");
                client(&["--psk-file", &file]).await
            },
        ),
        Case::new(
            "the pre-shared key of ... has less than 16 bytes and can be found by trying",
            || async {
                let files = Files::new();
                let keys = files.write("keys", "a:00112233\nb:0011\n");
                let flags = ["127.0.0.1:0", "--psk-file", &keys, "--check-config"];
                let ended = Program::start(SERVER, &flags).end().await;
                assert_eq!(ended.code, Some(0), "{ended:?}");
                assert!(ended.err.contains("\"a\" and of 1 more"), "{ended:?}");
                client(&["--psk", "a:0011", "--timeout", "0.1"]).await
            },
        ),
        Case::new(
            "line ... is of no use: a byte-order mark stands before the identity",
            || psk_file("a:00\n\u{feff}b:01\n"),
        ),
        Case::new(
            "cannot use ... for --psk-file: it is a ...: a regular file is needed, or a link to one",
            || server(&["--psk-file", "/"]),
        ),
        Case::new(
            "cannot use ... for --ca: cannot read ...: it has more than 64 MiB, of which no file is read more",
            || async {
                let files = Files::new();
                let file = files.write("ca.pem", "");
                // Takes no room on the disk.
                let long = fs::OpenOptions::new().write(true).open(&file);
                long.unwrap().set_len(1 << 40).unwrap();
                client(&["--ca", &file]).await
            },
        ),
        Case::new(
            "... for --psk-file: its last line has no newline, as if the file had been cut off: end it with one; SIGHUP refuses it",
            || async {
                let files = Files::new();
                let keys = files.write("keys", format!("a:{KEY}"));
                let flags = ["127.0.0.1:0", "--psk-file", &keys, "--check-config"];
                Program::start(SERVER, &flags).end().await.err
            },
        ),
        Case::new(
            "cannot reload, and goes on as before: cannot use ... for --psk-file: its last line has no newline",
            || async {
                let files = Files::new();
                let keys = files.write("keys", format!("a:{KEY}\n"));
                let server = Server::start(&["--psk-file", &keys]).await;
                files.write("keys", &format!("a:{KEY}")[..20]);
                server.program.signal("-HUP");
                server.program.logs("goes on as before").await;
                server.program.stop().await.err
            },
        )
        .only_if(cfg!(unix)),
        Case::new("cannot keep the session in ...: ...", || async {
            let server = Server::start(&[]).await;
            let session = "/no/such/directory/session";
            run(&server.addr, &["--session", session], b"x\n").await.err
        }),
        Case::new(
            "cannot use ... for --shared-secret: the secret in line ... has ... bytes",
            || async {
                let files = Files::new();
                let secret = files.write("secret", "00ff\n");
                server(&["--shared-secret", &secret]).await
            },
        ),
        Case::new("`...` is no cipher suite that this OpenSSL knows", || {
            client(&["--ciphers", "ECDHE-ECDSA-AES128-GCM-SHA256:AES-1"])
        }),
        Case::new(
            "the cipher suite list `...` has nothing in it that goes with the kind of certificate or key",
            || server(&["--ciphers", "ECDHE-RSA-AES128-GCM-SHA256"]),
        ),
        Case::new(
            "the cipher suite list `...` has CCM-8 in it, which has to be allowed (--allow-ccm8 does that)",
            || client(&["--ciphers", "ECDHE-ECDSA-AES128-CCM8"]),
        ),
        Case::new("there is no version from DTLS ... to DTLS ...", || {
            client(&["--min-version", "1.3"])
        }),
        Case::new("cannot write secrets to ..., which --keylog names", || {
            client(&["--keylog", "/no/such/directory/log"])
        }),
        Case::new(
            "cannot use ... for --session, so the handshake is a full one: ...",
            || async {
                let server = Server::start(&[]).await;
                let files = Files::new();
                let session = files.write("session", "rubbish");
                let ended = run(&server.addr, &["--session", &session], b"x\n").await;
                assert_eq!(ended.code, Some(0), "{ended:?}");
                ended.err
            },
        ),
        Case::new("no port in \"...\": write for example ...:9000", || {
            start(&["0.0.0.0"])
        }),
        Case::new(
            "...: Too many open files (os error 24) (this process may have no more files and sockets open",
            || async {
                // Some for the runtime and its signals, and too few for the sockets.
                let script = format!("ulimit -n 14; exec {SERVER} 127.0.0.1:0 --shards 64");
                err(Program::start("sh", &["-c", &script]).end().await)
            },
        ),
        Case::new(
            "`...` cannot be the name of a server that clients ask for: ... (--sni names it)",
            || async {
                let named = format!("a.*.b={},{}", cert("server.pem"), cert("server.key"));
                server(&["--sni", &named]).await
            },
        ),
        Case::new(
            "there are two identities for the server name `...` (--sni names it)",
            || async {
                let files = format!("={},{}", cert("server.pem"), cert("server.key"));
                let (one, other) = (format!("a.b{files}"), format!("A.b.{files}"));
                server(&["--sni", &one, "--sni", &other]).await
            },
        ),
        Case::new("cannot write to stdout: ...", || async {
            let script = format!("{SERVER} --generate man >/dev/full");
            err(Program::start("sh", &["-c", &script]).end().await)
        })
        .only_if(fs::exists("/dev/full").unwrap_or_default()),
        Case::new(
            "nobody reads stdout: the first lines of this program are missing there",
            unread,
        ),
        Case::new(
            "lines of this log that could not be written: ...",
            unread_for_a_while,
        ),
        Case::new(
            "RUST_LOG=... is not understood; try RUST_LOG=info",
            || async {
                let mut command = Command::new(SERVER);
                command.arg("127.0.0.1:0").env("RUST_LOG", "dtls=loud");
                err(Program::start_with(&mut command).end().await)
            },
        ),
    ]
}

async fn client(flags: &[&str]) -> String {
    err(run("127.0.0.1:9", flags, b"").await)
}

async fn server(flags: &[&str]) -> String {
    err(Program::start(SERVER, &[&["127.0.0.1:0"], flags].concat())
        .end()
        .await)
}

async fn start(args: &[&str]) -> String {
    Program::start(SERVER, args).end().await.err
}

async fn server_with(pem: &str, key: &str) -> String {
    server(&["--cert", &cert(pem), "--key", &cert(key)]).await
}

async fn psk_file(content: impl AsRef<[u8]>) -> String {
    let files = Files::new();
    let file = files.write("keys", content);
    server(&["--psk-file", &file]).await
}

async fn config_file(path: &str) -> String {
    let ended = Program::start(SERVER, &["--config", path]).end().await;
    ended.err
}

/// A pipe below stdout that is full before the server starts.
async fn unread() -> String {
    let (_reader, mut writer) = UnixStream::pair().unwrap();
    writer.set_nonblocking(true).unwrap();
    while writer.write(b".").is_ok() {}
    writer.set_nonblocking(false).unwrap();
    let mut server = Command::new(SERVER)
        .arg("127.0.0.1:0")
        .stdout(OwnedFd::from(writer))
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut log = BufReader::new(server.stderr.take().unwrap()).lines();
    within(log.next_line()).await.unwrap().unwrap()
}

/// A pipe below the log whose reader goes, and another one comes.
async fn unread_for_a_while() -> String {
    let files = Files::new();
    let pipe = files.path("pipe");
    assert!(has(&["mkfifo", &pipe]));
    let script = "exec \"$0\" 127.0.0.1:0 2>\"$1\"";
    let mut command = Command::new("sh");
    command
        .args(["-c", script, SERVER, &pipe])
        .env("RUST_LOG", "info");
    let server = Program::start_with(&mut command);
    // Opening waits for the other side to do the same.
    let open = {
        let pipe = pipe.clone();
        move || fs::File::open(pipe).unwrap()
    };
    drop(within(spawn_blocking(open)).await.unwrap());
    let addr = server.says_line("listening on ").await;
    assert_eq!(run(&addr, &[], b"x\n").await.code, Some(0));
    let mut log = fs::File::open(&pipe).unwrap();
    assert_eq!(run(&addr, &[], b"x\n").await.code, Some(0));
    server.signal("-TERM");
    assert_eq!(server.end().await.code, Some(0));
    let mut text = String::new();
    log.read_to_string(&mut text).unwrap();
    text
}
