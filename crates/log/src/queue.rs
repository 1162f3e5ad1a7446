//! Between the producers and the log thread: a queue bounded in bytes.
//!
//! A hand-over takes the lock for a push, and a system call only when the log thread sleeps.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use pegasus_common::{Decree, Gpid};

use crate::error::{LogFailure, SubmitError};
use crate::observer::LogObserver;
use crate::record::Record;
use crate::stats::LogStats;

/// Somebody who submits.
pub(crate) struct Producer {
    pub observer: Arc<dyn LogObserver>,
}

impl fmt::Debug for Producer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer").finish_non_exhaustive()
    }
}

/// One turn's records of one producer.
#[derive(Debug)]
pub(crate) struct Submission {
    pub producer: Arc<Producer>,
    pub ticket: u64,
    pub records: Vec<Record>,
}

/// What the log thread takes at once.
#[derive(Debug, Default)]
pub(crate) struct Work {
    pub submissions: Vec<Submission>,
    pub flushed: Vec<(Gpid, Decree)>,
    pub closing: bool,
}

impl Work {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.submissions.is_empty() && self.flushed.is_empty() && !self.closing
    }
}

/// What the log thread takes while it waits for space.
#[derive(Debug)]
pub(crate) struct News {
    pub flushed: Vec<(Gpid, Decree)>,
    pub closing: bool,
}

/// Whether the log thread may sleep when nothing is waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Until something comes.
    ForWork,
    /// Not at all: it has something of its own to do.
    Not,
}

#[derive(Debug, Default)]
struct State {
    work: Work,
    sleeping: bool,
    end: Option<End>,
    producers: Vec<Arc<Producer>>,
}

/// Why nothing is taken any more.
#[derive(Debug)]
enum End {
    Closed,
    Failed(LogFailure),
}

/// The queue.
#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    wake: Condvar,
    bytes_max: u64,
    stats: Arc<LogStats>,
}

impl Queue {
    pub fn new(bytes_max: u64, stats: Arc<LogStats>) -> Self {
        Self {
            state: Mutex::new(State::default()),
            wake: Condvar::new(),
            bytes_max,
            stats,
        }
    }

    pub fn register(&self, observer: Arc<dyn LogObserver>) -> Arc<Producer> {
        let producer = Arc::new(Producer { observer });
        let failure = {
            let mut state = self.state.lock();
            state.producers.push(Arc::clone(&producer));
            match &state.end {
                Some(End::Failed(failure)) => Some(failure.clone()),
                _ => None,
            }
        };
        if let Some(failure) = failure {
            producer.observer.on_failed(&failure);
        }
        producer
    }

    pub fn unregister(&self, producer: &Arc<Producer>) {
        let mut state = self.state.lock();
        state
            .producers
            .retain(|known| !Arc::ptr_eq(known, producer));
    }

    pub fn has_room(&self) -> bool {
        self.stats.queue_bytes.load(Ordering::Relaxed) < self.bytes_max && !self.waits_for_space()
    }

    pub fn waits_for_space(&self) -> bool {
        self.stats.waits_for_space.load(Ordering::Relaxed) != 0
    }

    /// The log thread waits for space from now on. Whether this is new.
    pub fn begin_waiting_for_space(&self) -> bool {
        self.stats.waits_for_space.swap(1, Ordering::Relaxed) == 0
    }

    /// The log thread goes on. Whether it had waited.
    pub fn end_waiting_for_space(&self) -> bool {
        self.waits_for_space() && self.stats.waits_for_space.swap(0, Ordering::Relaxed) != 0
    }

    pub fn submit(
        &self,
        producer: &Arc<Producer>,
        ticket: u64,
        records: Vec<Record>,
    ) -> Result<(), SubmitError> {
        let mut bytes = 0;
        for record in &records {
            let size = record.encoded_bytes();
            if size > Record::BYTES_MAX {
                return Err(SubmitError::TooLarge { bytes: size });
            }
            bytes += size as u64;
        }
        if !self.has_room() {
            self.stats.refused.fetch_add(1, Ordering::Relaxed);
            return Err(if self.waits_for_space() {
                SubmitError::NoSpace(records)
            } else {
                SubmitError::Full(records)
            });
        }
        let mut state = self.state.lock();
        match &state.end {
            None => {}
            Some(End::Closed) => return Err(SubmitError::Closed),
            Some(End::Failed(failure)) => return Err(SubmitError::Failed(failure.clone())),
        }
        add(&self.stats.queue_bytes, bytes);
        state.work.submissions.push(Submission {
            producer: Arc::clone(producer),
            ticket,
            records,
        });
        self.wake(&mut state);
        Ok(())
    }

    pub fn set_flushed(&self, gpid: Gpid, decree: Decree) {
        let mut state = self.state.lock();
        if state.end.is_none() {
            state.work.flushed.push((gpid, decree));
            self.wake(&mut state);
        }
    }

    /// Takes no more; what is waiting will still be written.
    pub fn close(&self) {
        let mut state = self.state.lock();
        if state.end.is_none() {
            state.end = Some(End::Closed);
        }
        state.work.closing = true;
        self.wake(&mut state);
    }

    /// Takes no more, drops what is waiting, tells every producer. Only the first failure counts.
    pub fn fail(&self, failure: &LogFailure) {
        let producers = {
            let mut state = self.state.lock();
            if matches!(state.end, Some(End::Failed(_))) {
                return;
            }
            state.end = Some(End::Failed(failure.clone()));
            state.work.submissions.clear();
            state.producers.clone()
        };
        self.stats.queue_bytes.store(0, Ordering::Relaxed);
        self.end_waiting_for_space();
        for producer in producers {
            producer.observer.on_failed(failure);
        }
    }

    pub fn failure(&self) -> Option<LogFailure> {
        match &self.state.lock().end {
            Some(End::Failed(failure)) => Some(failure.clone()),
            _ => None,
        }
    }

    /// Everything that is waiting.
    pub fn take(&self, wait: Wait) -> Work {
        let mut state = self.state.lock();
        while wait == Wait::ForWork && state.work.is_empty() {
            state.sleeping = true;
            self.wake.wait(&mut state);
        }
        state.sleeping = false;
        std::mem::take(&mut state.work)
    }

    /// What has been told, without the submissions; waits for it, but not longer than `patience`.
    pub fn take_news(&self, patience: Duration) -> News {
        let mut state = self.state.lock();
        if state.work.flushed.is_empty() && !state.work.closing {
            state.sleeping = true;
            self.wake.wait_for(&mut state, patience);
            state.sleeping = false;
        }
        News {
            flushed: std::mem::take(&mut state.work.flushed),
            closing: state.work.closing,
        }
    }

    fn wake(&self, state: &mut State) {
        if std::mem::take(&mut state.sleeping) {
            self.wake.notify_one();
        }
    }
}

fn add(gauge: &AtomicU64, bytes: u64) {
    gauge.fetch_add(bytes, Ordering::Relaxed);
}
