//! The threads on which reads that may touch the disk run, so that a disk read never stalls a socket
//! thread (design.md section 4).
//!
//! The queue is bounded: when it is full a read is refused with `ERR_BUSY` instead of waiting in
//! ever longer lines.

use std::collections::VecDeque;
use std::io;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::sync::Arc;
use std::thread;
use std::thread::JoinHandle;

use parking_lot::Condvar;
use parking_lot::Mutex;
use pegasus_common::metrics::Counter;
use pegasus_common::metrics::Gauge;

type Job = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    is_closing: bool,
}

struct Shared {
    queue: Mutex<Queue>,
    arrived: Condvar,
    waiting_max: usize,
    metrics: ReadPoolMetrics,
}

/// What the pool counts.
#[derive(Clone, Debug)]
pub struct ReadPoolMetrics {
    /// Jobs that wait for a thread.
    pub waiting: Gauge,
    /// Jobs that were refused because the queue was full.
    pub refused: Counter,
}

/// The queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the read pool's queue is full ([replication] read_pool_queue_length_max)")]
pub struct ReadPoolFull;

/// A fixed set of threads with one bounded queue. Dropping it finishes what was queued.
pub struct ReadPool {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl std::fmt::Debug for ReadPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReadPool")
            .field("waiting_max", &self.shared.waiting_max)
            .finish_non_exhaustive()
    }
}

impl ReadPool {
    /// Starts `threads` threads with room for `waiting_max` jobs in the queue.
    ///
    /// # Errors
    /// The system refuses a thread.
    pub fn start(threads: usize, waiting_max: usize, metrics: ReadPoolMetrics) -> io::Result<Self> {
        Self::start_threads("read", threads, waiting_max, metrics, || {})
    }

    /// Starts a pool whose threads run when nobody else needs the processor.
    ///
    /// # Errors
    /// The system refuses a thread.
    pub fn start_in_background(
        threads: usize,
        waiting_max: usize,
        metrics: ReadPoolMetrics,
    ) -> io::Result<Self> {
        Self::start_threads("learn", threads, waiting_max, metrics, yield_to_others)
    }

    fn start_threads(
        name: &'static str,
        threads: usize,
        waiting_max: usize,
        metrics: ReadPoolMetrics,
        prepare: fn(),
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            arrived: Condvar::new(),
            waiting_max,
            metrics,
        });
        let threads = (0..threads.max(1))
            .map(|number| {
                let shared = Arc::clone(&shared);
                thread::Builder::new()
                    .name(format!("{name}-{number}"))
                    .spawn(move || {
                        prepare();
                        run_jobs(&shared);
                    })
            })
            .collect::<io::Result<_>>()?;
        Ok(Self {
            shared,
            threads: Mutex::new(threads),
        })
    }

    /// Queues a job.
    ///
    /// # Errors
    /// The queue is full, or the pool is closed; the job was not taken.
    pub fn submit(&self, job: impl FnOnce() + Send + 'static) -> Result<(), ReadPoolFull> {
        {
            let mut queue = self.shared.queue.lock();
            if queue.is_closing || queue.jobs.len() >= self.shared.waiting_max {
                self.shared.metrics.refused.increment();
                return Err(ReadPoolFull);
            }
            queue.jobs.push_back(Box::new(job));
            self.shared.metrics.waiting.add(1);
        }
        self.shared.arrived.notify_one();
        Ok(())
    }

    /// Finishes what is queued, takes nothing more and ends the threads. Must not be called by a
    /// job.
    pub fn close(&self) {
        self.shared.queue.lock().is_closing = true;
        self.shared.arrived.notify_all();
        let threads = std::mem::take(&mut *self.threads.lock());
        for thread in threads {
            drop(thread.join());
        }
    }
}

impl Drop for ReadPool {
    fn drop(&mut self) {
        self.close();
    }
}

/// Lowers the priority of the calling thread.
pub fn yield_to_others() {
    /// Of a scale from -20 to 19.
    const NICENESS: i32 = 10;
    // On Linux this is the priority of a thread, and no number means the calling one.
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::debug!(%error, "the priority of a thread cannot be lowered");
    }
}

fn run_jobs(shared: &Shared) {
    loop {
        let job = {
            let mut queue = shared.queue.lock();
            loop {
                if let Some(job) = queue.jobs.pop_front() {
                    shared.metrics.waiting.add(-1);
                    break job;
                }
                if queue.is_closing {
                    return;
                }
                shared.arrived.wait(&mut queue);
            }
        };
        // A job that panics loses its own answer, which its client times out on, and not a thread
        // that others need; the panic hook has reported it.
        drop(catch_unwind(AssertUnwindSafe(job)));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_full_queue_refuses_and_dropping_finishes_what_was_queued() {
        let metrics = crate::metrics::ServerMetrics::new().read_pool;
        let pool = ReadPool::start(1, 1, metrics.clone()).unwrap();
        let (release, released) = mpsc::channel::<()>();
        let (started, has_started) = mpsc::channel();
        let (done, finished) = mpsc::channel();
        pool.submit(move || {
            started.send(()).unwrap();
            released.recv().unwrap();
        })
        .unwrap();
        has_started.recv().unwrap();
        pool.submit(move || done.send(()).unwrap()).unwrap();
        assert_eq!(pool.submit(|| {}), Err(ReadPoolFull));
        assert_eq!((metrics.waiting.value(), metrics.refused.value()), (1, 1));
        release.send(()).unwrap();
        pool.close();
        finished.recv().unwrap();
        assert_eq!(pool.submit(|| {}), Err(ReadPoolFull), "closed");
    }

    #[test]
    fn a_job_that_panics_does_not_end_its_thread() {
        let metrics = crate::metrics::ServerMetrics::new().read_pool;
        let pool = ReadPool::start(1, 10, metrics).unwrap();
        let (done, finished) = mpsc::channel();
        pool.submit(|| panic!("on purpose")).unwrap();
        pool.submit(move || done.send(()).unwrap()).unwrap();
        finished.recv().unwrap();
    }
}
