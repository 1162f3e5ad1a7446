//! The guardian's rules, one situation each: servers 1 to 5, table 2.

use super::*;
use crate::cluster_state::Command;
use crate::configuration_update::ChangeKind;
use crate::failure_detector::{Beacon, FailureDetector, FailureDetectorOptions, Phase};
use crate::reports::{ReportedRole, Standing};
use crate::testing::{beacon, node, report, state_with_table};
use pegasus_common::{Ballot, Decree, Room};
use pegasus_metastore::Version;

mod secondaries;
mod without_members;

const P: Gpid = Gpid::new(2, 0);

/// The guardian with everything that it looks at.
struct Ward {
    state: ClusterState,
    detector: FailureDetector,
    guardian: Guardian,
    now: Now,
    version: u64,
}

impl Ward {
    /// A table whose partitions all have the primary 1 and the secondaries 2 and 3; servers 1 to
    /// `nodes` live and have reported what they have.
    fn new(partitions: i32, nodes: u16) -> Self {
        Self::with_options(partitions, nodes, GuardianOptions::default())
    }

    fn with_options(partitions: i32, nodes: u16, options: GuardianOptions) -> Self {
        let mut ward = Self::unreported(partitions, nodes, options);
        let reports: Vec<_> = (0..partitions)
            .map(|index| report(Gpid::new(2, index), 1))
            .collect();
        for host in 1..=3 {
            ward.report(host, &reports);
        }
        ward
    }

    /// The same under a meta server that has just begun to lead.
    fn unreported(partitions: i32, nodes: u16, options: GuardianOptions) -> Self {
        let now = Now {
            monotonic: MonotonicMillis(100_000),
            unix_seconds: 1_800_000_000,
        };
        let mut state = state_with_table(2, "temp", partitions);
        for index in 0..partitions {
            let unborn = &state.partition(Gpid::new(2, index)).unwrap().configuration;
            let born = unborn.born(node(1), vec![node(2), node(3)]);
            state.apply(Command::Reconfigure(born), Version(2));
        }
        let options_of_detector = FailureDetectorOptions::default();
        let mut detector = FailureDetector::new(options_of_detector, now.monotonic);
        for host in 1..=nodes {
            detector.on_beacon(now.monotonic, &beacon(host));
        }
        let guardian = Guardian::new(options, &state, now);
        let mut ward = Self {
            state,
            detector,
            guardian,
            now,
            version: 2,
        };
        assert_eq!(ward.steps(), [], "all is well");
        ward
    }

    fn steps(&mut self) -> Vec<GuardianStep> {
        self.guardian.advance(&Scene {
            now: self.now,
            state: &self.state,
            detector: &self.detector,
            is_busy: &|_| false,
        })
    }

    /// The only step, which is a proposal: whom to ask, for what, about whom.
    fn proposal(&mut self) -> (RpcAddress, ChangeKind, RpcAddress) {
        match self.steps().as_slice() {
            [GuardianStep::Propose { action, .. }] => (action.target, action.kind, action.node),
            other => panic!("{other:?}"),
        }
    }

    fn wait(&mut self, millis: u64) {
        let duration = Duration::from_millis(millis);
        self.now.monotonic = self.now.monotonic.after(duration);
    }

    /// The next look at what is ill.
    fn next_round(&mut self) -> Vec<GuardianStep> {
        self.wait(200);
        self.steps()
    }

    fn beacon(&mut self, host: u16, incarnation: i64, phase: Phase) {
        self.hear(&Beacon {
            incarnation: Some(incarnation),
            phase,
            ..beacon(host)
        });
    }

    fn run_out_of_space(&mut self, host: u16) {
        self.hear(&Beacon {
            room: Room::Exhausted,
            ..beacon(host)
        });
    }

    fn hear(&mut self, beacon: &Beacon) {
        use crate::failure_detector::BeaconOutcome as O;
        let outcome = self.detector.on_beacon(self.now.monotonic, beacon);
        if let O::Accepted(Some(event)) | O::Farewell(Some(event)) = outcome {
            self.guardian.on_liveness(event, &self.state);
        }
    }

    fn kill(&mut self, host: u16) {
        self.beacon(host, 1, Phase::Leaving);
        assert!(!self.detector.is_alive(node(host)));
    }

    /// What a replica server makes of a proposal, or meta of a decision.
    fn commit(&mut self, next: &PartitionConfiguration) {
        let before = self.configuration(next.pid);
        self.version += 1;
        let command = Command::Reconfigure(next.clone());
        self.state.apply(command, Version(self.version));
        self.guardian.on_change(self.now, &before, next);
    }

    fn change(&mut self, primary: u16, secondaries: &[u16]) {
        let mut next = self.configuration(P);
        next.ballot = next.ballot.next();
        let gone: Vec<_> = next.members().collect();
        next.primary = (primary != 0).then(|| node(primary));
        next.secondaries = secondaries.iter().copied().map(node).collect();
        for node in gone {
            if !next.is_member(node) {
                next.remember_drop(node);
            }
        }
        for member in next.members().collect::<Vec<_>>() {
            next.forget_drop(member);
        }
        if next.primary.is_some() {
            next.complete_drops = 0;
        }
        self.commit(&next);
    }

