//! What the meta server wants of one replica: the meaning of a proposal, and the wire form of
//! configurations.

use pegasus_common::RpcAddress;
use pegasus_pacifica::Configuration;
use pegasus_pacifica::ConfigurationSource;
use pegasus_pacifica::Membership;
use pegasus_pacifica::Proposal;
use pegasus_pacifica::ProposalKind;
use pegasus_wire::meta_admin::ConfigType;
use pegasus_wire::meta_admin::ConfigurationUpdateRequest;

use crate::peer_messages::configuration_of;

/// What a replica is told on the meta server's behalf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Instruction {
    /// Take this configuration.
    Configure {
        /// The membership.
        configuration: Configuration,
        /// How it came, and so whether it confirms a primary.
        source: ConfigurationSource,
    },
    /// Bring this change about.
    Propose(Proposal),
}

/// A proposal that makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadProposal {
    /// The configuration names a server twice or has a negative number.
    #[error("malformed configuration")]
    Configuration,
    /// The kind of change is none that is proposed.
    #[error("change {0} is not for proposals")]
    Kind(i32),
    /// The change is about no server.
    #[error("the change names no server")]
    Node,
}

impl Instruction {
    /// What RPC_CONFIG_PROPOSAL asks for (replication.md section 9.2).
    ///
    /// A proposal that makes a server what it already is in the configuration beside it only brings
    /// that configuration: this is how members hear of a partition's birth.
    ///
    /// # Errors
    /// It makes no sense.
    pub fn of_proposal(update: &ConfigurationUpdateRequest) -> Result<Self, BadProposal> {
        let configuration = configuration_of(&update.config).ok_or(BadProposal::Configuration)?;
        let Some(kind) = proposal_kind(update.r#type)? else {
            return Ok(Self::proposed_configuration(configuration));
        };
        let node = update.node.valid().ok_or(BadProposal::Node)?;
        if kind == ProposalKind::AssignPrimary
            && configuration.membership_of(node) != Membership::Outside
        {
            return Ok(Self::proposed_configuration(configuration));
        }
        Ok(Self::Propose(Proposal {
            kind,
            node,
            configuration,
        }))
    }

    fn proposed_configuration(configuration: Configuration) -> Self {
        Self::Configure {
            configuration,
            source: ConfigurationSource::Proposal,
        }
    }
}

/// `None`: nothing but a configuration.
fn proposal_kind(wire: ConfigType) -> Result<Option<ProposalKind>, BadProposal> {
    match ProposalKind::from_code(wire.0) {
        None if wire == ConfigType::CT_INVALID => Ok(None),
        None => Err(BadProposal::Kind(wire.0)),
        known => Ok(known),
    }
}

/// `update` with `node` taken out of its configuration, under the next ballot: how a server reports
/// that it does not have a replica that it is listed for (replication.md section 9.3).
#[must_use]
pub fn without_lost_replica(
    update: &ConfigurationUpdateRequest,
    node: RpcAddress,
) -> ConfigurationUpdateRequest {
    let mut config = update.config.clone();
    config.ballot += 1;
    config.secondaries.retain(|&member| member != node);
    if config.primary == node {
        config.primary = RpcAddress::INVALID;
    }
    config.hp_primary = None;
    config.hp_secondaries = None;
    ConfigurationUpdateRequest {
        info: update.info.clone(),
        config,
        r#type: ConfigType::CT_DOWNGRADE_TO_INACTIVE,
        node,
        ..ConfigurationUpdateRequest::default()
    }
}

#[cfg(test)]
mod tests {
    use pegasus_common::Gpid;
    use pegasus_wire::layer2::PartitionConfiguration;

    use super::*;
    use crate::testing::server;

    fn update(kind: ConfigType, node: RpcAddress) -> ConfigurationUpdateRequest {
        ConfigurationUpdateRequest {
            config: PartitionConfiguration {
                pid: Gpid::new(2, 0),
                ballot: 5,
                max_replica_count: 3,
                primary: server(1),
                secondaries: vec![server(2)],
                ..PartitionConfiguration::default()
            },
            r#type: kind,
            node,
            ..ConfigurationUpdateRequest::default()
        }
    }

    fn kind_of(kind: ConfigType, node: RpcAddress) -> Option<ProposalKind> {
        match Instruction::of_proposal(&update(kind, node)).unwrap() {
            Instruction::Propose(proposal) => Some(proposal.kind),
            Instruction::Configure { source, .. } => {
                assert_eq!(source, ConfigurationSource::Proposal);
                None
            }
        }
    }

    #[test]
    fn each_kind_of_proposal_is_understood() {
        let there = server(3);
        for kind in ProposalKind::ALL {
            assert_eq!(kind_of(ConfigType(kind.code()), there), Some(kind));
        }
    }

    #[test]
    fn a_birth_brings_a_configuration_and_no_change() {
        for member in [server(1), server(2)] {
            assert_eq!(kind_of(ConfigType::CT_ASSIGN_PRIMARY, member), None);
        }
        assert_eq!(kind_of(ConfigType::CT_INVALID, RpcAddress::INVALID), None);
    }

    #[test]
    fn nonsense_is_refused() {
        let bad = |update| Instruction::of_proposal(&update).unwrap_err();
        let kind = ConfigType::CT_REGISTER_CHILD;
        assert_eq!(bad(update(kind, server(1))), BadProposal::Kind(kind.0));
        let nobody = update(ConfigType::CT_REMOVE, RpcAddress::INVALID);
        assert_eq!(bad(nobody), BadProposal::Node);
        let mut twice = update(ConfigType::CT_REMOVE, server(2));
        twice.config.secondaries = vec![server(1)];
        assert_eq!(bad(twice), BadProposal::Configuration);
    }

    #[test]
    fn a_lost_replica_is_taken_out_under_the_next_ballot() {
        let update = update(ConfigType::CT_INVALID, RpcAddress::INVALID);
        let primary = without_lost_replica(&update, server(1));
        assert_eq!(primary.config.primary, RpcAddress::INVALID);
        assert_eq!(primary.config.secondaries, [server(2)]);
        assert_eq!(primary.config.ballot, 6);
        assert_eq!(primary.r#type, ConfigType::CT_DOWNGRADE_TO_INACTIVE);
        let secondary = without_lost_replica(&update, server(2));
        assert_eq!(secondary.config.primary, server(1));
        assert!(secondary.config.secondaries.is_empty());
    }
}
