//! Servers that become members by learning.

use pegasus_common::{Ballot, Decree};
use pegasus_pacifica::{
    InactiveReason, LearnPhase, Membership, ProposalKind, ReconfigurationKind, ReplicaStatus, Role,
    Standing,
};

use super::model::meta::Copies;
use super::model::{Size, World, address};
use super::{A, B, C, begin_lease, deliver_all, group, group_of};

/// A is primary and B secondary; C is a server without the partition.
fn pair_and_spare() -> World {
    group_of(Size {
        nodes: 3,
        members: 2,
    })
}

/// Meta proposes C to A, and A invites it.
pub fn invite_c(world: &mut World) {
    world.send_proposal(A, ProposalKind::AddSecondary, address(C));
    world.take_notice(A);
    deliver_all(world, A, C);
    world.flush_log(C, usize::MAX);
}

pub fn write_and_settle(world: &mut World, count: usize) {
    for _ in 0..count {
        world.write(A).expect("a healthy group takes writes");
        world.settle();
    }
}

/// Everything up to a member of the group, and both ends equal.
pub fn assert_c_is_a_member(world: &mut World) {
    world.group_check(A);
    world.settle();
    let membership = world.meta.configuration.membership_of(address(C));
    assert_eq!(membership, Membership::Secondary);
    assert_eq!(world.replica(C).status(), ReplicaStatus::Secondary);
    assert_eq!(world.replica(C).standing(), Standing::Proven);
    assert_eq!(world.replica(C).digest(), world.replica(A).digest());
}

#[test]
fn a_small_gap_is_closed_by_prepares() {
    let mut world = pair_and_spare();
    write_and_settle(&mut world, 3);
    invite_c(&mut world);
    world.settle();
    assert_c_is_a_member(&mut world);
    assert_eq!(world.reach.counts.get("needs the log"), None);
}

#[test]
fn a_larger_gap_is_read_from_the_log() {
    let mut world = pair_and_spare();
    write_and_settle(&mut world, 12);
    invite_c(&mut world);
    world.settle();
    assert_c_is_a_member(&mut world);
    assert!(world.reach.counts["supplied from the log"] >= 3);
    assert_eq!(world.reach.counts.get("installed"), None);
}

#[test]
fn what_the_log_has_let_go_comes_as_a_checkpoint() {
    let mut world = pair_and_spare();
    write_and_settle(&mut world, 12);
    world.flush_storage(A, usize::MAX);
    invite_c(&mut world);
    world.settle();
    assert_c_is_a_member(&mut world);
    assert_eq!(world.reach.counts["installed"], 1);
}

#[test]
fn the_log_is_kept_from_where_a_learner_is() {
    let mut world = pair_and_spare();
    write_and_settle(&mut world, 12);
    invite_c(&mut world);
    deliver_all(&mut world, C, A);
    assert_eq!(world.replica(A).log_release_limit(), Some(Decree(0)));
    world.flush_storage(A, usize::MAX);
    world.settle();
    assert_c_is_a_member(&mut world);
    assert_eq!(world.reach.counts.get("installed"), None);
    assert_eq!(world.replica(A).log_release_limit(), None);
}

#[test]
fn commits_wait_for_a_learner_from_the_moment_it_counts() {
    let mut world = pair_and_spare();
    write_and_settle(&mut world, 2);
    invite_c(&mut world);
    deliver_all(&mut world, C, A);
    deliver_all(&mut world, A, C);
    world.flush_log(C, usize::MAX);
    deliver_all(&mut world, C, A);
    assert_eq!(world.meta.requests(), 1, "it counts, and meta is asked");
    world.write(A).unwrap();
    deliver_all(&mut world, A, B);
    world.flush_log(A, usize::MAX);
    world.flush_log(B, usize::MAX);
    deliver_all(&mut world, B, A);
    assert_eq!(world.replica(A).committed(), Decree(2), "C is missing");
    deliver_all(&mut world, A, C);
    world.flush_log(C, usize::MAX);
    deliver_all(&mut world, C, A);
    assert_eq!(world.replica(A).committed(), Decree(3));
}

