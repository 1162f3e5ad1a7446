//! Metadata that was lost is made again from what the replica servers have (meta-server.md section 21).
//!
//! Every replica records its table, and knows the newest ballot that it was in. Of each partition the
//! best three replicas become *former members*, and nobody a member: which of them becomes primary is the
//! guardian's decision when the meta servers run again ([`crate::guardian::all_dead`]), by what the
//! servers say then. So a recovery chooses nothing that could not be chosen better later.
//!
//! Unlike upstream: servers that disagree about a name, an environment or a number of replicas do not end
//! the recovery (most servers are right); an id that only a server which was not asked could know of is
//! not given again.

mod definition;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use pegasus_common::{AppId, Ballot, Decree, Gpid, RpcAddress};
use pegasus_metastore::Version;
use pegasus_wire::layer2::AppInfo;
use pegasus_wire::meta_admin::QueryAppInfoResponse;
use pegasus_wire::replica_admin::QueryReplicaInfoResponse;

use crate::cluster_state::{ClusterState, PartitionState, TableState};
use crate::partition::{LAST_DROPS_MAX, PartitionConfiguration};
use crate::reports::{ReplicaReport, ReportedRole};
use crate::table::{Table, TableStatus};
use crate::wire_form::received_report;

/// How many ids after the largest known one are not given again where a server was not asked.
const ID_GAP: i32 = 1_000;
/// More than any partition sees in its life.
const BALLOT_MAX: i64 = i64::MAX / 2;

/// What one replica server says that it has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServerHoldings {
    /// The server.
    pub node: RpcAddress,
    /// The tables of its replicas.
    pub tables: Vec<AppInfo>,
    /// Its replicas.
    pub replicas: Vec<ReplicaReport>,
}

impl ServerHoldings {
    /// From the answers of the server that was asked at `asked`. It is known to the cluster by the address
    /// that it says, where it says one: upstream's servers do not.
    #[must_use]
    pub fn of(
        asked: RpcAddress,
        tables: QueryAppInfoResponse,
        replicas: &QueryReplicaInfoResponse,
    ) -> Self {
        Self {
            node: tables.server.and_then(RpcAddress::valid).unwrap_or(asked),
            tables: tables.apps,
            replicas: replicas.replicas.iter().map(received_report).collect(),
        }
    }
}

/// What becomes of a partition that no server has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LostPartitions {
    /// There is no recovery: a server is missing.
    Refuse,
    /// It starts empty.
    StartEmpty,
}

/// Whether all servers of the cluster have said what they have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// All, as far as the operator knows.
    Whole,
    /// Some that were asked did not answer.
    Partial,
}

/// Why nothing can be recovered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecoveryError {
    /// No server has a table.
    #[error("none of the servers has a table")]
    Nothing,
    /// A server describes a table that cannot be.
    #[error("{node} describes table {id}: {reason}")]
    Malformed {
        /// The server.
        node: RpcAddress,
        /// The table's number.
        id: i32,
        /// What is wrong.
        reason: String,
    },
    /// Two servers describe two different tables of one number: they are not of one cluster, or one has
    /// data of another time.
    #[error("table {id} has {attribute} {first_value} on {first}, {second_value} on {second}")]
    Contradiction {
        /// The table's number.
        id: i32,
        /// In what they differ.
        attribute: &'static str,
        /// One server.
        first: RpcAddress,
        /// What it says.
        first_value: String,
        /// The other.
        second: RpcAddress,
        /// What that one says.
        second_value: String,
    },
    /// No server has them.
    #[error("no server has a usable replica of {}", listed(.0))]
    Lost(Vec<Gpid>),
}

