//! The learning thread: everything that a learner does away from its shard.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use pegasus_common::Gpid;
use pegasus_common::clock::MonotonicMillis;
use pegasus_rpc::SessionOptions;
use pegasus_rpc::SessionPool;
use tokio::sync::Semaphore;
use tokio::sync::SemaphorePermit;
use tokio::sync::mpsc;
use tracing::info;
use tracing::warn;

use super::construction::Construction;
use super::fetch;
use super::message::Fetch;
use super::message::LearnEvent;
use super::message::LearnMessage;
use super::newcomer;
use super::reopening;
use super::reopening::ReopenPace;
use crate::disk::Aside;
use crate::disk::ReplicaDirectory;
use crate::disk::choice;
use crate::load::Opening;
use crate::node::Node;

/// What the tasks of the learning thread share.
pub struct LearnThread {
    /// The server.
    pub node: Arc<Node>,
    /// How replicas are opened.
    pub opening: Arc<Opening>,
    /// Connections to the servers of primaries.
    pub sessions: SessionPool,
    slots: Semaphore,
    /// Partitions of which a checkpoint is being fetched, and the fetch that comes after it: two must
    /// not share a staging directory.
    fetches: RefCell<BTreeMap<Gpid, Option<Fetch>>>,
    /// Replicas that are being made, and in which data directory.
    being_made: RefCell<BTreeMap<Gpid, usize>>,
    /// Of replicas that have failed.
    paces: RefCell<BTreeMap<Gpid, ReopenPace>>,
}

/// A place in a data directory that a replica is about to take.
pub struct Place<'a> {
    thread: &'a LearnThread,
    gpid: Gpid,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.thread.being_made.borrow_mut().remove(&self.gpid);
    }
}

impl LearnThread {
    /// Leave to fetch a checkpoint: only some at a time.
    pub async fn slot(&self) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed.
        self.slots.acquire().await.ok()
    }

    /// Begins a fetch, or lets it follow the one of the same partition that is under way.
    fn fetch(self: &Rc<Self>, fetch: Fetch) {
        let gpid = fetch.instance.gpid;
        if let Some(next) = self.fetches.borrow_mut().get_mut(&gpid) {
            *next = Some(fetch);
            return;
        }
        self.fetches.borrow_mut().insert(gpid, None);
        let thread = Rc::clone(self);
        tokio::task::spawn_local(async move {
            let mut present = Some(fetch);
            while let Some(fetch) = present {
                fetch::run(&thread, fetch).await;
                present = thread.next_fetch(gpid);
            }
        });
    }

    /// What follows a fetch that has ended; nothing follows: the partition is free.
    fn next_fetch(&self, gpid: Gpid) -> Option<Fetch> {
        let mut fetches = self.fetches.borrow_mut();
        let next = fetches.get_mut(&gpid)?.take();
        if next.is_none() {
            fetches.remove(&gpid);
        }
        next
    }

    /// Whether the fetch of a partition that is under way is still the one that its learner wants.
    pub fn is_latest_fetch(&self, gpid: Gpid) -> bool {
        !matches!(self.fetches.borrow().get(&gpid), Some(Some(_)))
    }

    /// The data directory for a new replica, if one can take it.
    pub fn choose_disk(&self, gpid: Gpid) -> Option<usize> {
        choice::choose_disk(&self.node, gpid, &self.being_made.borrow())
    }

    /// How long to wait before a replica that has failed is opened again.
    pub fn pause_before_reopening(&self, gpid: Gpid) -> Duration {
        let mut paces = self.paces.borrow_mut();
        paces.entry(gpid).or_default().next(MonotonicMillis::now())
    }

    /// Lets others know of a replica that is on its way to a data directory.
    pub fn reserve(&self, gpid: Gpid, disk: usize) -> Place<'_> {
        self.being_made.borrow_mut().insert(gpid, disk);
        Place { thread: self, gpid }
    }
}

/// Runs until the server stops. Call inside an event loop of its own.
pub async fn run(
    node: Arc<Node>,
    opening: Arc<Opening>,
    mut messages: mpsc::UnboundedReceiver<LearnMessage>,
) {
    let slots = node.config.replication.learn_app_max_concurrent_count;
    let thread = Rc::new(LearnThread {
        node,
        opening,
        sessions: SessionPool::new(SessionOptions::default()),
        slots: Semaphore::new(slots),
        fetches: RefCell::default(),
        being_made: RefCell::default(),
        paces: RefCell::default(),
    });
    while let Some(message) = messages.recv().await {
        match message {
            LearnMessage::Fetch(fetch) => thread.fetch(*fetch),
            LearnMessage::MakeEmpty { app, check } => {
                tokio::task::spawn_local(newcomer::make(Rc::clone(&thread), *app, *check));
            }
            LearnMessage::PutAside { gpid, disk, why } => {
                tokio::task::spawn_local(put_aside(Rc::clone(&thread), gpid, disk, why));
            }
            LearnMessage::Reopen(failed) => {
                tokio::task::spawn_local(reopening::run(Rc::clone(&thread), *failed));
            }
            LearnMessage::Stop => break,
        }
    }
}

/// Puts the directory of a closed replica aside.
async fn put_aside(thread: Rc<LearnThread>, gpid: Gpid, disk: usize, why: Aside) {
    let construction = Construction::new(&thread.node, &thread.opening, gpid);
    if let Err(error) = construction.old_is_closed().await {
        warn!(%gpid, %error, "a replica that was closed cannot be put aside");
        return;
    }
    let directory = ReplicaDirectory::of(&thread.node.disks[disk].path, gpid);
    match directory.put_aside(why) {
        Ok(path) => {
            info!(%gpid, path = %path.display(), "replica put aside");
            if why == Aside::Garbage {
                construction.tell(LearnEvent::CollectedGarbage { gpid, disk });
            }
        }
        Err(error) => warn!(%gpid, %error, "replica cannot be put aside"),
    }
}
