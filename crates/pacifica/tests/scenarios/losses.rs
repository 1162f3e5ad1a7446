//! Servers that lost what they had, and groups that lost their members.

use pegasus_common::Decree;
use pegasus_pacifica::{InactiveReason, Membership, ProposalKind, ReplicaStatus, Role, Standing};

use super::learning::{assert_c_is_a_member, invite_c, write_and_settle};
use super::model::event::Event;
use super::model::meta::Copies;
use super::model::{Size, World, address};
use super::{A, B, C, begin_lease, deliver_all, group, group_of};

#[test]
fn a_wiped_member_leaves_the_group_and_learns_like_anybody() {
    let mut world = group();
    write_and_settle(&mut world, 3);
    world.crash(C, 0);
    world.act(Event::Wipe { at: C });
    world.restart(C);
    world.settle();
    let membership = world.meta.configuration.membership_of(address(C));
    assert_eq!(membership, Membership::Outside, "A was told at once");
    invite_c(&mut world);
    world.settle();
    assert_c_is_a_member(&mut world);
}

#[test]
fn an_unproven_primary_asks_to_be_taken_out() {
    let mut world = group();
    write_and_settle(&mut world, 3);
    world.act(Event::LoseTail { at: A, records: 1 });
    world.restart(A);
    world.config_sync(A);
    assert!(matches!(
        world.replica(A).role(),
        Role::Inactive(InactiveReason::Unproven)
    ));
    world.answer_request(0, Copies::Last);
    assert_eq!(world.meta.configuration.primary, None);
    world.heal();
    world.checks.at_rest(&world.nodes, &world.meta);
}

#[test]
fn the_last_replica_goes_on_by_decision_of_meta() {
    let mut world = group_of(Size {
        nodes: 2,
        members: 1,
    });
    write_and_settle(&mut world, 3);
    world.crash(A, 0);
    world.declare_dead(A);
    world.clear_primary();
    world.restart(A);
    begin_lease(&mut world, A);
    world.config_sync(A);
    world.flush_log(A, usize::MAX);
    assert!(matches!(
        world.replica(A).role(),
        Role::Inactive(InactiveReason::Outside)
    ));
    assert_eq!(world.replica(A).standing(), Standing::Proven);
    world.send_proposal(A, ProposalKind::AssignPrimary, address(A));
    world.settle();
    assert_eq!(world.replica(A).status(), ReplicaStatus::Primary);
    assert_eq!(world.replica(A).committed(), Decree(3));
    assert!(world.nodes[A].may_read());
}

/// B has learned from A and left again, and what it has is not A's history any more. A is about to teach
/// it.
fn strayed_learner() -> World {
    let mut world = group_of(Size {
        nodes: 2,
        members: 1,
    });
    write_and_settle(&mut world, 2);
    world.send_proposal(A, ProposalKind::AddSecondary, address(B));
    world.settle();
    assert_eq!(world.replica(B).status(), ReplicaStatus::Secondary);
    world.group_check(A);
    world.settle();
    world.flush_storage(B, 0);
    world.act(Event::LoseTail { at: B, records: 0 });
    world.nodes[B].flushed.digest ^= 1;
    world.restart(B);
    world.settle();
    world.send_proposal(A, ProposalKind::AddSecondary, address(B));
    world
}

fn assert_b_follows_a(world: &World) {
    assert_eq!(world.replica(B).status(), ReplicaStatus::Secondary);
    assert_eq!(world.replica(B).digest(), world.replica(A).digest());
}

#[test]
fn a_learner_with_another_history_takes_a_checkpoint() {
    let mut world = strayed_learner();
    world.settle();
    world.progress(A);
    world.settle();
    assert!(world.reach.counts["starts over"] >= 1);
    assert_b_follows_a(&world);
}

#[test]
fn a_checkpoint_that_is_gone_is_made_again() {
    let mut world = strayed_learner();
    world.take_notice(A);
    for _ in 0..3 {
        deliver_all(&mut world, A, B);
        world.flush_log(B, usize::MAX);
        deliver_all(&mut world, B, A);
    }
    world.teach(A);
    deliver_all(&mut world, A, B);
    assert!(world.nodes[B].fetch.is_some());
    world.nodes[A].checkpoints.clear();
    world.fetch(B);
    world.progress(B);
    world.settle();
    assert_b_follows_a(&world);
}
