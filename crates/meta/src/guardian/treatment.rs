//! What a partition lacks, and the next step to cure it: one look at one partition.

use std::cmp::Ordering;

use pegasus_common::{Gpid, RpcAddress, reach};

use super::action::Action;
use super::all_dead::{self, Candidate, Confidence, Verdict};
use super::proposals::{Front, Origin};
use super::scene::{LoadView, Scene};
use super::{Guardian, GuardianStep, missing_primary, missing_secondary};
use crate::configuration_update::ChangeKind;
use crate::effect::Alert;
use crate::partition::PartitionConfiguration;
use crate::reports::{ReportedRole, Sighting};

/// How a partition is.
pub(super) enum Condition {
    Healthy,
    /// Something is missing, and there is nothing to do about it now.
    Waiting,
    /// Something is to be done.
    Treated(GuardianStep),
    LacksSecondary,
}

impl Guardian {
    pub(super) fn treat(
        &mut self,
        configuration: &PartitionConfiguration,
        scene: &Scene<'_>,
    ) -> Condition {
        let pid = configuration.pid;
        let now = scene.now.monotonic;
        if let Some(removal) = removal_of_dead(configuration, scene) {
            reach!("meta: a dead secondary is to be removed");
            // No write commits until it is done, so it does not wait for a copy under way.
            self.proposals.interpose(now, pid, removal);
        }
        match self.proposals.advance(now, configuration, scene.detector) {
            Front::Empty => self.diagnose(configuration, scene),
            Front::Wait => Condition::Waiting,
            Front::Send(action) => Condition::Treated(GuardianStep::Propose { pid, action }),
            Front::GivenUp(action) => {
                reach!("meta: an action is given up");
                tracing::info!(%pid, ?action, "gave an action up");
                if action.makes_primary() {
                    self.memory.pass_over(pid, action.node);
                }
                self.diagnose(configuration, scene)
            }
        }
    }

    fn diagnose(&mut self, configuration: &PartitionConfiguration, scene: &Scene<'_>) -> Condition {
        let Some(primary) = configuration.primary else {
            return if configuration.secondaries.is_empty() {
                self.revive(configuration, scene)
            } else {
                self.promote(configuration, scene)
            };
        };
        let patience = self.options.loading_patience;
        if let Some(next) =
            missing_primary::succession(configuration, scene, &self.memory, patience)
        {
            return Condition::Treated(GuardianStep::Commit(next));
        }
        if !scene.detector.is_serving(primary) {
            return Condition::Waiting;
        }
        if missing_primary::is_cramped(configuration, scene, &self.memory) {
            reach!("meta: a primary out of space gives its role away");
            let kind = ChangeKind::DowngradeToSecondary;
            return self.ask(configuration, kind, primary, primary, scene);
        }
        let wanted = usize::try_from(configuration.max_replica_count).unwrap_or(0);
        match configuration.member_count().cmp(&wanted) {
            Ordering::Less => Condition::LacksSecondary,
            Ordering::Equal => Condition::Healthy,
            Ordering::Greater => {
                match missing_secondary::choose_surplus(configuration, self.loads(scene)) {
                    Some(node) => self.ask(configuration, ChangeKind::Remove, primary, node, scene),
                    None => Condition::Waiting,
                }
            }
        }
    }

    /// No primary, but members.
    fn promote(&mut self, configuration: &PartitionConfiguration, scene: &Scene<'_>) -> Condition {
        let loads = self.loads(scene);
        let choice = missing_primary::choose_primary(configuration, scene, &self.memory, loads);
        match choice {
            Some(node) => self.ask(
                configuration,
                ChangeKind::UpgradeToPrimary,
                node,
                node,
                scene,
            ),
            None => Condition::Waiting,
        }
    }

