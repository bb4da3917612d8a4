//! Files that the flags name: regular ones, whole, and replaced as a whole.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(unix)]

mod common;

use std::{
    fs::{self, FileType},
    os::unix::{
        fs::{FileTypeExt, symlink},
        net::UnixListener,
    },
};

use common::{Files, Program, Server, cert, run};
use tokio::process::Command;

const SERVER: &str = env!("CARGO_BIN_EXE_dtls-echo-server");
const CLIENT: &str = env!("CARGO_BIN_EXE_dtls-echo-client");
const LOAD: &str = env!("CARGO_BIN_EXE_dtls-echo-load");
const KEY: &str = "00112233445566778899aabbccddeeff";

#[tokio::test]
async fn only_regular_files_are_read_and_nothing_waits_for_a_pipe() {
    let files = Files::new();
    let (pem, key) = (cert("server.pem"), cert("server.key"));
    let directory = files.path("");
    for (path, what) in others(&files)
        .into_iter()
        .chain([(directory, "a directory")])
    {
        let path = &*path;
        for (program, flags) in [
            (SERVER, &["--cert", path, "--key", &key][..]),
            (SERVER, &["--cert", &pem, "--key", path]),
            (SERVER, &["--client-ca", path]),
            (SERVER, &["--psk-file", path]),
            (SERVER, &["--shared-secret", path]),
            (SERVER, &["--keylog", path]),
            (CLIENT, &["--ca", path]),
            (CLIENT, &["--psk-file", path]),
            (CLIENT, &["--cert", path, "--key", &key]),
            (CLIENT, &["--keylog", path]),
            (LOAD, &["--ca", path]),
        ] {
            // The server's has to be free, and the others send nothing to theirs.
            let addr = if program == SERVER {
                "127.0.0.1:0"
            } else {
                "127.0.0.1:9"
            };
            let args = [&[addr], flags].concat();
            let ended = Program::start(program, &args).end().await;
            ended.fails_with(1, &[path, what, "a regular file is needed"]);
        }
        let ended = Program::start(SERVER, &["--config", path]).end().await;
        ended.fails_with(1, &[path, "--config", what, "a regular file is needed"]);
    }
}

#[tokio::test]
async fn a_session_replaces_regular_files_only() {
    let server = Server::start(&[]).await;
    let files = Files::new();
    // The machine's device would not outlive a failure.
    for (path, what) in others(&files).into_iter().take(2) {
        let ended = run(&server.addr, &["--session", &path], b"x\n").await;
        assert_eq!((ended.code, &*ended.out), (Some(0), "Echo: x\n"));
        let cannot = [
            format!("cannot use {path} for --session, so the handshake is a full one"),
            format!("cannot keep the session in {path}: it is {what}"),
        ];
        for words in cannot {
            assert!(ended.err.contains(&words), "no {words:?} in {ended:?}");
        }
        // What stood there still does.
        let kind = fs::metadata(&path).unwrap().file_type();
        assert!(!kind.is_file() && is(kind, what), "{kind:?} in {path}");
    }
}

#[tokio::test]
async fn a_session_goes_where_a_link_leads_and_the_link_stays() {
    let server = Server::start(&[]).await;
    let files = Files::new();
    fs::create_dir(files.path("elsewhere")).unwrap();
    symlink("second", files.path("first")).unwrap();
    symlink("elsewhere/session", files.path("second")).unwrap();
    for resumed in ["no", "yes", "yes"] {
        let session = files.path("first");
        let flags = ["--session", &*session, "--info"];
        let ended = run(&server.addr, &flags, b"").await;
        assert_eq!((ended.code, &*ended.err), (Some(0), ""));
        let line = format!("resumed                 {resumed}\n");
        assert!(ended.out.contains(&line), "{ended:?}");
        let link = fs::symlink_metadata(&session).unwrap();
        assert!(link.is_symlink());
        assert_eq!(files.mode("elsewhere/session"), 0o600);
    }
    assert_eq!(fs::read_dir(files.path("elsewhere")).unwrap().count(), 1);
    symlink("circle", files.path("circle")).unwrap();
    let flags = ["--session", &*files.path("circle")];
    let ended = run(&server.addr, &flags, b"x\n").await;
    assert_eq!((ended.code, &*ended.out), (Some(0), "Echo: x\n"));
    assert!(ended.err.contains("cannot keep the session"), "{ended:?}");
}

