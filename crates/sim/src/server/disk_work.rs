//! What a server's disk does for it: the log's group commit, and the flushes of its storages.

use std::time::Duration;

use pegasus_common::{Decree, Gpid, reach};

use super::{ServerEvent, Turn};
use crate::disk::log_model::{LogRecord, Safe};
use crate::disk::storage_model::{Health, Snapshot};
use crate::disk::{Condition, Origin};
use crate::planted::{self, DriverBug};

/// How much longer a slow disk takes.
const SLOWNESS: u32 = 40;
/// With more records than this waiting, new writes are refused.
const STAGED_MAX: usize = 200;
/// Between two looks whether a full disk has space again.
const SPACE_CHECK: Duration = Duration::from_millis(200);

impl Turn<'_> {
    pub(super) fn is_log_clogged(&self) -> bool {
        self.disk.log.staged() > STAGED_MAX
    }

    fn disk_delay(&mut self) -> Duration {
        let plan = self.around.plan.disk;
        let delay = self.around.random.duration(plan.write_min, plan.write_max);
        match self.disk.condition {
            Condition::Slow => delay * SLOWNESS,
            _ => delay,
        }
    }

    /// Gives the disk what the log has staged, if the disk is free.
    pub(super) fn write_log(&mut self) {
        if self.disk.condition == Condition::Full {
            if self.disk.log.staged() > 0 && !self.process.ends_turn {
                self.process.ends_turn = true;
                self.later(SPACE_CHECK, ServerEvent::TurnEnd);
            }
            return;
        }
        if self.disk.log.begin_write() {
            let delay = self.disk_delay();
            self.later(delay, ServerEvent::LogWritten);
        }
    }

    pub(super) fn on_log_written(&mut self) {
        if self.disk.condition == Condition::LogBroken {
            self.with_each_replica(|replica, _, effects| {
                replica.machine.on_log_failed(effects);
                replica.publish();
            });
            return;
        }
        for safe in self.disk.log.end_write() {
            self.report_safe(safe);
        }
        self.write_log();
    }

    fn report_safe(&mut self, safe: Safe) {
        let gpid = safe.writer.gpid;
        let is_present = self.process.hosted.get(&gpid).is_some_and(|hosted| {
            hosted.instance == safe.writer.instance || planted::is(DriverBug::LateReports)
        });
        if !is_present && !matches!(safe.record, LogRecord::Reset(_) | LogRecord::Forget) {
            reach!("disk: a late report is dropped");
        }
        match safe.record {
            LogRecord::Mutation(mutation) if is_present => {
                self.with_replica(gpid, |replica, _, effects| {
                    let (ballot, decree) = (mutation.ballot, mutation.decree);
                    replica.machine.on_log_safe(ballot, decree, effects);
                });
            }
            LogRecord::Ballot(ballot) if is_present => {
                self.with_replica(gpid, |replica, _, effects| {
                    replica.machine.on_ballot_safe(ballot, effects);
                    replica.publish();
                });
            }
            LogRecord::Vouch(_) => {
                if let Some(stored) = self.disk.replicas.get_mut(&gpid).filter(|_| is_present) {
                    stored.origin = Origin::Member;
                }
            }
            LogRecord::Reset(_) => self.on_reset_safe(safe.writer),
            _ => {}
        }
    }

    pub(super) fn schedule_storage_flush(&mut self) {
        let every = self.around.plan.disk.storage_flush_every;
        let delay = self.around.random.duration(every / 10, every * 2);
        self.later(delay, ServerEvent::StorageFlushDue);
    }

    /// Flushes the storage of one replica, whichever comes.
    pub(super) fn flush_some_storage(&mut self) {
        self.schedule_storage_flush();
        let count = self.process.hosted.len();
        if count == 0 || self.disk.condition == Condition::Full {
            return;
        }
        let chosen = self.around.random.index(count);
        if let Some(&gpid) = self.process.hosted.keys().nth(chosen) {
            self.flush_storage(gpid);
        }
    }

    /// Flushes replicas on which the group counts, so that the log can say so.
    pub(super) fn flush_for_vouches(&mut self) {
        let hosted = self.process.hosted.iter();
        let waiting: Vec<Gpid> = hosted
            .filter(|(_, hosted)| hosted.replica.vouch_waits_for_flush())
            .map(|(gpid, _)| *gpid)
            .collect();
        for gpid in waiting {
            self.flush_storage(gpid);
        }
    }

    fn flush_storage(&mut self, gpid: Gpid) {
        let Some(hosted) = self.process.hosted.get(&gpid) else {
            return;
        };
        if self.disk.condition == Condition::Full || hosted.storage.health() == Health::Broken {
            return;
        }
        let event = ServerEvent::StorageFlushed {
            gpid,
            instance: hosted.instance,
            snapshot: hosted.storage.snapshot(),
        };
        let delay = self.disk_delay();
        self.later(delay, event);
    }

    /// A snapshot of a replica's storage is on disk.
    pub(super) fn on_storage_flushed(&mut self, gpid: Gpid, instance: u64, snapshot: Snapshot) {
        let is_present = self
            .process
            .hosted
            .get(&gpid)
            .is_some_and(|hosted| hosted.instance == instance);
        let Some(stored) = self.disk.replicas.get_mut(&gpid).filter(|_| is_present) else {
            return;
        };
        if snapshot.mark.decree > stored.flushed.mark.decree {
            stored.flushed = snapshot;
        }
        let mut decree = stored.flushed.mark.decree;
        if planted::is(DriverBug::DurableBeforeFlush)
            && let Some(hosted) = self.process.hosted.get(&gpid)
        {
            decree = hosted.machine().applied();
        }
        let vouch = self.with_replica(gpid, |replica, _, _| {
            replica.machine.on_durable(decree);
            replica.take_due_vouch(decree)
        });
        if let Some(ballot) = vouch.flatten() {
            reach!("disk: a vouch follows a flush");
            self.append(gpid, instance, LogRecord::Vouch(ballot));
        }
        self.release_log(gpid, decree);
    }

    fn release_log(&mut self, gpid: Gpid, flushed: Decree) {
        let Some(hosted) = self.process.hosted.get(&gpid) else {
            return;
        };
        let limit = match planted::is(DriverBug::ReleaseLimitIgnored) {
            true => flushed,
            false => hosted.machine().log_release_limit().unwrap_or(flushed),
        };
        self.disk.log.release(gpid, limit.min(flushed));
    }
}
