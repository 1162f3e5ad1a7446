//! The guardian: keeps every partition with a primary and all its members (meta-server.md
//! section 12). A pure planner: it looks at the present state and says what to do next, so a new
//! leader, which remembers nothing, goes on where the one before it stopped.
//!
//! | A partition has | Then | File |
//! |---|---|---|
//! | an action under way | it is repeated until it is achieved or makes no sense any more | [`proposals`] |
//! | a primary that is dead, or that was restarted and loads | it loses the role if another member can take over at once | `missing_primary` |
//! | no primary but other members | one of them is asked to become primary | `missing_primary` |
//! | no members | a former one becomes primary, if that is safe | [`all_dead`] |
//! | a dead secondary | the primary is asked to remove it, before anything else | `treatment` |
//! | too few members | a server is asked to learn | `missing_secondary` |
//! | too many members | the primary is asked to remove one | `missing_secondary` |
//!
//! A partition that has had no trouble since it was last looked at costs nothing: only those that
//! something happened to are looked at, those that are ill again each interval, and all of them
//! each [`SWEEP_INTERVAL`].

pub mod action;
pub mod all_dead;
mod memory;
mod missing_primary;
mod missing_secondary;
pub mod proposals;
mod scene;
mod treatment;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pegasus_common::clock::MonotonicMillis;
use pegasus_common::{AppId, Gpid, RpcAddress};

use crate::cluster_state::ClusterState;
use crate::core::Now;
use crate::drop_list::{DroppedReplica, Place};
use crate::effect::Alert;
use crate::failure_detector::LivenessEvent;
use crate::partition::PartitionConfiguration;
use crate::reports::{ReplicaReport, Sighting};
use crate::table::TableStatus;

use action::Action;
use all_dead::{Refusal, Verdict};
use memory::Memory;
use proposals::{Origin, Proposals};
pub use scene::{GuardianOptions, Scene};
use treatment::Condition;

/// How often all partitions are looked at, whatever happened to them.
pub const SWEEP_INTERVAL: Duration = Duration::from_secs(5);

/// What the guardian wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GuardianStep {
    /// Make this configuration durable.
    Commit(PartitionConfiguration),
    /// Ask a server for a change.
    Propose {
        /// The partition.
        pid: Gpid,
        /// The change.
        action: Action,
    },
    /// Tell the operator.
    Alert(Alert),
}

/// What the guardian did since the reign began; for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GuardianTotals {
    /// Proposals sent, repetitions included.
    pub proposals: u64,
    /// Primaries that lost their role without asking.
    pub depositions: u64,
    /// Partitions without members for which no primary could be chosen, each time that the reason
    /// changed.
    pub failed_choices: u64,
}

/// All that the guardian knows beside the cluster's state.
#[derive(Clone, Debug)]
pub struct Guardian {
    options: GuardianOptions,
    memory: Memory,
    proposals: Proposals,
    /// Partitions that something has happened to.
    urgent: BTreeSet<Gpid>,
    /// Partitions that were not healthy when they were last looked at.
    ill: BTreeSet<Gpid>,
    next_round: MonotonicMillis,
    next_sweep: MonotonicMillis,
    /// What was last decided about partitions without members.
    without_members: BTreeMap<Gpid, Verdict>,
    totals: GuardianTotals,
}

impl Guardian {
    /// Begins a reign.
    #[must_use]
    pub fn new(options: GuardianOptions, state: &ClusterState, now: Now) -> Self {
        let mut memory = Memory::new(now, options.reserved_drops);
        for table in state.available_tables() {
            for partition in &table.partitions {
                memory.drops.recall(now, &partition.configuration);
            }
        }
        Self {
            proposals: Proposals::new(options.interval),
            options,
            memory,
            urgent: BTreeSet::new(),
            ill: BTreeSet::new(),
            next_round: now.monotonic,
            next_sweep: now.monotonic,
            without_members: BTreeMap::new(),
            totals: GuardianTotals::default(),
        }
    }

    /// Sums since the reign began.
    #[must_use]
    pub const fn totals(&self) -> GuardianTotals {
        self.totals
    }

    /// How many partitions were not healthy when they were last looked at.
    #[must_use]
    pub fn ill_count(&self) -> usize {
        self.ill.len()
    }

    /// A configuration has become durable.
    pub fn on_change(
        &mut self,
        now: Now,
        before: &PartitionConfiguration,
        after: &PartitionConfiguration,
    ) {
        self.memory.on_change(now, before, after);
        self.without_members.remove(&after.pid);
        self.urgent.insert(after.pid);
    }

    /// A server's liveness has changed.
    pub fn on_liveness(&mut self, event: LivenessEvent, state: &ClusterState) {
        let node = event.node();
        match event {
            LivenessEvent::Loaded { .. } | LivenessEvent::RoomChanged { .. } => {}
            _ => self.memory.reports.forget(node),
        }
        self.urgent.extend(state.holdings().of(node));
        // It may be what another partition was waiting for.
        self.urgent.extend(self.ill.iter().copied());
    }

    /// The present process of a server has reported all its replicas.
    pub fn on_full_report(&mut self, now: Now, node: RpcAddress, reports: &[ReplicaReport]) {
        self.memory
            .reports
            .take(now.monotonic, node, reports.iter().copied());
        for report in reports {
            self.proposals.on_report(report.pid, node, report.role);
        }
    }

    /// A server has reported a replica of a partition that it is no member of: is it of any use?
    pub fn on_former_member(
        &mut self,
        configuration: &PartitionConfiguration,
        node: RpcAddress,
        report: &ReplicaReport,
    ) -> Place {
        let place = self.memory.drops.on_report(configuration, node, report);
        if self.proposals.is_learning(configuration.pid, node) {
            return Place::Kept;
        }
        place
    }

