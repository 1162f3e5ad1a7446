//! [`MemoryStore`]: a store without durability, for tests. The members of one [`MemoryCluster`]
//! share the state, and a test decides who leads and which commits are late or fail.

use std::collections::VecDeque;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::key_space::KeySpace;
use crate::leadership::{Epoch, Leadership};
use crate::store::{BoxFuture, CommitError, MetadataStore, ScanRange, StoreError};
use crate::transaction::{Entry, Transaction, Version};

/// What happens to one commit of a [`MemoryCluster`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommitFault {
    /// It takes effect and is acknowledged after this time.
    Delay(Duration),
    /// It takes effect, but the answer is lost.
    LoseAnswer,
    /// It has no effect, and the answer says that nobody knows.
    LoseRequest,
    /// The store fails for good.
    Fail,
}

/// The state that the members of a group share.
#[derive(Debug, Default)]
pub struct MemoryCluster {
    shared: Mutex<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    keys: KeySpace,
    leader: Option<String>,
    candidates: Vec<Candidate>,
    faults: VecDeque<CommitFault>,
    failure: Option<String>,
}

#[derive(Debug)]
struct Candidate {
    name: String,
    standing: bool,
    view: watch::Sender<Leadership>,
}

impl MemoryCluster {
    /// A group without members and keys.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Joins the group as `name`. An earlier member of that name is gone, and its reign with it.
    #[must_use]
    pub fn member(self: &Arc<Self>, name: &str) -> MemoryStore {
        let (view, _) = watch::channel(Leadership::UNKNOWN);
        let mut shared = self.shared.lock();
        shared.candidates.retain(|member| member.name != name);
        if shared.leader.as_deref() == Some(name) {
            shared.leader = None;
            shared.elect(None);
        }
        shared.candidates.push(Candidate {
            name: name.to_owned(),
            standing: false,
            view: view.clone(),
        });
        drop(shared);
        MemoryStore {
            cluster: Arc::clone(self),
            name: name.to_owned(),
            view,
        }
    }

    /// Ends the present reign. The next standing member leads, by the order of joining, after the
    /// old one; without another one the old one leads again with a new epoch.
    pub fn depose(&self) {
        let mut shared = self.shared.lock();
        let old = shared.leader.take();
        shared.elect(old.as_deref());
    }

    /// All values under a prefix, by key.
    #[must_use]
    pub fn entries(&self, prefix: &'static str) -> Vec<Entry> {
        let range = ScanRange::of_prefix(prefix);
        self.shared.lock().keys.scan(&range, usize::MAX)
    }

    /// Lets the next commits, one each, meet these faults.
    pub fn inject(&self, faults: impl IntoIterator<Item = CommitFault>) {
        self.shared.lock().faults.extend(faults);
    }
}

impl Shared {
    /// Makes a standing member the leader, if there is no leader; `last` comes last.
    fn elect(&mut self, last: Option<&str>) {
        if self.leader.is_none() {
            let standing = || self.candidates.iter().filter(|member| member.standing);
            let choice = standing()
                .find(|member| Some(member.name.as_str()) != last)
                .or_else(|| standing().next());
            if let Some(winner) = choice {
                self.leader = Some(winner.name.clone());
                self.keys.epoch = self.keys.epoch.next();
            }
        }
        for member in &self.candidates {
            let view = match &self.leader {
                Some(leader) if *leader == member.name => Leadership::Leader {
                    epoch: self.keys.epoch,
                },
                leader => Leadership::Follower {
                    leader: leader.clone(),
                },
            };
            member.view.send_if_modified(|seen| {
                let changed = *seen != view;
                *seen = view;
                changed
            });
        }
    }

    fn healthy(&self) -> Result<(), StoreError> {
        match &self.failure {
            Some(reason) => Err(StoreError::Failed {
                reason: reason.clone(),
            }),
            None => Ok(()),
        }
    }

    fn commit(&mut self, epoch: Epoch, transaction: &Transaction) -> Result<Version, CommitError> {
        if let Some(reason) = &self.failure {
            let reason = reason.clone();
            return Err(CommitError::Failed { reason });
        }
        if self.leader.is_none() {
            let current = self.keys.epoch;
            return Err(CommitError::Deposed { epoch, current });
        }
        self.keys.commit(epoch, transaction)
    }
}

