//! Two servers behind a balancer that knows nothing of DTLS: nginx's `stream` module.
//!
//! A machine without nginx reports these tests as ignored, never as passed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::process::ExitCode;

use common::{Ended, Files, Program, Server, client, run, trial};
use libtest_mimic::Arguments;

fn main() -> ExitCode {
    let nginx = balances();
    let trials = vec![
        trial("clients_get_in_through_either_server", nginx, either),
        trial(
            "clients_of_a_dead_server_resume_on_the_other",
            nginx,
            resume,
        ),
        trial("a_session_stays_with_its_server", nginx, stays),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

async fn either() {
    let fleet = Fleet::start().await;
    for _ in 0..6 {
        let ended = run(&fleet.addr, &["--timeout", "60"], b"x\n").await;
        assert_eq!(
            (ended.code, &*ended.out),
            (Some(0), "Echo: x\n"),
            "{ended:?}"
        );
    }
    for server in &fleet.servers {
        server.program.logs_times("session started", 1).await;
    }
}

async fn resume() {
    let fleet = Fleet::start().await;
    let sessions: Vec<_> = (0..4)
        .map(|n| fleet.files.path(&format!("session-{n}")))
        .collect();
    for session in &sessions {
        let ended = run(&fleet.addr, &["--session", session], b"x\n").await;
        assert_eq!((ended.code, &*ended.err), (Some(0), ""));
    }
    let [first, second] = fleet.servers;
    let log = first.program.stop().await.err;
    assert!(log.contains("session started"), "{log}");
    let before = second.program.logged("resumed=true");
    for session in &sessions {
        // The balancer may have to find out that nobody is there.
        let ended = persist(&fleet.addr, session).await;
        assert_eq!((&*ended.out, &*ended.err), ("Echo: x\n", ""));
    }
    second
        .program
        .logs_times("resumed=true", before + sessions.len())
        .await;
}

/// Runs a client until it gets in.
async fn persist(addr: &str, session: &str) -> Ended {
    for _ in 0..10 {
        let ended = run(addr, &["--session", session], b"x\n").await;
        if ended.code == Some(0) {
            return ended;
        }
        println!("tries again after {ended:?}");
    }
    panic!("{addr} let nobody in");
}

async fn stays() {
    let fleet = Fleet::start().await;
    let mut clients: Vec<_> = (0..4)
        .map(|_| client(&fleet.addr, &["--timeout", "60"]))
        .collect();
    for turn in 0..5 {
        for client in &mut clients {
            client.write(format!("{turn}\n").as_bytes()).await;
            client.says(&format!("Echo: {turn}\n")).await;
        }
    }
    for client in clients {
        assert_eq!(client.end().await.code, Some(0));
    }
    for server in fleet.servers {
        server.program.logs_times("session ended", 2).await;
        assert_eq!(server.program.logged("received=5"), 2);
    }
}

/// Two servers with one secret, and one address for both.
struct Fleet {
    addr: String,
    servers: [Server; 2],
    files: Files,
    _nginx: Program,
}

impl Fleet {
    async fn start() -> Self {
        let files = Files::new();
        let secret = files.write("secret", "0a".repeat(32));
        let flags = ["--shared-secret", &*secret];
        let servers = [Server::start(&flags).await, Server::start(&flags).await];
        // It takes no port 0, and somebody may take the port that was free a moment ago.
        for _ in 0..10 {
            let addr = free_address();
            let nginx = start_nginx(&files, &addr, &servers);
            // It has bound its socket by then.
            if nginx.logs_or_ends("event method").await {
                return Self {
                    addr,
                    servers,
                    files,
                    _nginx: nginx,
                };
            }
            println!("tries another address after {:?}", nginx.end().await);
        }
        panic!("nginx started at none of ten addresses");
    }
}

fn start_nginx(files: &Files, addr: &str, [first, second]: &[Server; 2]) -> Program {
    let (first, second) = (&first.addr, &second.addr);
    let module = MODULE
        .iter()
        .find(|path| std::path::Path::new(path).exists());
    let load = module.map_or_else(String::new, |path| format!("load_module {path};"));
    let pid = files.path("nginx.pid");
    let configuration = files.write(
        "nginx.conf",
        format!(
            "{load}
            daemon off;
            master_process off;
            pid {pid};
            error_log stderr notice;
            events {{}}
            stream {{
                upstream fleet {{ server {first}; server {second}; }}
                server {{ listen {addr} udp; proxy_pass fleet; }}
            }}"
        ),
    );
    Program::start("nginx", &["-e", "stderr", "-c", &configuration])
}

/// Whether nginx is here and has the module.
fn balances() -> bool {
    let built_in = || {
        let said = std::process::Command::new("nginx").arg("-V").output();
        said.is_ok_and(|said| {
            let said = String::from_utf8_lossy(&said.stderr).into_owned();
            said.split_whitespace().any(|word| word == "--with-stream")
        })
    };
    let loadable = || {
        MODULE
            .iter()
            .any(|path| std::path::Path::new(path).exists())
    };
    let runs = std::process::Command::new("nginx")
        .arg("-v")
        .output()
        .is_ok();
    runs && (built_in() || loadable())
}

fn free_address() -> String {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap().to_string()
}

/// Where distributions put it.
const MODULE: [&str; 2] = [
    "/usr/lib/nginx/modules/ngx_stream_module.so",
    "/usr/lib64/nginx/modules/ngx_stream_module.so",
];
