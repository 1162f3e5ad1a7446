//! [`Adoption`]: the way into a higher ballot. The old one ends at once; the new one begins when it is
//! safe in the own log (I3).

use std::cmp::Ordering;

use pegasus_common::{Ballot, RpcAddress};

use crate::configuration::{Configuration, Membership};
use crate::effect::{Effect, Effects};
use crate::learner::{LearnPhase, LearnSignature};
use crate::lease::LeaseTerm;
use crate::planted::{self, PlantedBug};
use crate::proposal::ProposalKind;
use crate::reconfiguration::{ConfigurationSource, ReconfigurationKind};
use crate::recovered::Standing;
use crate::replica::Replica;
use crate::role::{InactiveReason, Role};
use crate::teaching::Learner;

/// A ballot on its way into the log, and what is to go on under it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Adoption {
    /// The membership under the new ballot.
    pub configuration: Configuration,
    /// The last lease term in which meta has said that this replica is its primary.
    pub(crate) confirmed_in: LeaseTerm,
    /// The attempt to learn that goes on.
    pub(crate) learning: Option<(LearnSignature, LearnPhase)>,
    /// Whom a primary that stays one teaches.
    pub(crate) learners: Vec<Learner>,
    /// What meta proposes to this server itself, to be done then.
    pub(crate) proposal: Option<ProposalKind>,
}

impl Adoption {
    fn new(configuration: Configuration) -> Self {
        Self {
            configuration,
            confirmed_in: LeaseTerm::NEVER,
            learning: None,
            learners: Vec::new(),
            proposal: None,
        }
    }

