//! --metrics, as Prometheus and its tools read it.
//!
//! A machine without them reports those tests as ignored, never as passed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{
    collections::BTreeSet,
    fs,
    process::{ExitCode, Stdio},
    time::{Duration, SystemTime},
};

use common::{Files, Program, Server, has, run, self_signed_between, trial, within};
use libtest_mimic::Arguments;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::Command,
    time::sleep,
};

fn main() -> ExitCode {
    let prometheus = has(&["prometheus", "--version"]);
    let promtool = has(&["promtool", "--version"]);
    let trials = vec![
        trial("what_has_happened_is_counted", true, counts),
        trial(
            "each_metric_is_documented_and_drawn_by_its_name",
            true,
            names,
        ),
        trial("each_documented_label_starts_at_zero", true, labels),
        trial("the_first_certificate_that_expires_is_told", true, expiry),
        trial("a_client_that_repeats_a_hello_counts_once", true, repeats),
        trial("a_port_that_is_taken_is_named", true, taken),
        trial("whoever_says_nothing_has_to_go", true, stalled),
        trial("promtool_has_no_complaint", promtool, promtool_checks),
        trial("prometheus_scrapes_the_server", prometheus, scraped),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

async fn counts() {
    let server = Server::start(&["--metrics", "127.0.0.1:0", "--shards", "2"]).await;
    for _ in 0..3 {
        let ended = run(&server.addr, &[], b"one\ntwo\n").await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
    let stranger = run(&server.addr, &["--ca", &common::cert("client.pem")], b"").await;
    assert_eq!(stranger.code, Some(1));
    server.program.signal("-HUP");
    // The failed handshake's own end may take a moment.
    let metrics = until(&server, |metrics| {
        value(
            metrics,
            "dtls_sessions_ended_total{reason=\"closed_by_peer\"}",
        ) == 3.0
            && value(
                metrics,
                "dtls_handshakes_failed_total{reason=\"peer_alert\"}",
            ) == 1.0
            && value(metrics, "dtls_reloads_total{outcome=\"success\"}") == 1.0
    })
    .await;
    for (name, expected) in [
        ("dtls_sessions", 0.0),
        ("dtls_handshakes_half_open", 0.0),
        ("dtls_verified_hellos_total{outcome=\"accepted\"}", 4.0),
        ("dtls_sessions_established_total{resumed=\"false\"}", 3.0),
        ("dtls_handshake_seconds_count", 3.0),
        ("dtls_session_bytes_total{direction=\"received\"}", 24.0),
        ("dtls_session_bytes_total{direction=\"sent\"}", 60.0),
        ("dtls_reloads_total{outcome=\"failure\"}", 0.0),
    ] {
        assert_eq!(value(&metrics, name), expected, "{name} in {metrics}");
    }
    let echoes = value(&metrics, "dtls_echo_seconds_count");
    let requests = "dtls_session_datagrams_total{direction=\"received\"}";
    assert_eq!(echoes, value(&metrics, requests), "{metrics}");
    for shard in ["0", "1"] {
        let name = format!("dtls_udp_receive_calls_total{{shard=\"{shard}\"}}");
        assert!(value(&metrics, &name) >= 0.0, "{metrics}");
    }
    let elsewhere = get(&address(&server).await, "/").await;
    assert!(elsewhere.starts_with("HTTP/1.1 404"), "{elsewhere}");
}

async fn names() {
    let server = Server::start(&["--metrics", "127.0.0.1:0"]).await;
    let metrics = scrape(&server).await;
    let typed = metrics
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "));
    let mut exported: BTreeSet<_> = typed.map(|line| line.split_once(' ').unwrap()).collect();
    // Nothing has been measured yet.
    exported.extend([
        ("dtls_echo_seconds", "histogram"),
        ("dtls_handshake_seconds", "histogram"),
    ]);
    let explained = metrics
        .lines()
        .filter_map(|line| line.strip_prefix("# HELP "));
    let explained: Vec<_> = explained
        .filter_map(|line| line.split(' ').next())
        .collect();
    for (name, _) in &exported {
        assert!(explained.contains(name), "{name} has no HELP");
    }
    let table = fs::read_to_string("docs/metrics.md").unwrap();
    let documented: BTreeSet<_> = table
        .lines()
        .filter_map(|row| {
            let (name, row) = row.strip_prefix("| `")?.split_once("` | ")?;
            Some((name, row.split(' ').next()?))
        })
        .collect();
    assert_eq!(exported, documented);
    let dashboard = fs::read_to_string("packaging/grafana/dtls-echo.json").unwrap();
    let dashboard: serde_json::Value = serde_json::from_str(&dashboard).unwrap();
    let mut drawn = 0;
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let expression = target["expr"].as_str().unwrap();
            let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            for word in words.filter(|word| word.starts_with("dtls_")) {
                let name = word.strip_suffix("_bucket").unwrap_or(word);
                let known = exported.iter().any(|(exported, _)| *exported == name);
                assert!(known, "{name} in {expression}");
                drawn += 1;
            }
        }
    }
    assert!(drawn > 10);
}

/// What is missing until it happens first has no rate when it happens.
async fn labels() {
    let server = Server::start(&["--metrics", "127.0.0.1:0"]).await;
    let metrics = scrape(&server).await;
    let table = fs::read_to_string("docs/metrics.md").unwrap();
    let mut seen = 0;
    for row in table.lines().filter(|row| row.starts_with("| `dtls_")) {
        let mut columns = row.split('|').map(str::trim).skip(1);
        let name = columns.next().unwrap().trim_matches('`');
        let labels = columns.nth(1).unwrap();
        let Some((label, values)) = labels.rsplit_once("`: `") else {
            continue;
        };
        let label = label.rsplit('`').next().unwrap();
        let documented: BTreeSet<_> = values.trim_end_matches('`').split("`, `").collect();
        let exported: BTreeSet<_> = metrics
            .lines()
            .filter(|line| line.starts_with(&format!("{name}{{")))
            .filter_map(|line| line.split_once(&format!("{label}=\""))?.1.split('"').next())
            .collect();
        assert_eq!(exported, documented, "{label} of {name}");
        seen += 1;
    }
    assert!(seen > 5);
}

async fn repeats() {
    let server = Server::start(&["--metrics", "127.0.0.1:0"]).await;
    let flags = ["--ciphers", "ECDHE-RSA-AES128-GCM-SHA256"];
    // It believes the alert only once its hello, sent again, has met another.
    let refused = run(&server.addr, &flags, b"").await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    let metrics = scrape(&server).await;
    let hellos = value(&metrics, "dtls_verified_hellos_total{outcome=\"accepted\"}");
    assert!(hellos > 1.0, "{metrics}");
    let clients = "dtls_handshakes_failed_total{reason=\"no_common_cipher\"}";
    assert_eq!(value(&metrics, clients), 1.0, "{metrics}");
}

async fn expiry() {
    const NAME: &str = "dtls_certificate_expiry_timestamp_seconds";
    let files = Files::new();
    let write = |to| {
        let (pem, key) = self_signed_between(-1, to);
        (files.write("cert.pem", pem), files.write("key.pem", key))
    };
    let now = || SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs_f64();
    let days_left = |metrics: &str| ((value(metrics, NAME) - now()) / 86_400.0).round();
    let (pem, key) = write(5);
    let named = format!(
        "localhost={},{}",
        common::cert("server.pem"),
        common::cert("server.key")
    );
    let flags = ["--cert", &pem, "--key", &key, "--sni", &named];
    let server = Server::start(&[&flags[..], &["--metrics", "127.0.0.1:0"]].concat()).await;
    assert_eq!(days_left(&scrape(&server).await), 5.0);
    write(9);
    server.program.signal("-HUP");
    until(&server, |metrics| days_left(metrics) == 9.0).await;
    let keys = files.write("keys", "device:00112233445566778899aabbccddeeff\n");
    let server = Server::start(&["--psk-file", &keys, "--metrics", "127.0.0.1:0"]).await;
    assert_eq!(value(&scrape(&server).await, NAME), f64::INFINITY);
}

async fn taken() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let args = ["127.0.0.1:0", "--metrics", &addr];
    let ended = Program::start(env!("CARGO_BIN_EXE_dtls-echo-server"), &args)
        .end()
        .await;
    ended.fails_with(1, &["cannot serve metrics on", &addr, "in use"]);
    assert_eq!(ended.out, "");
}

