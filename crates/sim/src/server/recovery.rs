//! The start of a server: each replica gets back what storage and log hold of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use pegasus_common::{Ballot, Gpid, reach};
use pegasus_engine::AppliedMutation;
use pegasus_pacifica::{
    Life, Mutation, Recovered, Replay, ReplayError, Replayed, Replica, Standing,
};
use pegasus_replica::{HostedReplica, HostingLimits, ReplicaHandle, ReplicaStorage};
use pegasus_wire::layer2::{AppInfo, AppStatus};

use super::{Hosted, Turn};
use crate::disk::log_model::LogRecord;
use crate::disk::storage_model::{ModelStorage, Snapshot};
use crate::disk::{Origin, StoredReplica};
use crate::meta_node::TABLE;
use crate::planted::{self, DriverBug};

/// Staged effects past this are proposed at once.
const MUTATION_BYTES_MAX: usize = 400;

impl Turn<'_> {
    /// The data directory is read in.
    pub(super) fn load(&mut self) {
        let found = self.disk.log.recover();
        let stored: BTreeMap<Gpid, StoredReplica> = self.disk.replicas.clone();
        for (gpid, stored) in stored {
            let (head, records) = found.records.get(&gpid).cloned().unwrap_or_default();
            self.load_replica(gpid, stored, head, records);
        }
        self.process.has_loaded = true;
        self.stub(|stub, now, out| stub.on_loaded(now, out));
        self.check_lease();
    }

    fn load_replica(
        &mut self,
        gpid: Gpid,
        stored: StoredReplica,
        head: Ballot,
        records: Vec<LogRecord>,
    ) {
        let is_vouched = records
            .iter()
            .any(|record| matches!(record, LogRecord::Vouch(_)));
        let has_learned = stored.origin == Origin::Member
            || is_vouched
            || planted::is(DriverBug::LearnerMarkForgotten);
        let is_whole = !self.disk.log.doubts(gpid) || planted::is(DriverBug::DoubtsForgotten);
        let standing = match has_learned && is_whole {
            true => Standing::Proven,
            false => Standing::Unproven,
        };
        if self.disk.log.doubts(gpid) {
            reach!("disk: a doubtful replica");
        }
        if !has_learned {
            reach!("disk: a learner restarts");
        }
        let storage = ModelStorage::open(stored.flushed);
        let recovered = self.replay(gpid, &storage, head, records, standing);
        match recovered {
            Ok(recovered) => {
                self.install(gpid, storage, recovered);
            }
            Err(error) => {
                reach!("disk: a replica cannot be loaded");
                assert_eq!(
                    standing,
                    Standing::Unproven,
                    "server{} {gpid}: a log without damage does not replay: {error}",
                    self.index
                );
                self.around
                    .note("unloadable", [self.index as u64, gpid.to_u64(), 0], || {
                        format!("server{} {gpid}: {error}", self.index)
                    });
                self.remove_directory(gpid);
            }
        }
    }

    fn replay(
        &mut self,
        gpid: Gpid,
        storage: &ModelStorage,
        head: Ballot,
        records: Vec<LogRecord>,
        standing: Standing,
    ) -> Result<Recovered, ReplayError> {
        let prepared_max = self.around.plan.options.prepared_max;
        let stored = storage.snapshot();
        let mut replay = Replay::new(stored.at(), prepared_max);
        let is_anew = records.iter().any(LogRecord::begins_anew);
        replay.on_ballot(if is_anew { Ballot::ZERO } else { head })?;
        let mut committed = Vec::new();
        let begin = records
            .iter()
            .rposition(LogRecord::begins_anew)
            .unwrap_or(0);
        for record in records.into_iter().skip(begin) {
            match record {
                LogRecord::Mutation(mutation) => replay.on_mutation(mutation, &mut committed)?,
                LogRecord::Ballot(ballot) | LogRecord::Vouch(ballot) | LogRecord::Reset(ballot) => {
                    replay.on_ballot(ballot)?;
                }
                LogRecord::Forget => {}
            }
        }
        let has_hole = self.disk.log.doubts(gpid) && !planted::is(DriverBug::DoubtsForgotten);
        if has_hole && replay.rests_on_every_record() {
            reach!("disk: a damaged log is ambiguous");
            replay.give_up(stored.at());
            committed.clear();
        }
        for Replayed { mutation, digest } in committed {
            reach!("disk: what replays is applied");
            self.around
                .checks
                .on_commit(self.index, gpid, &mutation, digest);
            let applied = applied(&mutation, digest.digest);
            storage
                .apply(&[applied])
                .expect("a replay continues where storage is");
        }
        replay.on_stored_ballot(stored.mark.ballot);
        replay.on_stored_timestamp(stored.timestamp_us());
        Ok(replay.finish(standing))
    }

    /// Opens a replica; returns its instance.
    pub(super) fn install(
        &mut self,
        gpid: Gpid,
        storage: Arc<ModelStorage>,
        recovered: Recovered,
    ) -> u64 {
        self.process.last_instance += 1;
        let instance = self.process.last_instance;
        let me = self.place().address();
        let life = Life(self.around.random.bits());
        let plan = &self.around.plan;
        let machine = Replica::new(gpid, me, life, plan.options, recovered);
        self.around.checks.on_opened(self.index, gpid, &machine);
        let limits = HostingLimits {
            mutation_bytes_max: MUTATION_BYTES_MAX,
        };
        let app = AppInfo {
            status: AppStatus::AS_AVAILABLE,
            app_id: gpid.app_id.0,
            app_name: TABLE.to_owned(),
            app_type: "pegasus".to_owned(),
            partition_count: plan.partitions,
            max_replica_count: plan.replica_count,
            is_stateful: true,
            ..AppInfo::default()
        };
        let handle = ReplicaHandle::new(gpid, Arc::clone(&storage));
        let name = me.to_string();
        let replica = HostedReplica::new(handle, app, 0, machine, &name, limits);
        let hosted = Hosted {
            replica,
            storage,
            instance,
        };
        self.process.hosted.insert(gpid, hosted);
        let lease = self.process.lease_seen;
        self.with_replica(gpid, |replica, _, effects| {
            replica.machine.on_lease(lease, effects);
            replica.publish();
        });
        instance
    }

    /// A new, empty replica at the birth of its partition.
    pub(super) fn give_birth(&mut self, gpid: Gpid, app: AppInfo) {
        self.begin_directory(gpid, Snapshot::default(), Origin::Member);
        let storage = ModelStorage::open(Snapshot::default());
        let instance = self.install(gpid, storage, Recovered::empty());
        self.append(gpid, instance, LogRecord::Reset(Ballot::ZERO));
        self.with_replica(gpid, |replica, _, _| replica.set_app(app));
    }

    /// Puts a directory in place.
    pub(super) fn begin_directory(&mut self, gpid: Gpid, flushed: Snapshot, origin: Origin) {
        let stored = StoredReplica { flushed, origin };
        self.disk.replicas.insert(gpid, stored);
        self.disk.log.forget_released(gpid);
    }
}

/// The engine's form of a committed mutation.
pub(super) fn applied(mutation: &Mutation, digest: u64) -> AppliedMutation {
    AppliedMutation {
        decree: mutation.decree,
        digest,
        ballot: mutation.ballot,
        timestamp_us: u64::try_from(mutation.timestamp_us).unwrap_or_default(),
        payload: mutation.payload.clone(),
    }
}
