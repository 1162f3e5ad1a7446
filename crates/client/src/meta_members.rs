//! The metadata group: who its members are, changing that while the cluster works, and what it keeps.

use pegasus_common::HostPort;
use pegasus_wire::meta_admin::{
    MetaDumpRequest, MetaMember, MetaMembersOperation, MetaMembersRequest,
};

use crate::admin::Admin;
use crate::error::ClientError;
use crate::retry::Repeat;

impl Admin {
    /// The meta servers that form the group, by address.
    ///
    /// # Errors
    /// [`ClientError::NoLeader`], [`ClientError::Meta`].
    pub async fn meta_servers(&self) -> Result<Vec<MetaMember>, ClientError> {
        let list = MetaMembersRequest::default();
        let answer = self.ask(Repeat::Harmless, &list).await?;
        Ok(answer.members)
    }

    /// Adds the meta server that listens at `address`, with an empty directory, to the group; one that
    /// was there before and lost its directory is replaced. Returns all when it votes.
    ///
    /// # Errors
    /// [`ClientError::NoLeader`]; [`ClientError::Meta`] with the reason.
    pub async fn add_meta_server(
        &self,
        address: &HostPort,
    ) -> Result<Vec<MetaMember>, ClientError> {
        let operation = MetaMembersOperation::MMO_ADD;
        self.change_meta_servers(Repeat::Harmless, operation, address)
            .await
    }

    /// Removes the meta server at `address` from the group; returns those that are left.
    ///
    /// # Errors
    /// [`ClientError::NoLeader`]; [`ClientError::Meta`] with the reason.
    pub async fn remove_meta_server(
        &self,
        address: &HostPort,
    ) -> Result<Vec<MetaMember>, ClientError> {
        let operation = MetaMembersOperation::MMO_REMOVE;
        self.change_meta_servers(Repeat::Harmful, operation, address)
            .await
    }

    /// All metadata, as a text that `pegasus meta restore` reads.
    ///
    /// # Errors
    /// [`ClientError::NoLeader`], [`ClientError::Meta`].
    pub async fn dump_metadata(&self) -> Result<String, ClientError> {
        let answer = self.ask(Repeat::Harmless, &MetaDumpRequest {}).await?;
        Ok(answer.dump)
    }

    async fn change_meta_servers(
        &self,
        repeat: Repeat,
        operation: MetaMembersOperation,
        address: &HostPort,
    ) -> Result<Vec<MetaMember>, ClientError> {
        let request = MetaMembersRequest {
            operation,
            address: address.to_string(),
        };
        let answer = self.ask(repeat, &request).await?;
        Ok(answer.members)
    }
}