    /// A table is gone.
    pub fn forget_table(&mut self, table: AppId) {
        self.memory.forget_table(table);
        self.proposals.forget_table(table);
        self.without_members.retain(|pid, _| pid.app_id != table);
    }

    /// A table is in service again: its partitions have no members, and which former one has the
    /// data, the servers must say anew. What they said before may be older than the table's end.
    pub fn on_recall(&mut self, now: Now, state: &ClusterState, table: AppId) {
        let partitions = state.table(table).map(|table| &table.partitions);
        for partition in partitions.into_iter().flatten() {
            self.memory.on_recall(now, &partition.configuration);
        }
        self.look_at(state, table);
    }

    /// What the partitions of a table should be has changed.
    pub fn look_at(&mut self, state: &ClusterState, table: AppId) {
        let partitions = state.table(table).map(|table| &table.partitions);
        let partitions = partitions.into_iter().flatten();
        self.urgent
            .extend(partitions.map(|partition| partition.configuration.pid));
    }

    /// Drops everything that is under way; what is needed is proposed again.
    pub fn drop_proposals(&mut self) {
        self.proposals.clear();
    }

    /// Whether actions are under way for a partition.
    #[must_use]
    pub fn is_queued(&self, pid: Gpid) -> bool {
        self.proposals.is_queued(pid)
    }

    /// Queues an operator's actions.
    pub fn queue(&mut self, now: Now, pid: Gpid, actions: Vec<Action>) {
        self.proposals
            .start(now.monotonic, pid, Origin::Operator, actions);
        self.urgent.insert(pid);
    }

    /// Whether the present process of `node` has reported its replicas in this reign.
    #[must_use]
    pub fn has_reported(&self, node: RpcAddress) -> bool {
        self.memory.reports.has_reported(node)
    }

    /// The partitions without members for which no primary can be chosen, each with the reason.
    pub fn undecided(&self) -> impl Iterator<Item = (Gpid, Refusal)> + '_ {
        let verdicts = self.without_members.iter();
        verdicts.filter_map(|(&pid, verdict)| match verdict {
            Verdict::Refuse(refusal) => Some((pid, *refusal)),
            Verdict::Assign(..) => None,
        })
    }

    /// The former members of a partition that are remembered, the most useful last.
    #[must_use]
    pub fn former_members(&self, pid: Gpid) -> &[DroppedReplica] {
        let list = self.memory.drops.list(pid);
        list.map_or(&[], |list| list.replicas())
    }

    /// What `node` has reported of a partition since the partition last changed.
    #[must_use]
    pub fn sighting(&self, node: RpcAddress, pid: Gpid) -> Sighting<'_> {
        self.memory.sighting(node, pid)
    }

    /// Does whatever can be done now. Call it after every event and from time to time, but only
    /// while the function level allows changes.
    pub fn advance(&mut self, scene: &Scene<'_>) -> Vec<GuardianStep> {
        let mut steps = Vec::new();
        let mut lacking = Vec::new();
        for pid in self.due(scene) {
            let Some(configuration) = patient(pid, scene) else {
                self.ill.remove(&pid);
                continue;
            };
            self.ill.insert(pid);
            if (scene.is_busy)(pid) {
                continue;
            }
            match self.treat(configuration, scene) {
                Condition::Healthy => drop(self.ill.remove(&pid)),
                Condition::Waiting => {}
                Condition::Treated(step) => steps.push(step),
                Condition::LacksSecondary => lacking.push((configuration.member_count(), pid)),
            }
        }
        // Those with the fewest members first: copies are limited.
        lacking.sort_unstable();
        for (_, pid) in lacking {
            steps.extend(self.add_secondary(pid, scene));
        }
        self.count(&mut steps, scene);
        steps
    }

    fn due(&mut self, scene: &Scene<'_>) -> BTreeSet<Gpid> {
        let now = scene.now.monotonic;
        let mut due = std::mem::take(&mut self.urgent);
        if now >= self.next_round {
            self.next_round = now.after(self.options.interval);
            due.extend(self.ill.iter().copied());
        }
        if now >= self.next_sweep {
            self.next_sweep = now.after(SWEEP_INTERVAL);
            for table in scene.state.available_tables() {
                let partitions = table.partitions.iter();
                due.extend(partitions.map(|partition| partition.configuration.pid));
            }
        }
        due
    }

    fn count(&mut self, steps: &mut [GuardianStep], scene: &Scene<'_>) {
        for step in steps {
            match step {
                GuardianStep::Commit(next) => {
                    self.totals.depositions += 1;
                    let before = scene.state.partition(next.pid);
                    let primary = before.and_then(|state| state.configuration.primary);
                    tracing::warn!(pid = %next.pid, ?primary, ballot = %next.ballot,
                        "the primary is gone and loses its role");
                }
                GuardianStep::Propose { .. } => self.totals.proposals += 1,
                GuardianStep::Alert(_) => {}
            }
        }
    }
}

/// The configuration of a partition that is the guardian's concern: its table is in service, and it
/// has had members.
fn patient<'a>(pid: Gpid, scene: &Scene<'a>) -> Option<&'a PartitionConfiguration> {
    let table = scene.state.table(pid.app_id)?;
    let configuration = &scene.state.partition(pid)?.configuration;
    let is_concern = table.info.status == TableStatus::Available && !configuration.is_unborn();
    is_concern.then_some(configuration)
}

#[cfg(test)]
mod tests;
