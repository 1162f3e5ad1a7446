//! Changes of membership: what a replica asks of meta, and how it hears of configurations
//! (replication.md section 9). Only meta makes ballots (I3); how a replica enters one is in
//! [`crate::adoption`].

use pegasus_common::RpcAddress;

use crate::configuration::Configuration;
use crate::effect::{Effect, Effects};
use crate::lease::LeaseTerm;
use crate::replica::Replica;

/// A change that a replica asks meta for; numbers as upstream's `config_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum ReconfigurationKind {
    /// CT_ASSIGN_PRIMARY: the only member of a partition that had none.
    AssignPrimary = 1,
    /// CT_UPGRADE_TO_PRIMARY: a secondary takes over.
    UpgradeToPrimary = 2,
    /// CT_UPGRADE_TO_SECONDARY: a learner has everything.
    UpgradeToSecondary = 4,
    /// CT_DOWNGRADE_TO_SECONDARY: the primary steps back.
    DowngradeToSecondary = 5,
    /// CT_DOWNGRADE_TO_INACTIVE: a member is gone or failed.
    DowngradeToInactive = 6,
    /// CT_REMOVE: a member is to leave.
    Remove = 7,
    /// CT_PRIMARY_FORCE_UPDATE_BALLOT: a restarted primary needs a ballot in which it never spoke.
    PrimaryForceUpdateBallot = 9,
}

impl ReconfigurationKind {
    /// The number on the wire.
    #[must_use]
    pub const fn code(self) -> i32 {
        self as i32
    }
}

/// What a replica asks meta for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReconfigurationRequest {
    /// The kind of change.
    pub kind: ReconfigurationKind,
    /// The member that it is about.
    pub node: RpcAddress,
    /// The membership that results, under the present ballot plus one.
    pub configuration: Configuration,
}

/// How a configuration came here.
///
/// Meta confirms a primary (I4) by an answer to a question that was asked while the server held its
/// lease, in the term named. `LeaseTerm::NEVER`: asked without a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConfigurationSource {
    /// Config sync: meta listed it.
    Sync {
        /// The lease term in which the server asked.
        asked_in: LeaseTerm,
    },
    /// The answer to a [`ReconfigurationRequest`], whether granted or not.
    Reply {
        /// The lease term in which the server asked.
        asked_in: LeaseTerm,
    },
    /// A proposal of meta (at a partition's birth: the configuration itself).
    Proposal,
    /// The primary's group check.
    GroupCheck,
}

impl ConfigurationSource {
    /// The term in which a question was asked that this answers.
    pub(crate) fn asked_in(self) -> LeaseTerm {
        match self {
            Self::Sync { asked_in } | Self::Reply { asked_in } => asked_in,
            Self::Proposal | Self::GroupCheck => LeaseTerm::NEVER,
        }
    }
}

impl Replica {
    /// The change of membership that this replica has asked meta for under its ballot.
    #[must_use]
    pub fn request(&self) -> Option<&ReconfigurationRequest> {
        self.request.as_ref()
    }

    /// Asks meta for another configuration, in place of what was asked for before. Of several
    /// requests of one ballot meta grants at most one.
    pub(crate) fn ask_for(
        &mut self,
        kind: ReconfigurationKind,
        node: RpcAddress,
        configuration: Configuration,
        out: &mut Effects,
    ) {
        debug_assert_eq!(configuration.ballot, self.ballot.next(), "I3: one more");
        self.request = Some(ReconfigurationRequest {
            kind,
            node,
            configuration,
        });
        self.repeat_request(out);
    }

    pub(crate) fn repeat_request(&self, out: &mut Effects) {
        if let Some(request) = &self.request {
            out.push(Effect::RequestReconfiguration(request.clone()));
        }
    }

    /// Time to ask again, if meta has been asked for something and has not answered it.
    pub fn on_reconfiguration_timer(&mut self, out: &mut Effects) {
        self.repeat_request(out);
        self.ask_for_confirmation(out);
        self.check_invariants();
    }
}
