//! How many replicas each server has, of one table and over all.

use std::collections::BTreeMap;

use pegasus_common::{AppId, RpcAddress};

use crate::placement::NodeLoad;

/// Counts by server and table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loads {
    by_table: BTreeMap<(AppId, RpcAddress), NodeLoad>,
    total: BTreeMap<RpcAddress, NodeLoad>,
}

impl Loads {
    /// Counts more on `node`.
    pub fn add(&mut self, table: AppId, node: RpcAddress, load: NodeLoad) {
        *self.by_table.entry((table, node)).or_default() += load;
        *self.total.entry(node).or_default() += load;
    }

    /// Takes back what was added before.
    pub fn subtract(&mut self, table: AppId, node: RpcAddress, load: NodeLoad) {
        let key = (table, node);
        if let Some(count) = self.by_table.get_mut(&key) {
            *count -= load;
            if *count == NodeLoad::default() {
                self.by_table.remove(&key);
            }
        }
        if let Some(count) = self.total.get_mut(&node) {
            *count -= load;
            if *count == NodeLoad::default() {
                self.total.remove(&node);
            }
        }
    }

    /// The load of one table.
    #[must_use]
    pub fn of_table(&self, table: AppId, node: RpcAddress) -> NodeLoad {
        self.by_table
            .get(&(table, node))
            .copied()
            .unwrap_or_default()
    }

    /// The load over all tables.
    #[must_use]
    pub fn total(&self, node: RpcAddress) -> NodeLoad {
        self.total.get(&node).copied().unwrap_or_default()
    }
}