#[tokio::test]
async fn a_key_log_goes_where_a_link_leads() {
    let files = Files::new();
    let server = Server::start(&[]).await;
    symlink("secrets", files.path("link")).unwrap();
    let link = files.path("link");
    run(&server.addr, &["--keylog", &link], b"x\n").await;
    assert!(files.read("secrets").starts_with(b"CLIENT_RANDOM "));
    let mut command = Command::new(CLIENT);
    let pipe = &others(&files)[0].0;
    command.arg("127.0.0.1:9").env("SSLKEYLOGFILE", pipe);
    let ended = Program::start_with(&mut command).end().await;
    ended.fails_with(1, &[pipe, "SSLKEYLOGFILE", "it is a pipe"]);
}

#[tokio::test]
async fn a_byte_order_mark_locks_nobody_out() {
    let files = Files::new();
    let psk = files.write("psk", format!("\u{feff}device:{KEY}\nother:{KEY}\n"));
    let secret = files.write("secret", format!("\u{feff}{KEY}{KEY}\n"));
    let config = format!("\u{feff}psk-file = '{psk}'\nshared-secret = '{secret}'\n");
    let config = files.write("server.toml", config);
    let server = Server::start(&["--config", &config]).await;
    let own = files.write("own", format!("\u{feff}device:{KEY}"));
    let ended = run(&server.addr, &["--psk-file", &own], b"x\n").await;
    assert_eq!((ended.code, &*ended.out), (Some(0), "Echo: x\n"));

    let marked = |name: &str| {
        let pem = fs::read(cert(name)).unwrap();
        files.write(name, [&b"\xef\xbb\xbf"[..], &pem].concat())
    };
    let [pem, key, ca] = ["server.pem", "server.key", "ca.pem"].map(marked);
    let server = Server::start(&["--cert", &pem, "--key", &key]).await;
    let ended = run(&server.addr, &["--ca", &ca], b"x\n").await;
    assert_eq!((ended.code, &*ended.out), (Some(0), "Echo: x\n"));
}

#[tokio::test]
async fn a_file_that_was_cut_is_not_loaded_again() {
    let files = Files::new();
    let line = format!("device:{KEY}\n");
    let psk = files.write("psk", line.trim());
    let secret = files.write("secret", format!("{KEY}{KEY}{KEY}\n"));
    let settings = format!("psk-file = '{psk}'\nshared-secret = '{secret}'\nidle-timeout = 300\n");
    let config = files.write("server.toml", &settings);
    let server = Server::start(&["--config", &config]).await;
    // Many programs leave the newline out: at the start that is a warning.
    let warned =
        format!("WARN dtls_echo_server::lines: {psk} for --psk-file: its last line has no");
    server.program.logs(&warned).await;
    let whole = [
        ("psk", "--psk-file", line),
        ("secret", "--shared-secret", format!("{KEY}{KEY}{KEY}\n")),
        ("server.toml", "--config", settings),
    ];
    files.write("psk", &whole[0].2);
    for (name, flag, content) in whole {
        // What is left would do, but for the newline: half a key is a key, and 3 a number of seconds.
        files.write(name, &content[..content.len() - 3]);
        server.program.signal("-HUP");
        let path = files.path(name);
        let refused =
            format!("goes on as before: cannot use {path} for {flag}: its last line has no");
        server.program.logs(&refused).await;
        let ended = run(&server.addr, &["--psk", &format!("device:{KEY}")], b"x\n").await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        files.write(name, content);
    }
    server.program.signal("-HUP");
    server.program.logs("reloaded").await;
}

#[tokio::test]
async fn no_more_is_read_of_a_file_than_fits() {
    let files = Files::new();
    let path = files.path("long");
    // Takes no room on the disk.
    fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
    for (program, flag) in [
        (SERVER, "--client-ca"),
        (SERVER, "--psk-file"),
        (CLIENT, "--ca"),
    ] {
        let addr = if program == SERVER {
            "127.0.0.1:0"
        } else {
            "127.0.0.1:9"
        };
        let ended = Program::start(program, &[addr, flag, &path]).end().await;
        ended.fails_with(1, &[&path, "more than 64 MiB"]);
    }
    let server = Server::start(&[]).await;
    let ended = run(&server.addr, &["--session", &path], b"x\n").await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.err.contains("more than 64 MiB"), "{ended:?}");
}

/// Files that are no regular ones, and what they are.
fn others(files: &Files) -> [(String, &'static str); 3] {
    let (pipe, socket, device) = (files.path("pipe"), files.path("socket"), files.path("zero"));
    if !fs::exists(&pipe).unwrap() {
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        drop(UnixListener::bind(&socket).unwrap());
        symlink("/dev/zero", &device).unwrap();
    }
    [(pipe, "a pipe"), (socket, "a socket"), (device, "a device")]
}

fn is(kind: FileType, what: &str) -> bool {
    match what {
        "a pipe" => kind.is_fifo(),
        _ => kind.is_socket(),
    }
}
