//! The replicas of a partition that are not members any more: who left, when, and with how much
//! data (meta-server.md section 10.4). They come back first when the partition needs a member, and
//! only those that fell off the list are garbage.

use std::collections::BTreeMap;
use std::time::Duration;

use pegasus_common::clock::MonotonicMillis;
use pegasus_common::{AppId, Ballot, Decree, Gpid, RpcAddress};

use crate::core::Now;
use crate::partition::PartitionConfiguration;
use crate::reports::ReplicaReport;

/// A replica that is not a member any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DroppedReplica {
    /// Where it is.
    pub node: RpcAddress,
    /// When it left; `None` if that was before this list knows.
    pub dropped_at: Option<Now>,
    /// The data that it had when it was last reported.
    extent: Option<(Ballot, Decree, Decree)>,
}

impl DroppedReplica {
    /// Those that left later, and then those with more data, are more useful.
    fn usefulness(&self) -> impl Ord + use<> {
        let left = self.dropped_at.map(|at| at.monotonic);
        (left, self.extent)
    }
}

/// The former members of one partition, the most useful last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DropList {
    replicas: Vec<DroppedReplica>,
    /// How many, from the end, were tried as learners since the list last changed.
    tried: usize,
}

/// What became of a report about a replica that is no member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It is remembered.
    Kept,
    /// There are enough others that are more useful.
    Superfluous,
}

impl DropList {
    /// All, the most useful last.
    #[must_use]
    pub fn replicas(&self) -> &[DroppedReplica] {
        &self.replicas
    }

    /// The one that left last.
    #[must_use]
    pub fn newest(&self) -> Option<&DroppedReplica> {
        self.replicas.last()
    }

    /// Whether nobody left within `delay` before `now`.
    #[must_use]
    pub fn is_stale(&self, now: MonotonicMillis, delay: Duration) -> bool {
        let left = self.newest().and_then(|replica| replica.dropped_at);
        left.is_none_or(|left| now.since(left.monotonic) > delay)
    }

    /// The next one to try as learner: the most useful that `is_suitable` and was not tried since
    /// the list last changed. When all were tried the walk begins anew.
    pub fn next_to_try(&mut self, is_suitable: impl Fn(RpcAddress) -> bool) -> Option<RpcAddress> {
        let untried = self.replicas.len().saturating_sub(self.tried);
        let found = self.replicas[..untried]
            .iter()
            .rposition(|replica| is_suitable(replica.node));
        match found {
            Some(index) => {
                self.tried = self.replicas.len() - index;
                Some(self.replicas[index].node)
            }
            None => {
                self.tried = 0;
                None
            }
        }
    }

    fn insert(&mut self, replica: DroppedReplica) {
        self.remove(replica.node);
        let key = replica.usefulness();
        let at = self
            .replicas
            .partition_point(|other| other.usefulness() <= key);
        self.replicas.insert(at, replica);
        self.tried = 0;
    }

    fn remove(&mut self, node: RpcAddress) -> Option<DroppedReplica> {
        let index = self
            .replicas
            .iter()
            .position(|replica| replica.node == node)?;
        self.tried = 0;
        Some(self.replicas.remove(index))
    }

    /// Keeps the most useful ones.
    fn truncate(&mut self, length: usize) {
        let excess = self.replicas.len().saturating_sub(length);
        self.replicas.drain(..excess);
    }
}

/// The lists of all partitions; a partition without former members has none.
#[derive(Clone, Debug)]
pub struct DropLists {
    lists: BTreeMap<Gpid, DropList>,
    /// Former members that are remembered beside a full set of members.
    reserved: usize,
}

impl DropLists {
    /// Empty lists.
    #[must_use]
    pub const fn new(reserved: usize) -> Self {
        Self {
            lists: BTreeMap::new(),
            reserved,
        }
    }

    /// The list of a partition.
    #[must_use]
    pub fn list(&self, pid: Gpid) -> Option<&DropList> {
        self.lists.get(&pid)
    }

    /// The list of a partition, to walk it.
    pub fn list_mut(&mut self, pid: Gpid) -> Option<&mut DropList> {
        self.lists.get_mut(&pid)
    }

    /// A reign begins: those that a configuration remembers have left just now, so that nobody is
    /// replaced only because the leader changed.
    pub fn recall(&mut self, now: Now, configuration: &PartitionConfiguration) {
        for &node in &configuration.last_drops {
            self.drop_replica(now, configuration, node);
        }
    }

    /// A configuration was replaced.
    pub fn on_change(
        &mut self,
        now: Now,
        before: &PartitionConfiguration,
        after: &PartitionConfiguration,
    ) {
        for node in before.members().filter(|&node| !after.is_member(node)) {
            self.drop_replica(now, after, node);
        }
        if let Some(list) = self.lists.get_mut(&after.pid) {
            for node in after.members() {
                list.remove(node);
            }
        }
        self.fit(after);
    }

    fn drop_replica(&mut self, now: Now, after: &PartitionConfiguration, node: RpcAddress) {
        let replica = DroppedReplica {
            node,
            dropped_at: Some(now),
            extent: None,
        };
        self.lists.entry(after.pid).or_default().insert(replica);
        self.fit(after);
    }

