//! What a shard does with its replicas that have failed. Others go on without them.

use pegasus_common::Gpid;
use pegasus_pacifica::ErrorReason;
use pegasus_pacifica::Role;
use tracing::error;

use super::core::Core;
use super::dispatch::replica_info;
use crate::disk::Aside;
use crate::hosted_replica::HostedReplica;
use crate::learn::message::FailedReplica;
use crate::learn::message::LearnMessage;

fn failure(replica: &HostedReplica) -> Option<ErrorReason> {
    match replica.machine.role() {
        Role::Error(reason) => Some(*reason),
        _ => None,
    }
}

impl Core {
    /// A replica has failed. If it is the log, the replica goes and its directory stays: after a restart
    /// the log may be readable. If its history differs from the group's, the directory is put aside, so
    /// that the partition can be learned again. If it is storage, the replica stays, as what it is, until
    /// it can be opened again: what it has may be the best that there is of its partition, and the meta
    /// server must not believe that it is lost.
    pub(super) fn on_replica_failed(&mut self, gpid: Gpid) {
        let reason = self.replicas.get(&gpid).and_then(|it| failure(it));
        let Some(reason) = reason.filter(|it| *it != ErrorReason::ApplyFailed) else {
            return;
        };
        let Some(replica) = self.take_out(gpid) else {
            return;
        };
        error!(%gpid, ?reason, "replica failed: closed");
        let disk = replica.disk;
        self.close_elsewhere(replica);
        if reason == ErrorReason::Diverged {
            let why = Aside::Error;
            self.learning.begin_site(gpid);
            self.exits
                .tell_learning(LearnMessage::PutAside { gpid, disk, why });
        }
    }

    /// Hands replicas whose storage has failed to the learning thread, which opens them again. Not
    /// before the log has all that they appended: that is then part of what they have.
    pub fn reopen_failed(&mut self) {
        let failed = self.replicas.values().filter(|replica| {
            failure(replica) == Some(ErrorReason::ApplyFailed)
                && !self.exits.lanes[replica.disk].has_under_way(replica.instance())
        });
        let gpids: Vec<Gpid> = failed.map(|replica| replica.gpid()).collect();
        for gpid in gpids {
            let Some(replica) = self.take_out(gpid) else {
                continue;
            };
            let report = replica_info(&replica, &self.exits.node);
            self.learning.begin_reopening(gpid, report);
            let failed = FailedReplica {
                gpid,
                disk: replica.disk,
                app: replica.app().clone(),
                remains: replica.machine.remains(),
            };
            self.close_elsewhere(replica);
            self.exits
                .tell_learning(LearnMessage::Reopen(Box::new(failed)));
        }
    }
}
