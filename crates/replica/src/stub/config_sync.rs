//! The exchange of the whole configuration with the meta server: what this server has against what it
//! should have (replication.md section 9.4, meta-server.md section 10).
//!
//! It happens at an interval, at once in each new term of the lease, and when a replica needs the meta
//! server's word: only an answer to a question that was asked in the present term confirms a primary.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use pegasus_common::Ballot;
use pegasus_common::ErrorCode;
use pegasus_common::Gpid;
use pegasus_common::clock::MonotonicMillis;
use pegasus_pacifica::ConfigurationSource;
use pegasus_pacifica::LeaseTerm;
use pegasus_wire::meta_admin::ConfigurationQueryByNodeRequest;
use pegasus_wire::meta_admin::ConfigurationQueryByNodeResponse;
use pegasus_wire::meta_admin::ConfigurationUpdateRequest;
use pegasus_wire::metadata::ReplicaInfo;
use tracing::debug;
use tracing::error;
use tracing::info;
use tracing::warn;

use super::CallId;
use super::HeldReplica;
use super::Instruction;
use super::MetaQuestion;
use super::Outstanding;
use super::Phase;
use super::Stub;
use super::StubEffect;
use super::unlisted::Unlisted;
use crate::peer_messages::configuration_of;

/// Between the beginnings of two syncs that replicas need for their confirmation.
const CONFIRMATION_PAUSE: Duration = Duration::from_millis(10);
/// Between the beginnings of two syncs, however many replicas change.
const NEWS_PAUSE: Duration = Duration::from_millis(100);
/// After ERR_BUSY: the meta server is changing a role of this server.
const BUSY_PAUSE: Duration = Duration::from_millis(100);
/// After another failure.
const RETRY_PAUSE: Duration = Duration::from_millis(300);

/// The exchange with the meta server.
#[derive(Debug)]
pub struct ConfigSync {
    progress: Progress,
    /// When the next one is due, once nothing is under way.
    next: MonotonicMillis,
    /// When the last one began.
    begun: MonotonicMillis,
    unlisted: Unlisted,
    /// Partitions that list this server although it has no such replica, with the ballots of the
    /// configurations that say so.
    missing: BTreeMap<Gpid, Ballot>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Idle,
    /// The shards are being asked.
    Gathering,
    /// The meta server is being asked.
    Asked(CallId),
}

/// What was asked, for the answer to be compared with.
#[derive(Debug)]
pub struct AskedSync {
    asked_in: LeaseTerm,
    stored: BTreeMap<Gpid, ReplicaInfo>,
}

impl ConfigSync {
    /// The first one is due as soon as there is a lease.
    pub(super) fn new(now: MonotonicMillis) -> Self {
        Self {
            progress: Progress::Idle,
            next: now,
            begun: MonotonicMillis(0),
            unlisted: Unlisted::default(),
            missing: BTreeMap::new(),
        }
    }

    fn wish_for(&mut self, at: MonotonicMillis) {
        self.next = self.next.min(at);
    }
}

impl Stub {
    pub(super) fn next_sync_timer(&self) -> Option<MonotonicMillis> {
        let may_begin = self.phase == Phase::Serving
            && self.sync.progress == Progress::Idle
            && self.beacons.has_announced_lease();
        may_begin.then_some(self.sync.next)
    }

    /// A replica is primary and needs the meta server's word for it in the present term.
    pub fn on_confirmation_wanted(&mut self, now: MonotonicMillis, out: &mut Vec<StubEffect>) {
        self.sync
            .wish_for(self.sync.begun.after(CONFIRMATION_PAUSE));
        self.begin_due_sync(now, out);
    }

    /// A replica is something else now: the meta server should hear of it soon.
    pub fn on_replica_changed(&mut self, now: MonotonicMillis, out: &mut Vec<StubEffect>) {
        self.sync.wish_for(self.sync.begun.after(NEWS_PAUSE));
        self.begin_due_sync(now, out);
    }

    /// The primary of a group says that the replica was removed from it (RPC_REMOVE_REPLICA). The
    /// meta server's list says whether that is still so.
    pub fn on_removed(&mut self, now: MonotonicMillis, out: &mut Vec<StubEffect>) {
        self.on_replica_changed(now, out);
    }

    /// Asks in this very term: an answer to an earlier question is of no use any more.
    pub(super) fn sync_at_once(&mut self, now: MonotonicMillis, out: &mut Vec<StubEffect>) {
        if let Progress::Asked(id) = self.sync.progress {
            self.outstanding.remove(&id);
            self.sync.progress = Progress::Idle;
        }
        self.sync.wish_for(now);
        self.begin_due_sync(now, out);
    }

    pub(super) fn begin_due_sync(&mut self, now: MonotonicMillis, out: &mut Vec<StubEffect>) {
        let may_begin = self.phase == Phase::Serving
            && self.sync.progress == Progress::Idle
            && self.lease.is_held(now);
        if may_begin && now >= self.sync.next {
            self.sync.progress = Progress::Gathering;
            self.sync.begun = now;
            self.sync.next = now.after(self.options.config_sync_interval);
            out.push(StubEffect::GatherReplicas);
        }
    }

