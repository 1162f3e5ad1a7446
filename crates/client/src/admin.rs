//! Administrative calls, answered by the leading meta server.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pegasus_common::RpcAddress;
use pegasus_wire::layer2::{AppInfo, AppStatus};
use pegasus_wire::meta_admin::{
    ConfigurationClusterInfoRequest, ConfigurationCreateAppRequest, ConfigurationDropAppRequest,
    ConfigurationListAppsRequest, ConfigurationListNodesRequest, CreateAppOptions, DropAppOptions,
    NodeStatus,
};

use crate::error::ClientError;
use crate::meta_client::MetaClient;
use crate::retry::Repeat;
use crate::routing::{Partitions, query};

/// Administrative calls; cheap to clone.
#[derive(Clone, Debug)]
pub struct Admin {
    meta: Arc<MetaClient>,
    timeout: Duration,
}

/// What to do about a table that exists already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IfExists {
    /// Take it, if it has the same shape.
    #[default]
    Succeed,
    /// Refuse.
    Fail,
}

/// What to do about a table that does not exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IfMissing {
    /// Refuse.
    #[default]
    Fail,
    /// Nothing is left to do.
    Succeed,
}

/// The shape of a new table.
#[derive(Clone, Debug)]
pub struct CreateTable {
    name: String,
    partition_count: i32,
    replica_count: i32,
    if_exists: IfExists,
    envs: BTreeMap<String, String>,
    atomic_idempotent: bool,
}

impl CreateTable {
    /// A table of 4 partitions with 3 replicas each, the original shell's defaults.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            partition_count: 4,
            replica_count: 3,
            if_exists: IfExists::default(),
            envs: BTreeMap::new(),
            atomic_idempotent: false,
        }
    }

    /// How many partitions; a power of two.
    #[must_use]
    pub fn partition_count(mut self, count: i32) -> Self {
        self.partition_count = count;
        self
    }

    /// How many members each partition has.
    #[must_use]
    pub fn replica_count(mut self, count: i32) -> Self {
        self.replica_count = count;
        self
    }

    /// What to do if it exists.
    #[must_use]
    pub fn if_exists(mut self, choice: IfExists) -> Self {
        self.if_exists = choice;
        self
    }

    /// A setting of the table.
    #[must_use]
    pub fn env(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.envs.insert(key.into(), value.into());
        self
    }

    /// Atomic writes are logged as their effects (data-semantics.md section 8).
    #[must_use]
    pub fn atomic_idempotent(mut self) -> Self {
        self.atomic_idempotent = true;
        self
    }
}

/// One replica server, as the meta server sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// Where it is.
    pub address: RpcAddress,
    /// Whether it lives.
    pub status: NodeStatus,
}

impl Admin {
    pub(crate) fn new(meta: Arc<MetaClient>, timeout: Duration) -> Self {
        Self { meta, timeout }
    }

    pub(crate) fn meta(&self) -> &MetaClient {
        &self.meta
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The same calls with another deadline.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The tables with a status; `AppStatus(0)` (invalid) selects every status.
    ///
    /// # Errors
    /// [`ClientError::NoLeader`], [`ClientError::Meta`].
    pub async fn list_apps(&self, status: AppStatus) -> Result<Vec<AppInfo>, ClientError> {
        let request = ConfigurationListAppsRequest {
            status,
            ..ConfigurationListAppsRequest::default()
        };
        let answer = self.ask(Repeat::Harmless, &request).await?;
        Ok(answer.infos)
    }

    /// Creates a table and returns its number. The table is made durable when this returns; its
    /// partitions come to life soon after, see [`Admin::partitions`].
    ///
    /// # Errors
    /// [`ClientError::NoLeader`], after which it may have been created; [`ClientError::Meta`].
    pub async fn create_app(&self, table: &CreateTable) -> Result<i32, ClientError> {
        // Creating it again gives the same table, unless that is to fail.
        let repeat = match table.if_exists {
            IfExists::Succeed => Repeat::Harmless,
            IfExists::Fail => Repeat::Harmful,
        };
        let request = ConfigurationCreateAppRequest {
            app_name: table.name.clone(),
            options: CreateAppOptions {
                partition_count: table.partition_count,
                replica_count: table.replica_count,
                success_if_exist: table.if_exists == IfExists::Succeed,
                app_type: "pegasus".to_owned(),
                is_stateful: true,
                envs: table.envs.clone(),
                // Absent, the default, is what every server understands.
                atomic_idempotent: table.atomic_idempotent.then_some(true),
            },
        };
        let answer = self.ask(repeat, &request).await?;
        Ok(answer.appid)
    }

    /// Drops a table. The meta server keeps its data for `reserve`, or for as long as its own
    /// configuration says.
    ///
    /// # Errors
    /// [`ClientError::NoLeader`], after which it may have been dropped; [`ClientError::Meta`].
    pub async fn drop_app(
        &self,
        name: &str,
        reserve: Option<Duration>,
        if_missing: IfMissing,
    ) -> Result<(), ClientError> {
        let repeat = match if_missing {
            IfMissing::Succeed => Repeat::Harmless,
            IfMissing::Fail => Repeat::Harmful,
        };
        let request = ConfigurationDropAppRequest {
            app_name: name.to_owned(),
            options: DropAppOptions {
                success_if_not_exist: if_missing == IfMissing::Succeed,
                reserve_seconds: reserve
                    .map(|reserve| i64::try_from(reserve.as_secs()).unwrap_or(i64::MAX)),
            },
        };
        self.ask(repeat, &request).await?;
        Ok(())
    }

    /// The replica servers with a status; `NodeStatus(0)` (invalid) selects every status.
    ///
    /// # Errors
    /// [`ClientError::NoLeader`], [`ClientError::Meta`].
    pub async fn list_nodes(&self, status: NodeStatus) -> Result<Vec<Node>, ClientError> {
        let request = ConfigurationListNodesRequest { status };
        let answer = self.ask(Repeat::Harmless, &request).await?;
        let nodes = answer.infos.into_iter().map(|info| Node {
            address: info.node,
            status: info.status,
        });
        Ok(nodes.collect())
    }

    /// Facts about the cluster, name and value, in the server's order.
    ///
    /// # Errors
    /// [`ClientError::NoLeader`], [`ClientError::Meta`].
    pub async fn cluster_info(&self) -> Result<Vec<(String, String)>, ClientError> {
        let request = ConfigurationClusterInfoRequest::default();
        let answer = self.ask(Repeat::Harmless, &request).await?;
        Ok(answer.keys.into_iter().zip(answer.values).collect())
    }

    /// The members of every partition of a table.
    ///
    /// # Errors
    /// [`ClientError::Table`], [`ClientError::NoLeader`].
    pub async fn partitions(&self, table: &str) -> Result<Partitions, ClientError> {
        query(&self.meta, table, self.timeout, 1).await
    }
}