    /// The primary invites this replica to learn.
    pub(crate) fn invite(&mut self, signature: LearnSignature) {
        if self.learning.is_none_or(|(present, _)| present < signature) {
            self.learning = Some((signature, LearnPhase::Asking));
        }
    }
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
            Ordering::Less => return,
            Ordering::Equal => self.settle(configuration, source, out),
            Ordering::Greater => self.adopt(configuration, out),
        }
        self.note_confirmation(configuration, source.asked_in(), out);
    }

    /// Meta has named the primary of this ballot, asked in a term of the lease.
    fn note_confirmation(
        &mut self,
        configuration: &Configuration,
        asked_in: LeaseTerm,
        out: &mut Effects,
    ) {
        debug_assert_eq!(
            configuration.ballot,
            self.known_ballot(),
            "the present ballot"
        );
        if configuration.primary != Some(self.me) {
            return;
        }
        match &mut self.role {
            Role::Inactive(InactiveReason::Adopting(adoption)) => {
                adoption.confirmed_in = adoption.confirmed_in.max(asked_in);
            }
            Role::Primary(primary) => {
                primary.confirmed_in = primary.confirmed_in.max(asked_in);
                self.commit_acknowledged(out);
            }
            _ => {}
        }
    }

    /// A higher ballot: the old one ends here at once, the new one begins when it is safe.
    pub(crate) fn adopt(&mut self, configuration: &Configuration, out: &mut Effects) {
        debug_assert!(
            configuration.ballot > self.known_ballot(),
            "I3: ballots grow"
        );
        let ballot = configuration.ballot;
        let adoption = self.carry_over(configuration);
        out.push(Effect::AppendBallot { ballot });
        self.believe_choice_of_meta(&adoption.configuration, out);
        self.request = None;
        self.become_role(Role::Inactive(InactiveReason::Adopting(adoption)), out);
        debug_assert_eq!(self.known_ballot(), ballot, "heard of");
        debug_assert!(self.ballot < ballot, "I3: durable first");
    }

    /// What goes on under another ballot: a learner with the same primary learns on, and a primary
    /// that stays one teaches on.
    fn carry_over(&mut self, configuration: &Configuration) -> Adoption {
        let stays_primary = configuration.primary == Some(self.me);
        let is_outside = configuration.membership_of(self.me) == Membership::Outside;
        let same_primary = |before: &Configuration| before.primary == configuration.primary;
        let mut adoption = Adoption::new(configuration.clone());
        match &mut self.role {
            Role::Primary(primary) if stays_primary => {
                adoption.learners = std::mem::take(&mut primary.learners);
            }
            Role::Learner(learner) if is_outside && same_primary(&learner.configuration) => {
                adoption.learning = Some((learner.signature, learner.phase));
            }
            Role::Inactive(InactiveReason::Adopting(before)) => {
                if stays_primary {
                    adoption.learners = std::mem::take(&mut before.learners);
                }
                if is_outside && same_primary(&before.configuration) {
                    adoption.learning = before.learning;
                }
            }
            _ => {}
        }
        adoption
    }

    /// Meta has made this replica the primary of a partition without members, as it had asked: what
    /// it has is the truth now.
    fn believe_choice_of_meta(&mut self, configuration: &Configuration, out: &mut Effects) {
        let is_chosen = self.request.as_ref().is_some_and(|request| {
            request.kind == ReconfigurationKind::AssignPrimary
                && request.configuration.ballot == configuration.ballot
                && configuration.primary == Some(self.me)
        });
        if is_chosen {
            self.vouch(configuration.ballot, out);
        }
    }

    /// What this replica has counts from now on (I6).
    pub(crate) fn vouch(&mut self, ballot: Ballot, out: &mut Effects) {
        if self.standing == Standing::Unproven {
            self.standing = Standing::Proven;
            out.push(Effect::Vouch { ballot });
        }
    }

    /// The log holds the ballot for good. Reports of ballots that were overtaken are ignored.
    pub fn on_ballot_safe(&mut self, ballot: Ballot, out: &mut Effects) {
        if let Role::Inactive(InactiveReason::Adopting(adoption)) = &self.role
            && adoption.configuration.ballot == ballot
        {
            debug_assert!(ballot > self.ballot, "I3: ballots grow");
            let adoption = adoption.clone();
            self.ballot = ballot;
            let proposal = adoption.proposal;
            let configuration = adoption.configuration.clone();
            self.enter(adoption, out);
            if let Some(kind) = proposal {
                self.act_on(kind, self.me, &configuration, out);
            }
        } else if matches!(self.role, Role::Error(_)) {
            // Nothing is done under it here, but whoever opens the replica again must know it.
            self.ballot = self.ballot.max(ballot);
        }
        self.check_invariants();
    }

    /// Takes the role that a configuration of the durable ballot gives.
    fn enter(&mut self, adoption: Adoption, out: &mut Effects) {
        let configuration = adoption.configuration;
        debug_assert_eq!(configuration.ballot, self.ballot, "I3: durable first");
        match (configuration.membership_of(self.me), self.standing) {
            (Membership::Outside, _) => {
                if let Some((signature, phase)) = adoption.learning {
                    self.enter_learner(configuration, signature, phase, out);
                } else {
                    self.become_role(Role::Inactive(InactiveReason::Outside), out);
                }
            }
            (Membership::Primary, Standing::Unproven) => {
                self.enter_unproven(&configuration, out);
                self.ask_to_leave(&configuration, out);
            }
            (Membership::Secondary, Standing::Unproven) => {
                self.enter_unproven(&configuration, out);
            }
            (Membership::Primary, Standing::Proven) => {
                let learners = adoption.learners;
                self.enter_primary(configuration, adoption.confirmed_in, learners, out);
            }
            (Membership::Secondary, Standing::Proven) => self.enter_secondary(configuration, out),
        }
    }

    fn enter_unproven(&mut self, configuration: &Configuration, out: &mut Effects) {
        self.become_role(Role::Inactive(InactiveReason::Unproven), out);
        out.push(Effect::NeedsLearning {
            configuration: configuration.clone(),
        });
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
            Role::Inactive(InactiveReason::AwaitingBallot)
                if matches!(source, ConfigurationSource::Sync { .. }) =>
            {
                self.repeat_request(out);
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
        let is_careless = planted::is(PlantedBug::RestartedPrimaryKeepsBallot);
        if !is_primary || self.standing == Standing::Unproven || is_careless {
            self.enter(Adoption::new(configuration.clone()), out);
            return;
        }
        let kind = ReconfigurationKind::PrimaryForceUpdateBallot;
        self.ask_for(kind, self.me, configuration.with_next_ballot(), out);
        self.become_role(Role::Inactive(InactiveReason::AwaitingBallot), out);
    }

    /// Meta lists this server for the partition no more, and has been asked under the present ballot: a
    /// member stops being one. It keeps all that it has, and goes on like a restarted replica when meta
    /// or a primary wants it again.
    pub fn on_unlisted(&mut self, out: &mut Effects) {
        if matches!(self.role, Role::Primary(_) | Role::Secondary(_)) {
            self.request = None;
            self.become_role(Role::Inactive(InactiveReason::Starting), out);
        }
        self.check_invariants();
    }

    /// The learner gives up for now; whoever leads the group finds it where it stands.
    pub(crate) fn stop_learning(&mut self, out: &mut Effects) {
        self.become_role(Role::Inactive(InactiveReason::Starting), out);
    }

    /// An unproven member asks meta to go on without it, where nobody else can.
    pub(crate) fn ask_to_leave(&mut self, configuration: &Configuration, out: &mut Effects) {
        let next = configuration.without(self.me);
        let kind = ReconfigurationKind::DowngradeToInactive;
        self.ask_for(kind, self.me, next, out);
    }

    /// The address of the primary that this replica follows.
    pub(crate) fn leader(&self) -> Option<RpcAddress> {
        self.configuration()
            .and_then(|configuration| configuration.primary)
            .filter(|&primary| primary != self.me)
    }
}