#[test]
fn a_learner_that_meta_may_make_a_member_is_not_given_up_under_this_ballot() {
    let mut world = pair_and_spare();
    invite_c(&mut world);
    deliver_all(&mut world, C, A);
    deliver_all(&mut world, A, C);
    deliver_all(&mut world, C, A);
    assert_eq!(world.meta.requests(), 1);
    world.crash(C, 0);
    world.input(A, |replica, out| replica.on_peer_suspected(address(C), out));
    world.write(A).unwrap();
    deliver_all(&mut world, A, B);
    world.flush_log(A, usize::MAX);
    world.flush_log(B, usize::MAX);
    deliver_all(&mut world, B, A);
    assert_eq!(world.replica(A).committed(), Decree(0), "meta may grant it");
    let request = world.replica(A).request().unwrap();
    assert_eq!(request.kind, ReconfigurationKind::PrimaryForceUpdateBallot);
    // Meta grants the newer request first; the older one is void then.
    world.answer_request(1, Copies::Last);
    world.settle();
    assert_eq!(world.meta.configuration.ballot, Ballot(2));
    assert_eq!(world.replica(A).committed(), Decree(1));
}

#[test]
fn a_learner_is_not_counted_before_its_primary_has_committed_what_it_took_over() {
    let mut world = group_of(Size {
        nodes: 3,
        members: 1,
    });
    write_and_settle(&mut world, 3);
    // After a restart A has three entries, and does not know that they are committed.
    world.crash(A, 0);
    world.restart(A);
    begin_lease(&mut world, A);
    world.config_sync(A);
    world.answer_request(0, Copies::Last);
    world.take_notice(A);
    world.lapse(A);
    world.notice_lease(A);
    world.flush_log(A, 1);
    assert_eq!(world.replica(A).status(), ReplicaStatus::Primary);
    assert_eq!(world.replica(A).committed(), Decree(2));
    invite_c(&mut world);
    deliver_all(&mut world, C, A);
    deliver_all(&mut world, A, C);
    world.flush_log(C, 2);
    deliver_all(&mut world, C, A);
    assert_eq!(world.meta.requests(), 0, "C lacks what A has answered");
    begin_lease(&mut world, A);
    world.settle();
    assert_c_is_a_member(&mut world);
}

#[test]
fn what_brings_a_learner_past_an_offered_checkpoint_makes_that_superfluous() {
    let mut world = pair_and_spare();
    write_and_settle(&mut world, 6);
    invite_c(&mut world);
    deliver_all(&mut world, C, A);
    world.teach(A);
    deliver_all(&mut world, A, C);
    world.flush_log(C, usize::MAX);
    // The first chunk closed the gap, but its acknowledgement is late.
    world.reconnect(A, C);
    world.settle();
    assert_c_is_a_member(&mut world);
}

#[test]
fn a_restarted_learner_begins_another_attempt() {
    let mut world = pair_and_spare();
    write_and_settle(&mut world, 12);
    invite_c(&mut world);
    deliver_all(&mut world, C, A);
    world.teach(A);
    deliver_all(&mut world, A, C);
    world.flush_log(C, usize::MAX);
    deliver_all(&mut world, C, A);
    let before: Vec<_> = world.replica(A).learners().collect();
    world.crash(C, 0);
    world.restart(C);
    assert_eq!(world.replica(C).standing(), Standing::Unproven);
    world.progress(A);
    deliver_all(&mut world, A, C);
    deliver_all(&mut world, C, A);
    let after: Vec<_> = world.replica(A).learners().collect();
    assert!(after[0].1 > before[0].1, "what it acknowledged may be gone");
    world.settle();
    assert_c_is_a_member(&mut world);
}

