//! What a secondary does besides following (see [`crate::follow`]): it presents itself to its primary
//! and answers its group checks.

use pegasus_common::RpcAddress;

use crate::configuration::{Configuration, Membership};
use crate::effect::Effects;
use crate::message::{GroupCheck, PeerOutcome};
use crate::reconfiguration::ConfigurationSource;
use crate::replica::Replica;
use crate::role::{InactiveReason, Role, SecondaryState};

impl Replica {
    /// Begins to follow the primary of the durable ballot, and tells it from where.
    pub(crate) fn enter_secondary(&mut self, configuration: Configuration, out: &mut Effects) {
        debug_assert_ne!(configuration.primary, Some(self.me), "it follows itself");
        let follow = self.follow_from_here();
        let state = SecondaryState {
            configuration,
            follow,
        };
        self.become_role(Role::Secondary(state), out);
        self.announce(out);
    }

    /// Tells the primary what this replica has, and asks for the rest.
    pub(crate) fn announce(&mut self, out: &mut Effects) {
        let Role::Secondary(secondary) = &self.role else {
            return;
        };
        if let Some(primary) = secondary.configuration.primary {
            let prepared = secondary.follow.received;
            self.reply_to_check(primary, PeerOutcome::Gap, prepared, out);
            self.acknowledge(PeerOutcome::Ok, out);
        }
    }

    pub(crate) fn on_group_check(
        &mut self,
        from: RpcAddress,
        check: &GroupCheck,
        out: &mut Effects,
    ) {
        let configuration = &check.configuration;
        if configuration.primary != Some(from) || from == self.me || !configuration.is_well_formed()
        {
            return;
        }
        if let Some(signature) = check.learner {
            if configuration.membership_of(self.me) == Membership::Outside {
                self.on_invitation(from, check, signature, out);
            }
            return;
        }
        let was_secondary = matches!(self.role, Role::Secondary(_));
        self.take_configuration(configuration, ConfigurationSource::GroupCheck, out);
        if configuration.ballot != self.known_ballot() {
            return;
        }
        let outcome = match &self.role {
            Role::Secondary(_) if was_secondary => {
                self.check_against(from, check, out);
                return;
            }
            // It has announced itself just now.
            Role::Secondary(_) => {
                self.note_commit_point(check.last_committed, out);
                return;
            }
            // It will, when it can.
            Role::Inactive(InactiveReason::Adopting(_) | InactiveReason::AwaitingBallot) => return,
            Role::Primary(_) | Role::Learner(_) => return,
            Role::Inactive(InactiveReason::Starting) => PeerOutcome::NeedConfiguration,
            Role::Inactive(InactiveReason::Unproven) => PeerOutcome::NeedsLearning,
            Role::Inactive(InactiveReason::Outside) => PeerOutcome::NotMember,
            Role::Error(_) => PeerOutcome::Failed,
        };
        self.reply_to_check(from, outcome, self.list.committed(), out);
    }
}
