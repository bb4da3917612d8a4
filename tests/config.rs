//! --config, --check-config and --log-format.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{collections::BTreeSet, fs, process};

use common::{Certificate, Ended, Files, Program, Server, cert, client, p256, run, self_signed};
use serde_json::Value;
use tokio::process::Command;

const SERVER: &str = env!("CARGO_BIN_EXE_dtls-echo-server");

async fn serve(args: &[&str]) -> Ended {
    Program::start(SERVER, args).end().await
}

#[tokio::test]
async fn the_file_is_the_command_line_and_flags_go_before_it() {
    let files = Files::new();
    let text = "addr = '127.0.0.1:0'\nalpn = ['first', 'second']\nverbose = true\nmtu = 1000\n";
    let config = files.write("server.toml", text);
    let server = |flags: &[&str]| Program::start(SERVER, &[&["--config", &config], flags].concat());
    let alone = server(&[]);
    let addr = alone.says_line("listening on ").await;
    let flags = ["--alpn", "second", "--info", "--json"];
    let ended = run(&addr, &flags, b"").await;
    let told: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(told["protocol"], "second");
    let largest = told["received"]["largest_datagram"].as_u64().unwrap();
    assert!((800..=1000).contains(&largest), "{told}");
    alone.logs("protocol                second").await;
    // A list of the command line takes the place of the file's, and so does what excludes it.
    let other = server(&["--alpn", "third", "--json", "--mtu", "500"]);
    let addr = other.says_line("listening on ").await;
    run(&addr, &flags, b"")
        .await
        .fails_with(1, &["no_application_protocol"]);
    let ended = run(&addr, &["--alpn", "third"], b"x\n").await;
    assert_eq!(ended.out, "Echo: x\n");
    other.logs("}\n").await;
    let ended = other.kill().await;
    let told: Value = serde_json::from_str(ended.err.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&told["protocol"], &told["mtu"]),
        (&"third".into(), &500.into())
    );
    let elsewhere = server(&["127.0.0.2:0"]);
    let addr = elsewhere.says_line("listening on ").await;
    assert!(addr.starts_with("127.0.0.2:"));
}

#[tokio::test]
async fn what_is_wrong_in_the_file_is_told_with_its_line() {
    let files = Files::new();
    for (text, words) in [
        (
            "\nmax-sesions = 1",
            ":2: there is no key `max-sesions`; is it `max-sessions`?",
        ),
        ("mtu = 12", ":1: `mtu`: 12 is not in 256..=16384"),
        ("mtu = [1200]", ":1: `mtu` wants one value, and no list"),
        ("[limits]", ":1: `limits` is a table"),
        ("config = 'x'", ":1: `config` belongs on the command line"),
        ("addr = '127.0.0.1:0'\nmtu 1200", ":2: "),
    ] {
        let config = files.write("server.toml", text);
        for more in [&["--check-config"][..], &[]] {
            let ended = serve(&[&["--config", &config], more].concat()).await;
            ended.fails_with(2, &["error: ", &format!("{config}{words}")]);
            assert_eq!((&*ended.out, ended.err.lines().count()), ("", 1));
        }
    }
    let config = files.write("server.toml", b"mtu = 1200\npsk-hint = \"\xff\"");
    let words = format!("{config}:2: this is not UTF-8");
    serve(&["--config", &config]).await.fails_with(2, &[&words]);
    // What a key needs besides is asked for as of a flag.
    let config = files.write("server.toml", "addr = '127.0.0.1:0'\ncert = 'x'");
    serve(&["--config", &config])
        .await
        .fails_with(2, &["--key <FILE>"]);
    let config = files.write("server.toml", "mtu = 1200");
    serve(&["--config", &config])
        .await
        .fails_with(2, &["<ADDR>"]);
    // The command line's own faults are told first, as without a file.
    let ended = serve(&["--config", "/nowhere", "--mtu", "1"]).await;
    ended.fails_with(2, &["'--mtu <BYTES>'"]);
    for (path, words) in [("/nowhere", "No such file"), ("/", "it is a directory")] {
        let words = ["cannot use ", path, " for --config", words];
        serve(&["--config", path]).await.fails_with(1, &words);
    }
}