/// One member of a [`MemoryCluster`].
#[derive(Debug)]
pub struct MemoryStore {
    cluster: Arc<MemoryCluster>,
    name: String,
    view: watch::Sender<Leadership>,
}

impl MemoryStore {
    /// A group of one.
    #[must_use]
    pub fn single() -> Self {
        MemoryCluster::new().member("single")
    }

    /// The group.
    #[must_use]
    pub fn cluster(&self) -> &Arc<MemoryCluster> {
        &self.cluster
    }

    /// Stands for election, and leads at once unless another member does: for drivers without an
    /// event loop.
    pub fn campaign_now(&self) -> Option<Epoch> {
        self.lead(true);
        self.view.borrow().epoch()
    }

    /// Commits at once, whatever faults were injected: for drivers without an event loop.
    ///
    /// # Errors
    /// As [`MetadataStore::commit`].
    pub fn commit_now(
        &self,
        epoch: Epoch,
        transaction: &Transaction,
    ) -> Result<Version, CommitError> {
        self.cluster.shared.lock().commit(epoch, transaction)
    }

    fn lead(&self, standing: bool) {
        let mut shared = self.cluster.shared.lock();
        for member in &mut shared.candidates {
            if member.name == self.name {
                member.standing = standing;
            }
        }
        if !standing && shared.leader.as_deref() == Some(self.name.as_str()) {
            shared.leader = None;
        }
        shared.elect(None);
    }

    async fn commit_with_faults(
        &self,
        epoch: Epoch,
        transaction: Transaction,
    ) -> Result<Version, CommitError> {
        let lost = |reason: &str| CommitError::Indeterminate {
            reason: reason.to_owned(),
        };
        let (outcome, delay) = {
            let mut shared = self.cluster.shared.lock();
            match shared.faults.pop_front() {
                None => (shared.commit(epoch, &transaction), None),
                Some(CommitFault::Delay(delay)) => {
                    (shared.commit(epoch, &transaction), Some(delay))
                }
                Some(CommitFault::LoseRequest) => (Err(lost("the request was lost")), None),
                Some(CommitFault::LoseAnswer) => {
                    let done = shared.commit(epoch, &transaction);
                    (done.and(Err(lost("the answer was lost"))), None)
                }
                Some(CommitFault::Fail) => {
                    shared.failure = Some("injected by a test".to_owned());
                    (shared.commit(epoch, &transaction), None)
                }
            }
        };
        if let Some(delay) = delay {
            tokio::time::sleep(delay).await;
        }
        outcome
    }
}

impl MetadataStore for MemoryStore {
    fn get(&self, key: Bytes) -> BoxFuture<'_, Result<Option<Entry>, StoreError>> {
        let shared = self.cluster.shared.lock();
        Box::pin(ready(shared.healthy().map(|()| shared.keys.get(&key))))
    }

    fn scan(
        &self,
        range: ScanRange,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Entry>, StoreError>> {
        let shared = self.cluster.shared.lock();
        let entries = shared.healthy().map(|()| shared.keys.scan(&range, limit));
        Box::pin(ready(entries))
    }

    fn commit(
        &self,
        epoch: Epoch,
        transaction: Transaction,
    ) -> BoxFuture<'_, Result<Version, CommitError>> {
        Box::pin(self.commit_with_faults(epoch, transaction))
    }

    fn leadership(&self) -> watch::Receiver<Leadership> {
        self.view.subscribe()
    }

    fn surely_leads(&self, epoch: Epoch) -> bool {
        self.view.borrow().epoch() == Some(epoch)
    }

    fn overlap(&self) -> Duration {
        Duration::ZERO
    }

    fn campaign(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.lead(true);
        Box::pin(ready(self.cluster.shared.lock().healthy()))
    }

    fn resign(&self, epoch: Epoch) -> BoxFuture<'_, Result<(), StoreError>> {
        if self.view.borrow().epoch() == Some(epoch) {
            self.lead(false);
        }
        Box::pin(ready(self.cluster.shared.lock().healthy()))
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.lead(false);
        Box::pin(ready(()))
    }
}
