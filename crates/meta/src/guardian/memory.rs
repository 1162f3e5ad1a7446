//! What the guardian remembers of partitions and replicas. None of it is durable: a new leader
//! hears it again from the servers.

use std::collections::{BTreeMap, BTreeSet};

use pegasus_common::clock::MonotonicMillis;
use pegasus_common::{AppId, Gpid, RpcAddress};

use crate::core::Now;
use crate::drop_list::DropLists;
use crate::partition::PartitionConfiguration;
use crate::reports::{Reports, Sighting};

/// Reports, former members, and what was tried.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    pub reports: Reports,
    pub drops: DropLists,
    /// When each configuration became durable; missing for those older than this reign.
    changed: BTreeMap<Gpid, MonotonicMillis>,
    /// Members that were asked in vain to become primary of the present configuration.
    passed_over: BTreeMap<Gpid, BTreeSet<RpcAddress>>,
    reign_began: MonotonicMillis,
}

impl Memory {
    pub fn new(now: Now, reserved_drops: usize) -> Self {
        Self {
            reports: Reports::default(),
            drops: DropLists::new(reserved_drops),
            changed: BTreeMap::new(),
            passed_over: BTreeMap::new(),
            reign_began: now.monotonic,
        }
    }

    pub fn on_change(
        &mut self,
        now: Now,
        before: &PartitionConfiguration,
        after: &PartitionConfiguration,
    ) {
        self.changed.insert(after.pid, now.monotonic);
        self.passed_over.remove(&after.pid);
        self.drops.on_change(now, before, after);
    }

    pub fn forget_table(&mut self, table: AppId) {
        self.drops.forget_table(table);
        self.changed.retain(|pid, _| pid.app_id != table);
        self.passed_over.retain(|pid, _| pid.app_id != table);
    }

    pub fn on_recall(&mut self, now: Now, configuration: &PartitionConfiguration) {
        self.drops.recall(now, configuration);
        for &node in &configuration.last_drops {
            self.reports.forget(node);
        }
    }

    /// What `node` has reported of a partition since the partition last changed.
    pub fn sighting(&self, node: RpcAddress, pid: Gpid) -> Sighting<'_> {
        let since = self.changed.get(&pid).copied();
        self.reports
            .sighting(node, pid, since.unwrap_or(self.reign_began))
    }

    /// What `node` has reported of a partition in this reign, also before the partition last changed.
    pub fn last_sighting(&self, node: RpcAddress, pid: Gpid) -> Sighting<'_> {
        self.reports.sighting(node, pid, self.reign_began)
    }

    pub fn pass_over(&mut self, pid: Gpid, node: RpcAddress) {
        self.passed_over.entry(pid).or_default().insert(node);
    }

    pub fn was_passed_over(&self, pid: Gpid, node: RpcAddress) -> bool {
        let nodes = self.passed_over.get(&pid);
        nodes.is_some_and(|nodes| nodes.contains(&node))
    }
}
