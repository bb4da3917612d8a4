//! A server one of whose threads does nothing any more.

use std::{
    fs,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use nix::{
    sys::{
        ptrace,
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::Pid,
};
use tokio::{sync::oneshot, time::Instant};

use crate::{Case, client::err, common::Server};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "a thread does not hear that the server stops: it ends without it",
            || async {
                let server = Server::start(&["--shards", "2"]).await;
                let process = server.program.child.id().unwrap();
                let (stopped, stops) = oneshot::channel();
                let holding = thread::spawn(move || hold(thread_of(process, "shard-1"), stopped));
                stops.await.unwrap().unwrap();
                let ended = err(server.program.stop().await);
                holding.join().unwrap();
                ended
            },
        )
        .only_if(may_trace()),
    ]
}

/// Stops one thread, as a debugger would, until its process ends.
fn hold(thread: Pid, stopped: oneshot::Sender<nix::Result<WaitStatus>>) {
    let stop = || {
        ptrace::seize(thread, ptrace::Options::empty())?;
        ptrace::interrupt(thread)?;
        waitpid(thread, Some(WaitPidFlag::__WALL))
    };
    let outcome = stop();
    let held = outcome.is_ok();
    stopped.send(outcome).unwrap();
    // Its process cannot end as long as nobody has taken note of the thread's end.
    if held {
        let _ = waitpid(thread, Some(WaitPidFlag::__WALL));
    }
}

/// Waits until a thread has its name, which it gives itself.
fn thread_of(process: u32, name: &str) -> Pid {
    let began = Instant::now();
    loop {
        let threads = fs::read_dir(format!("/proc/{process}/task")).unwrap();
        let mut ids = threads.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let its_name = |id: &String| {
            let name = fs::read_to_string(format!("/proc/{process}/task/{id}/comm"));
            name.unwrap_or_default()
        };
        if let Some(id) = ids.find(|id| its_name(id).trim_end() == name) {
            return Pid::from_raw(id.parse().unwrap());
        }
        assert!(began.elapsed() < DEADLINE, "no thread is called {name}");
        thread::sleep(Duration::from_millis(10));
    }
}

const DEADLINE: Duration = Duration::from_secs(60);

/// Whether this process may hold its children, as it may not in some containers.
fn may_trace() -> bool {
    let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
    let id = Pid::from_raw(child.id().cast_signed());
    let may = ptrace::seize(id, ptrace::Options::empty()).is_ok();
    child.kill().unwrap();
    child.wait().unwrap();
    may
}