    /// No members.
    fn revive(&mut self, configuration: &PartitionConfiguration, scene: &Scene<'_>) -> Condition {
        let pid = configuration.pid;
        let verdict = all_dead::judge(configuration, |node| {
            if scene.detector.is_serving(node) {
                Candidate::Here(self.memory.sighting(node, pid))
            } else {
                Candidate::Away
            }
        });
        let may_lead = |node| self.may_lead(configuration, node, scene);
        let verdict = all_dead::heed_last_leader(verdict, configuration, may_lead);
        let is_news = self.without_members.insert(pid, verdict) != Some(verdict);
        let node = match verdict {
            Verdict::Assign(node, _) => node,
            Verdict::Refuse(reason) if is_news => {
                self.totals.failed_choices += 1;
                let alert = Alert::NoSafePrimary { pid, reason };
                return Condition::Treated(GuardianStep::Alert(alert));
            }
            Verdict::Refuse(_) => return Condition::Waiting,
        };
        if is_news && verdict == Verdict::Assign(node, Confidence::BestThereIs) {
            // The proposal follows with the next look.
            self.urgent.insert(pid);
            let alert = Alert::RevivedFrom { pid, node };
            return Condition::Treated(GuardianStep::Alert(alert));
        }
        self.ask(configuration, ChangeKind::AssignPrimary, node, node, scene)
    }

    /// Whether a former member may still be primary by an older configuration: its lease is not over,
    /// and it has neither lost its replica nor reported, without a role, this ballot.
    fn may_lead(
        &self,
        configuration: &PartitionConfiguration,
        node: RpcAddress,
        scene: &Scene<'_>,
    ) -> bool {
        let has_stepped_down = match self.memory.sighting(node, configuration.pid) {
            Sighting::Unreported => false,
            Sighting::Absent => true,
            Sighting::Present(report) => match report.role {
                ReportedRole::Failed => true,
                ReportedRole::Member => false,
                // It could still be told of a ballot between that it was primary in.
                ReportedRole::Learner | ReportedRole::Inactive => {
                    report.ballot >= configuration.ballot
                }
            },
        };
        !has_stepped_down && !scene.detector.is_lease_over(node)
    }

    /// A secondary is missing.
    pub(super) fn add_secondary(&mut self, pid: Gpid, scene: &Scene<'_>) -> Option<GuardianStep> {
        let configuration = &scene.state.partition(pid)?.configuration;
        let primary = configuration.primary?;
        let loads = LoadView {
            held: scene.state.holdings().loads(),
            in_flight: self.proposals.in_flight(),
        };
        let (options, memory) = (&self.options, &mut self.memory);
        let node = missing_secondary::choose_learner(configuration, scene, options, memory, loads)?;
        let kind = ChangeKind::AddSecondary;
        match self.ask(configuration, kind, primary, node, scene) {
            Condition::Treated(step) => Some(step),
            _ => None,
        }
    }

    /// Starts an action of the guardian's own.
    fn ask(
        &mut self,
        configuration: &PartitionConfiguration,
        kind: ChangeKind,
        target: RpcAddress,
        node: RpcAddress,
        scene: &Scene<'_>,
    ) -> Condition {
        let pid = configuration.pid;
        let now = scene.now.monotonic;
        let action = Action { target, node, kind };
        self.proposals.start(now, pid, Origin::Cure, [action]);
        match self.proposals.advance(now, configuration, scene.detector) {
            Front::Send(action) => Condition::Treated(GuardianStep::Propose { pid, action }),
            _ => Condition::Waiting,
        }
    }

    fn loads<'a>(&'a self, scene: &Scene<'a>) -> LoadView<'a> {
        LoadView {
            held: scene.state.holdings().loads(),
            in_flight: self.proposals.in_flight(),
        }
    }
}

/// What a serving primary is asked when one of its secondaries is dead.
fn removal_of_dead(configuration: &PartitionConfiguration, scene: &Scene<'_>) -> Option<Action> {
    let target = configuration.primary?;
    let mut secondaries = configuration.secondaries.iter().copied();
    let node = secondaries.find(|&node| !scene.detector.is_alive(node))?;
    let kind = ChangeKind::DowngradeToInactive;
    let action = Action { target, node, kind };
    scene.detector.is_serving(target).then_some(action)
}