/// The first ones, and how many more there are.
fn listed(partitions: &[Gpid]) -> String {
    const SHOWN: usize = 10;
    let shown = partitions.iter().take(SHOWN).map(Gpid::to_string);
    let shown = shown.collect::<Vec<_>>().join(", ");
    match partitions.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Something that the operator should know of the recovered metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// Servers describe a table differently; what most of them say was taken.
    Disagreement {
        /// The table.
        id: AppId,
        /// In what.
        attribute: &'static str,
        /// What was taken.
        taken: String,
        /// What others say.
        others: Vec<String>,
    },
    /// Two tables had the same name: the older one is called otherwise now.
    Renamed {
        /// The older one.
        id: AppId,
        /// What both were called.
        from: String,
        /// What it is called now.
        to: String,
    },
    /// A partition has fewer replicas than it should have: if one was lost, so may be its last writes.
    FewReplicas {
        /// The partition.
        pid: Gpid,
        /// How many there are.
        found: usize,
        /// How many there should be.
        wanted: i32,
    },
    /// A partition that no server has starts empty.
    StartsEmpty(Gpid),
    /// A replica that no table has a place for. It is left alone.
    NoPlace {
        /// Its server.
        node: RpcAddress,
        /// Its partition.
        pid: Gpid,
    },
    /// A server was not asked, so these ids are not given again.
    IdsSpared {
        /// The last one.
        last: AppId,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disagreement {
                id,
                attribute,
                taken,
                others,
            } => write!(
                f,
                "table {}: most servers say {attribute} '{taken}', others '{}'",
                id.0,
                others.join("', '")
            ),
            Self::Renamed { id, from, to } => write!(
                f,
                "table {}: a newer table is called '{from}' too, so this one is called '{to}' now",
                id.0
            ),
            Self::FewReplicas { pid, found, wanted } => write!(
                f,
                "partition {pid}: {found} of {wanted} replicas; if a newer one is lost, so are its last writes"
            ),
            Self::StartsEmpty(pid) => {
                write!(f, "partition {pid}: no replica; it STARTS EMPTY")
            }
            Self::NoPlace { node, pid } => write!(
                f,
                "{node} has a replica of {pid}, which belongs to no table; it is left alone"
            ),
            Self::IdsSpared { last } => write!(
                f,
                "not every server has answered: new tables get numbers after {}",
                last.0
            ),
        }
    }
}

/// Recovered metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// The tables and their partitions.
    pub state: ClusterState,
    /// What the operator should know.
    pub notes: Vec<Note>,
}

/// Makes the metadata from what servers have. A server that is named twice counts once.
///
/// # Errors
/// See [`RecoveryError`].
pub fn recover(
    holdings: &[ServerHoldings],
    lost: LostPartitions,
    coverage: Coverage,
    unix_seconds: i64,
) -> Result<Recovered, RecoveryError> {
    let mut named = BTreeSet::new();
    let holdings = holdings.iter().filter(|server| named.insert(server.node));
    let holdings: Vec<_> = holdings.collect();
    let mut notes = Vec::new();
    let mut tables = definition::agree(&holdings, &mut notes)?;
    let Some(newest) = tables.keys().next_back().copied() else {
        return Err(RecoveryError::Nothing);
    };
    make_names_unique(&mut tables, &mut notes);
    let mut replicas = gather(&holdings, &tables, &mut notes)?;
    let mut state = ClusterState::default();
    let mut missing = Vec::new();
    for table in tables.into_values() {
        let pids = (0..table.partition_count).map(|index| Gpid::new(table.id.0, index));
        let partitions = pids.map(|pid| {
            let found = replicas.remove(&pid).unwrap_or_default();
            let (found_count, wanted) = (found.len(), table.max_replica_count);
            if found.is_empty() && table.status == TableStatus::Available {
                missing.push(pid);
            } else if i32::try_from(found_count).is_ok_and(|found| found < wanted) {
                let found = found_count;
                notes.push(Note::FewReplicas { pid, found, wanted });
            }
            unversioned(configuration(pid, &table, &found))
        });
        let partitions = partitions.collect();
        insert(&mut state, table, partitions);
    }
    if lost == LostPartitions::Refuse && !missing.is_empty() {
        return Err(RecoveryError::Lost(missing));
    }
    notes.extend(missing.into_iter().map(Note::StartsEmpty));
    if coverage == Coverage::Partial {
        notes.push(spare_ids(&mut state, newest, unix_seconds));
    }
    Ok(Recovered { state, notes })
}

/// No store has it yet.
fn unversioned(configuration: PartitionConfiguration) -> PartitionState {
    PartitionState {
        configuration,
        version: Version::ZERO,
    }
}

fn insert(state: &mut ClusterState, info: Table, partitions: Vec<PartitionState>) {
    state.insert(TableState {
        info,
        version: Version::ZERO,
        partitions,
    });
}

/// A replica and its server.
type Held = (RpcAddress, ReplicaReport);

