//! Which servers get the replicas of new partitions: a pure planner.
//!
//! For each table every server gets the same number of members, give or take one, and the same
//! number of primaries, give or take one; where a table does not divide evenly, the servers with
//! the lower total load get the excess, so that the totals stay even too.

use std::collections::{BTreeMap, VecDeque};

use pegasus_common::RpcAddress;

use crate::partition::PartitionConfiguration;

/// How many replicas a server has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeLoad {
    /// As primary.
    pub primaries: u32,
    /// As primary or secondary.
    pub members: u32,
}

impl std::ops::AddAssign for NodeLoad {
    fn add_assign(&mut self, more: Self) {
        self.primaries += more.primaries;
        self.members += more.members;
    }
}

impl std::ops::SubAssign for NodeLoad {
    fn sub_assign(&mut self, less: Self) {
        self.primaries = self.primaries.saturating_sub(less.primaries);
        self.members = self.members.saturating_sub(less.members);
    }
}

/// The load of each server that may get replicas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadLedger {
    nodes: BTreeMap<RpcAddress, NodeLoad>,
}

impl LoadLedger {
    /// These servers, without load.
    pub fn new(nodes: impl IntoIterator<Item = RpcAddress>) -> Self {
        let nodes = nodes.into_iter().map(|node| (node, NodeLoad::default()));
        Self {
            nodes: nodes.collect(),
        }
    }

    /// Counts the members of a partition; servers that are not in the ledger are left out.
    pub fn add(&mut self, members: &Members) {
        if let Some(load) = self.nodes.get_mut(&members.primary) {
            load.primaries += 1;
        }
        for node in members.all() {
            if let Some(load) = self.nodes.get_mut(&node) {
                load.members += 1;
            }
        }
    }

    /// Counts the members of an existing partition.
    pub fn add_configuration(&mut self, configuration: &PartitionConfiguration) {
        if let Some(primary) = configuration.primary {
            self.add(&Members {
                primary,
                secondaries: configuration.secondaries.clone(),
            });
        }
    }

    /// The load of one server.
    #[must_use]
    pub fn load(&self, node: RpcAddress) -> NodeLoad {
        self.nodes.get(&node).copied().unwrap_or_default()
    }

    /// How many servers there are.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// The same servers without any load.
    #[must_use]
    pub fn without_load(&self) -> Self {
        Self::new(self.nodes.keys().copied())
    }

    fn move_primary(&mut self, from: RpcAddress, to: RpcAddress) {
        if let Some(load) = self.nodes.get_mut(&from) {
            load.primaries -= 1;
        }
        if let Some(load) = self.nodes.get_mut(&to) {
            load.primaries += 1;
        }
    }
}

/// The chosen members of one partition, all distinct.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Members {
    /// Who leads.
    pub primary: RpcAddress,
    /// The others.
    pub secondaries: Vec<RpcAddress>,
}

impl Members {
    /// The primary and then the secondaries.
    pub fn all(&self) -> impl Iterator<Item = RpcAddress> + '_ {
        std::iter::once(self.primary).chain(self.secondaries.iter().copied())
    }

    /// Makes a secondary the primary, in place.
    fn promote(&mut self, node: RpcAddress) {
        for secondary in &mut self.secondaries {
            if *secondary == node {
                std::mem::swap(secondary, &mut self.primary);
                return;
            }
        }
    }
}

/// Chooses the members of one partition. `table` counts the other partitions of its table, `total`
/// those of all tables; both are over the same servers. `None` if there are too few servers.
#[must_use]
pub fn place_partition(
    replica_count: usize,
    table: &LoadLedger,
    total: &LoadLedger,
) -> Option<Members> {
    if replica_count == 0 || table.node_count() < replica_count {
        return None;
    }
    let mut nodes: Vec<_> = table.nodes.keys().copied().collect();
    nodes.sort_by_key(|&node| {
        let (in_table, in_total) = (table.load(node), total.load(node));
        (
            in_table.members,
            in_total.members,
            in_table.primaries,
            in_total.primaries,
            node,
        )
    });
    nodes.truncate(replica_count);
    let primary = nodes
        .iter()
        .copied()
        .min_by_key(|&node| primary_rank(node, table, total))?;
    nodes.retain(|&node| node != primary);
    Some(Members {
        primary,
        secondaries: nodes,
    })
}

/// Chooses the members of all partitions of a new table. `None` if there are too few servers.
#[must_use]
pub fn place_table(
    partition_count: usize,
    replica_count: usize,
    total: &LoadLedger,
) -> Option<Vec<Members>> {
    let mut table = total.without_load();
    let mut total = total.clone();
    let mut plan = Vec::with_capacity(partition_count);
    for _ in 0..partition_count {
        let members = place_partition(replica_count, &table, &total)?;
        table.add(&members);
        total.add(&members);
        plan.push(members);
    }
    even_out_primaries(&mut plan, &mut table, &mut total);
    Some(plan)
}

