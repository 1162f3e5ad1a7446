//! Replicas whose storage has failed: each is opened again, over the log that goes on.

use std::time::Duration;

use pegasus_common::{Gpid, reach};
use pegasus_pacifica::{ErrorReason, Recovered, Role};
use pegasus_replica::ReplicaStorage;

use super::recovery::applied;
use super::{Hosted, ServerEvent, Turn};
use crate::disk::log_model::Writer;
use crate::disk::storage_model::ModelStorage;

/// How long a replica that has failed waits at least; the server's own pace begins with this.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(3);

fn has_failed_storage(hosted: &Hosted) -> bool {
    matches!(
        hosted.machine().role(),
        Role::Error(ErrorReason::ApplyFailed)
    )
}

impl Turn<'_> {
    /// Sees to it that what has failed is opened again.
    pub(super) fn look_for_failed_storages(&mut self) {
        let hosted = self.process.hosted.iter();
        let failed: Vec<Writer> = hosted
            .filter(|(_, hosted)| has_failed_storage(hosted))
            .map(|(&gpid, hosted)| {
                let instance = hosted.instance;
                Writer { gpid, instance }
            })
            .collect();
        for writer in failed {
            // What it has appended must be in the log: that is then part of what it has.
            let is_safe = !self.disk.log.has_under_way(writer);
            if is_safe && self.process.reopening.insert(writer.gpid) {
                let delay = self.around.random.duration(PAUSE_MIN, PAUSE_MAX);
                self.later(delay, ServerEvent::Reopen(writer));
            }
        }
    }

    /// Opens a replica again whose storage has failed.
    pub(super) fn reopen(&mut self, writer: Writer) {
        let gpid = writer.gpid;
        self.process.reopening.remove(&gpid);
        let is_present = |hosted: &&Hosted| hosted.instance == writer.instance;
        let Some(hosted) = self.process.hosted.get(&gpid).filter(is_present) else {
            return;
        };
        let remains = hosted.machine().remains();
        let Some(stored) = self.disk.replicas.get(&gpid) else {
            return;
        };
        let storage = ModelStorage::open(stored.flushed.clone());
        self.catch_up(gpid, &storage, &remains);
        if let Some(mut failed) = self.process.hosted.remove(&gpid) {
            failed.replica.refuse_all(&mut self.process.outbox);
        }
        self.forget_teaching(gpid);
        reach!("disk: a failed storage is opened again");
        let (index, ballot) = (self.index, remains.ballot);
        self.around
            .note("reopened", [index as u64, gpid.to_u64(), 0], || {
                format!("server{index} {gpid} @{ballot}")
            });
        self.install(gpid, storage, remains);
        self.stub(|stub, now, out| stub.on_replica_changed(now, out));
    }

    fn catch_up(&self, gpid: Gpid, storage: &ModelStorage, remains: &Recovered) {
        let (mut at, through) = (storage.snapshot().at(), remains.committed);
        if at.decree < through.decree {
            let log = &self.disk.log;
            let lacking = log.mutations(gpid, at.decree, through.decree, usize::MAX);
            for mutation in lacking.expect("the log keeps what storage has not flushed") {
                at = at.then(&mutation);
                storage
                    .apply(&[applied(&mutation, at.digest)])
                    .expect("the log continues where storage is");
            }
        }
        assert_eq!(at, through, "{gpid}: the log leads to another history");
    }
}