/// The usable replicas of each partition, the best last.
fn gather(
    holdings: &[&ServerHoldings],
    tables: &BTreeMap<AppId, Table>,
    notes: &mut Vec<Note>,
) -> Result<BTreeMap<Gpid, Vec<Held>>, RecoveryError> {
    let mut by_partition: BTreeMap<Gpid, Vec<Held>> = BTreeMap::new();
    for server in holdings {
        for replica in &server.replicas {
            let (node, pid) = (server.node, replica.pid);
            let count = tables
                .get(&pid.app_id)
                .map_or(0, |table| table.partition_count);
            if !(0..=BALLOT_MAX).contains(&replica.ballot.0) {
                return Err(RecoveryError::Malformed {
                    node,
                    id: pid.app_id.0,
                    reason: format!("{} is no ballot ({pid})", replica.ballot),
                });
            }
            if !(0..count).contains(&pid.partition_index.0) {
                notes.push(Note::NoPlace { node, pid });
            } else if replica.role != ReportedRole::Failed {
                by_partition.entry(pid).or_default().push((node, *replica));
            }
        }
    }
    for replicas in by_partition.values_mut() {
        replicas.sort_by_key(|(node, replica)| (extent(replica), *node));
    }
    Ok(by_partition)
}

/// One that was still learning has less than it seems to have.
fn extent(replica: &ReplicaReport) -> (bool, Ballot, Decree, Decree) {
    let is_complete = replica.role != ReportedRole::Learner;
    (
        is_complete,
        replica.ballot,
        replica.committed,
        replica.prepared,
    )
}

/// A partition without members, to which the best replicas belonged. The ballot is a new one: none that
/// a replica knows stands for this membership (design I3).
fn configuration(pid: Gpid, table: &Table, replicas: &[Held]) -> PartitionConfiguration {
    let ballot = replicas.iter().map(|(_, replica)| replica.ballot).max();
    let committed = replicas.iter().map(|(_, replica)| replica.committed).max();
    let is_dropped = table.status == TableStatus::Dropped;
    let unborn = PartitionConfiguration {
        is_dropped,
        ..PartitionConfiguration::unborn(pid, table.max_replica_count)
    };
    let ballot = ballot.unwrap_or(Ballot::ZERO);
    if ballot == Ballot::ZERO {
        return unborn;
    }
    let best = replicas.len().saturating_sub(LAST_DROPS_MAX);
    PartitionConfiguration {
        ballot: ballot.next(),
        last_drops: replicas[best..].iter().map(|(node, _)| *node).collect(),
        last_committed: committed.unwrap_or(Decree::ZERO),
        ..unborn
    }
}

/// Of two available tables with one name the newer one has it.
fn make_names_unique(tables: &mut BTreeMap<AppId, Table>, notes: &mut Vec<Note>) {
    let available = |table: &&mut Table| table.status == TableStatus::Available;
    let mut taken = BTreeSet::new();
    for table in tables.values_mut().rev().filter(available) {
        let from = table.name.clone();
        while !taken.insert(table.name.clone()) {
            table.name = format!("{}__{}", table.name, table.id.0);
        }
        if table.name != from {
            let (id, to) = (table.id, table.name.clone());
            notes.push(Note::Renamed { id, from, to });
        }
    }
}

/// A server that was not asked may have a table that nobody else knows of. If a new table got its number,
/// the old data would be taken for the new table's when that server comes back.
fn spare_ids(state: &mut ClusterState, newest: AppId, unix_seconds: i64) -> Note {
    let last = AppId(newest.0.saturating_add(ID_GAP));
    let placeholder = Table {
        id: last,
        name: format!("__drop_holder__{}", last.0),
        app_type: "pegasus".to_owned(),
        status: TableStatus::Dropped,
        partition_count: 1,
        init_partition_count: 1,
        envs: BTreeMap::new(),
        is_stateful: true,
        max_replica_count: 1,
        create_second: unix_seconds,
        drop_second: unix_seconds,
        expire_second: unix_seconds,
        atomic_idempotent: false,
    };
    let partition = unversioned(configuration(Gpid::new(last.0, 0), &placeholder, &[]));
    insert(state, placeholder, vec![partition]);
    Note::IdsSpared { last }
}

#[cfg(test)]
mod tests;
