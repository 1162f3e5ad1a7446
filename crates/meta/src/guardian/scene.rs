//! What the guardian looks at, and its settings.

use std::collections::BTreeSet;
use std::time::Duration;

use pegasus_common::{AppId, Gpid, RpcAddress};

use crate::cluster_state::ClusterState;
use crate::core::Now;
use crate::failure_detector::FailureDetector;
use crate::loads::Loads;
use crate::placement::NodeLoad;

/// Settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardianOptions {
    /// How often ill partitions are looked at, and the shortest pause between repetitions of a
    /// proposal.
    pub interval: Duration,
    /// How long the last server that left may take to return before another one gets a copy.
    pub dropout_delay: Duration,
    /// Former members that are remembered, and so kept, beside a full set of members.
    pub reserved_drops: usize,
    /// Replicas that one server may be asked to learn at a time.
    pub learners_per_node_max: usize,
    /// Members that a write needs.
    pub write_members_min: usize,
    /// Servers that get no new replicas.
    pub black_list: BTreeSet<RpcAddress>,
    /// How long the primary of a restarted server may take to load while all that could replace
    /// it have been restarted too.
    pub loading_patience: Duration,
}

impl Default for GuardianOptions {
    fn default() -> Self {
        Self {
            interval: Duration::from_millis(200),
            dropout_delay: Duration::from_secs(600),
            reserved_drops: 1,
            learners_per_node_max: 20,
            write_members_min: 2,
            black_list: BTreeSet::new(),
            loading_patience: Duration::from_secs(2),
        }
    }
}

/// The cluster as it is now.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The time.
    pub now: Now,
    /// Tables and configurations.
    pub state: &'a ClusterState,
    /// Who lives.
    pub detector: &'a FailureDetector,
    /// Whether something else happens to a partition just now: it is left alone.
    pub is_busy: &'a dyn Fn(Gpid) -> bool,
}

/// What the servers have together with what they will have soon.
#[derive(Clone, Copy)]
pub(super) struct LoadView<'a> {
    pub held: &'a Loads,
    pub in_flight: &'a Loads,
}

impl LoadView<'_> {
    pub fn of_table(&self, table: AppId, node: RpcAddress) -> NodeLoad {
        let mut load = self.held.of_table(table, node);
        load += self.in_flight.of_table(table, node);
        load
    }

    pub fn total(&self, node: RpcAddress) -> NodeLoad {
        let mut load = self.held.total(node);
        load += self.in_flight.total(node);
        load
    }
}
