//! Partitions that have lost all members.

use super::*;
use crate::guardian::all_dead::{Candidate, Confidence};
use proptest::prelude::*;

fn with(ballot: i64, committed: i64, prepared: i64, standing: Standing) -> ReplicaReport {
    ReplicaReport {
        ballot: Ballot(ballot),
        committed: Decree(committed),
        prepared: Decree(prepared),
        standing,
        ..report(P, ballot)
    }
}

/// Servers 1, 2 and 3 left in this order.
fn dead(last_committed: i64) -> PartitionConfiguration {
    PartitionConfiguration {
        ballot: Ballot(8),
        last_drops: vec![node(1), node(2), node(3)],
        complete_drops: 1,
        last_committed: Decree(last_committed),
        ..PartitionConfiguration::unborn(P, 3)
    }
}

/// Judges by what 2 and 3 say; `None` is a lost replica.
fn judge(
    configuration: &PartitionConfiguration,
    older: Option<ReplicaReport>,
    newest: Option<ReplicaReport>,
) -> Verdict {
    let reports = [(node(2), older), (node(3), newest)];
    all_dead::judge(configuration, |asked| {
        let found = reports.iter().find(|(node, _)| *node == asked);
        Candidate::Here(match found {
            Some((_, Some(report))) => Sighting::Present(report),
            Some((_, None)) => Sighting::Absent,
            None => Sighting::Unreported,
        })
    })
}

const ASSIGN_NEWEST: fn(Confidence) -> Verdict = |sure| Verdict::Assign(node(3), sure);

#[test]
fn the_newest_is_enough_if_it_is_proven() {
    let newest = with(5, 100, 120, Standing::Proven);
    let alone = all_dead::judge(&dead(120), |asked| {
        if asked == node(3) {
            Candidate::Here(Sighting::Present(&newest))
        } else {
            Candidate::Away
        }
    });
    assert_eq!(alone, ASSIGN_NEWEST(Confidence::Complete));
    let behind = judge(&dead(121), None, Some(newest));
    assert!(
        matches!(behind, Verdict::Refuse(Refusal::TooOld { .. })),
        "{behind:?}"
    );
}

#[test]
fn whoever_left_after_the_last_primary_is_enough_if_it_is_proven() {
    let older = with(8, 120, 120, Standing::Proven);
    let mut configuration = dead(120);
    let refused = Verdict::Refuse(Refusal::NewestLost(node(3)));
    assert_eq!(judge(&configuration, Some(older), None), refused);
    configuration.complete_drops = 2;
    let assigned = Verdict::Assign(node(2), Confidence::Complete);
    assert_eq!(judge(&configuration, Some(older), None), assigned);
    let newest = with(8, 120, 120, Standing::Proven);
    let both = judge(&configuration, Some(older), Some(newest));
    assert_eq!(both, ASSIGN_NEWEST(Confidence::Complete));
    let unproven = with(8, 120, 120, Standing::Unproven);
    assert_eq!(judge(&configuration, Some(unproven), None), refused);
}

#[test]
fn two_that_cannot_prove_it_are_compared() {
    use Standing::{Proven, Unproven};
    let judge = |older, newest| judge(&dead(110), Some(older), Some(newest));
    let best = Confidence::BestThereIs;
    // The reference's example (meta-server.md section 30.4).
    let example = judge(with(7, 100, 120, Unproven), with(8, 110, 115, Unproven));
    assert_eq!(example, ASSIGN_NEWEST(best));
    let contradiction = judge(with(7, 100, 120, Proven), with(8, 90, 115, Unproven));
    let expected = Refusal::Contradiction(node(2), node(3));
    assert_eq!(contradiction, Verdict::Refuse(expected));
    let older = judge(with(8, 110, 115, Unproven), with(7, 100, 120, Unproven));
    assert_eq!(older, Verdict::Assign(node(2), best));
    let tie = judge(with(7, 110, 115, Unproven), with(7, 110, 115, Unproven));
    assert_eq!(tie, ASSIGN_NEWEST(best));
    let lost = judge(with(7, 100, 109, Unproven), with(8, 100, 105, Unproven));
    assert!(
        matches!(lost, Verdict::Refuse(Refusal::TooOld { .. })),
        "{lost:?}"
    );
}

#[test]
fn a_lost_replica_counts_only_against_the_older_one() {
    let some = with(7, 100, 120, Standing::Unproven);
    let judge = |older, newest| judge(&dead(0), older, newest);
    let best = ASSIGN_NEWEST(Confidence::BestThereIs);
    assert_eq!(judge(None, Some(some)), best);
    let refused = Verdict::Refuse(Refusal::NewestLost(node(3)));
    assert_eq!(judge(Some(some), None), refused);
    assert_eq!(judge(None, None), Verdict::Refuse(Refusal::AllLost));
}

