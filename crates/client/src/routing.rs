//! Where the partitions of one table are: read without a lock, replaced as a whole.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use pegasus_common::{Ballot, ErrorCode, Gpid, RpcAddress, partition_hash};
use pegasus_wire::TaskCode;
use pegasus_wire::layer2::{PartitionConfiguration, QueryCfgRequest, QueryCfgResponse};

use crate::error::{ClientError, TableProblem};
use crate::meta_client::{MetaCall, MetaClient};
use crate::retry::Repeat;

/// Most partitions that a description is believed to have.
const PARTITIONS_MAX: usize = 1 << 16;

pub(crate) const QUERY_CFG: MetaCall = MetaCall {
    name: "query_cfg",
    code: TaskCode::QueryConfig,
    repeat: Repeat::Harmless,
};

/// The partitions of a table at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partitions {
    /// The table's number.
    pub app_id: i32,
    /// Each partition's members, by partition index.
    pub members: Vec<PartitionMembers>,
    /// Grows with each answer of the meta server.
    version: u64,
}

/// Who serves one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionMembers {
    /// Which one.
    pub gpid: Gpid,
    /// The membership's epoch; [`Ballot::INVALID`] for a child of a running split.
    pub ballot: Ballot,
    /// Who takes reads and writes; `None` while nobody does.
    pub primary: Option<RpcAddress>,
    /// Who else has the data.
    pub secondaries: Vec<RpcAddress>,
    /// How many members there should be.
    pub max_replica_count: i32,
}

impl Partitions {
    /// The number of partitions; at least 1.
    #[must_use]
    pub fn count(&self) -> u32 {
        u32::try_from(self.members.len()).unwrap_or(u32::MAX)
    }

    /// The partition of a key's hash.
    #[must_use]
    pub fn of_hash(&self, hash: u64) -> &PartitionMembers {
        let index = partition_hash::partition_index(hash, self.count()) as usize;
        let members = &self.members[index];
        if members.ballot == Ballot::INVALID && index >= self.members.len() / 2 {
            // A child that has not taken over: its parent serves it.
            return &self.members[index - self.members.len() / 2];
        }
        members
    }
}

/// Reads the meta server's description of a table.
fn partitions_of(answer: QueryCfgResponse, version: u64) -> Result<Partitions, TableProblem> {
    let malformed = |reason| Err(TableProblem::Malformed(reason));
    match answer.err {
        ErrorCode::Ok => {}
        ErrorCode::ObjectNotFound => return Err(TableProblem::NotFound),
        code => return Err(TableProblem::Refused(code)),
    }
    let count = answer.partitions.len();
    if count == 0 || usize::try_from(answer.partition_count) != Ok(count) {
        return malformed("its partitions are not complete");
    }
    if count > PARTITIONS_MAX {
        return malformed("it has too many partitions");
    }
    let mut members: Vec<_> = answer.partitions.into_iter().map(members_of).collect();
    members.sort_by_key(|members| members.gpid.partition_index);
    for (index, members) in (0_i32..).zip(&members) {
        if members.gpid != Gpid::new(answer.app_id, index) {
            return malformed("its partitions are not numbered from 0");
        }
    }
    Ok(Partitions {
        app_id: answer.app_id,
        members,
        version,
    })
}

fn members_of(configuration: PartitionConfiguration) -> PartitionMembers {
    PartitionMembers {
        gpid: configuration.pid,
        ballot: Ballot(configuration.ballot),
        primary: configuration.primary.valid(),
        secondaries: configuration.secondaries,
        max_replica_count: configuration.max_replica_count,
    }
}

/// The routing table of one table, kept true by asking the meta server when a server says that
/// something has moved.
#[derive(Debug)]
pub(crate) struct Routing {
    table: String,
    meta: Arc<MetaClient>,
    meta_timeout: Duration,
    partitions: ArcSwap<Partitions>,
    /// One query at a time; counts those that have ended, also without success.
    queries: tokio::sync::Mutex<()>,
    queries_done: std::sync::atomic::AtomicU64,
}

