//! Who serves a partition here: a map that every shard reads without a lock.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use arc_swap::ArcSwap;
use foldhash::fast::FixedState;
use parking_lot::Mutex;
use pegasus_common::Decree;
use pegasus_common::Gpid;
use pegasus_engine::Engine;
use pegasus_pacifica::LeaseTerm;

use crate::client_rules::ClientRules;

/// Index of a shard of this server.
pub type ShardIndex = usize;

/// What a replica lets others than its owner do with its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readability {
    /// Nothing: inactive, learning, failed, or a primary that has not caught up (I5) or that the meta
    /// server has not confirmed (I4).
    Closed,
    /// A secondary: reads that are marked as backup reads.
    BackupReads,
    /// A primary: all reads, while the server's lease is held in this term.
    AllReads(LeaseTerm),
}

impl Readability {
    /// As one number, so that who reads it sees a term and its meaning together. Terms begin with 1.
    const fn to_number(self) -> u64 {
        match self {
            Self::Closed => 0,
            Self::BackupReads => 1,
            Self::AllReads(term) => term.0 + 1,
        }
    }

    const fn from_number(number: u64) -> Self {
        match number {
            0 => Self::Closed,
            1 => Self::BackupReads,
            above => Self::AllReads(LeaseTerm(above - 1)),
        }
    }
}

/// The published side of a replica: what any thread may use.
pub struct ReplicaHandle<S = Engine> {
    /// Which partition.
    pub gpid: Gpid,
    /// Its storage.
    pub engine: Arc<S>,
    rules: ArcSwap<ClientRules>,
    readability: AtomicU64,
    ballot: AtomicI64,
    committed: AtomicI64,
}

impl<S> fmt::Debug for ReplicaHandle<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplicaHandle")
            .field("gpid", &self.gpid)
            .field("readability", &self.readability())
            .finish_non_exhaustive()
    }
}

impl<S> ReplicaHandle<S> {
    /// A handle that lets nobody read yet.
    #[must_use]
    pub fn new(gpid: Gpid, engine: Arc<S>) -> Arc<Self> {
        Arc::new(Self {
            gpid,
            engine,
            rules: ArcSwap::from_pointee(ClientRules::default()),
            readability: AtomicU64::new(Readability::Closed.to_number()),
            ballot: AtomicI64::new(0),
            committed: AtomicI64::new(0),
        })
    }

    /// What others may do now.
    #[must_use]
    pub fn readability(&self) -> Readability {
        Readability::from_number(self.readability.load(Ordering::Acquire))
    }

    /// Called by the owner alone.
    pub(crate) fn publish(&self, readability: Readability) {
        self.readability
            .store(readability.to_number(), Ordering::Release);
    }

    /// What the table asks of requests now.
    #[must_use]
    pub fn rules(&self) -> ClientRules {
        **self.rules.load()
    }

    /// Called by the owner alone.
    pub(crate) fn publish_rules(&self, rules: ClientRules) {
        self.rules.store(Arc::new(rules));
    }

    /// For reports: the ballot and commit point that the owner published last.
    #[must_use]
    pub fn progress(&self) -> (i64, Decree) {
        (
            self.ballot.load(Ordering::Relaxed),
            Decree(self.committed.load(Ordering::Relaxed)),
        )
    }

    pub(crate) fn publish_progress(&self, ballot: i64, committed: Decree) {
        self.ballot.store(ballot, Ordering::Relaxed);
        self.committed.store(committed.0, Ordering::Relaxed);
    }
}

type Handles = HashMap<Gpid, Arc<ReplicaHandle>, FixedState>;

/// All replicas of this server.
#[derive(Debug, Default)]
pub struct Router {
    handles: ArcSwap<Handles>,
    /// Serialises writers; readers never take it.
    writing: Mutex<()>,
}

impl Router {
    /// The replica of a partition, if this server has one.
    #[must_use]
    pub fn find(&self, gpid: Gpid) -> Option<Arc<ReplicaHandle>> {
        self.handles.load().get(&gpid).cloned()
    }

    /// Calls `with` on the replica of a partition without touching its reference count.
    pub fn with<R>(&self, gpid: Gpid, with: impl FnOnce(Option<&Arc<ReplicaHandle>>) -> R) -> R {
        with(self.handles.load().get(&gpid))
    }

    /// Every replica, in no order.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<ReplicaHandle>> {
        self.handles.load().values().cloned().collect()
    }

    /// Publishes replicas; those that stand there already are replaced.
    pub fn insert(&self, handles: impl IntoIterator<Item = Arc<ReplicaHandle>>) {
        self.change(|map| map.extend(handles.into_iter().map(|handle| (handle.gpid, handle))));
    }

    /// Takes a replica out.
    pub fn remove(&self, gpid: Gpid) {
        self.change(|map| {
            map.remove(&gpid);
        });
    }

    fn change(&self, change: impl FnOnce(&mut Handles)) {
        let _writing = self.writing.lock();
        let mut map = Handles::clone(&self.handles.load());
        change(&mut map);
        self.handles.store(Arc::new(map));
    }
}

/// The shard that owns a partition, among `shards`. Neighbouring partitions of a table go to
/// different shards.
#[must_use]
pub fn shard_of(gpid: Gpid, shards: usize) -> ShardIndex {
    let hash = u64::from(gpid.thread_hash().unsigned_abs());
    usize::try_from(hash).unwrap_or(0) % shards.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_readable_is_published_with_its_term() {
        for readability in [
            Readability::Closed,
            Readability::BackupReads,
            Readability::AllReads(LeaseTerm(1)),
            Readability::AllReads(LeaseTerm(77)),
        ] {
            let number = readability.to_number();
            assert_eq!(Readability::from_number(number), readability);
        }
    }

    #[test]
    fn partitions_of_a_table_spread_over_the_shards() {
        let shards: Vec<_> = (0..8)
            .map(|index| shard_of(Gpid::new(2, index), 4))
            .collect();
        for shard in 0..4 {
            assert_eq!(shards.iter().filter(|&&found| found == shard).count(), 2);
        }
        assert_eq!(shard_of(Gpid::new(i32::MAX, i32::MAX), 1), 0);
    }
}
