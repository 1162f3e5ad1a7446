//! Writes of a healthy group, and of one that lacks a member.

use pegasus_common::Decree;
use pegasus_pacifica::{
    InactiveReason, Message, Options, PeerOutcome, PrepareAck, Role, WriteRefusal,
};

use super::model::{Size, World, address, small_options};
use super::{A, B, C, deliver_all, group};

#[test]
fn a_write_commits_when_every_log_is_safe() {
    let mut world = group();
    world.write(A).unwrap();
    deliver_all(&mut world, A, B);
    deliver_all(&mut world, A, C);
    world.flush_log(A, 1);
    assert_eq!(
        world.network.waiting(B, A),
        0,
        "not acknowledged before it is safe"
    );
    world.flush_log(B, 1);
    deliver_all(&mut world, B, A);
    assert_eq!(
        world.replica(A).committed(),
        Decree(0),
        "C's log is missing"
    );
    world.flush_log(C, 1);
    deliver_all(&mut world, C, A);
    assert_eq!(world.replica(A).committed(), Decree(1));
    assert_eq!(world.checks.answered.len(), 0, "answered when applied");
    world.apply(A);
    assert_eq!(world.checks.answered.len(), 1);
}

#[test]
fn writes_are_pipelined_and_one_acknowledgement_stands_for_many() {
    let mut world = group();
    for _ in 0..4 {
        world.write(A).unwrap();
    }
    deliver_all(&mut world, A, B);
    world.flush_log(B, usize::MAX);
    assert_eq!(world.network.waiting(B, A), 1);
    world.settle();
    assert_eq!(world.replica(A).committed(), Decree(4));
}

#[test]
fn an_idle_secondary_hears_of_the_commit_point_by_group_check() {
    let mut world = group();
    world.write(A).unwrap();
    world.settle();
    assert_eq!(world.replica(B).committed(), Decree(0));
    assert!(world.replica(A).wants_group_check());
    world.group_check(A);
    world.settle();
    assert_eq!(world.replica(B).applied(), Decree(1));
    assert_eq!(world.replica(B).digest(), world.replica(A).digest());
    assert!(!world.replica(A).wants_group_check(), "everyone knows");
}

#[test]
fn a_lost_prepare_is_asked_for_once() {
    let mut world = group();
    world.write(A).unwrap();
    world.lose_silently(A, B);
    world.write(A).unwrap();
    world.write(A).unwrap();
    deliver_all(&mut world, A, B);
    assert_eq!(world.network.waiting(B, A), 1, "one answer for the burst");
    assert!(matches!(
        world.network.peek(B, A),
        Some(Message::PrepareAck(PrepareAck {
            outcome: PeerOutcome::Gap,
            decree: Decree(0),
            ..
        }))
    ));
    world.settle();
    assert_eq!(world.replica(A).committed(), Decree(3));
}

#[test]
fn too_few_members_or_a_full_window_refuse_writes_but_not_reads() {
    let options = Options {
        mutation_2pc_min_replica_count: 2,
        ..small_options()
    };
    let mut world = World::new(Size::of_members(2), options);
    for index in [A, B] {
        world.config_sync(index);
    }
    world.settle();
    for _ in 0..options.window_mutations {
        world.write(A).unwrap();
    }
    assert_eq!(world.write(A), Err(WriteRefusal::WindowFull));
    assert_eq!(world.replica(A).admit_read(), Ok(()));
    world.settle();
    assert_eq!(world.replica(A).admit_write(), Ok(()));

    world.meta.remove(address(B));
    world.config_sync(A);
    world.settle();
    assert_eq!(world.write(A), Err(WriteRefusal::NotEnoughMembers));
    assert_eq!(world.replica(A).admit_read(), Ok(()));
}

#[test]
fn a_removed_member_stays_outside() {
    let mut world = group();
    world.meta.remove(address(C));
    for index in [A, C] {
        world.config_sync(index);
    }
    world.settle();
    assert!(matches!(
        world.replica(C).role(),
        Role::Inactive(InactiveReason::Outside)
    ));
    world.write(A).unwrap();
    world.settle();
    assert_eq!(
        world.replica(A).committed(),
        Decree(1),
        "C is not waited for"
    );
    assert_eq!(world.replica(C).prepared(), Decree(0));
}

#[test]
fn a_suspect_is_taken_out_by_meta_and_the_rest_goes_on() {
    let mut world = group();
    world.crash(C, 0);
    world.write(A).unwrap();
    world.settle();
    assert_eq!(world.replica(A).committed(), Decree(0));
    world.input(A, |replica, out| replica.on_peer_suspected(address(C), out));
    world.settle();
    assert_eq!(world.meta.configuration.secondaries, [address(B)]);
    assert_eq!(world.replica(A).committed(), Decree(1));
}