async fn stalled() {
    let server = Server::start(&["--metrics", "127.0.0.1:0"]).await;
    let addr = address(&server).await;
    let mut silent = Vec::new();
    for _ in 0..40 {
        silent.push(TcpStream::connect(&addr).await.unwrap());
    }
    assert!(scrape(&server).await.contains("dtls_sessions 0"));
    for mut stream in silent {
        // However it ends.
        let _ = within(stream.read(&mut [0])).await;
    }
    let posted = request(&addr, "POST", "/metrics").await;
    assert!(posted.starts_with("HTTP/1.1 405"), "{posted}");
}

async fn promtool_checks() {
    let server = Server::start(&["--metrics", "127.0.0.1:0"]).await;
    assert_eq!(run(&server.addr, &[], b"x\n").await.code, Some(0));
    let metrics = scrape(&server).await;
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    promtool
        .stdin
        .take()
        .unwrap()
        .write_all(metrics.as_bytes())
        .await
        .unwrap();
    let checked = within(promtool.wait_with_output()).await.unwrap();
    let said = String::from_utf8_lossy(&checked.stdout) + String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success() && said.is_empty(), "{said}");
}

async fn scraped() {
    let server = Server::start(&["--metrics", "127.0.0.1:0"]).await;
    let files = Files::new();
    let config = fs::read_to_string("packaging/prometheus.yml").unwrap();
    assert!(config.contains("127.0.0.1:9684"));
    let config = config.replace("127.0.0.1:9684", &address(&server).await);
    let config = files.write("prometheus.yml", config.replace("5s", "1s"));
    let args = [
        format!("--config.file={config}"),
        format!("--storage.tsdb.path={}", files.path("data")),
        "--web.listen-address=127.0.0.1:0".to_owned(),
    ];
    let prometheus = Program::start("prometheus", &args);
    let listening = "msg=\"Listening on\" address=";
    let addr = prometheus.logs_line(listening).await;
    assert_eq!(run(&server.addr, &[], b"x\n").await.code, Some(0));
    let query = "/api/v1/query?query=dtls_sessions_established_total%7Bresumed%3D%22false%22%7D";
    within(async {
        while !get(&addr, query).await.contains(",\"1\"]") {
            sleep(Duration::from_millis(200)).await;
        }
    })
    .await;
    prometheus.kill().await;
}

/// Scrapes until it is so.
async fn until(server: &Server, so: impl Fn(&str) -> bool) -> String {
    within(async {
        loop {
            let metrics = scrape(server).await;
            if so(&metrics) {
                return metrics;
            }
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await
}

async fn scrape(server: &Server) -> String {
    let answer = get(&address(server).await, "/metrics").await;
    let (head, metrics) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(head.contains("text/plain; version=0.0.4"), "{head}");
    metrics.to_owned()
}

async fn address(server: &Server) -> String {
    let url = server.program.says_line("metrics at http://").await;
    url.strip_suffix("/metrics").unwrap().to_owned()
}

async fn get(addr: &str, path: &str) -> String {
    request(addr, "GET", path).await
}

async fn request(addr: &str, method: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let request = format!("{method} {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    within(stream.read_to_string(&mut answer)).await.unwrap();
    answer
}

/// What follows the name; NaN, which equals nothing, where it is missing.
fn value(metrics: &str, name: &str) -> f64 {
    let line = |line: &str| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok();
    metrics.lines().find_map(line).unwrap_or(f64::NAN)
}