    fn configuration(&self, pid: Gpid) -> PartitionConfiguration {
        self.state.partition(pid).unwrap().configuration.clone()
    }

    fn report(&mut self, host: u16, reports: &[ReplicaReport]) {
        self.guardian.on_full_report(self.now, node(host), reports);
        for report in reports {
            let configuration = self.configuration(report.pid);
            if !configuration.is_member(node(host)) {
                self.guardian
                    .on_former_member(&configuration, node(host), report);
            }
        }
    }
}

fn unproven(pid: Gpid) -> ReplicaReport {
    ReplicaReport {
        standing: Standing::Unproven,
        ..report(pid, 1)
    }
}

use ChangeKind as K;

#[test]
fn a_dead_primary_is_deposed_and_a_secondary_asked_at_once() {
    let mut ward = Ward::new(1, 3);
    ward.kill(1);
    let steps = ward.steps();
    let [GuardianStep::Commit(next)] = steps.as_slice() else {
        panic!("{steps:?}");
    };
    assert_eq!(next.ballot, Ballot(2));
    assert_eq!((next.primary, &next.last_drops[..]), (None, &[node(1)][..]));
    ward.commit(next);
    assert_eq!(ward.proposal(), (node(2), K::UpgradeToPrimary, node(2)));
    assert_eq!(ward.steps(), [], "it is not repeated at once");
    assert_eq!(ward.next_round().len(), 1, "but until it is done");
    ward.change(2, &[3]);
    assert_eq!(ward.next_round(), [], "who left last is waited for");
}

#[test]
fn a_lone_or_leaderless_primary_stays_listed() {
    let mut ward = Ward::new(1, 3);
    ward.kill(2);
    ward.kill(3);
    ward.kill(1);
    assert_eq!(ward.steps(), []);
    assert_eq!(ward.next_round(), [], "nobody could take over");
    ward.beacon(3, 2, Phase::Loading);
    assert_eq!(ward.steps(), [], "nor can one that loads");
    ward.beacon(3, 2, Phase::Serving);
    assert_eq!(ward.steps(), [], "nor one that may have lost its replica");
    ward.report(3, &[report(P, 1)]);
    assert!(matches!(
        ward.next_round().as_slice(),
        [GuardianStep::Commit(_)]
    ));
}

#[test]
fn a_restarted_primary_is_replaced_if_another_one_has_been_there_all_the_time() {
    let mut ward = Ward::new(1, 3);
    ward.wait(100);
    ward.beacon(1, 2, Phase::Loading);
    assert!(matches!(ward.steps().as_slice(), [GuardianStep::Commit(_)]));
}

#[test]
fn after_a_restart_of_everything_those_that_load_are_waited_for() {
    let mut ward = Ward::new(1, 3);
    ward.wait(100);
    for host in [1, 2, 3] {
        ward.beacon(host, 2, Phase::Loading);
    }
    ward.wait(100);
    ward.beacon(2, 2, Phase::Serving);
    ward.report(2, &[report(P, 1)]);
    assert_eq!(ward.steps(), []);
    let mut patient = ward;
    patient.wait(1_800);
    assert_eq!(patient.steps(), []);
    patient.wait(200);
    patient.beacon(2, 2, Phase::Serving);
    assert!(matches!(
        patient.steps().as_slice(),
        [GuardianStep::Commit(_)]
    ));
}

#[test]
fn a_primary_that_comes_back_goes_on() {
    let mut ward = Ward::new(1, 3);
    ward.wait(100);
    for host in [1, 2, 3] {
        ward.beacon(host, 2, Phase::Loading);
    }
    ward.beacon(1, 2, Phase::Serving);
    assert_eq!(ward.steps(), []);
    assert_eq!(ward.next_round(), []);
    assert_eq!(ward.guardian.ill_count(), 0);
}

#[test]
fn the_server_with_the_fewest_primaries_takes_over_counting_those_under_way() {
    let mut ward = Ward::new(4, 3);
    ward.kill(1);
    let depositions = ward.steps();
    assert_eq!(depositions.len(), 4);
    let mut chosen = Vec::new();
    for step in depositions {
        let GuardianStep::Commit(next) = step else {
            panic!("{step:?}");
        };
        ward.commit(&next);
        chosen.push(ward.proposal().0);
    }
    let of = |host| {
        chosen
            .iter()
            .filter(|&&chosen| chosen == node(host))
            .count()
    };
    assert_eq!((of(2), of(3)), (2, 2));
}

#[test]
fn a_secondary_that_does_not_answer_is_passed_over() {
    let mut ward = Ward::new(1, 3);
    ward.kill(1);
    ward.change(0, &[2, 3]);
    assert_eq!(ward.proposal().0, node(2));
    let mut asked = std::collections::BTreeSet::new();
    for _ in 0..60 {
        for step in ward.next_round() {
            if let GuardianStep::Propose { action, .. } = step {
                asked.insert(action.target);
            }
        }
    }
    assert_eq!(asked.len(), 2, "{asked:?}");
}

