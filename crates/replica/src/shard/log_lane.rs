//! A shard's side of one disk's mutation log: what the turn appends, and what waits to be safe.

use std::collections::VecDeque;

use pegasus_common::Ballot;
use pegasus_common::Decree;
use pegasus_common::Gpid;
use pegasus_log::LogHandle;
use pegasus_log::MutationRecord;
use pegasus_log::Record;
use pegasus_log::SubmitError;
use pegasus_pacifica::Mutation;

use crate::instance::ReplicaInstance;

/// A record that was appended: the replica is told when it is safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logged {
    /// A mutation.
    Mutation {
        /// Whose.
        instance: ReplicaInstance,
        /// Under which ballot it was appended.
        ballot: Ballot,
        /// Its position.
        decree: Decree,
    },
    /// A ballot.
    Ballot {
        /// Whose.
        instance: ReplicaInstance,
        /// The ballot.
        ballot: Ballot,
    },
    /// The group counts on the replica.
    Vouch(ReplicaInstance),
    /// Earlier records of the partition are void.
    Reset(Gpid),
}

impl Logged {
    fn instance(&self) -> Option<ReplicaInstance> {
        match self {
            Self::Mutation { instance, .. }
            | Self::Ballot { instance, .. }
            | Self::Vouch(instance) => Some(*instance),
            Self::Reset(_) => None,
        }
    }
}

/// One shard's records on their way into one disk's log.
pub struct LogLane {
    handle: LogHandle,
    batch: Vec<Record>,
    /// Payload bytes in `batch`, while the log takes it.
    staged_bytes: usize,
    logged: Vec<Logged>,
    waiting: VecDeque<(u64, Vec<Logged>)>,
    /// The log took no more: the batch goes with the next flush that it accepts.
    is_clogged: bool,
}

impl LogLane {
    /// A lane into the log behind `handle`.
    #[must_use]
    pub fn new(handle: LogHandle) -> Self {
        Self {
            handle,
            batch: Vec::new(),
            staged_bytes: 0,
            logged: Vec::new(),
            waiting: VecDeque::new(),
            is_clogged: false,
        }
    }

    /// Stages a mutation.
    pub fn append(&mut self, instance: ReplicaInstance, mutation: Mutation) {
        let (ballot, decree) = (mutation.ballot, mutation.decree);
        self.staged_bytes += mutation.payload.len();
        self.logged.push(Logged::Mutation {
            instance,
            ballot,
            decree,
        });
        self.batch.push(Record::Mutation(MutationRecord {
            gpid: instance.gpid,
            ballot,
            decree,
            timestamp_us: mutation.timestamp_us,
            last_committed: mutation.last_committed,
            checksum: mutation.checksum,
            payload: mutation.payload,
        }));
    }

    /// Stages a ballot.
    pub fn append_ballot(&mut self, instance: ReplicaInstance, ballot: Ballot) {
        self.logged.push(Logged::Ballot { instance, ballot });
        let gpid = instance.gpid;
        self.batch.push(Record::Ballot { gpid, ballot });
    }

    /// Stages the decision that what a replica has is the truth.
    pub fn vouch(&mut self, instance: ReplicaInstance, ballot: Ballot) {
        self.logged.push(Logged::Vouch(instance));
        let gpid = instance.gpid;
        self.batch.push(Record::Vouch { gpid, ballot });
    }

    /// Stages the beginning of a replica that holds everything through `decree`: what the log knew of
    /// an earlier one is void, and so is every doubt about it.
    pub fn reset(&mut self, gpid: Gpid, ballot: Ballot, decree: Decree) {
        self.logged.push(Logged::Reset(gpid));
        self.batch.push(Record::Reset {
            gpid,
            ballot,
            decree,
        });
    }

    /// Stages the end of a replica: its earlier records mean nothing any more.
    pub fn forget(&mut self, gpid: Gpid) {
        self.batch.push(Record::Forget { gpid });
    }

    /// Whether the log may not have everything yet that a replica has appended.
    #[must_use]
    pub fn has_under_way(&self, instance: ReplicaInstance) -> bool {
        let waiting = self.waiting.iter().flat_map(|(_, logged)| logged);
        let mut under_way = waiting.chain(&self.logged);
        under_way.any(|logged| logged.instance() == Some(instance))
    }

    /// Payload bytes that the next flush hands over; those that the log has refused for now do not
    /// count, since a flush would not help.
    #[must_use]
    pub fn staged_bytes(&self) -> usize {
        self.staged_bytes
    }

    /// Whether the log takes nothing now, so that no new writes should be accepted.
    #[must_use]
    pub fn is_clogged(&self) -> bool {
        self.is_clogged
    }

