//! Who may act as primary, and until when.

use pegasus_common::{Ballot, Decree};
use pegasus_pacifica::{
    ConfigurationSource, InactiveReason, LeaseTerm, ProposalKind, ReadRefusal, ReplicaStatus, Role,
    WriteRefusal,
};

use super::model::meta::Copies;
use super::model::{World, address};
use super::{A, B, C, deliver_all, group};

/// A's lease runs out, meta gives its role to B, and B answers a write.
fn give_role_to_b(world: &mut World) {
    world.lapse(A);
    world.declare_dead(A);
    world.clear_primary();
    world.send_proposal(B, ProposalKind::UpgradeToPrimary, address(B));
    world.ask_for_sync(C);
    for _ in 0..6 {
        world.answer_request(0, Copies::Last);
        for index in [B, C] {
            world.take_notice(index);
            world.flush_log(index, usize::MAX);
            world.apply(index);
        }
        deliver_all(world, B, C);
        deliver_all(world, C, B);
    }
    assert_eq!(world.replica(B).admit_read(), Ok(()));
}

#[test]
fn without_its_lease_a_primary_neither_serves_nor_commits() {
    let mut world = group();
    world.write(A).unwrap();
    world.lapse(A);
    world.notice_lease(A);
    assert_eq!(world.replica(A).admit_read(), Err(ReadRefusal::NotPrimary));
    assert_eq!(
        world.replica(A).admit_write(),
        Err(WriteRefusal::NotPrimary)
    );
    world.settle();
    assert_eq!(world.replica(A).committed(), Decree(0));
}

#[test]
fn after_a_lapse_a_primary_goes_on_under_its_ballot_when_meta_has_confirmed_it() {
    let mut world = group();
    world.write(A).unwrap();
    world.lapse(A);
    world.beacon(A);
    world.notice_lease(A);
    assert_eq!(world.replica(A).readable_in(), None, "another term");
    assert!(world.nodes[A].wants_sync, "it asks at once");
    world.settle();
    assert_eq!(world.replica(A).readable_in(), Some(LeaseTerm(2)));
    assert_eq!(world.replica(A).committed(), Decree(1));
    assert_eq!(world.replica(A).ballot(), Ballot(1));
}

#[test]
fn what_was_asked_in_an_earlier_term_confirms_nothing() {
    let mut world = group();
    world.ask_for_sync(A);
    world.lapse(A);
    world.beacon(A);
    world.notice_lease(A);
    world.take_notice(A);
    assert_eq!(world.replica(A).readable_in(), None);
}

#[test]
fn a_proposal_of_the_present_ballot_confirms_nothing() {
    let mut world = group();
    world.lapse(A);
    world.beacon(A);
    world.notice_lease(A);
    let configuration = world.meta.configuration.clone();
    world.configure(A, &configuration, ConfigurationSource::Proposal);
    assert_eq!(world.replica(A).readable_in(), None);
}

#[test]
fn a_primary_that_slept_through_its_lease_does_not_read_when_it_wakes() {
    let mut world = group();
    world.write(A).unwrap();
    world.settle();
    give_role_to_b(&mut world);
    world.write(B).unwrap();
    world.flush_log(B, usize::MAX);
    deliver_all(&mut world, B, C);
    world.flush_log(C, usize::MAX);
    deliver_all(&mut world, C, B);
    world.apply(B);
    assert_eq!(world.checks.answered.len(), 2, "B has answered");
    // A has noticed nothing, and has a lease again before any message of B reaches it.
    world.beacon(A);
    assert_eq!(world.replica(A).status(), ReplicaStatus::Primary);
    assert!(!world.nodes[A].may_read(), "the term of its role is over");
    world.notice_lease(A);
    assert_eq!(world.replica(A).readable_in(), None);
    world.config_sync(A);
    assert_eq!(world.replica(A).status(), ReplicaStatus::Inactive);
}

#[test]
fn a_secondary_follows_until_its_request_to_take_over_is_granted() {
    let mut world = group();
    world.lapse(A);
    world.declare_dead(A);
    world.clear_primary();
    world.send_proposal(B, ProposalKind::UpgradeToPrimary, address(B));
    world.take_notice(B);
    assert_eq!(world.meta.requests(), 0, "first the ballot must be safe");
    world.flush_log(B, usize::MAX);
    assert_eq!(world.replica(B).status(), ReplicaStatus::Secondary);
    assert_eq!(world.meta.requests(), 1, "the proposal was not forgotten");
    world.input(B, |replica, out| replica.on_reconfiguration_timer(out));
    assert_eq!(world.meta.requests(), 2, "it asks again");
}

#[test]
fn a_primary_ends_its_role_before_it_asks_to_step_back() {
    let mut world = group();
    world.write(A).unwrap();
    world.send_proposal(A, ProposalKind::DowngradeToSecondary, address(A));
    world.take_notice(A);
    assert!(matches!(
        world.replica(A).role(),
        Role::Inactive(InactiveReason::AwaitingBallot)
    ));
    assert!(world.nodes[A].waiting_clients.is_empty());
    world.settle();
    assert_eq!(world.meta.configuration.primary, None);
    assert_eq!(world.replica(A).status(), ReplicaStatus::Secondary);
    world.heal();
    world.checks.at_rest(&world.nodes, &world.meta);
}