#[tokio::test]
async fn check_config_says_what_the_start_would() {
    let (pem, key) = (cert("server.pem"), cert("server.key"));
    let good = [
        "127.0.0.1:0",
        "--cert",
        &pem,
        "--key",
        &key,
        "--check-config",
    ];
    let ended = serve(&good).await;
    assert_eq!((ended.code, &*ended.err), (Some(0), ""));
    let lines: Vec<_> = ended.out.lines().collect();
    assert!(lines[0].starts_with(&format!(
        "{pem}: CN=DTLS echo development server, good until "
    )));
    assert_eq!(lines[1..], ["the configuration is good"]);
    for (flags, code) in [
        (
            &["127.0.0.1:0", "--cert", "/nowhere", "--key", "/nowhere"][..],
            1,
        ),
        (
            &["127.0.0.1:0", "--cert", &pem, "--key", &cert("client.key")],
            1,
        ),
        (&["127.0.0.1:0", "--psk-file", "/dev/null"], 1),
        (&["127.0.0.1:0", "--shared-secret", &pem], 1),
        (&["127.0.0.1:0", "--ciphers", "NONE"], 1),
        (&["127.0.0.1:0", "--sni", "x=/nowhere,/nowhere"], 1),
        (&["0.0.0.0:0"], 1),
        (&["--socket-activation"], 1),
        (&["127.0.0.1:0", "--mtu", "1"], 2),
        (&[], 2),
    ] {
        let checked = serve(&[flags, &["--check-config"]].concat()).await;
        assert_eq!(
            (checked.code, &*checked.out),
            (Some(code), ""),
            "{checked:?}"
        );
        assert!(checked.err.starts_with("error: "), "{checked:?}");
        if flags.contains(&"--socket-activation") {
            continue;
        }
        let started = serve(flags).await;
        let first = |ended: &Ended| ended.err.lines().next().unwrap().to_owned();
        assert_eq!(first(&checked), first(&started));
    }
    // Nothing is bound: the port is in use.
    let server = Server::start(&[]).await;
    let ended = serve(&[&server.addr, "--check-config"]).await;
    let lines: Vec<_> = ended.out.lines().collect();
    assert!(lines[0].starts_with("the development identity: CN="));
    assert_eq!(lines[1..], ["the configuration is good"]);
}

/// The file that is packaged knows every flag, and each of its lines is good.
#[tokio::test]
async fn the_packaged_file_has_every_key() {
    let packaged = include_str!("../packaging/dtls-echo-server.toml");
    let lines = packaged.lines().filter_map(|line| {
        let line = line.strip_prefix('#').unwrap_or(line);
        let (key, _) = line.split_once(" = ")?;
        let is_key = key
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || b"-0123456789".contains(&byte));
        is_key.then(|| (key.to_owned(), line.to_owned()))
    });
    let lines: Vec<_> = lines.collect();
    let keys: BTreeSet<_> = lines.iter().map(|(key, _)| key.clone()).collect();
    assert_eq!(keys, flags());
    assert_eq!(keys.len(), lines.len(), "each stands there once");

    let files = Files::new();
    let certificate = Certificate {
        names: &["*.example.org"],
        ..Certificate::default()
    };
    let (pem, key) = certificate.pem(&p256());
    files.write("cert.pem", &pem);
    files.write("key.pem", key);
    files.write("client-ca.pem", &pem);
    files.write("shared-secret", "0a".repeat(32));
    files.write("psk", "device:00112233445566778899aabbccddeeff\n");
    let directory = files.path("");
    let here = |text: &str| {
        text.replace("/etc/dtls-echo/", &directory)
            .replace("/run/dtls-echo/", &directory)
    };
    let as_it_is = files.write("packaged.toml", here(packaged));
    let all: String = lines.iter().map(|(_, line)| here(line) + "\n").collect();
    let uncommented = files.write("all.toml", all);
    for config in [as_it_is, uncommented] {
        let ended = serve(&["--config", &config, "--check-config"]).await;
        assert!(
            ended.out.ends_with("the configuration is good\n"),
            "{ended:?}"
        );
    }
}

