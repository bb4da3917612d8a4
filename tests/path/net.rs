//! Networks that end with the test.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    net::{IpAddr, SocketAddr},
    process::{Child, Command, Stdio},
    thread,
};

use nix::sched::{CloneFlags, setns};

use crate::common::{Program, within};

/// A network namespace, which lasts as long as this.
pub(crate) struct Net {
    holder: Child,
}

impl Net {
    /// A namespace in which only the loopback interface is up.
    pub(crate) fn new() -> Self {
        let mut holder = Command::new("unshare")
            .args(["-n", "sh", "-c", "ip link set lo up && echo up && exec cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let out = holder.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        assert_eq!(line, "up\n");
        Self { holder }
    }

    /// Runs a shell's commands inside.
    pub(crate) fn sh(&self, script: &str) {
        let command = ["sh", "-e", "-c", script];
        let status = Command::new("nsenter")
            .arg(self.flag())
            .args(command)
            .status();
        assert!(status.unwrap().success(), "{script}");
    }

    /// Lays a cable to another namespace: the two names are the interfaces'.
    pub(crate) fn cable(&self, name: &str, other: &Self, other_name: &str) {
        let pid = other.holder.id();
        self.sh(&format!(
            "ip link add {name} type veth peer name {other_name} netns {pid}"
        ));
    }

    /// Starts a program inside.
    pub(crate) fn start(&self, program: &str, args: &[&str]) -> Program {
        let mut command = tokio::process::Command::new("nsenter");
        command.arg(self.flag()).arg(program).args(args);
        Program::start_with(command.env("RUST_LOG", "info,dtls_session=debug"))
    }

    /// Starts the echo server inside, and returns the address that it listens on.
    pub(crate) async fn serve(&self, addr: &str, flags: &[&str]) -> (Program, SocketAddr) {
        let args = [&[addr, "--shards", "1"], flags].concat();
        let server = self.start(env!("CARGO_BIN_EXE_dtls-echo-server"), &args);
        let addr = server.says_line("listening on ").await;
        (server, addr.parse().unwrap())
    }

    /// Starts the echo client inside.
    pub(crate) fn client(&self, server: SocketAddr, flags: &[&str]) -> Program {
        let server = server.to_string();
        let args = [&[&*server], flags].concat();
        self.start(env!("CARGO_BIN_EXE_dtls-echo-client"), &args)
    }

    /// Does something inside, such as opening a socket, which stays there.
    pub(crate) fn inside<T: Send>(&self, act: impl FnOnce() -> T + Send) -> T {
        let namespace = File::open(self.path()).unwrap();
        thread::scope(|scope| {
            let inside = scope.spawn(move || {
                setns(namespace, CloneFlags::CLONE_NEWNET).unwrap();
                act()
            });
            inside.join().unwrap()
        })
    }

    /// The address of the socket inside that is connected to the server; waits until there is one.
    pub(crate) async fn client_of(&self, server: SocketAddr) -> SocketAddr {
        let (file, remote) = match server {
            SocketAddr::V4(_) => ("udp", hexadecimal(server)),
            SocketAddr::V6(_) => ("udp6", hexadecimal(server)),
        };
        within(async {
            loop {
                let path = format!("/proc/thread-self/net/{file}");
                let table = self.inside(move || std::fs::read_to_string(path).unwrap());
                let mut rows = table.lines().map(|row| row.split_whitespace().skip(1));
                let local = rows.find_map(|mut row| {
                    let local = row.next()?;
                    (row.next()? == remote).then_some(local)
                });
                if let Some((_, port)) = local.and_then(|local| local.rsplit_once(':')) {
                    // On loopback both ends have one address.
                    return (server.ip(), u16::from_str_radix(port, 16).unwrap()).into();
                }
                tokio::task::yield_now().await;
            }
        })
        .await
    }

    fn path(&self) -> String {
        format!("/proc/{}/ns/net", self.holder.id())
    }

    fn flag(&self) -> String {
        format!("--net={}", self.path())
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// An address as `/proc/net/udp` has it.
fn hexadecimal(addr: SocketAddr) -> String {
    let octets = match addr.ip() {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let words = octets.chunks_exact(4).map(|word| {
        let word = u32::from_ne_bytes(word.try_into().unwrap());
        format!("{word:08X}")
    });
    format!("{}:{:04X}", words.collect::<String>(), addr.port())
}
