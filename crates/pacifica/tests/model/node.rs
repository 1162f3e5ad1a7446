//! One server: a log with an unsafe tail, a storage that flushes now and then, a lease, and the
//! replica, if it has one.

use std::collections::{BTreeSet, VecDeque};

use pegasus_common::{Ballot, Decree, RpcAddress};
use pegasus_pacifica::{
    CheckpointId, CheckpointOffer, Configuration, ConfigurationSource, DigestAt, LearnSignature,
    Lease, LeaseTerm, Life, Mutation, Options, Proposal, Recovered, Replay, Replayed, Replica,
    ReplicaStatus, Standing,
};

use super::GPID;

/// One record of the log.
#[derive(Clone, Debug, Hash)]
pub enum Record {
    Ballot(Ballot),
    Mutation(Mutation),
    Vouch,
}

/// What a server hears from meta.
#[derive(Clone, Debug, Hash)]
pub enum Notice {
    Configuration(Configuration, ConfigurationSource),
    Proposal(Proposal),
}

/// Work of the driver for a learner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TeachingWork {
    pub to: RpcAddress,
    pub signature: LearnSignature,
    /// What to read from the log; `None`: a checkpoint at once.
    pub range: Option<(Decree, Decree)>,
}

/// A checkpoint on its way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fetch {
    pub from: RpcAddress,
    pub signature: LearnSignature,
    pub configuration: Configuration,
    pub offer: CheckpointOffer,
}

/// One server.
#[derive(Clone, Debug, Hash)]
pub struct Node {
    pub address: RpcAddress,
    /// The process runs.
    pub is_up: bool,
    pub replica: Option<Replica>,
    pub log: Vec<Record>,
    /// So many records of `log` survive a crash.
    pub safe: usize,
    /// Ballot at the head of the log: that of the records that were released.
    pub head: Ballot,
    /// What the head of the log says of the replica: it proves nothing until a `Vouch`.
    pub is_doubtful: bool,
    /// Storage holds something else than it says, and nobody has noticed.
    pub is_corrupt: bool,
    /// The disk has a replica of the partition.
    pub has_data: bool,
    /// The mutations of `log[..safe]`, and those released.
    pub safe_mutations: BTreeSet<(Ballot, Decree)>,
    pub to_apply: VecDeque<(Mutation, DigestAt)>,
    pub applied: DigestAt,
    /// What storage has after a crash.
    pub flushed: DigestAt,
    /// Decrees whose clients wait for an answer here.
    pub waiting_clients: Vec<Decree>,
    /// The lease as the clock has it; the replica may not have heard of it yet.
    pub lease: Lease,
    /// What the replica has heard of it.
    pub told: Lease,
    /// The last term.
    pub term: LeaseTerm,
    /// What meta has said and the server has not handled.
    pub inbox: VecDeque<Notice>,
    pub work: VecDeque<TeachingWork>,
    pub checkpoints: Vec<CheckpointOffer>,
    pub fetch: Option<Fetch>,
    pub lives: u64,
    /// The replica has asked for a confirmation.
    pub wants_sync: bool,
    options: Options,
}

impl Node {
    pub fn new(address: RpcAddress, options: Options) -> Self {
        Self {
            address,
            is_up: true,
            replica: None,
            log: Vec::new(),
            safe: 0,
            head: Ballot::ZERO,
            is_doubtful: false,
            is_corrupt: false,
            has_data: false,
            safe_mutations: BTreeSet::new(),
            to_apply: VecDeque::new(),
            applied: DigestAt::default(),
            flushed: DigestAt::default(),
            waiting_clients: Vec::new(),
            lease: Lease::Held(LeaseTerm(1)),
            told: Lease::Held(LeaseTerm(1)),
            term: LeaseTerm(1),
            inbox: VecDeque::new(),
            work: VecDeque::new(),
            checkpoints: Vec::new(),
            fetch: None,
            lives: 0,
            wants_sync: false,
            options,
        }
    }

    pub fn unflushed(&self) -> usize {
        self.log.len() - self.safe
    }