/// What may stand in the file, from the program's help.
fn flags() -> BTreeSet<String> {
    let help = process::Command::new(SERVER)
        .arg("--help")
        .output()
        .unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let flags = help.lines().filter_map(|line| {
        let (before, long) = line.split_once("--")?;
        let end = long.find([' ', '=']).unwrap_or(long.len());
        let leads = before.trim().is_empty() || before.trim().ends_with(',');
        leads.then(|| long[..end].to_owned())
    });
    let mut flags: BTreeSet<_> = flags.chain(["addr".to_owned()]).collect();
    for flag in ["check-config", "config", "generate", "help", "version"] {
        assert!(flags.remove(flag), "{flag}");
    }
    flags
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_read_again_at_sighup() {
    let files = Files::new();
    let (old, new) = (self_signed(), self_signed());
    for (name, (pem, key)) in [("old", &old), ("new", &new)] {
        files.write(&format!("{name}.pem"), pem);
        files.write(&format!("{name}.key"), key);
    }
    let path = |name: &str| files.path(name);
    let config = |name: &str, more: &str| {
        let (pem, key) = (path(&format!("{name}.pem")), path(&format!("{name}.key")));
        let text = format!("addr = '127.0.0.1:0'\ncert = '{pem}'\nkey = '{key}'\n{more}");
        files.write("server.toml", text)
    };
    let file = config("old", "max-sessions = 100\n");
    let mut command = Command::new(SERVER);
    command.args(["--config", &file]).env("RUST_LOG", "info");
    let server = Program::start_with(&mut command);
    let addr = server.says_line("listening on ").await;
    let by = |ca: &str| {
        let (addr, ca) = (addr.clone(), path(ca));
        async move { run(&addr, &["--ca", &ca], b"x\n").await }
    };
    assert_eq!(by("old.pem").await.code, Some(0));
    let mut living = client(&addr, &["--ca", &path("old.pem")]);
    living.write(b"one\n").await;
    living.says("Echo: one\n").await;

    config("new", "max-sessions = 100\nmtux = 1\n");
    server.signal("-HUP");
    server.logs("cannot reload, and goes on as before").await;
    server
        .logs(&format!("{file}:5: there is no key `mtux`"))
        .await;
    assert_eq!(by("old.pem").await.code, Some(0));

    let whole = config("new", "");
    let lines = fs::read_to_string(&whole).unwrap();
    let keyless: Vec<_> = lines
        .lines()
        .filter(|line| !line.starts_with("key"))
        .collect();
    files.write("server.toml", keyless.join("\n") + "\n");
    server.signal("-HUP");
    server.logs("were not provided: --key <FILE>").await;

    config("new", "max-sessions = 200\nmtu = 1000\n");
    server.signal("-HUP");
    server.logs("reloaded").await;
    server
        .logs("`max-sessions` has changed in the configuration file, which needs a restart")
        .await;
    assert_eq!(server.logged("which needs a restart"), 1);
    assert_eq!(by("new.pem").await.code, Some(0));
    // What runs is what the server was started with.
    config("new", "max-sessions = 100\n");
    server.signal("-HUP");
    server.logs_times("reloaded", 2).await;
    assert_eq!(server.logged("which needs a restart"), 1);
    by("old.pem")
        .await
        .fails_with(1, &["certificate is refused"]);
    living.write(b"two\n").await;
    living.says("Echo: two\n").await;
}

#[tokio::test]
async fn each_line_of_the_log_is_an_object_for_tools() {
    let mut command = Command::new(SERVER);
    command
        .args(["127.0.0.1:0", "--log-format", "json"])
        .env("RUST_LOG", "debug");
    let server = Program::start_with(&mut command);
    let addr = server.says_line("listening on ").await;
    run(&addr, &[], b"x\n").await;
    server.logs("session ended").await;
    let log = server.stop().await.err;
    let events: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
        .collect();
    for event in &events {
        for field in ["timestamp", "level", "message", "target"] {
            assert!(event[field].is_string(), "no {field} in {event}");
        }
    }
    let listening = events.iter().find(|event| event["message"] == "listening");
    assert_eq!(listening.unwrap()["addr"], addr);
    // The last word of a program that fails is such a line, too.
    let failing = [
        (SERVER, "--psk-file"),
        (env!("CARGO_BIN_EXE_dtls-echo-client"), "--ca"),
        (env!("CARGO_BIN_EXE_dtls-echo-load"), "--ca"),
    ];
    for (program, flag) in failing {
        let args = ["127.0.0.1:1", flag, "/nowhere", "--log-format=json"];
        let mut command = Command::new(program);
        command.args(args).env("RUST_LOG", "off");
        let ended = Program::start_with(&mut command).end().await;
        let told: Value = serde_json::from_str(&ended.err).unwrap_or_else(|_| panic!("{ended:?}"));
        assert_eq!((ended.code, &told["level"]), (Some(1), &"ERROR".into()));
        assert!(
            told["message"]
                .as_str()
                .unwrap()
                .contains("cannot use /nowhere"),
            "{told}"
        );
    }
}