    /// Hands the turn's records over.
    ///
    /// # Errors
    /// The log has failed for good.
    pub fn flush(&mut self) -> Result<(), SubmitError> {
        if self.batch.is_empty() {
            return Ok(());
        }
        self.staged_bytes = 0;
        match self.handle.submit(std::mem::take(&mut self.batch)) {
            Ok(ticket) => {
                self.is_clogged = false;
                self.waiting
                    .push_back((ticket, std::mem::take(&mut self.logged)));
                Ok(())
            }
            Err(SubmitError::Full(batch) | SubmitError::NoSpace(batch)) => {
                self.is_clogged = true;
                self.batch = batch;
                Ok(())
            }
            Err(failed) => Err(failed),
        }
    }

    /// The log holds everything through `ticket`: gives what that is, in the order of appending.
    pub fn on_safe(&mut self, ticket: u64) -> Vec<Logged> {
        let mut safe = Vec::new();
        while self
            .waiting
            .front()
            .is_some_and(|(first, _)| *first <= ticket)
        {
            if let Some((_, mut logged)) = self.waiting.pop_front() {
                safe.append(&mut logged);
            }
        }
        safe
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::Ordering;
    use std::sync::mpsc;

    use bytes::Bytes;
    use pegasus_log::Log;
    use pegasus_log::LogFailure;
    use pegasus_log::LogObserver;
    use pegasus_log::LogOptions;
    use pegasus_log::OpenMode;
    use pegasus_pacifica::Life;

    use super::*;

    const OWNER: ReplicaInstance = ReplicaInstance {
        gpid: Gpid::new(2, 0),
        life: Life(7),
    };

    struct Tickets(mpsc::Sender<u64>);

    impl LogObserver for Tickets {
        fn on_safe(&self, ticket: u64) {
            // The test may be over.
            let _ = self.0.send(ticket);
        }

        fn on_failed(&self, failure: &LogFailure) {
            panic!("{failure}");
        }
    }

    fn open(directory: &tempfile::TempDir) -> (Log, LogLane, mpsc::Receiver<u64>) {
        let mut options = LogOptions::new(directory.path().join("log"));
        options.segment_bytes = 64 << 10;
        let (log, _) = Log::open(options, OpenMode::Create, &mut |_| {}).unwrap();
        let (sender, tickets) = mpsc::channel();
        let lane = LogLane::new(log.register(Arc::new(Tickets(sender))));
        (log, lane, tickets)
    }

    fn mutation(decree: i64) -> Mutation {
        let payload = Bytes::from_static(b"0123456789");
        Mutation {
            ballot: Ballot(1),
            decree: Decree(decree),
            timestamp_us: decree,
            last_committed: Decree(decree - 1),
            checksum: Mutation::checksum_of(&payload),
            payload,
        }
    }

    fn logged(decree: i64) -> Logged {
        Logged::Mutation {
            instance: OWNER,
            ballot: Ballot(1),
            decree: Decree(decree),
        }
    }

    #[test]
    fn what_is_safe_is_told_in_the_order_of_appending() {
        let directory = tempfile::tempdir().unwrap();
        let (_log, mut lane, tickets) = open(&directory);
        lane.flush().unwrap();
        let ballot = Ballot(1);
        lane.append_ballot(OWNER, ballot);
        lane.append(OWNER, mutation(1));
        assert_eq!(lane.staged_bytes(), 10);
        lane.flush().unwrap();
        assert_eq!(lane.staged_bytes(), 0);
        lane.append(OWNER, mutation(2));
        lane.flush().unwrap();
        assert_eq!(lane.on_safe(0), []);
        let instance = OWNER;
        let first = Logged::Ballot { instance, ballot };
        let mut safe = Vec::new();
        while safe.len() < 3 {
            safe.extend(lane.on_safe(tickets.recv().unwrap()));
        }
        assert_eq!(safe, [first, logged(1), logged(2)]);
    }

    #[test]
    fn a_full_log_gets_everything_later() {
        let directory = tempfile::tempdir().unwrap();
        let (log, mut lane, tickets) = open(&directory);
        let queue = &log.stats().queue_bytes;
        // As if others had filled it.
        queue.fetch_add(1 << 40, Ordering::Relaxed);
        lane.append(OWNER, mutation(1));
        lane.flush().unwrap();
        assert!(lane.is_clogged());
        lane.append(OWNER, mutation(2));
        lane.flush().unwrap();
        assert!(lane.is_clogged());
        queue.fetch_sub(1 << 40, Ordering::Relaxed);
        lane.flush().unwrap();
        assert!(!lane.is_clogged());
        let ticket = tickets.recv().unwrap();
        assert_eq!(lane.on_safe(ticket), [logged(1), logged(2)]);
    }

    #[test]
    fn a_log_that_has_ended_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let (log, mut lane, _tickets) = open(&directory);
        log.close().unwrap();
        lane.flush().unwrap();
        lane.forget(OWNER.gpid);
        assert!(matches!(lane.flush(), Err(SubmitError::Closed)));
    }
}
