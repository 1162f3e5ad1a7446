//! What each server's process last said about its replicas (meta-server.md section 10).

use std::collections::BTreeMap;

use pegasus_common::clock::MonotonicMillis;
use pegasus_common::{Ballot, Decree, Gpid, RpcAddress};

/// The role of a replica, as its server reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportedRole {
    /// Primary or secondary.
    Member,
    /// It is learning now.
    Learner,
    /// It has data and no role.
    Inactive,
    /// It has failed and will be closed.
    Failed,
}

/// Whether a replica surely has all that it ever acknowledged (design invariant I6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It has.
    Proven,
    /// Something of it may be lost.
    Unproven,
}

/// A replica as its server reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplicaReport {
    /// Which one.
    pub pid: Gpid,
    /// Its role.
    pub role: ReportedRole,
    /// The newest ballot that it has seen.
    pub ballot: Ballot,
    /// Committed on it.
    pub committed: Decree,
    /// Prepared on it.
    pub prepared: Decree,
    /// Whether it is complete.
    pub standing: Standing,
}

/// What is known of one replica at one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sighting<'a> {
    /// The server's present process has not reported since.
    Unreported,
    /// The server has no such replica.
    Absent,
    /// The server has it.
    Present(&'a ReplicaReport),
}

#[derive(Clone, Debug)]
struct NodeReport {
    received: MonotonicMillis,
    replicas: BTreeMap<Gpid, ReplicaReport>,
}

/// The last full report of every server's present process.
#[derive(Clone, Debug, Default)]
pub struct Reports {
    by_node: BTreeMap<RpcAddress, NodeReport>,
}

impl Reports {
    /// Takes a full report of the present process of `node`.
    pub fn take(
        &mut self,
        now: MonotonicMillis,
        node: RpcAddress,
        replicas: impl IntoIterator<Item = ReplicaReport>,
    ) {
        let replicas = replicas.into_iter().map(|report| (report.pid, report));
        let report = NodeReport {
            received: now,
            replicas: replicas.collect(),
        };
        self.by_node.insert(node, report);
    }

    /// The process that reported is gone: what the next one has may differ.
    pub fn forget(&mut self, node: RpcAddress) {
        self.by_node.remove(&node);
    }

    /// Whether the present process of `node` has reported.
    #[must_use]
    pub fn has_reported(&self, node: RpcAddress) -> bool {
        self.by_node.contains_key(&node)
    }

    /// What `node` has of a partition, by a report that came after `since`: what an older one says
    /// or leaves out may have changed.
    #[must_use]
    pub fn sighting(&self, node: RpcAddress, pid: Gpid, since: MonotonicMillis) -> Sighting<'_> {
        match self.by_node.get(&node) {
            Some(report) if report.received >= since => report
                .replicas
                .get(&pid)
                .map_or(Sighting::Absent, Sighting::Present),
            _ => Sighting::Unreported,
        }
    }
}
