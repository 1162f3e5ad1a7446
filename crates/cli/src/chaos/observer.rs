//! The cluster as an administrator sees it: tables, members, whether replicas are alike.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use pegasus_client::{
    ClientError, ClientOptions, Cluster, CreateTable, PartitionMembers, Table, WriteRepetition,
};
use pegasus_common::RpcAddress;
use pegasus_rpc::{RoutingHeader, SessionOptions, SessionPool};
use pegasus_wire::TaskCode;
use pegasus_wire::meta_admin::{ConfigurationClusterInfoRequest, ConfigurationClusterInfoResponse};
use pegasus_wire::replication::{QueryReplicaDigestRequest, QueryReplicaDigestResponse};
use tokio::runtime::{Builder, Runtime};

use crate::error::{CliError, with_causes};
use crate::shell::health::Health;

/// How long one call may take.
const CALL_LIMIT: Duration = Duration::from_secs(2);
/// How long a meta server may take to say whether it leads.
const LEADER_PATIENCE: Duration = Duration::from_millis(200);
/// Between two such questions.
const LEADER_PAUSE: Duration = Duration::from_millis(5);
/// Between two looks.
const LOOK_PAUSE: Duration = Duration::from_millis(50);

#[allow(clippy::needless_pass_by_value)] // as `map_err` hands it over
fn failed(error: ClientError) -> CliError {
    CliError::failed(with_causes(&error))
}

/// A client of the cluster.
pub async fn connect(meta_list: &str) -> Result<Cluster, CliError> {
    let cluster = Cluster::connect(meta_list, options()).await;
    cluster.map_err(failed)
}

/// A client of one table.
pub async fn open(meta_list: &str, table: &str) -> Result<Table, CliError> {
    let cluster = connect(meta_list).await?;
    cluster.table(table).await.map_err(failed)
}

/// Each write is sent once, so that it takes effect at one instant, as the checker expects.
fn options() -> ClientOptions {
    ClientOptions::new()
        .meta_timeout(CALL_LIMIT)
        .operation_timeout(CALL_LIMIT)
        .write_repetition(WriteRepetition::Never)
}

/// An administrator at work; it blocks until it knows.
#[derive(Debug)]
pub struct Observer {
    runtime: Runtime,
    cluster: Cluster,
    pool: SessionPool,
    tables: Vec<String>,
}

