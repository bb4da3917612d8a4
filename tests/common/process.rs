//! The programs as their users run them.

use std::{
    ffi::OsStr,
    process::Stdio,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStdin, Command},
    task::JoinHandle,
};

use super::within;

/// A child whose output is collected; it is killed when this is dropped.
pub(crate) struct Program {
    pub(crate) child: Child,
    pub(crate) stdin: Option<ChildStdin>,
    out: Collected,
    err: Collected,
}

impl Program {
    pub(crate) fn start<A: AsRef<OsStr>>(program: &str, args: &[A]) -> Self {
        Self::start_with(Command::new(program).args(args))
    }

    pub(crate) fn start_with(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        Self {
            stdin: child.stdin.take(),
            out: Collected::new(child.stdout.take().expect("it is piped")),
            err: Collected::new(child.stderr.take().expect("it is piped")),
            child,
        }
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        let stdin = self.stdin.as_mut().expect("stdin is still open");
        stdin.write_all(bytes).await.expect("it reads its input");
        stdin.flush().await.expect("it reads its input");
    }

    /// Waits until stdout holds `text`.
    pub(crate) async fn says(&self, text: &str) {
        self.out.wait_for(text, &self.err).await;
    }

    /// Waits until stdout holds `text` so many times.
    pub(crate) async fn says_times(&self, text: &str, times: usize) {
        self.out.wait_for_times(text, times, &self.err).await;
    }

    /// How often stdout holds `text` so far.
    pub(crate) fn said(&self, text: &str) -> usize {
        self.out.text().matches(text).count()
    }

    /// Waits for a line on stdout that has `prefix` in it, and returns the rest of it.
    pub(crate) async fn says_line(&self, prefix: &str) -> String {
        self.out.line(prefix, &self.err).await
    }

    /// Waits for a line on stderr that has `prefix` in it, and returns the rest of it.
    pub(crate) async fn logs_line(&self, prefix: &str) -> String {
        self.err.line(prefix, &self.out).await
    }

    /// Lets a server end and returns what it had to say, all of it: a thread of its own writes the log.
    pub(crate) async fn stop(self) -> Ended {
        self.signal("-TERM");
        self.end().await
    }

    /// Ends it at once and returns what it had to say so far.
    pub(crate) async fn kill(mut self) -> Ended {
        let _ = self.child.start_kill();
        self.end().await
    }

    /// Waits until stderr holds `text`.
    pub(crate) async fn logs(&self, text: &str) {
        self.err.wait_for(text, &self.out).await;
    }

    /// Waits until stderr holds `text` so many times.
    pub(crate) async fn logs_times(&self, text: &str, times: usize) {
        self.err.wait_for_times(text, times, &self.out).await;
    }

    /// Waits until stderr holds `text`; false if the program has ended without it.
    pub(crate) async fn logs_or_ends(&self, text: &str) -> bool {
        within(async {
            while self.logged(text) == 0 && !self.err.task.is_finished() {
                self.err.changed.notified().await;
            }
        })
        .await;
        self.logged(text) > 0
    }

    /// How often stderr holds `text` so far.
    pub(crate) fn logged(&self, text: &str) -> usize {
        self.err.text().matches(text).count()
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().expect("it still runs").to_string();
        let status = std::process::Command::new("kill")
            .args([name, &id])
            .status()
            .expect("kill is there");
        assert!(status.success());
    }

    /// Waits for its end and returns the exit code and all output.
    pub(crate) async fn end(mut self) -> Ended {
        drop(self.stdin.take());
        let status = within(self.child.wait())
            .await
            .expect("it can be waited for");
        within(async {
            let _ = (&mut self.out.task).await;
            let _ = (&mut self.err.task).await;
        })
        .await;
        Ended {
            code: status.code(),
            out: self.out.text(),
            err: self.err.text(),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    /// Asserts a failure that stderr explains with all of `words`.
    pub(crate) fn fails_with(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        for word in words {
            assert!(self.err.contains(word), "no {word:?} in {self:?}");
        }
    }
}

/// The echo server, listening.
pub(crate) struct Server {
    pub(crate) program: Program,
    pub(crate) addr: String,
}

impl Server {
    /// Starts it on a port of its own on 127.0.0.1.
    pub(crate) async fn start(flags: &[&str]) -> Self {
        Self::start_on("127.0.0.1:0", flags).await
    }

    pub(crate) async fn start_on(addr: &str, flags: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dtls-echo-server"));
        command.arg(addr).args(flags).env("RUST_LOG", "info");
        let program = Program::start_with(&mut command);
        program.says("\n").await;
        let said = program.out.text();
        let line = said.lines().next().unwrap_or_default();
        let addr = line
            .strip_prefix("listening on ")
            .unwrap_or_else(|| panic!("the server said {said:?}"))
            .to_owned();
        Self { program, addr }
    }

    pub(crate) fn port(&self) -> &str {
        self.addr.rsplit_once(':').expect("an address has a port").1
    }
}

/// Starts the echo client.
pub(crate) fn client(addr: &str, flags: &[&str]) -> Program {
    let mut args = vec![addr];
    args.extend(flags);
    Program::start(env!("CARGO_BIN_EXE_dtls-echo-client"), &args)
}

/// Runs the echo client on some input.
pub(crate) async fn run(addr: &str, flags: &[&str], input: &[u8]) -> Ended {
    let mut client = client(addr, flags);
    let mut stdin = client.stdin.take().expect("it was just piped");
    let input = input.to_vec();
    // Beside the client, which may not read on before its output is taken.
    let feeding = tokio::spawn(async move {
        // A client that has failed reads no more.
        let _ = stdin.write_all(&input).await;
    });
    let ended = client.end().await;
    within(feeding).await.expect("nothing panics there");
    ended
}

struct Collected {
    bytes: Arc<Mutex<Vec<u8>>>,
    changed: Arc<tokio::sync::Notify>,
    task: JoinHandle<()>,
}

impl Collected {
    fn new(mut reader: impl AsyncRead + Unpin + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let changed = Arc::new(tokio::sync::Notify::new());
        let task = tokio::spawn({
            let (bytes, changed) = (Arc::clone(&bytes), Arc::clone(&changed));
            async move {
                let mut buf = [0; 8192];
                while let Ok(length @ 1..) = reader.read(&mut buf).await {
                    bytes.lock().expect("no panic").extend(&buf[..length]);
                    changed.notify_one();
                }
                changed.notify_one();
            }
        });
        Self {
            bytes,
            changed,
            task,
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().expect("no panic")).into_owned()
    }

    async fn wait_for(&self, text: &str, other: &Self) {
        self.wait_for_times(text, 1, other).await;
    }

    async fn wait_for_times(&self, text: &str, times: usize, other: &Self) {
        let enough = || self.text().matches(text).count() >= times;
        within(async {
            while !enough() {
                let ended = self.task.is_finished();
                assert!(
                    !ended || enough(),
                    "no {text:?} in {:?}; besides {:?}",
                    self.text(),
                    other.text()
                );
                self.changed.notified().await;
            }
        })
        .await;
    }

    /// Waits for a line with `prefix` in it, and returns what follows that.
    async fn line(&self, prefix: &str, other: &Self) -> String {
        self.wait_for(prefix, other).await;
        within(async {
            loop {
                let text = self.text();
                let (_, rest) = text.split_once(prefix).expect("it was there");
                // The line may still be on its way.
                if let Some((line, _)) = rest.split_once('\n') {
                    return line.to_owned();
                }
                self.changed.notified().await;
            }
        })
        .await
    }
}
