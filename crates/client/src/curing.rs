//! Administrative calls for hard times: how much the meta servers may change by themselves, changes
//! by hand, and partitions that have lost all members.

use pegasus_common::{Gpid, RpcAddress};
use pegasus_wire::meta_admin::{
    ConfigType, ConfigurationBalancerRequest, ConfigurationMetaControlRequest,
    ConfigurationProposalAction, DddDiagnoseRequest, DddPartitionInfo, MetaFunctionLevel,
};

use crate::admin::Admin;
use crate::error::ClientError;
use crate::retry::Repeat;

/// A change of one partition's membership, asked for by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which partition.
    pub gpid: Gpid,
    /// The server that carries it out: mostly the primary.
    pub target: RpcAddress,
    /// The server that it is about.
    pub node: RpcAddress,
    /// What shall change.
    pub kind: ConfigType,
    /// Whether the function level counts.
    pub urgency: Urgency,
}

/// Whether a change by hand respects the function level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Urgency {
    /// It is refused below `fl_steady`.
    #[default]
    Usual,
    /// It is done at any level.
    Forced,
}

impl Admin {
    /// How much the meta servers change by themselves.
    ///
    /// # Errors
    /// [`ClientError::NoLeader`], [`ClientError::Meta`].
    pub async fn meta_level(&self) -> Result<MetaFunctionLevel, ClientError> {
        self.control_meta(MetaFunctionLevel::FL_INVALID).await
    }

    /// Sets how much the meta servers change by themselves; returns the level before.
    ///
    /// # Errors
    /// [`ClientError::NoLeader`], [`ClientError::Meta`].
    pub async fn set_meta_level(
        &self,
        level: MetaFunctionLevel,
    ) -> Result<MetaFunctionLevel, ClientError> {
        self.control_meta(level).await
    }

    async fn control_meta(
        &self,
        level: MetaFunctionLevel,
    ) -> Result<MetaFunctionLevel, ClientError> {
        let request = ConfigurationMetaControlRequest { level };
        let answer = self.ask(Repeat::Harmless, &request).await?;
        Ok(answer.old_level)
    }

    /// Asks for a change. It is under way when this returns, not done.
    ///
    /// # Errors
    /// [`ClientError::NoLeader`]; [`ClientError::Meta`] when the change makes no sense now.
    pub async fn propose(&self, change: Change) -> Result<(), ClientError> {
        // A second proposal of what is done already is refused.
        let action = ConfigurationProposalAction {
            target: change.target,
            node: change.node,
            r#type: change.kind,
            ..ConfigurationProposalAction::default()
        };
        let request = ConfigurationBalancerRequest {
            gpid: change.gpid,
            action_list: vec![action],
            force: Some(change.urgency == Urgency::Forced),
            ..ConfigurationBalancerRequest::default()
        };
        self.ask(Repeat::Harmless, &request).await?;
        Ok(())
    }

    /// The partitions that have lost all members, and why no primary is chosen for them. A
    /// partition index of -1 stands for all of the table, and with a table of -1 for all tables.
    ///
    /// # Errors
    /// [`ClientError::NoLeader`], [`ClientError::Meta`].
    pub async fn diagnose(&self, gpid: Gpid) -> Result<Vec<DddPartitionInfo>, ClientError> {
        let request = DddDiagnoseRequest { pid: gpid };
        let answer = self.ask(Repeat::Harmless, &request).await?;
        Ok(answer.partitions)
    }
}