impl Routing {
    pub(crate) async fn open(
        table: &str,
        meta: Arc<MetaClient>,
        meta_timeout: Duration,
    ) -> Result<Self, ClientError> {
        let partitions = query(&meta, table, meta_timeout, 1).await?;
        Ok(Self {
            table: table.to_owned(),
            meta,
            meta_timeout,
            partitions: ArcSwap::from_pointee(partitions),
            queries: tokio::sync::Mutex::new(()),
            queries_done: std::sync::atomic::AtomicU64::new(0),
        })
    }

    pub(crate) fn load(&self) -> arc_swap::Guard<Arc<Partitions>> {
        self.partitions.load()
    }

    /// Asks the meta server unless somebody has since `seen` was loaded; concurrent callers share
    /// one query, whatever its outcome. Cancel safe.
    pub(crate) async fn refresh(&self, seen: u64) -> Result<(), ClientError> {
        use std::sync::atomic::Ordering::Acquire;
        let done_before = self.queries_done.load(Acquire);
        let _turn = self.queries.lock().await;
        let version = self.partitions.load().version;
        if version > seen || self.queries_done.load(Acquire) > done_before {
            return Ok(());
        }
        let queried = query(&self.meta, &self.table, self.meta_timeout, version + 1).await;
        self.queries_done
            .fetch_add(1, std::sync::atomic::Ordering::Release);
        self.partitions.store(Arc::new(queried?));
        Ok(())
    }

    /// Starts a refresh that nobody waits for, unless one is under way.
    pub(crate) fn refresh_soon(self: &Arc<Self>, seen: u64) {
        if self.queries.try_lock().is_ok() {
            let routing = self.clone();
            tokio::spawn(async move {
                // The next operation that fails asks again.
                let _ = routing.refresh(seen).await;
            });
        }
    }
}

impl Partitions {
    pub(crate) fn version(&self) -> u64 {
        self.version
    }
}

/// Asks the meta server for a table's partitions.
pub(crate) async fn query(
    meta: &MetaClient,
    table: &str,
    timeout: Duration,
    version: u64,
) -> Result<Partitions, ClientError> {
    let request = QueryCfgRequest {
        app_name: table.to_owned(),
        partition_indices: Vec::new(),
    };
    let answer: QueryCfgResponse = meta.ask(QUERY_CFG, &request, timeout).await?;
    partitions_of(answer, version).map_err(|reason| ClientError::Table {
        table: table.to_owned(),
        reason,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(count: i32) -> QueryCfgResponse {
        QueryCfgResponse {
            app_id: 2,
            partition_count: count,
            is_stateful: true,
            partitions: (0..count)
                .map(|index| PartitionConfiguration {
                    pid: Gpid::new(2, index),
                    ballot: 3,
                    primary: "127.0.0.1:34801".parse().unwrap(),
                    ..PartitionConfiguration::default()
                })
                .collect(),
            ..QueryCfgResponse::default()
        }
    }

    #[test]
    fn partitions_are_taken_in_any_order() {
        let mut shuffled = answer(4);
        shuffled.partitions.reverse();
        let partitions = partitions_of(shuffled, 1).unwrap();
        assert_eq!(partitions.of_hash(6).gpid, Gpid::new(2, 2));
    }

    #[test]
    fn keys_of_an_unborn_child_go_to_its_parent() {
        let mut splitting = answer(8);
        splitting.partitions[6].ballot = -1;
        let partitions = partitions_of(splitting, 1).unwrap();
        assert_eq!(partitions.of_hash(6).gpid, Gpid::new(2, 2));
        assert_eq!(partitions.of_hash(7).gpid, Gpid::new(2, 7));
    }

    #[test]
    fn descriptions_that_make_no_sense_are_refused() {
        let mut partial = answer(4);
        partial.partitions.pop();
        assert!(partitions_of(partial, 1).is_err());
        assert!(partitions_of(answer(0), 1).is_err());
        let mut twice = answer(4);
        twice.partitions[1].pid = Gpid::new(2, 2);
        assert!(partitions_of(twice, 1).is_err());
        let gone = QueryCfgResponse {
            err: ErrorCode::ObjectNotFound,
            ..QueryCfgResponse::default()
        };
        assert_eq!(partitions_of(gone, 1), Err(TableProblem::NotFound));
    }
}
