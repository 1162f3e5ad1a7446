//! The bounded queue between the threads that log and the one that writes.

use std::io;
use std::mem;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use tracing_subscriber::fmt::MakeWriter;

use super::rolling::RollingFile;
use crate::clock::WallMicros;

/// The sending end. Cheap to clone; clones are the same queue.
#[derive(Clone, Debug)]
pub(super) struct LineQueue(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    lines_max: usize,
    state: Mutex<State>,
    /// Lines have come, or the queue has been closed.
    work: Condvar,
    /// A batch has reached the file.
    written: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<u8>,
    waiting_lines: usize,
    /// Lines taken so far and lines written so far, for [`LineQueue::flush`].
    accepted: u64,
    written: u64,
    dropped: u64,
    dropped_and_reported: u64,
    is_closed: bool,
}

impl LineQueue {
    pub(super) fn new(lines_max: usize) -> Self {
        Self(Arc::new(Shared {
            lines_max,
            state: Mutex::new(State::default()),
            work: Condvar::new(),
            written: Condvar::new(),
        }))
    }

    /// Queues one line, or drops it when the queue is full or closed. Never waits for the disk.
    fn push(&self, line: &[u8]) {
        let mut state = self.0.state.lock();
        if state.is_closed || state.waiting_lines >= self.0.lines_max {
            state.dropped += 1;
            return;
        }
        state.waiting.extend_from_slice(line);
        state.waiting_lines += 1;
        state.accepted += 1;
        if state.waiting_lines == 1 {
            self.0.work.notify_one();
        }
    }

    pub(super) fn dropped(&self) -> u64 {
        self.0.state.lock().dropped
    }

    /// Takes no more lines; the writer ends after those that wait.
    pub(super) fn close(&self) {
        self.0.state.lock().is_closed = true;
        self.0.work.notify_all();
    }

    /// Waits until everything queued so far is in the file, at most for `wait`.
    pub(super) fn flush(&self, wait: Duration) {
        let deadline = Instant::now() + wait;
        let mut state = self.0.state.lock();
        let goal = state.accepted;
        while state.written < goal {
            if self.0.written.wait_until(&mut state, deadline).timed_out() {
                return;
            }
        }
    }

    /// Starts the thread that moves lines into a file.
    pub(super) fn spawn_writer(&self, mut file: RollingFile) -> io::Result<WriterThread> {
        let queue = self.clone();
        let thread = thread::Builder::new()
            .name("log-writer".to_owned())
            .spawn(move || {
                while let Some((lines, count)) = queue.next_batch() {
                    // A log that cannot be written must not take the server down, and there is no
                    // place left to say so: the lines are counted as dropped.
                    let is_written = file.append(&lines).is_ok();
                    queue.finish_batch(count, is_written);
                }
            })?;
        Ok(WriterThread(Some(thread)))
    }

    /// Waits for lines and takes all of them; `None` when the queue is closed and empty.
    fn next_batch(&self) -> Option<(Vec<u8>, u64)> {
        let mut state = self.0.state.lock();
        while state.waiting_lines == 0 && !state.is_closed {
            self.0.work.wait(&mut state);
        }
        if state.waiting_lines == 0 {
            return None;
        }
        let mut lines = mem::take(&mut state.waiting);
        let count = mem::take(&mut state.waiting_lines) as u64;
        let unreported = state.dropped - state.dropped_and_reported;
        if unreported > 0 {
            state.dropped_and_reported = state.dropped;
            let report = format!(
                "{} WARN  log-writer pegasus_common::logging: log lines dropped count={unreported}\n",
                WallMicros::now()
            );
            lines.extend_from_slice(report.as_bytes());
        }
        Some((lines, count))
    }

    fn finish_batch(&self, count: u64, is_written: bool) {
        let mut state = self.0.state.lock();
        state.written += count;
        if !is_written {
            state.dropped += count;
        }
        self.0.written.notify_all();
    }
}

/// The writer thread; ends after [`LineQueue::close`].
#[derive(Debug)]
pub(super) struct WriterThread(Option<JoinHandle<()>>);

impl WriterThread {
    pub(super) fn join(&mut self) {
        if let Some(thread) = self.0.take() {
            // A panic of the writer has been printed by the panic hook already.
            let _ = thread.join();
        }
    }
}

/// What the formatting layer writes one finished line to.
pub(super) struct LineSink<'a>(&'a LineQueue);

impl<'a> MakeWriter<'a> for LineQueue {
    type Writer = LineSink<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        LineSink(self)
    }
}

impl io::Write for LineSink<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::rolling::Limits;
    use super::*;

    fn file_in(directory: &std::path::Path) -> RollingFile {
        let limits = Limits {
            file_bytes_max: 1 << 20,
            closed_files_max: 1,
        };
        RollingFile::open(directory, "test", limits).unwrap()
    }

    #[test]
    fn a_full_queue_drops_counts_and_says_so() {
        let directory = tempfile::tempdir().unwrap();
        let queue = LineQueue::new(2);
        for _ in 0..5 {
            queue.push(b"line\n");
        }
        assert_eq!(queue.dropped(), 3);
        let mut writer = queue.spawn_writer(file_in(directory.path())).unwrap();
        queue.flush(Duration::from_secs(10));
        queue.close();
        writer.join();
        let text = std::fs::read_to_string(directory.path().join("test.log")).unwrap();
        assert!(text.starts_with("line\nline\n"), "{text}");
        assert!(text.ends_with("log lines dropped count=3\n"), "{text}");
    }

    #[test]
    fn closing_writes_what_waits() {
        let directory = tempfile::tempdir().unwrap();
        let queue = LineQueue::new(100);
        let mut writer = queue.spawn_writer(file_in(directory.path())).unwrap();
        for number in 0..50 {
            queue.push(format!("{number}\n").as_bytes());
        }
        queue.close();
        writer.join();
        queue.push(b"too late\n");
        assert_eq!(queue.dropped(), 1);
        let text = std::fs::read_to_string(directory.path().join("test.log")).unwrap();
        assert_eq!(text.lines().count(), 50);
    }
}
