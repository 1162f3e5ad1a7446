//! Members that are missing, and one too many.

use super::*;

#[test]
fn a_dead_secondary_is_removed_before_anything_else() {
    let mut ward = Ward::new(1, 5);
    ward.kill(3);
    assert_eq!(ward.proposal(), (node(1), K::DowngradeToInactive, node(3)));
    ward.change(1, &[2]);
    assert_eq!(ward.next_round(), [], "it may come back");
    ward.wait(600_001);
    assert_eq!(ward.proposal(), (node(1), K::AddSecondary, node(4)));
    ward.kill(2);
    assert_eq!(ward.proposal(), (node(1), K::DowngradeToInactive, node(2)));
    ward.change(1, &[]);
    assert_eq!(
        ward.proposal(),
        (node(1), K::AddSecondary, node(4)),
        "goes on"
    );
}

#[test]
fn a_loading_secondary_keeps_its_place() {
    let mut ward = Ward::new(1, 3);
    ward.wait(10);
    ward.beacon(2, 2, Phase::Loading);
    assert_eq!(ward.steps(), []);
    assert_eq!(ward.next_round(), []);
}

#[test]
fn the_one_that_left_last_is_added_again_as_soon_as_it_serves() {
    let mut ward = Ward::new(1, 4);
    ward.kill(3);
    ward.change(1, &[2]);
    assert_eq!(ward.steps(), []);
    ward.beacon(3, 2, Phase::Loading);
    assert_eq!(ward.next_round(), []);
    ward.beacon(3, 2, Phase::Serving);
    assert_eq!(ward.proposal(), (node(1), K::AddSecondary, node(3)));
    ward.change(1, &[2, 3]);
    assert_eq!(ward.next_round(), []);
    assert_eq!(ward.guardian.ill_count(), 0);
}

#[test]
fn with_too_few_members_to_write_another_server_gets_a_copy_at_once() {
    let mut ward = Ward::new(1, 5);
    ward.kill(2);
    ward.change(1, &[3]);
    ward.kill(3);
    ward.change(1, &[]);
    assert_eq!(ward.proposal(), (node(1), K::AddSecondary, node(4)));
    let learner = ReplicaReport {
        role: ReportedRole::Learner,
        ..report(P, 3)
    };
    ward.report(4, &[learner]);
    assert_eq!(ward.next_round().len(), 1);
    ward.wait(3_600_000);
    for host in [1, 4, 5] {
        ward.beacon(host, 1, Phase::Serving);
    }
    assert_eq!(
        ward.proposal().2,
        node(4),
        "it learns, however long it takes"
    );
    ward.report(4, &[report(P, 3)]);
    assert_ne!(ward.next_round(), [], "it gave up: the next one");
}

#[test]
fn those_that_left_are_asked_first_in_turn() {
    let mut ward = Ward::new(1, 5);
    ward.change(1, &[2]);
    ward.wait(1);
    ward.change(1, &[]);
    assert_eq!(ward.proposal().2, node(2), "the newest");
    ward.wait(60_001);
    let given_up = ward.proposal();
    assert_eq!(given_up.2, node(3), "was not seen to learn for a minute");
}

#[test]
fn a_server_out_of_space_gets_no_copy_that_it_does_not_have() {
    let mut ward = Ward::new(1, 5);
    ward.run_out_of_space(4);
    ward.kill(2);
    ward.change(1, &[3]);
    ward.kill(3);
    ward.change(1, &[]);
    assert_eq!(ward.proposal(), (node(1), K::AddSecondary, node(5)));

    let mut ward = Ward::new(1, 3);
    ward.run_out_of_space(3);
    ward.change(1, &[2]);
    let again = (node(1), K::AddSecondary, node(3));
    assert_eq!(ward.proposal(), again, "it has what it had");
}

#[test]
fn the_black_list_and_the_limit_of_a_server_hold() {
    let options = GuardianOptions {
        black_list: BTreeSet::from([node(4)]),
        learners_per_node_max: 3,
        ..GuardianOptions::default()
    };
    let mut ward = Ward::with_options(8, 5, options);
    for index in 0..8 {
        let mut next = ward.configuration(Gpid::new(2, index));
        next.ballot = next.ballot.next();
        next.secondaries.clear();
        ward.commit(&next);
    }
    ward.kill(2);
    ward.kill(3);
    let steps = ward.steps();
    let asked: Vec<_> = steps
        .iter()
        .map(|step| match step {
            GuardianStep::Propose { action, .. } => action.node,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(asked, [node(5); 3]);
}

#[test]
fn the_surplus_goes_from_the_fullest_server() {
    let mut ward = Ward::new(2, 4);
    ward.change(1, &[2, 3, 4]);
    assert_eq!(ward.proposal(), (node(1), K::Remove, node(2)));
    ward.change(1, &[3, 4]);
    assert_eq!(ward.next_round(), []);
}
