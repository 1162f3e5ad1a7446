//! Servers that come back.

use pegasus_common::{Ballot, Decree};
use pegasus_pacifica::{
    InactiveReason, Membership, ReconfigurationKind, ReplicaStatus, Role, Standing,
};

use super::model::event::Event;
use super::model::{address, small_options};
use super::{A, B, C, begin_lease, group};

#[test]
fn a_restarted_secondary_returns_at_once_and_gets_what_it_missed() {
    let mut world = group();
    world.write(A).unwrap();
    world.settle();
    world.crash(B, 0);
    world.write(A).unwrap();
    world.restart(B);
    assert!(matches!(
        world.replica(B).role(),
        Role::Inactive(InactiveReason::Starting)
    ));
    world.settle();
    assert_eq!(
        world.replica(B).ballot(),
        Ballot(1),
        "the group check brought it back"
    );
    assert_eq!(world.replica(B).status(), ReplicaStatus::Secondary);
    assert_eq!(world.replica(A).committed(), Decree(2));
}

#[test]
fn a_restarted_primary_acts_under_a_new_ballot_only() {
    let mut world = group();
    world.write(A).unwrap();
    world.settle();
    world.crash(A, 0);
    world.restart(A);
    begin_lease(&mut world, A);
    world.config_sync(A);
    assert!(matches!(
        world.replica(A).role(),
        Role::Inactive(InactiveReason::AwaitingBallot)
    ));
    let request = world.replica(A).request().unwrap();
    assert_eq!(request.kind, ReconfigurationKind::PrimaryForceUpdateBallot);
    world.settle();
    assert_eq!(world.replica(A).status(), ReplicaStatus::Primary);
    assert_eq!(world.replica(A).ballot(), Ballot(2));
    assert_eq!(world.replica(B).ballot(), Ballot(2), "told by group check");
    assert_eq!(world.replica(A).admit_read(), Ok(()));
}

#[test]
fn everyone_restarts_and_nothing_is_lost() {
    let mut world = group();
    for _ in 0..5 {
        world.write(A).unwrap();
        world.settle();
    }
    for index in [A, B, C] {
        world.crash(index, 0);
    }
    world.heal();
    world.checks.at_rest(&world.nodes, &world.meta);
    assert_eq!(
        world.checks.answered.len(),
        5 + small_options().prepared_max as usize
    );
}

#[test]
fn a_replica_that_cannot_prove_its_log_does_not_rejoin() {
    let mut world = group();
    world.write(A).unwrap();
    world.settle();
    world.act(Event::LoseTail { at: B, records: 1 });
    world.restart(B);
    world.config_sync(B);
    assert!(matches!(
        world.replica(B).role(),
        Role::Inactive(InactiveReason::Unproven)
    ));
    assert_eq!(world.replica(B).standing(), Standing::Unproven);
    // The primary hears of it and asks meta to go on without it.
    world.write(A).unwrap();
    world.settle();
    assert_eq!(
        world.meta.configuration.membership_of(address(B)),
        Membership::Outside
    );
    assert_eq!(world.replica(A).committed(), Decree(2));
}