    /// Opens a replica; it hears of the lease.
    pub fn open(&mut self, recovered: Recovered) {
        self.lives += 1;
        let life = Life(self.lives);
        self.applied = recovered.committed;
        self.has_data = true;
        let mut replica = Replica::new(GPID, self.address, life, self.options, recovered);
        let mut none = pegasus_pacifica::Effects::new();
        replica.on_lease(self.lease, &mut none);
        self.told = self.lease;
        assert!(none.is_empty(), "it is inactive");
        self.replica = Some(replica);
    }

    /// Makes records safe; returns what the log reports: each ballot, and the last mutation before
    /// each ballot and at the end.
    pub fn flush_log(&mut self, records: usize) -> Vec<Record> {
        if self.replica.is_none() {
            return Vec::new();
        }
        let end = self.safe.saturating_add(records).min(self.log.len());
        let mut reports: Vec<Record> = Vec::new();
        for record in &self.log[self.safe..end] {
            if let Record::Mutation(mutation) = record {
                self.safe_mutations
                    .insert((mutation.ballot, mutation.decree));
                if matches!(reports.last(), Some(Record::Mutation(_))) {
                    reports.pop();
                }
            }
            reports.push(record.clone());
        }
        self.safe = end;
        reports
    }

    pub fn apply(&mut self, digest: DigestAt) {
        assert_eq!(
            digest.decree,
            self.applied.decree.next(),
            "applied in order"
        );
        self.applied = digest;
    }

    /// Whether a client waits here for this decree; it is answered now.
    pub fn answer_client(&mut self, decree: Decree) -> bool {
        let before = self.waiting_clients.len();
        self.waiting_clients.retain(|&waiting| waiting != decree);
        before != self.waiting_clients.len()
    }

    pub fn refuse_after(&mut self, committed: Decree) {
        self.waiting_clients.retain(|&waiting| waiting <= committed);
    }

    pub fn flush_storage(&mut self) {
        self.flushed = self.applied;
    }

    /// Whether the replica holds itself for a primary.
    pub fn leads(&self) -> bool {
        let status = self.replica.as_ref().map(Replica::status);
        status == Some(ReplicaStatus::Primary)
    }

    /// Whether a read that comes now would be answered.
    pub fn may_read(&self) -> bool {
        let Some(term) = self.replica.as_ref().and_then(Replica::readable_in) else {
            return false;
        };
        self.lease == Lease::Held(term)
    }

    /// Removes up to `records` of the oldest records, as far as that is allowed.
    pub fn release_log(&mut self, records: usize) {
        let Some(replica) = &self.replica else {
            return;
        };
        let limit = replica.log_release_limit().unwrap_or(self.flushed.decree);
        let limit = limit.min(self.flushed.decree);
        let may_go = |record: &&Record| match record {
            Record::Ballot(_) | Record::Vouch => true,
            Record::Mutation(mutation) => mutation.decree <= limit,
        };
        let count = self.log[..self.safe]
            .iter()
            .take(records)
            .take_while(may_go)
            .count();
        for record in self.log.drain(..count) {
            match record {
                Record::Ballot(ballot) => self.head = self.head.max(ballot),
                Record::Mutation(mutation) => self.head = self.head.max(mutation.ballot),
                Record::Vouch => self.is_doubtful = false,
            }
        }
        self.safe -= count;
    }

    /// Committed mutations after a decree as the log has them, without a hole; `None` if it does not
    /// have the first.
    pub fn read_log(&self, after: Decree, through: Decree, limit: usize) -> Option<Vec<Mutation>> {
        let mut found: Vec<Mutation> = Vec::new();
        let mut next = after.next();
        while next <= through && found.len() < limit {
            let last = self.log.iter().rev().find_map(|record| match record {
                Record::Mutation(mutation) if mutation.decree == next => Some(mutation),
                _ => None,
            });
            match last {
                Some(mutation) => found.push(mutation.clone()),
                None => break,
            }
            next = next.next();
        }
        (!found.is_empty()).then_some(found)
    }

    /// Flushes storage and keeps what it has.
    pub fn make_checkpoint(&mut self) -> CheckpointOffer {
        self.flush_storage();
        let offer = CheckpointOffer {
            id: CheckpointId(self.flushed.decree.0),
            at: self.flushed,
        };
        if !self.checkpoints.contains(&offer) {
            self.checkpoints.push(offer);
        }
        offer
    }

