//! Which partitions each server is a member of, by the configurations; kept up with each change, so
//! that nobody has to look through all partitions of the cluster for those of one server.

use std::collections::{BTreeMap, BTreeSet};

use pegasus_common::{Gpid, RpcAddress};

use crate::loads::Loads;
use crate::partition::PartitionConfiguration;
use crate::placement::NodeLoad;

/// The partitions of every server that has any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    by_node: BTreeMap<RpcAddress, BTreeSet<Gpid>>,
    loads: Loads,
}

impl Holdings {
    /// The partitions that `node` is a member of.
    pub fn of(&self, node: RpcAddress) -> impl Iterator<Item = Gpid> + '_ {
        self.by_node.get(&node).into_iter().flatten().copied()
    }

    /// How many partitions each server leads and has.
    #[must_use]
    pub const fn loads(&self) -> &Loads {
        &self.loads
    }

    /// Takes over a configuration.
    pub fn enter(&mut self, configuration: &PartitionConfiguration) {
        for node in configuration.members() {
            self.by_node
                .entry(node)
                .or_default()
                .insert(configuration.pid);
            let load = load_of(configuration, node);
            self.loads.add(configuration.pid.app_id, node, load);
        }
    }

    /// Forgets a configuration that was taken over.
    pub fn leave(&mut self, configuration: &PartitionConfiguration) {
        for node in configuration.members() {
            if let Some(partitions) = self.by_node.get_mut(&node) {
                partitions.remove(&configuration.pid);
                if partitions.is_empty() {
                    self.by_node.remove(&node);
                }
            }
            let load = load_of(configuration, node);
            self.loads.subtract(configuration.pid.app_id, node, load);
        }
    }
}

fn load_of(configuration: &PartitionConfiguration, member: RpcAddress) -> NodeLoad {
    NodeLoad {
        primaries: u32::from(configuration.primary == Some(member)),
        members: 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::node;

    #[test]
    fn counts_follow_the_configurations() {
        let unborn = PartitionConfiguration::unborn(Gpid::new(2, 0), 3);
        let born = unborn.born(node(1), vec![node(2)]);
        let other = PartitionConfiguration {
            pid: Gpid::new(2, 1),
            ..born.clone()
        };
        let mut holdings = Holdings::default();
        holdings.enter(&born);
        holdings.enter(&other);
        assert_eq!(holdings.of(node(2)).count(), 2);
        let load = holdings.loads().of_table(born.pid.app_id, node(1));
        assert_eq!((load.primaries, load.members), (2, 2));
        holdings.leave(&born);
        holdings.leave(&other);
        assert_eq!(holdings, Holdings::default(), "nothing is left behind");
    }
}