    /// What all shards have, as [`StubEffect::GatherReplicas`] asked.
    pub fn on_replicas_gathered(
        &mut self,
        now: MonotonicMillis,
        replicas: Vec<ReplicaInfo>,
        out: &mut Vec<StubEffect>,
    ) {
        if self.sync.progress != Progress::Gathering {
            return;
        }
        self.sync.progress = Progress::Idle;
        let Some(asked_in) = self.lease.held_term(now) else {
            return;
        };
        let stored: BTreeMap<Gpid, ReplicaInfo> = replicas
            .into_iter()
            .map(|replica| (replica.pid, replica))
            .collect();
        let request = ConfigurationQueryByNodeRequest {
            node: self.options.address,
            stored_replicas: Some(stored.values().cloned().collect()),
            start_time: Some(self.options.start_time),
            loading: Some(false),
            ..ConfigurationQueryByNodeRequest::default()
        };
        let question = MetaQuestion::ConfigSync(Box::new(request));
        let asked = Outstanding::ConfigSync(AskedSync { asked_in, stored });
        self.sync.progress = Progress::Asked(self.call(question, asked, out));
    }

    pub(super) fn on_sync_failure(&mut self, now: MonotonicMillis) {
        self.sync.progress = Progress::Idle;
        self.sync.wish_for(now.after(RETRY_PAUSE));
    }

    pub(super) fn on_sync_answer(
        &mut self,
        now: MonotonicMillis,
        asked: &AskedSync,
        answer: ConfigurationQueryByNodeResponse,
        out: &mut Vec<StubEffect>,
    ) {
        self.sync.progress = Progress::Idle;
        if self.phase != Phase::Serving {
            return;
        }
        match answer.err {
            ErrorCode::Ok => {}
            ErrorCode::Busy => return self.sync.wish_for(now.after(BUSY_PAUSE)),
            error => {
                debug!(%error, "config sync refused");
                return self.sync.wish_for(now.after(RETRY_PAUSE));
            }
        }
        let listed: BTreeSet<Gpid> = answer.partitions.iter().map(|it| it.config.pid).collect();
        self.settle_missing(asked, &answer.partitions, out);
        for update in answer.partitions {
            configure(update, asked.asked_in, out);
        }
        let garbage = answer.gc_replicas.unwrap_or_default();
        self.put_garbage_aside(asked, &listed, &garbage, out);
        let patience = self.options.gc_memory_replica_interval;
        let over = self
            .sync
            .unlisted
            .judge(now, &asked.stored, &listed, patience);
        for replica in over {
            info!(gpid = %replica.gpid, "the meta server lists this replica no more: it steps down");
            out.push(StubEffect::StepDown(replica));
        }
        self.begin_due_sync(now, out);
    }

    /// Looks for partitions that list this server while it has no such replica (I6: that is never an
    /// empty start). If the same is said twice, it is reported, unless another server is primary: that
    /// one finds out by itself. The second time excludes that the replica was made while the question
    /// was on its way.
    fn settle_missing(
        &mut self,
        asked: &AskedSync,
        listed: &[ConfigurationUpdateRequest],
        out: &mut Vec<StubEffect>,
    ) {
        let before = std::mem::take(&mut self.sync.missing);
        for update in listed {
            let (gpid, ballot) = (update.config.pid, Ballot(update.config.ballot));
            if asked.stored.contains_key(&gpid) || ballot == Ballot::ZERO {
                continue;
            }
            self.sync.missing.insert(gpid, ballot);
            if before.get(&gpid) != Some(&ballot) {
                self.sync.wish_for(self.sync.begun.after(NEWS_PAUSE));
                continue;
            }
            error!(%gpid, %ballot,
                "the meta server lists this server as a member, but it has no such replica");
            let primary = update.config.primary.valid();
            if primary.is_none_or(|primary| primary == self.options.address) {
                self.report_lost(update, out);
            }
        }
    }

    fn put_garbage_aside(
        &mut self,
        asked: &AskedSync,
        listed: &BTreeSet<Gpid>,
        garbage: &[ReplicaInfo],
        out: &mut Vec<StubEffect>,
    ) {
        for gpid in garbage.iter().map(|replica| replica.pid) {
            let held = asked.stored.get(&gpid).and_then(HeldReplica::of_report);
            let Some(replica) = held.filter(|_| !listed.contains(&gpid)) else {
                warn!(%gpid, "the meta server calls a replica garbage that it lists or never heard of");
                continue;
            };
            out.push(StubEffect::PutAside(replica));
        }
    }
}

fn configure(update: ConfigurationUpdateRequest, asked_in: LeaseTerm, out: &mut Vec<StubEffect>) {
    let gpid = update.config.pid;
    let Some(configuration) = configuration_of(&update.config) else {
        warn!(%gpid, config = ?update.config, "the meta server sent a malformed configuration");
        return;
    };
    let source = ConfigurationSource::Sync { asked_in };
    out.push(StubEffect::Instruct {
        gpid,
        app: Box::new(update.info),
        instruction: Instruction::Configure {
            configuration,
            source,
        },
    });
}
