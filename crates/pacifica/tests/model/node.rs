//! One server: a log with an unsafe tail, a storage that flushes now and then, and the replica.

use std::collections::{BTreeSet, VecDeque};

use pegasus_common::{Ballot, Decree, RpcAddress};
use pegasus_pacifica::{
    DigestAt, Mutation, Options, Recovered, Replay, Replayed, Replica, Standing,
};

use super::GPID;

/// One record of the log.
#[derive(Clone, Debug)]
pub enum Record {
    Ballot(Ballot),
    Mutation(Mutation),
}

/// One server.
pub struct Node {
    pub address: RpcAddress,
    /// `None`: crashed.
    pub replica: Option<Replica>,
    pub log: Vec<Record>,
    /// So many records of `log` survive a crash.
    pub safe: usize,
    /// Ballot at the head of the log: that of the records that were released.
    pub head: Ballot,
    /// The mutations of `log[..safe]`, and those released.
    pub safe_mutations: BTreeSet<(Ballot, Decree)>,
    pub to_apply: VecDeque<(Mutation, DigestAt)>,
    pub applied: DigestAt,
    /// What storage has after a crash.
    pub flushed: DigestAt,
    /// Decrees whose clients wait for an answer here.
    pub waiting_clients: Vec<Decree>,
    options: Options,
}

impl Node {
    pub fn new(address: RpcAddress, options: Options) -> Self {
        Self {
            address,
            replica: Some(Replica::new(GPID, address, options, Recovered::empty())),
            log: Vec::new(),
            safe: 0,
            head: Ballot::ZERO,
            safe_mutations: BTreeSet::new(),
            to_apply: VecDeque::new(),
            applied: DigestAt::default(),
            flushed: DigestAt::default(),
            waiting_clients: Vec::new(),
            options,
        }
    }

    pub fn unflushed(&self) -> usize {
        self.log.len() - self.safe
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

    /// Removes up to `records` of the oldest records, as far as that is allowed.
    pub fn release_log(&mut self, records: usize) {
        let Some(replica) = &self.replica else {
            return;
        };
        let limit = replica.log_release_limit().unwrap_or(self.flushed.decree);
        let limit = limit.min(self.flushed.decree);
        let may_go = |record: &&Record| match record {
            Record::Ballot(_) => true,
            Record::Mutation(mutation) => mutation.decree <= limit,
        };
        let count = self.log[..self.safe]
            .iter()
            .take(records)
            .take_while(may_go)
            .count();
        for record in self.log.drain(..count) {
            let ballot = match record {
                Record::Ballot(ballot) => ballot,
                Record::Mutation(mutation) => mutation.ballot,
            };
            self.head = self.head.max(ballot);
        }
        self.safe -= count;
    }

    pub fn crash(&mut self, surviving: usize) {
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
    }

    /// Opens the replica again; returns what was replayed into storage.
    pub fn restart(&mut self, standing: Standing) -> Vec<Replayed> {
        let (recovered, replayed) = self.recover(standing);
        self.applied = recovered.committed;
        self.replica = Some(Replica::new(GPID, self.address, self.options, recovered));
        replayed
    }

    fn recover(&self, standing: Standing) -> (Recovered, Vec<Replayed>) {
        let mut replay = Replay::new(self.flushed, self.options.prepared_max);
        let mut replayed = Vec::new();
        replay.on_ballot(self.head).expect("the first ballot");
        for record in &self.log {
            match record {
                Record::Ballot(ballot) => replay.on_ballot(*ballot),
                Record::Mutation(mutation) => replay.on_mutation(mutation.clone(), &mut replayed),
            }
            .expect("a sound log replays");
        }
        (replay.finish(standing), replayed)
    }
}