#[test]
fn a_checkpoint_that_cannot_be_fetched_is_asked_for_again() {
    let mut world = pair_and_spare();
    write_and_settle(&mut world, 12);
    world.flush_storage(A, usize::MAX);
    invite_c(&mut world);
    deliver_all(&mut world, C, A);
    world.teach(A);
    deliver_all(&mut world, A, C);
    assert!(world.nodes[C].fetch.is_some());
    world.fail_fetch(C);
    assert!(matches!(
        world.replica(C).role(),
        Role::Learner(learner) if learner.phase == LearnPhase::FetchFailed
    ));
    world.progress(C);
    world.settle();
    assert_c_is_a_member(&mut world);
}

#[test]
fn another_ballot_of_the_same_primary_does_not_end_a_fetch() {
    let mut world = group_of(Size {
        nodes: 4,
        members: 3,
    });
    let spare = 3;
    write_and_settle(&mut world, 12);
    world.flush_storage(A, usize::MAX);
    world.meta.remove(address(C));
    world.config_sync(A);
    world.config_sync(C);
    world.settle();
    world.send_proposal(A, ProposalKind::AddSecondary, address(spare));
    world.take_notice(A);
    deliver_all(&mut world, A, spare);
    world.flush_log(spare, usize::MAX);
    deliver_all(&mut world, spare, A);
    world.teach(A);
    deliver_all(&mut world, A, spare);
    let fetching = world.replica(spare).fetching();
    assert!(fetching.is_some());
    world.input(A, |replica, out| replica.on_peer_suspected(address(B), out));
    world.answer_request(0, Copies::Last);
    world.take_notice(A);
    assert_eq!(world.replica(A).status(), ReplicaStatus::Inactive);
    assert_eq!(
        world.replica(A).learners().count(),
        1,
        "its checkpoint stays"
    );
    world.flush_log(A, usize::MAX);
    deliver_all(&mut world, A, spare);
    assert_eq!(world.replica(spare).fetching(), fetching, "on its way");
    world.flush_log(spare, usize::MAX);
    assert_eq!(world.replica(spare).ballot(), world.replica(A).ballot());
    assert_eq!(world.replica(spare).fetching(), fetching);
    world.settle();
    world.progress(A);
    world.settle();
    assert_eq!(world.replica(spare).status(), ReplicaStatus::Secondary);
}

#[test]
fn a_learner_that_nobody_teaches_stops() {
    let mut world = pair_and_spare();
    invite_c(&mut world);
    world.crash(A, 0);
    for _ in 0..21 {
        world.progress(C);
    }
    assert!(matches!(
        world.replica(C).role(),
        Role::Inactive(InactiveReason::Starting)
    ));
}

#[test]
fn a_silent_learner_is_given_up() {
    let mut world = pair_and_spare();
    world.crash(C, 0);
    world.send_proposal(A, ProposalKind::AddSecondary, address(C));
    world.take_notice(A);
    assert_eq!(world.replica(A).learners().count(), 1);
    for _ in 0..11 {
        world.progress(A);
    }
    assert_eq!(world.replica(A).learners().count(), 0);
}

#[test]
fn no_more_learners_than_the_table_needs() {
    let mut world = group_of(Size {
        nodes: 4,
        members: 2,
    });
    let fourth = 3;
    for kind in [ProposalKind::AddSecondary, ProposalKind::AddSecondary] {
        world.send_proposal(A, kind, address(C));
        world.send_proposal(A, kind, address(fourth));
    }
    for _ in 0..4 {
        world.take_notice(A);
    }
    assert_eq!(world.replica(A).learners().count(), 1);
    world.send_proposal(A, ProposalKind::AddSecondaryForBalance, address(fourth));
    world.take_notice(A);
    assert_eq!(
        world.replica(A).learners().count(),
        2,
        "one more to balance"
    );
}

#[test]
fn a_member_that_does_not_acknowledge_is_suspected_if_enough_remain() {
    let mut world = group();
    world.write(A).unwrap();
    deliver_all(&mut world, A, B);
    world.flush_log(B, usize::MAX);
    deliver_all(&mut world, B, A);
    world.progress(A);
    world.progress(A);
    assert_eq!(world.meta.requests(), 0);
    world.progress(A);
    let request = world.replica(A).request().unwrap();
    assert_eq!(request.node, address(C));
}