#[test]
fn a_member_that_says_it_is_incomplete_comes_last() {
    let mut ward = Ward::new(1, 3);
    ward.kill(1);
    ward.change(0, &[2, 3]);
    ward.report(2, &[unproven(P)]);
    assert_eq!(ward.proposal().0, node(3));
    let mut only = Ward::new(1, 3);
    only.kill(1);
    only.kill(3);
    only.wait(10);
    only.report(2, &[]);
    assert_eq!(only.steps(), [], "its primary would only step down again");
}

#[test]
fn nobody_is_deposed_in_favour_of_a_server_that_said_it_has_nothing() {
    let mut ward = Ward::new(1, 3);
    ward.report(2, &[]);
    ward.wait(1);
    ward.change(1, &[2, 3]);
    ward.wait(1);
    ward.kill(1);
    ward.kill(3);
    assert_eq!(ward.steps(), [], "whatever has changed since");
    ward.report(2, &[report(P, 1)]);
    assert!(matches!(
        ward.next_round().as_slice(),
        [GuardianStep::Commit(_)]
    ));
}

#[test]
fn nobody_is_deposed_in_favour_of_a_server_that_has_not_reported_in_this_reign() {
    let mut ward = Ward::unreported(1, 3, GuardianOptions::default());
    assert!(!ward.guardian.has_reported(node(2)));
    ward.kill(1);
    assert_eq!(
        ward.steps(),
        [],
        "it may have been restarted without its data"
    );
    ward.report(2, &[report(P, 1)]);
    assert!(ward.guardian.has_reported(node(2)));
    assert!(matches!(
        ward.next_round().as_slice(),
        [GuardianStep::Commit(_)]
    ));
}

#[test]
fn an_operators_moves_are_done_in_order() {
    let mut ward = Ward::new(1, 4);
    let action = |target, kind, about| Action {
        target: node(target),
        node: node(about),
        kind,
    };
    let move_primary = vec![
        action(1, K::DowngradeToSecondary, 1),
        action(2, K::UpgradeToPrimary, 2),
    ];
    ward.guardian.queue(ward.now, P, move_primary);
    assert_eq!(ward.proposal(), (node(1), K::DowngradeToSecondary, node(1)));
    ward.change(0, &[1, 2, 3]);
    assert_eq!(ward.proposal(), (node(2), K::UpgradeToPrimary, node(2)));
    ward.change(2, &[1, 3]);
    assert_eq!(ward.next_round(), []);
    assert!(!ward.guardian.is_queued(P));
    // Another change of the partition does not count as the effect of an action.
    ward.guardian
        .queue(ward.now, P, vec![action(2, K::AddSecondaryForBalance, 4)]);
    assert_eq!(ward.proposal().2, node(4));
    ward.change(2, &[1, 3]);
    assert!(ward.guardian.is_queued(P));
    ward.change(2, &[1, 3, 4]);
    ward.steps();
    assert_eq!(
        ward.guardian.proposals.in_flight().total(node(4)).members,
        0
    );
}

#[test]
fn a_new_leader_does_not_replace_who_left_just_before() {
    let mut ward = Ward::new(1, 4);
    ward.kill(3);
    ward.change(1, &[2]);
    ward.guardian = Guardian::new(GuardianOptions::default(), &ward.state, ward.now);
    ward.wait(300_000);
    for host in [1, 2, 4] {
        ward.beacon(host, 1, Phase::Serving);
    }
    assert_eq!(ward.steps(), []);
    ward.wait(300_001);
    for host in [1, 2, 4] {
        ward.beacon(host, 1, Phase::Serving);
    }
    assert_eq!(ward.proposal().2, node(4));
}

#[test]
fn a_primary_out_of_space_gives_its_role_to_who_has_some() {
    let mut ward = Ward::new(1, 3);
    ward.run_out_of_space(2);
    assert_eq!(ward.steps(), [], "a secondary only stores what was ordered");
    ward.run_out_of_space(1);
    let step_down = (node(1), K::DowngradeToSecondary, node(1));
    assert_eq!(ward.proposal(), step_down);
    ward.change(0, &[1, 2, 3]);
    assert_eq!(ward.proposal(), (node(3), K::UpgradeToPrimary, node(3)));
    ward.change(3, &[1, 2]);
    assert_eq!(ward.next_round(), []);
    ward.run_out_of_space(3);
    assert_eq!(ward.next_round(), [], "nobody could do better");
}

#[test]
fn a_busy_partition_is_left_alone() {
    let mut ward = Ward::new(1, 3);
    ward.kill(1);
    let busy = ward.guardian.advance(&Scene {
        now: ward.now,
        state: &ward.state,
        detector: &ward.detector,
        is_busy: &|pid| pid == P,
    });
    assert_eq!(busy, []);
    assert_eq!(ward.next_round().len(), 1, "later it is not forgotten");
}