    /// Storage becomes what a checkpoint holds; the log forgets what it had.
    pub fn install(&mut self, ballot: Ballot, at: DigestAt) {
        self.log.clear();
        self.safe = 0;
        self.head = ballot;
        self.is_doubtful = true;
        self.is_corrupt = false;
        self.safe_mutations.clear();
        self.to_apply.clear();
        self.flushed = at;
        self.waiting_clients.clear();
        self.open(Recovered::from_checkpoint(ballot, at, 0));
    }

    /// A replica is made that has nothing.
    pub fn make_empty(&mut self) {
        assert!(!self.has_data && self.replica.is_none());
        self.is_doubtful = true;
        self.open(Recovered::for_learning());
    }

    pub fn crash(&mut self, surviving: usize) {
        self.is_up = false;
        self.replica = None;
        self.log.truncate(self.safe.saturating_add(surviving));
        for record in &self.log[self.safe..] {
            if let Record::Mutation(mutation) = record {
                self.safe_mutations
                    .insert((mutation.ballot, mutation.decree));
            }
        }
        self.safe = self.log.len();
        self.to_apply.clear();
        self.applied = self.flushed;
        self.waiting_clients.clear();
        self.lease = Lease::NotHeld;
        self.inbox.clear();
        self.work.clear();
        self.checkpoints.clear();
        self.fetch = None;
        self.wants_sync = false;
    }

    /// The crash took records that were said to be safe; the log knows that some are missing.
    pub fn lose_safe_records(&mut self, records: usize) {
        for _ in 0..records.min(self.log.len()) {
            match self.log.pop() {
                Some(Record::Ballot(ballot)) => self.head = self.head.max(ballot),
                Some(Record::Mutation(mutation)) => {
                    self.head = self.head.max(mutation.ballot);
                    let place = (mutation.ballot, mutation.decree);
                    self.safe_mutations.remove(&place);
                }
                Some(Record::Vouch) | None => {}
            }
        }
        for record in &self.log {
            if let Record::Ballot(ballot) = record {
                self.head = self.head.max(*ballot);
            }
        }
        self.log
            .retain(|record| matches!(record, Record::Mutation(_)));
        self.safe = self.log.len();
        self.is_doubtful = true;
    }

    /// The log is lost, and what storage has is not what it was.
    pub fn corrupt(&mut self) {
        self.lose_safe_records(usize::MAX);
        self.log.clear();
        self.safe = 0;
        if self.flushed.decree > Decree::ZERO {
            self.flushed.digest ^= 1;
            self.is_corrupt = true;
        }
        self.applied = self.flushed;
    }

    /// The disk is gone, and a new one is in its place.
    pub fn wipe(&mut self) {
        assert!(!self.is_up);
        *self = Self {
            is_up: false,
            lease: Lease::NotHeld,
            lives: self.lives,
            ..Self::new(self.address, self.options)
        };
    }

    /// Whether the disk says that the replica has all that it acknowledged.
    pub fn standing(&self) -> Standing {
        let is_vouched = self.log[..self.safe]
            .iter()
            .any(|record| matches!(record, Record::Vouch));
        if self.is_doubtful && !is_vouched {
            Standing::Unproven
        } else {
            Standing::Proven
        }
    }

    /// Opens the replica again; returns what was replayed into storage.
    pub fn restart(&mut self) -> Vec<Replayed> {
        self.is_up = true;
        if !self.has_data {
            return Vec::new();
        }
        let (recovered, replayed) = self.recover();
        self.open(recovered);
        replayed
    }

    /// What the replica would be after a crash now.
    pub fn after_crash(&self) -> Option<Replica> {
        let mut copy = self.clone();
        copy.crash(0);
        copy.restart();
        copy.replica
    }

    fn recover(&self) -> (Recovered, Vec<Replayed>) {
        let mut replay = Replay::new(self.flushed, self.options.prepared_max);
        let mut replayed = Vec::new();
        for record in &self.log {
            match record {
                Record::Ballot(ballot) => replay.on_ballot(*ballot),
                Record::Mutation(mutation) => replay.on_mutation(mutation.clone(), &mut replayed),
                Record::Vouch => Ok(()),
            }
            .expect("a sound log replays");
        }
        replay.on_stored_ballot(self.head);
        (replay.finish(self.standing()), replayed)
    }
}
