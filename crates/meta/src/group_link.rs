//! [`GroupLink`]: messages between the members of the metadata group, over the servers' connections.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use pegasus_common::RpcAddress;
use pegasus_metastore::embedded::network::{Link, LinkError};
use pegasus_metastore::store::BoxFuture;
use pegasus_rpc::{CallError, RoutingHeader, SessionPool, names};
use pegasus_wire::TaskCode;

/// Carries the group's messages. Names of hosts are looked up when they are first used, and again
/// after each failure.
pub struct GroupLink {
    sessions: SessionPool,
    resolved: Mutex<BTreeMap<String, RpcAddress>>,
}

impl std::fmt::Debug for GroupLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GroupLink").finish_non_exhaustive()
    }
}

impl GroupLink {
    /// A link over these connections.
    #[must_use]
    pub fn new(sessions: SessionPool) -> Self {
        Self {
            sessions,
            resolved: Mutex::default(),
        }
    }

    /// The address of a member, as far as it is known without asking.
    fn known(&self, name: &str) -> Option<RpcAddress> {
        let literal = name.parse().ok();
        literal.or_else(|| self.resolved.lock().get(name).copied())
    }

    /// The address of a member, looked up if need be.
    ///
    /// # Errors
    /// It cannot be looked up.
    pub async fn resolve(&self, name: &str) -> Result<RpcAddress, LinkError> {
        if let Some(known) = self.known(name) {
            return Ok(known);
        }
        let unreachable = |reason: String| LinkError::Unreachable(format!("{name}: {reason}"));
        let found = names::lookup(name).await;
        let found = found.map_err(|error| unreachable(error.to_string()))?;
        let address = found.first().copied();
        let address = address.ok_or_else(|| unreachable("has no IPv4 address".to_owned()))?;
        self.resolved.lock().insert(name.to_owned(), address);
        Ok(address)
    }

    async fn exchange(
        &self,
        name: &str,
        message: &Bytes,
        patience: Duration,
    ) -> Result<Bytes, LinkError> {
        let address = self.resolve(name).await?;
        let header = RoutingHeader::server(patience);
        let called = self
            .sessions
            .call(address, TaskCode::MetaGroup, header, message);
        let answer = called.await.and_then(|answer| answer.decode::<Bytes>());
        answer.map_err(|error| {
            self.resolved.lock().remove(name);
            match error {
                CallError::Timeout { .. } => LinkError::TimedOut,
                error => LinkError::Unreachable(format!("{name}: {error}")),
            }
        })
    }
}

impl Link for GroupLink {
    fn call<'a>(
        &'a self,
        address: &'a str,
        message: Bytes,
        patience: Duration,
    ) -> BoxFuture<'a, Result<Bytes, LinkError>> {
        Box::pin(async move { self.exchange(address, &message, patience).await })
    }
}
