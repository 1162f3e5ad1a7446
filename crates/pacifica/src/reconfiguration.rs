//! Changes of membership: what meta says, and what a replica asks of meta (replication.md section 9).
//! Only meta makes ballots (I3); a replica enters one when the ballot is safe in its own log.

use std::cmp::Ordering;

use pegasus_common::{Ballot, RpcAddress};

use crate::configuration::{Configuration, Membership};
use crate::effect::{Effect, Effects};
use crate::recovered::Standing;
use crate::replica::Replica;
use crate::role::{InactiveReason, Role};

/// A change that a replica asks meta for; numbers as upstream's `config_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum ReconfigurationKind {
    /// CT_ASSIGN_PRIMARY: the first primary of a partition.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConfigurationSource {
    /// Config sync: meta listed it.
    Sync,
    /// A proposal of meta (at a partition's birth: the configuration itself).
    Proposal,
    /// The answer to a [`ReconfigurationRequest`], whether granted or not.
    Reply,
    /// The primary's group check.
    GroupCheck,
}

impl Replica {
    /// A configuration from meta, or from the primary. Older ones are ignored.
    pub fn on_configuration(
        &mut self,
        configuration: &Configuration,
        source: ConfigurationSource,
        out: &mut Effects,
    ) {
        self.take_configuration(configuration, source, out);
        self.check_invariants();
    }

    pub(crate) fn take_configuration(
        &mut self,
        configuration: &Configuration,
        source: ConfigurationSource,
        out: &mut Effects,
    ) {
        if matches!(self.role, Role::Error(_)) || !configuration.is_well_formed() {
            return;
        }
        match configuration.ballot.cmp(&self.known_ballot()) {
            Ordering::Less => {}
            Ordering::Equal => self.settle(configuration, source, out),
            Ordering::Greater => self.adopt(configuration.clone(), out),
        }
    }

    /// A higher ballot: the old one ends here at once, the new one begins when it is safe.
    fn adopt(&mut self, configuration: Configuration, out: &mut Effects) {
        debug_assert!(
            configuration.ballot > self.known_ballot(),
            "I3: ballots grow"
        );
        let ballot = configuration.ballot;
        out.push(Effect::AppendBallot { ballot });
        self.become_role(Role::Inactive(InactiveReason::Adopting(configuration)), out);
        debug_assert_eq!(self.known_ballot(), ballot, "heard of");
        debug_assert!(self.ballot < ballot, "I3: durable first");
    }

    /// The log holds the ballot for good. Reports of ballots that were overtaken are ignored.
    pub fn on_ballot_safe(&mut self, ballot: Ballot, out: &mut Effects) {
        if let Role::Inactive(InactiveReason::Adopting(configuration)) = &self.role
            && configuration.ballot == ballot
        {
            debug_assert!(ballot > self.ballot, "I3: ballots grow");
            let configuration = configuration.clone();
            self.ballot = ballot;
            self.enter(configuration, out);
        }
        self.check_invariants();
    }

    /// Takes the role that a configuration of the durable ballot gives.
    fn enter(&mut self, configuration: Configuration, out: &mut Effects) {
        debug_assert_eq!(configuration.ballot, self.ballot, "I3: durable first");
        match (configuration.membership_of(self.me), self.standing) {
            (Membership::Outside, _) => {
                // From now on the group goes on without this replica.
                self.standing = Standing::Unproven;
                self.become_role(Role::Inactive(InactiveReason::Outside), out);
            }
            (_, Standing::Unproven) => {
                self.become_role(Role::Inactive(InactiveReason::Unproven), out);
                out.push(Effect::NeedsLearning { configuration });
            }
            (Membership::Primary, Standing::Proven) => self.enter_primary(configuration, out),
            (Membership::Secondary, Standing::Proven) => self.enter_secondary(configuration, out),
        }
    }

    /// The configuration of the ballot that this replica has already.
    fn settle(
        &mut self,
        configuration: &Configuration,
        source: ConfigurationSource,
        out: &mut Effects,
    ) {
        match &mut self.role {
            Role::Inactive(InactiveReason::Starting) if configuration.ballot > Ballot::ZERO => {
                self.return_to_group(configuration, out);
            }
            Role::Inactive(InactiveReason::AwaitingBallot(request))
                if source != ConfigurationSource::GroupCheck =>
            {
                out.push(Effect::RequestReconfiguration(request.clone()));
            }
            Role::Primary(primary)
                if primary.configuration.secondaries == configuration.secondaries =>
            {
                primary.configuration.max_replica_count = configuration.max_replica_count;
            }
            _ => {}
        }
    }

    /// A restarted replica hears that its ballot is still the present one.
    ///
    /// As a secondary it goes on where it was. As a primary it must not: messages of its earlier
    /// life under this ballot may still arrive, so it asks for a new one.
    fn return_to_group(&mut self, configuration: &Configuration, out: &mut Effects) {
        let is_primary = configuration.membership_of(self.me) == Membership::Primary;
        if !is_primary || self.standing == Standing::Unproven {
            self.enter(configuration.clone(), out);
            return;
        }
        let request = ReconfigurationRequest {
            kind: ReconfigurationKind::PrimaryForceUpdateBallot,
            node: self.me,
            configuration: configuration.with_next_ballot(),
        };
        debug_assert_eq!(
            request.configuration.ballot,
            self.ballot.next(),
            "I3: one more"
        );
        out.push(Effect::RequestReconfiguration(request.clone()));
        self.become_role(Role::Inactive(InactiveReason::AwaitingBallot(request)), out);
    }

    /// Time to ask again, if meta has been asked for something and the ballot has not changed since.
    pub fn on_reconfiguration_timer(&mut self, out: &mut Effects) {
        let request = match &self.role {
            Role::Inactive(InactiveReason::AwaitingBallot(request)) => Some(request),
            Role::Primary(primary) => primary.request.as_ref(),
            _ => None,
        };
        if let Some(request) = request {
            out.push(Effect::RequestReconfiguration(request.clone()));
        }
        self.check_invariants();
    }

    /// A member seems to be gone. A primary asks meta to take it out; until meta has answered, it
    /// goes on with everyone's acknowledgement, the suspect's included.
    pub fn on_peer_suspected(&mut self, peer: RpcAddress, out: &mut Effects) {
        if let Role::Primary(primary) = &mut self.role
            && primary.request.is_none()
            && primary.configuration.secondaries.contains(&peer)
        {
            let request = ReconfigurationRequest {
                kind: ReconfigurationKind::DowngradeToInactive,
                node: peer,
                configuration: primary.configuration.without(peer),
            };
            debug_assert_eq!(
                request.configuration.ballot,
                self.ballot.next(),
                "I3: one more"
            );
            debug_assert_ne!(peer, self.me, "nobody suspects itself");
            primary.request = Some(request.clone());
            out.push(Effect::RequestReconfiguration(request));
        }
        self.check_invariants();
    }
}
