//! Who the members of the waiting births shall be: the planner fed with the load of existing
//! partitions and of those being born.

use std::collections::BTreeSet;

use pegasus_common::clock::MonotonicMillis;
use pegasus_common::{AppId, Gpid, RpcAddress};

use super::{Birth, Births, CallState, Stage};
use crate::cluster_state::ClusterState;
use crate::failure_detector::FailureDetector;
use crate::placement::{LoadLedger, Members, place_partition, place_table};

impl Births {
    /// Chooses members for every birth that waits for them.
    pub(super) fn plan(
        &mut self,
        now: MonotonicMillis,
        state: &ClusterState,
        detector: &FailureDetector,
    ) {
        let due = |birth: &Birth| matches!(birth.stage, Stage::Unplanned { not_before } if not_before <= now);
        let tables: BTreeSet<AppId> = self
            .births
            .iter()
            .filter(|(_, birth)| due(birth))
            .map(|(pid, _)| pid.app_id)
            .collect();
        for id in tables {
            let Some(table) = state.table(id) else {
                continue;
            };
            let replica_count = usize::try_from(table.info.max_replica_count).unwrap_or(0);
            let of_table = |pid: &Gpid| pid.app_id == id;
            let pids: Vec<_> = self
                .births
                .iter()
                .filter(|(pid, birth)| of_table(pid) && due(birth))
                .map(|(&pid, _)| pid)
                .collect();
            let total = self.ledger(state, detector, |_| true);
            if pids.len() == table.partitions.len() {
                let plan = place_table(pids.len(), replica_count, &total);
                for (pid, members) in pids.iter().zip(plan.into_iter().flatten()) {
                    self.start(now, *pid, members);
                }
            } else {
                for pid in pids {
                    self.plan_one(now, pid, replica_count, state, detector);
                }
            }
        }
    }

    fn plan_one(
        &mut self,
        now: MonotonicMillis,
        pid: Gpid,
        replica_count: usize,
        state: &ClusterState,
        detector: &FailureDetector,
    ) {
        let Some(birth) = self.births.get(&pid) else {
            return;
        };
        let refused_by = &birth.refused_by;
        let all = self.ledger(state, detector, |_| true);
        let willing = self.ledger(state, detector, |node| !refused_by.contains(&node));
        // Where too few are willing, the others are asked again.
        let (total, ask_again) = if willing.node_count() >= replica_count {
            (willing, false)
        } else {
            (all, true)
        };
        let mut table = total.without_load();
        self.add_loads(state, Some(pid.app_id), &mut table);
        if let Some(members) = place_partition(replica_count, &table, &total) {
            self.start(now, pid, members);
            if ask_again && let Some(birth) = self.births.get_mut(&pid) {
                birth.refused_by.clear();
            }
        }
    }

    /// The load over all tables of the living servers that `use_node` lets through.
    fn ledger(
        &self,
        state: &ClusterState,
        detector: &FailureDetector,
        use_node: impl Fn(RpcAddress) -> bool,
    ) -> LoadLedger {
        let mut ledger = LoadLedger::new(detector.serving().filter(|&node| use_node(node)));
        self.add_loads(state, None, &mut ledger);
        ledger
    }

    /// Adds the partitions that exist and those being born, of one table or of all.
    fn add_loads(&self, state: &ClusterState, of: Option<AppId>, ledger: &mut LoadLedger) {
        let counts = |id: AppId| of.is_none_or(|of| of == id);
        for table in state
            .available_tables()
            .filter(|table| counts(table.info.id))
        {
            for partition in &table.partitions {
                ledger.add_configuration(&partition.configuration);
            }
        }
        for (pid, birth) in &self.births {
            if let Some(members) = birth.stage.members().filter(|_| counts(pid.app_id)) {
                ledger.add(members);
            }
        }
    }

    fn start(&mut self, now: MonotonicMillis, pid: Gpid, members: Members) {
        let due = CallState::Due { at: now };
        let calls = members.all().map(|node| (node, due)).collect();
        if let Some(birth) = self.births.get_mut(&pid) {
            birth.stage = Stage::Creating { members, calls };
        }
    }
}
