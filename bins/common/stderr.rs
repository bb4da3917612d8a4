//! Stderr, which may be full, closed or read by nobody, and is waited for by its own thread only.

use std::{
    io::{self, ErrorKind, Write},
    mem,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

/// Writes lines to stderr in the order in which they come, at once or a little later: whoever tells
/// something neither waits nor fails. What finds no room, or cannot be written, is counted.
pub fn tell(lines: &str) {
    push(lines.as_bytes());
}

/// How many lines of [`tell`] have been lost so far.
pub fn lost_lines() -> u64 {
    STDERR.get().map_or(0, |queue| queue.lost.load(Relaxed))
}

/// Starts the thread; `notice` tells of so many lines that were lost.
pub(crate) fn start(notice: fn(u64) -> String) -> io::Result<()> {
    let queue = Queue::start(io::stderr(), notice)?;
    // Whoever started it first has the same stderr.
    let _ = STDERR.set(queue);
    Ok(())
}

/// Waits until all is written, for a while: somebody may hold the other end of a pipe and not read.
pub fn flush() {
    if let Some(queue) = STDERR.get() {
        queue.flush(PATIENCE);
    }
}

/// What tracing writes events to.
#[derive(Debug)]
pub(crate) struct Stderr;

impl Write for Stderr {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn push(lines: &[u8]) {
    match STDERR.get() {
        Some(queue) => queue.push(lines),
        // Nothing is served yet, and whoever closed stderr does not want to know.
        None => drop(io::stderr().write_all(lines)),
    }
}

static STDERR: OnceLock<Arc<Queue>> = OnceLock::new();

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    filled: Condvar,
    written: Condvar,
    /// All that were ever lost.
    lost: AtomicU64,
}

#[derive(Default)]
struct State {
    lines: Vec<u8>,
    /// Lines that found no room behind those.
    refused: u64,
    /// What was taken from here is being written.
    writing: bool,
}

impl Queue {
    fn start(to: impl Write + Send + 'static, notice: fn(u64) -> String) -> io::Result<Arc<Self>> {
        let queue = Arc::new(Self::default());
        let output = Output {
            queue: Arc::clone(&queue),
            to,
            notice,
            untold: 0,
            torn: false,
        };
        thread::Builder::new()
            .name("stderr".to_owned())
            .spawn(move || output.run())?;
        Ok(queue)
    }

    fn push(&self, lines: &[u8]) {
        let mut state = self.lock();
        if state.lines.len() + lines.len() > ROOM {
            let count = count(lines);
            state.refused += count;
            self.lost.fetch_add(count, Relaxed);
            return;
        }
        state.lines.extend_from_slice(lines);
        drop(state);
        self.filled.notify_one();
    }

    fn flush(&self, patience: Duration) {
        let unwritten = |state: &mut State| state.writing || !state.lines.is_empty();
        let waited = self
            .written
            .wait_timeout_while(self.lock(), patience, unwritten);
        drop(waited);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread's side.
struct Output<W> {
    queue: Arc<Queue>,
    to: W,
    notice: fn(u64) -> String,
    /// Lost lines that nobody was told of.
    untold: u64,
    /// Half a line was written last.
    torn: bool,
}

impl<W: Write> Output<W> {
    fn run(mut self) {
        let mut lines = Vec::new();
        loop {
            let refused = self.take(&mut lines);
            let mut rest = &*lines;
            while !rest.is_empty() {
                let (chunk, others) = rest.split_at(chunk(rest));
                self.write(chunk);
                rest = others;
            }
            if refused > 0 {
                // They came behind the lines that found room.
                self.untold += refused;
                self.tell_of_lost();
            }
        }
    }

    /// Waits for lines and takes them, and the number of those that found no room.
    fn take(&mut self, lines: &mut Vec<u8>) -> u64 {
        lines.clear();
        let mut state = self.queue.lock();
        state.writing = false;
        self.queue.written.notify_all();
        let mut state = self
            .queue
            .filled
            .wait_while(state, |state| state.lines.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        state.writing = true;
        mem::swap(&mut state.lines, lines);
        mem::take(&mut state.refused)
    }

    fn write(&mut self, lines: &[u8]) {
        if !self.tell_of_lost() {
            self.lose(lines);
            return;
        }
        if let Err(rest) = self.try_write(lines) {
            self.lose(rest);
        }
    }

    /// Whether there is nothing to be told of any more.
    fn tell_of_lost(&mut self) -> bool {
        if self.untold == 0 {
            return true;
        }
        // What remains of the line before belongs to nothing.
        let start = if self.torn { "\n" } else { "" };
        let notice = format!("{start}{}", (self.notice)(self.untold));
        match self.try_write(notice.as_bytes()) {
            Ok(()) => {
                self.untold = 0;
                true
            }
            Err(_) => false,
        }
    }

    fn lose(&mut self, lines: &[u8]) {
        let count = count(lines);
        self.untold += count;
        self.queue.lost.fetch_add(count, Relaxed);
    }

    /// Writes all, or returns what could not be written.
    fn try_write<'a>(&mut self, mut rest: &'a [u8]) -> Result<(), &'a [u8]> {
        while !rest.is_empty() {
            match self.to.write(rest) {
                Ok(length @ 1..) => {
                    self.torn = !rest[..length].ends_with(b"\n");
                    rest = &rest[length..];
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Whoever shares stderr has made it so; there is nobody else to wait here.
                Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(PAUSE),
                Ok(_) | Err(_) => return Err(rest),
            }
        }
        Ok(())
    }
}

/// How many lines there are, of which the first may be there in part only.
fn count(lines: &[u8]) -> u64 {
    let newlines = lines.iter().filter(|byte| **byte == b'\n').count();
    newlines as u64
}

/// The length of as many whole lines as a pipe takes in one piece (`PIPE_BUF`), so that no other
/// process's line comes between; at least of one.
fn chunk(lines: &[u8]) -> usize {
    let newline = |byte: &u8| *byte == b'\n';
    let whole = &lines[..lines.len().min(PIECE)];
    let end = whole.iter().rposition(newline);
    let end = end.or_else(|| lines.iter().position(newline));
    end.map_or(lines.len(), |end| end + 1)
}

/// The most bytes that wait, and the most that are being written.
const ROOM: usize = 4 << 20;
const PIECE: usize = 4096;
const PAUSE: Duration = Duration::from_millis(10);
/// How long a program that ends waits for whoever reads.
const PATIENCE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// A writer to whom it is told what becomes of each call, and that tells what it was given.
    struct Script {
        outcomes: Receiver<io::Result<usize>>,
        written: Sender<String>,
    }

    impl Write for Script {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // Without an outcome it is never written, as to a pipe that nobody reads.
            let most = self.outcomes.recv().unwrap_or_else(|_| {
                loop {
                    thread::park();
                }
            })?;
            let length = most.min(bytes.len());
            let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
            let _ = self.written.send(text);
            Ok(length)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn script() -> (Arc<Queue>, Sender<io::Result<usize>>, Receiver<String>) {
        let (outcome, outcomes) = channel();
        let (written, writes) = channel();
        let script = Script { outcomes, written };
        let queue = Queue::start(script, |lost| format!("lost {lost}\n")).unwrap();
        (queue, outcome, writes)
    }

    fn full() -> io::Result<usize> {
        Err(ErrorKind::StorageFull.into())
    }

    #[test]
    fn what_could_not_be_written_is_told_of_when_it_works_again() {
        let (queue, outcome, writes) = script();
        // Three bytes of the first line fit, and then nothing.
        for result in [Ok(3), full()] {
            outcome.send(result).unwrap();
        }
        queue.push(b"first\n");
        assert_eq!(writes.recv().unwrap(), "fir");
        queue.flush(Duration::from_secs(60));
        outcome.send(full()).unwrap();
        queue.push(b"second\nthird\n");
        queue.flush(Duration::from_secs(60));
        assert_eq!(queue.lost.load(Relaxed), 3);
        for _ in 0..2 {
            outcome.send(Ok(100)).unwrap();
        }
        queue.push(b"fourth\n");
        assert_eq!(writes.recv().unwrap(), "\nlost 3\n");
        assert_eq!(writes.recv().unwrap(), "fourth\n");
    }

    #[test]
    fn what_finds_no_room_is_told_of_in_its_place() {
        let (queue, outcome, writes) = script();
        let line = [&[b'x'; 999][..], b"\n"].concat();
        queue.push(b"stuck\n");
        // Until the thread has taken that one, it takes room.
        outcome.send(Ok(1)).unwrap();
        assert_eq!(writes.recv().unwrap(), "s");
        let fit = ROOM / line.len();
        for _ in 0..fit + 7 {
            queue.push(&line);
        }
        assert_eq!(queue.lost.load(Relaxed), 7);
        // The end of the first, and each piece of four.
        for _ in 0..2 + fit.div_ceil(4) {
            outcome.send(Ok(PIECE)).unwrap();
        }
        let written: String = writes.iter().take(1 + fit.div_ceil(4)).collect();
        assert_eq!(written.matches('\n').count(), 1 + fit);
        assert_eq!(writes.recv().unwrap(), "lost 7\n");
    }

    #[test]
    fn nobody_waits_for_who_does_not_read() {
        let (queue, outcome, _writes) = script();
        drop(outcome);
        queue.push(b"line\n");
        queue.flush(Duration::from_millis(1));
        assert_eq!(queue.lost.load(Relaxed), 0);
    }

    #[test]
    fn pieces_end_where_lines_do() {
        assert_eq!(chunk(b"a\nb\nc"), 4);
        assert_eq!(chunk(b"progress"), 8);
        let long = [&[b'x'; 2 * PIECE][..], b"\ny\n"].concat();
        assert_eq!(chunk(&long), 2 * PIECE + 1);
    }
}