impl Observer {
    /// Watches tables of a cluster, which need not run yet.
    pub fn new(meta_list: &str, tables: &[&str]) -> Result<Self, CliError> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| CliError::failed(format!("cannot start an event loop: {error}")))?;
        let cluster = runtime.block_on(connect(meta_list))?;
        Ok(Self {
            runtime,
            cluster,
            pool: SessionPool::new(SessionOptions::default()),
            tables: tables.iter().map(|&table| table.to_owned()).collect(),
        })
    }

    /// Creates a table unless it exists; keeps trying.
    pub fn create_table(&self, create: &CreateTable, limit: Duration) -> Result<(), CliError> {
        let deadline = Instant::now() + limit;
        loop {
            match self
                .runtime
                .block_on(self.cluster.admin().create_app(create))
            {
                Ok(_) => return Ok(()),
                Err(error) if Instant::now() >= deadline => {
                    return Err(CliError::failed(with_causes(&error)));
                }
                Err(_) => std::thread::sleep(LOOK_PAUSE),
            }
        }
    }

    /// Waits until every partition has a primary and all members. Returns how long it took, or what
    /// is missing when the time is up.
    pub fn wait_until_healthy(&self, limit: Duration) -> Result<Duration, String> {
        let started = Instant::now();
        loop {
            let problem = match self.problem() {
                None => return Ok(started.elapsed()),
                Some(problem) => problem,
            };
            if started.elapsed() >= limit {
                return Err(problem);
            }
            std::thread::sleep(LOOK_PAUSE);
        }
    }

    /// Whether every partition has all members now.
    pub fn is_healthy(&self) -> bool {
        self.problem().is_none()
    }

    fn problem(&self) -> Option<String> {
        for table in &self.tables {
            let partitions = self
                .runtime
                .block_on(self.cluster.admin().partitions(table));
            let partitions = match partitions {
                Ok(partitions) => partitions,
                Err(error) => return Some(with_causes(&error)),
            };
            let health = Health::of(&partitions);
            if health.unhealthy() > 0 {
                return Some(format!("'{table}': {health:?}"));
            }
        }
        None
    }

    /// Which of these meta servers leads and has loaded everything, if one says so now.
    pub fn leader(&self, metas: &[RpcAddress]) -> Option<RpcAddress> {
        let asked = metas.iter().map(|&meta| leads(&self.pool, meta));
        let answers = self.runtime.block_on(join_all(asked));
        let mut answers = metas.iter().zip(answers);
        let leader = answers.find(|(_, leads)| *leads);
        leader.map(|(meta, _)| *meta)
    }

    /// Waits until one of these meta servers leads. Returns whether one does before the time is up.
    pub fn wait_for_leader(&self, metas: &[RpcAddress], limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        while self.leader(metas).is_none() {
            if Instant::now() >= deadline {
                return false;
            }
            std::thread::sleep(LEADER_PAUSE);
        }
        true
    }

    /// The primary of each partition of a table, as far as the meta server answers.
    pub fn primaries(&self, table: &str) -> Vec<Option<RpcAddress>> {
        let partitions = self
            .runtime
            .block_on(self.cluster.admin().partitions(table));
        let members = partitions
            .map(|partitions| partitions.members)
            .unwrap_or_default();
        members.into_iter().map(|members| members.primary).collect()
    }

    /// Waits until all replicas of each partition hold the same records. Returns the number of
    /// partitions, or who differs when the time is up.
    pub fn wait_until_identical(&self, limit: Duration) -> Result<usize, String> {
        let deadline = Instant::now() + limit;
        let mut compared = 0;
        for table in &self.tables {
            let partitions = self
                .runtime
                .block_on(self.cluster.admin().partitions(table));
            let partitions = partitions.map_err(|error| with_causes(&error))?;
            for members in &partitions.members {
                while let Err(problem) = self.runtime.block_on(compare(&self.pool, members)) {
                    if Instant::now() >= deadline {
                        return Err(problem);
                    }
                    std::thread::sleep(LOOK_PAUSE);
                }
                compared += 1;
            }
        }
        Ok(compared)
    }
}

async fn leads(pool: &SessionPool, meta: RpcAddress) -> bool {
    let request = ConfigurationClusterInfoRequest::default();
    let header = RoutingHeader::server(LEADER_PATIENCE);
    let response = pool
        .call(meta, TaskCode::ClusterInfo, header, &request)
        .await;
    let answer: Result<ConfigurationClusterInfoResponse, _> =
        response.and_then(|response| response.decode());
    answer.is_ok_and(|answer| answer.err.is_ok())
}

async fn compare(pool: &SessionPool, members: &PartitionMembers) -> Result<(), String> {
    let mut digests = Vec::new();
    for &server in members.primary.iter().chain(&members.secondaries) {
        let request = QueryReplicaDigestRequest { pid: members.gpid };
        let header = RoutingHeader::server(CALL_LIMIT);
        let response = pool.call(server, TaskCode::QueryReplicaDigest, header, &request);
        let digest: QueryReplicaDigestResponse = response
            .await
            .and_then(|response| response.decode())
            .map_err(|error| format!("{} at {server}: {error}", members.gpid))?;
        if !digest.err.is_ok() {
            return Err(format!("{} at {server}: {}", members.gpid, digest.err));
        }
        digests.push((server, digest));
    }
    let differs = digests.windows(2).any(|pair| pair[0].1 != pair[1].1);
    match differs {
        true => Err(format!(
            "the replicas of {} differ: {digests:?}",
            members.gpid
        )),
        false => Ok(()),
    }
}
