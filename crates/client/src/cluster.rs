//! The entry: a cluster, its tables and its administration.

use std::sync::Arc;

use pegasus_rpc::SessionPool;

use crate::admin::Admin;
use crate::error::ClientError;
use crate::meta_client::MetaClient;
use crate::meta_list::MetaList;
use crate::options::ClientOptions;
use crate::routing::Routing;
use crate::table::Table;

/// A cluster, known by its meta servers. It has its own connections, one to each server; a clone
/// shares them.
#[derive(Clone, Debug)]
pub struct Cluster {
    meta: Arc<MetaClient>,
    pool: SessionPool,
    options: ClientOptions,
}

impl Cluster {
    /// Takes the list of meta servers, `host:port,host:port`, and looks their names up. Connections
    /// are made when they are needed, so this succeeds also while the cluster is down.
    ///
    /// # Errors
    /// [`ClientError::MetaList`].
    pub async fn connect(meta_list: &str, options: ClientOptions) -> Result<Self, ClientError> {
        let list = MetaList::parse(meta_list)?;
        list.resolve().await?;
        let pool = SessionPool::new(options.session);
        Ok(Self {
            meta: Arc::new(MetaClient::new(list, pool.clone())),
            pool,
            options,
        })
    }

    /// Opens a table: asks the meta server where its partitions are.
    ///
    /// # Errors
    /// [`ClientError::Table`] when there is no such table or it is not ready;
    /// [`ClientError::NoLeader`].
    pub async fn table(&self, name: &str) -> Result<Table, ClientError> {
        let timeout = self.options.meta_timeout;
        let routing = Routing::open(name, self.meta.clone(), timeout).await?;
        Ok(Table::new(name, routing, self.pool.clone(), &self.options))
    }

    /// Administrative calls.
    #[must_use]
    pub fn admin(&self) -> Admin {
        Admin::new(self.meta.clone(), self.options.meta_timeout)
    }
}
