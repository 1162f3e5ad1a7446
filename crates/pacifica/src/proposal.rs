//! [`Proposal`]: what the meta server asks a replica to do (replication.md section 9.2). It changes
//! nothing by itself: the replica asks meta for the configuration that it wants, and meta decides.

use pegasus_common::RpcAddress;

use crate::configuration::Configuration;
use crate::effect::Effects;
use crate::reconfiguration::{ConfigurationSource, ReconfigurationKind};
use crate::replica::Replica;
use crate::role::{InactiveReason, Role};

/// What is proposed; numbers as upstream's `config_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i32)]
pub enum ProposalKind {
    /// CT_ASSIGN_PRIMARY: the partition has no member left; be its primary with what you have.
    AssignPrimary = 1,
    /// CT_UPGRADE_TO_PRIMARY: a secondary is to take over.
    UpgradeToPrimary = 2,
    /// CT_ADD_SECONDARY: the primary is to teach a server.
    AddSecondary = 3,
    /// CT_DOWNGRADE_TO_SECONDARY: the primary is to step back.
    DowngradeToSecondary = 5,
    /// CT_DOWNGRADE_TO_INACTIVE: the primary is to go on without a member, or to give up.
    DowngradeToInactive = 6,
    /// CT_REMOVE: the same, for good.
    Remove = 7,
    /// CT_ADD_SECONDARY_FOR_LB: the primary is to teach one server more than the table needs.
    AddSecondaryForBalance = 8,
}

impl ProposalKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::AssignPrimary,
        Self::UpgradeToPrimary,
        Self::AddSecondary,
        Self::DowngradeToSecondary,
        Self::DowngradeToInactive,
        Self::Remove,
        Self::AddSecondaryForBalance,
    ];

    /// The number on the wire.
    #[must_use]
    pub const fn code(self) -> i32 {
        self as i32
    }

    /// The kind of a number from the wire, if it is one that meta proposes.
    #[must_use]
    pub fn from_code(code: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

/// A proposal of the meta server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Proposal {
    /// What to do.
    pub kind: ProposalKind,
    /// The server that it is about.
    pub node: RpcAddress,
    /// The configuration that meta proposes it for.
    pub configuration: Configuration,
}

impl Replica {
    /// A proposal of meta. Its configuration is taken first if it is newer; a proposal for an older one
    /// is ignored. Meta repeats what is not done.
    pub fn on_proposal(&mut self, proposal: &Proposal, out: &mut Effects) {
        let configuration = &proposal.configuration;
        self.take_configuration(configuration, ConfigurationSource::Proposal, out);
        if configuration.ballot == self.known_ballot() && configuration.is_well_formed() {
            match &mut self.role {
                Role::Inactive(InactiveReason::Adopting(adoption)) => {
                    if proposal.node == self.me {
                        adoption.proposal = Some(proposal.kind);
                    }
                }
                _ => self.act_on(proposal.kind, proposal.node, configuration, out),
            }
        }
        self.check_invariants();
    }

    /// Does what meta proposes under the durable ballot, if it can be done in the present role.
    pub(crate) fn act_on(
        &mut self,
        kind: ProposalKind,
        node: RpcAddress,
        configuration: &Configuration,
        out: &mut Effects,
    ) {
        let wanted = configuration.max_replica_count;
        let is_about_me = node == self.me;
        match (kind, &self.role) {
            (ProposalKind::AssignPrimary, Role::Inactive(_)) if is_about_me => {
                self.ask_to_be_the_truth(configuration, out);
            }
            (ProposalKind::UpgradeToPrimary, Role::Secondary(_)) if is_about_me => {
                self.ask_to_take_over(configuration, out);
            }
            (ProposalKind::UpgradeToPrimary, Role::Inactive(InactiveReason::Unproven))
                if is_about_me =>
            {
                self.ask_to_leave(configuration, out);
            }
            (ProposalKind::AddSecondary, Role::Primary(_)) => self.add_learner(node, wanted, out),
            (ProposalKind::AddSecondaryForBalance, Role::Primary(_)) => {
                self.add_learner(node, wanted.saturating_add(1), out);
            }
            (ProposalKind::DowngradeToSecondary, Role::Primary(_)) if is_about_me => {
                let mut next = configuration.without(self.me);
                next.secondaries.push(self.me);
                self.step_back(ReconfigurationKind::DowngradeToSecondary, next, out);
            }
            (ProposalKind::DowngradeToInactive, Role::Primary(_)) => {
                self.let_go(ReconfigurationKind::DowngradeToInactive, node, out);
            }
            (ProposalKind::Remove, Role::Primary(_)) => {
                self.let_go(ReconfigurationKind::Remove, node, out);
            }
            _ => {}
        }
    }

    /// Nobody is left in the partition, and meta has chosen this replica to go on with what it has.
    fn ask_to_be_the_truth(&mut self, configuration: &Configuration, out: &mut Effects) {
        if configuration.member_count() == 0 && configuration.ballot == self.ballot {
            let mut next = configuration.with_next_ballot();
            next.primary = Some(self.me);
            self.ask_for(ReconfigurationKind::AssignPrimary, self.me, next, out);
            self.become_role(Role::Inactive(InactiveReason::AwaitingBallot), out);
        }
    }

    /// A secondary of a partition without a primary. It follows on until the next ballot.
    fn ask_to_take_over(&mut self, configuration: &Configuration, out: &mut Effects) {
        if configuration.primary.is_none() {
            let mut next = configuration.without(self.me);
            next.primary = Some(self.me);
            self.ask_for(ReconfigurationKind::UpgradeToPrimary, self.me, next, out);
        }
    }

    /// The primary is to go on without a server, or to give up itself.
    fn let_go(&mut self, kind: ReconfigurationKind, node: RpcAddress, out: &mut Effects) {
        let Some(primary) = self.as_primary() else {
            return;
        };
        if node == self.me {
            let next = primary.configuration.without(node);
            self.step_back(kind, next, out);
        } else if self.learner(node).is_some() {
            self.drop_learner(node, out);
        } else {
            self.ask_to_remove(kind, node, out);
        }
    }

    /// The primary ends its role before it asks meta to end it, for good in this ballot. So its
    /// lease is in nobody's way: the request proves that it serves no more.
    fn step_back(&mut self, kind: ReconfigurationKind, next: Configuration, out: &mut Effects) {
        self.become_role(Role::Inactive(InactiveReason::AwaitingBallot), out);
        self.ask_for(kind, self.me, next, out);
    }
}