    /// A server has reported a replica of a partition that it is no member of.
    pub fn on_report(
        &mut self,
        configuration: &PartitionConfiguration,
        node: RpcAddress,
        report: &ReplicaReport,
    ) -> Place {
        let list = self.lists.entry(configuration.pid).or_default();
        let known = list.replicas.iter().find(|replica| replica.node == node);
        let replica = DroppedReplica {
            node,
            dropped_at: known.and_then(|known| known.dropped_at),
            extent: Some((report.ballot, report.committed, report.prepared)),
        };
        if known != Some(&replica) {
            list.insert(replica);
        }
        self.fit(configuration);
        let list = self.lists.get(&configuration.pid);
        let is_kept = list.is_some_and(|list| list.replicas.iter().any(|kept| kept.node == node));
        if is_kept {
            Place::Kept
        } else {
            Place::Superfluous
        }
    }

    /// Drops those that are too many.
    fn fit(&mut self, configuration: &PartitionConfiguration) {
        let wanted = usize::try_from(configuration.max_replica_count).unwrap_or(0);
        let room = (wanted + self.reserved).saturating_sub(configuration.member_count());
        if let Some(list) = self.lists.get_mut(&configuration.pid) {
            list.truncate(room);
            if list.replicas.is_empty() {
                self.lists.remove(&configuration.pid);
            }
        }
    }

    /// A table is gone.
    pub fn forget_table(&mut self, table: AppId) {
        self.lists.retain(|pid, _| pid.app_id != table);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::{ReportedRole, Standing};
    use crate::testing::node;

    fn now(seconds: u64) -> Now {
        Now {
            monotonic: MonotonicMillis(seconds * 1_000),
            unix_seconds: 0,
        }
    }

    fn partition(primary: u16, secondaries: &[u16]) -> PartitionConfiguration {
        PartitionConfiguration {
            primary: Some(node(primary)),
            secondaries: secondaries.iter().copied().map(node).collect(),
            ..PartitionConfiguration::unborn(Gpid::new(2, 0), 3)
        }
    }

    fn report(committed: i64) -> ReplicaReport {
        ReplicaReport {
            pid: Gpid::new(2, 0),
            role: ReportedRole::Inactive,
            ballot: Ballot(3),
            committed: Decree(committed),
            prepared: Decree(committed),
            standing: Standing::Proven,
        }
    }

    fn nodes(lists: &DropLists) -> Vec<RpcAddress> {
        let list = lists.list(Gpid::new(2, 0));
        list.map_or_else(Vec::new, |list| {
            list.replicas().iter().map(|replica| replica.node).collect()
        })
    }

    #[test]
    fn members_that_leave_are_remembered_until_they_return() {
        let mut lists = DropLists::new(0);
        let (full, two, one) = (partition(1, &[2, 3]), partition(1, &[2]), partition(1, &[]));
        lists.on_change(now(1), &full, &two);
        lists.on_change(now(2), &two, &one);
        assert_eq!(nodes(&lists), [node(3), node(2)]);
        lists.on_change(now(3), &one, &partition(1, &[3]));
        assert_eq!(nodes(&lists), [node(2)]);
        let list = lists.list(Gpid::new(2, 0)).unwrap();
        assert!(!list.is_stale(MonotonicMillis(12_000), Duration::from_secs(10)));
        assert!(list.is_stale(MonotonicMillis(12_001), Duration::from_secs(10)));
        lists.on_change(now(4), &partition(1, &[3]), &partition(1, &[3, 4]));
        assert_eq!(nodes(&lists), [], "the partition is full");
    }

    #[test]
    fn the_least_useful_replica_is_superfluous() {
        let mut lists = DropLists::new(1);
        let full = partition(1, &[2, 3]);
        assert_eq!(lists.on_report(&full, node(4), &report(10)), Place::Kept);
        assert_eq!(
            lists.on_report(&full, node(5), &report(9)),
            Place::Superfluous
        );
        assert_eq!(lists.on_report(&full, node(5), &report(11)), Place::Kept);
        assert_eq!(
            lists.on_report(&full, node(4), &report(10)),
            Place::Superfluous
        );
        let two = partition(1, &[2]);
        lists.on_change(now(1), &full, &two);
        assert_eq!(
            nodes(&lists),
            [node(5), node(3)],
            "who left in our time is more useful"
        );
        assert_eq!(lists.on_report(&two, node(3), &report(1)), Place::Kept);
        assert_eq!(nodes(&lists), [node(5), node(3)]);
    }

    #[test]
    fn the_walk_goes_on_where_it_stopped() {
        let mut lists = DropLists::new(0);
        let one = partition(1, &[]);
        lists.on_change(now(1), &partition(1, &[2]), &one);
        lists.on_change(now(2), &partition(1, &[3]), &one);
        let list = lists.list_mut(Gpid::new(2, 0)).unwrap();
        assert_eq!(list.next_to_try(|_| true), Some(node(3)));
        assert_eq!(list.next_to_try(|_| true), Some(node(2)));
        assert_eq!(list.next_to_try(|_| true), None);
        assert_eq!(list.next_to_try(|tried| tried != node(3)), Some(node(2)));
        lists.on_report(&one, node(3), &report(7));
        let list = lists.list_mut(Gpid::new(2, 0)).unwrap();
        assert_eq!(
            list.next_to_try(|_| true),
            Some(node(3)),
            "the list has changed"
        );
    }
}