#[test]
fn nothing_is_chosen_without_reports() {
    let configuration = dead(0);
    let away = all_dead::judge(&configuration, |_| Candidate::Away);
    assert_eq!(away, Verdict::Refuse(Refusal::Away(node(3))));
    let silent = all_dead::judge(&configuration, |_| Candidate::Here(Sighting::Unreported));
    assert_eq!(silent, Verdict::Refuse(Refusal::Unreported(node(3))));
    let mut only = dead(0);
    only.last_drops = vec![node(3)];
    assert_eq!(all_dead::judge(&only, |_| Candidate::Away), away);
    let report = with(1, 5, 5, Standing::Unproven);
    let here = all_dead::judge(&only, |_| Candidate::Here(Sighting::Present(&report)));
    assert_eq!(here, ASSIGN_NEWEST(Confidence::BestThereIs));
    only.last_drops.clear();
    only.complete_drops = 0;
    let nobody = all_dead::judge(&only, |_| Candidate::Away);
    assert_eq!(nobody, Verdict::Refuse(Refusal::NobodyKnown));
}

#[test]
fn a_partition_is_revived_when_its_last_member_proves_itself() {
    let mut ward = Ward::new(1, 3);
    ward.change(1, &[2]);
    ward.change(2, &[]);
    ward.kill(2);
    ward.change(0, &[]);
    let steps = ward.steps();
    let [GuardianStep::Alert(Alert::NoSafePrimary { pid: P, .. })] = steps.as_slice() else {
        panic!("{steps:?}");
    };
    assert_eq!(ward.next_round(), [], "it is said once");
    assert_eq!(ward.guardian.undecided().count(), 1);
    ward.beacon(2, 2, Phase::Serving);
    assert!(
        matches!(ward.steps().as_slice(), [GuardianStep::Alert(_)]),
        "another reason"
    );
    ward.report(2, &[report(P, 3)]);
    ward.wait(200);
    assert_eq!(ward.proposal(), (node(2), K::AssignPrimary, node(2)));
    assert_eq!(ward.guardian.undecided().count(), 0);
    assert_eq!(ward.guardian.totals().failed_choices, 2);
}

#[test]
fn what_a_process_said_before_it_died_does_not_count() {
    let mut ward = Ward::new(1, 3);
    ward.change(1, &[]);
    ward.change(0, &[]);
    ward.report(1, &[report(P, 3)]);
    ward.beacon(1, 2, Phase::Serving);
    assert!(matches!(ward.steps().as_slice(), [GuardianStep::Alert(_)]));
    assert_eq!(ward.next_round(), []);
}

#[test]
fn an_unproven_revival_is_said_loudly() {
    let mut ward = Ward::new(1, 3);
    ward.change(1, &[]);
    ward.change(0, &[]);
    ward.report(1, &[unproven(P)]);
    ward.report(2, &[]);
    ward.report(3, &[]);
    let alert = Alert::RevivedFrom {
        pid: P,
        node: node(1),
    };
    assert_eq!(ward.steps(), [GuardianStep::Alert(alert)]);
    assert_eq!(ward.proposal(), (node(1), K::AssignPrimary, node(1)));
}

fn any_report() -> impl Strategy<Value = Option<ReplicaReport>> {
    let standing = prop_oneof![Just(Standing::Proven), Just(Standing::Unproven)];
    let report =
        (1i64..4, 0i64..5, 0i64..5, standing).prop_map(|(ballot, committed, more, standing)| {
            with(ballot, committed, committed + more, standing)
        });
    proptest::option::of(report)
}

proptest! {
    /// Whoever is chosen has a replica, and nobody who could be asked has committed more than all
    /// that the chosen ones' group had prepared.
    #[test]
    fn a_choice_is_never_worse_than_what_is_known(
        older in any_report(),
        newest in any_report(),
        last_committed in 0i64..6,
    ) {
        match judge(&dead(last_committed), older, newest) {
            Verdict::Assign(chosen, confidence) => {
                let report = if chosen == node(3) { newest } else { older };
                let report = report.expect("the chosen one has a replica");
                if confidence == Confidence::Complete {
                    prop_assert_eq!(chosen, node(3));
                    prop_assert_eq!(report.standing, Standing::Proven);
                    prop_assert!(report.prepared >= Decree(last_committed));
                } else {
                    prop_assert!(newest.is_some());
                    let other = if chosen == node(3) { older } else { newest };
                    let extent = |report: ReplicaReport| (report.ballot, report.committed);
                    prop_assert!(other.is_none_or(|other| extent(other) <= extent(report)));
                }
            }
            Verdict::Refuse(refusal) => prop_assert!(!refusal.to_string().is_empty()),
        }
    }
}