fn primary_rank(
    node: RpcAddress,
    table: &LoadLedger,
    total: &LoadLedger,
) -> (u32, u32, RpcAddress) {
    let (in_table, in_total) = (table.load(node).primaries, total.load(node).primaries);
    (in_table, in_total, node)
}

/// Moves the role of primary along chains of partitions (from a server to a secondary of one of its
/// partitions, from there to a secondary of one of *its* partitions, ...) until no chain makes the
/// table more even, or the totals without making the table less even.
fn even_out_primaries(plan: &mut [Members], table: &mut LoadLedger, total: &mut LoadLedger) {
    while let Some(chain) = table
        .nodes
        .keys()
        .find_map(|&from| improving_chain(plan, from, table, total))
    {
        for (partition, to) in chain {
            let from = plan[partition].primary;
            plan[partition].promote(to);
            table.move_primary(from, to);
            total.move_primary(from, to);
        }
    }
}

/// The shortest chain from `from` to a server that is better off with one more primary, as pairs of
/// a partition and its new primary.
fn improving_chain(
    plan: &[Members],
    from: RpcAddress,
    table: &LoadLedger,
    total: &LoadLedger,
) -> Option<Vec<(usize, RpcAddress)>> {
    let improves = |to: RpcAddress| {
        let in_table = (table.load(from).primaries, table.load(to).primaries);
        let in_total = (total.load(from).primaries, total.load(to).primaries);
        in_table.0 >= in_table.1 + 2
            || (in_table.0 == in_table.1 + 1 && in_total.0 >= in_total.1 + 2)
    };
    if !table.nodes.keys().any(|&to| improves(to)) {
        return None;
    }
    // How each server was reached: over which partition, and from whom.
    let mut reached: BTreeMap<RpcAddress, (usize, RpcAddress)> = BTreeMap::new();
    let mut waiting = VecDeque::from([from]);
    while let Some(node) = waiting.pop_front() {
        let led = plan.iter().enumerate();
        for (partition, members) in led.filter(|(_, members)| members.primary == node) {
            for &to in &members.secondaries {
                if to == from || reached.contains_key(&to) {
                    continue;
                }
                reached.insert(to, (partition, node));
                if improves(to) {
                    return Some(chain_to(to, from, &reached));
                }
                waiting.push_back(to);
            }
        }
    }
    None
}

/// From the far end backwards, so that each partition is still led by the one it is taken from.
fn chain_to(
    to: RpcAddress,
    from: RpcAddress,
    reached: &BTreeMap<RpcAddress, (usize, RpcAddress)>,
) -> Vec<(usize, RpcAddress)> {
    let mut chain = Vec::new();
    let mut node = to;
    while node != from {
        let (partition, before) = reached[&node];
        chain.push((partition, node));
        node = before;
    }
    chain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::node;
    use proptest::prelude::*;

    fn spread(loads: impl Iterator<Item = u32>) -> u32 {
        let loads: Vec<_> = loads.collect();
        loads.iter().max().unwrap_or(&0) - loads.iter().min().unwrap_or(&0)
    }

    fn check_even(ledger: &LoadLedger, what: &str) {
        let members = spread(ledger.nodes.values().map(|load| load.members));
        assert!(members <= 1, "members of {what}: {ledger:?}");
        let primaries = spread(ledger.nodes.values().map(|load| load.primaries));
        assert!(primaries <= 1, "primaries of {what}: {ledger:?}");
    }

    fn check_plan(plan: &[Members], replica_count: usize, nodes: u16) {
        let mut table = LoadLedger::new((1..=nodes).map(node));
        for members in plan {
            let mut all: Vec<_> = members.all().collect();
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), replica_count, "distinct members");
            table.add(members);
        }
        check_even(&table, "the table");
    }

    #[test]
    fn too_few_servers_give_no_plan() {
        let total = LoadLedger::new([node(1), node(2)]);
        assert_eq!(place_table(4, 3, &total), None);
        assert_eq!(place_table(4, 0, &total), None);
    }

    #[test]
    fn a_server_with_less_load_gets_the_excess() {
        let mut total = LoadLedger::new([node(1), node(2), node(3)]);
        total.add(&Members {
            primary: node(1),
            secondaries: vec![node(2)],
        });
        let plan = place_table(1, 1, &total).unwrap();
        assert_eq!(plan[0].primary, node(3));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn new_tables_are_spread_evenly(
            nodes in 1u16..12,
            replica_count in 1usize..=5,
            tables in proptest::collection::vec(1usize..40, 1..5),
        ) {
            prop_assume!(replica_count <= usize::from(nodes));
            let mut total = LoadLedger::new((1..=nodes).map(node));
            for partition_count in tables {
                let plan = place_table(partition_count, replica_count, &total).unwrap();
                prop_assert_eq!(plan.len(), partition_count);
                check_plan(&plan, replica_count, nodes);
                for members in &plan {
                    total.add(members);
                }
                let members = spread(total.nodes.values().map(|load| load.members));
                prop_assert!(members <= 1, "members in total: {:?}", total);
            }
        }
    }
}
