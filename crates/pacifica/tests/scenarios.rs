//! Stories of a group, told step by step.

mod model;

use bytes::Bytes;
use model::{World, address, small_options};
use pegasus_common::{Ballot, Decree};
use pegasus_pacifica::{
    ConfigurationSource, DigestAt, Effect, Effects, ErrorReason, InactiveReason, Lease, Membership,
    Message, Mutation, Options, PeerOutcome, PrepareAck, ReadRefusal, ReconfigurationKind,
    Recovered, Replica, ReplicaStatus, Role, Standing, WriteRefusal,
};

const A: usize = 0;
const B: usize = 1;
const C: usize = 2;

/// Three members that have all heard of ballot 1: A is primary.
fn group() -> World {
    let mut world = World::new(3, small_options());
    for index in [A, B, C] {
        world.config_sync(index);
    }
    world.settle();
    world
}

/// Moves the primary; everyone hears of it from meta, and every ballot is safe.
fn move_primary(world: &mut World, to: usize) {
    world.meta.move_primary(address(to));
    for index in [A, B, C] {
        world.config_sync(index);
        world.flush_log(index, usize::MAX);
    }
}

/// Delivers everything that waits on a link.
fn deliver_all(world: &mut World, from: usize, to: usize) {
    while world.network.waiting(from, to) > 0 {
        world.deliver(from, to);
    }
}

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
fn a_new_primary_commits_what_it_inherited_before_it_serves() {
    let mut world = group();
    world.write(A).unwrap();
    world.write(A).unwrap();
    for to in [B, C] {
        deliver_all(&mut world, A, to);
        world.flush_log(to, usize::MAX);
    }
    move_primary(&mut world, B);
    assert_eq!(world.replica(B).status(), ReplicaStatus::Primary);
    assert_eq!(world.replica(B).admit_read(), Err(ReadRefusal::CatchingUp));
    assert_eq!(
        world.replica(B).admit_write(),
        Err(WriteRefusal::CatchingUp)
    );
    world.settle();
    assert_eq!(world.replica(B).applied(), Decree(2));
    assert_eq!(world.replica(B).admit_read(), Ok(()));
    assert_eq!(world.write(B), Ok(Decree(3)));
    world.settle();
    let entries = world.replica(B).prepare_list().iter();
    assert!(
        entries.map(|entry| entry.ballot).eq([Ballot(2); 3]),
        "proposed again"
    );
}

#[test]
fn what_the_old_primary_may_have_committed_outlives_a_second_change() {
    let mut world = group();
    for _ in 0..3 {
        world.write(A).unwrap();
    }
    for to in [B, C] {
        deliver_all(&mut world, A, to);
        world.flush_log(to, usize::MAX);
        deliver_all(&mut world, to, A);
    }
    world.flush_log(A, usize::MAX);
    for _ in 0..3 {
        world.apply(A);
    }
    assert_eq!(world.checks.answered.len(), 3);
    // B takes over, but only the first of three gets to C under the new ballot.
    world.crash(A, 0);
    move_primary(&mut world, B);
    deliver_all(&mut world, C, B);
    deliver_all(&mut world, B, C);
    deliver_all(&mut world, C, B);
    world.deliver(B, C);
    world.crash(B, 0);
    // C keeps the other two under their old ballot, and as primary brings them back.
    assert_eq!(world.replica(C).prepared(), Decree(3));
    move_primary(&mut world, C);
    world.heal();
    world.checks.at_rest(&world.nodes, &world.meta);
}

#[test]
fn entries_made_for_a_past_that_did_not_happen_are_dropped() {
    let mut world = group();
    for _ in 0..3 {
        world.write(A).unwrap();
    }
    // Only C hears of them; B, the next primary, writes something else at decree 1.
    deliver_all(&mut world, A, C);
    world.flush_log(C, usize::MAX);
    world.crash(A, 0);
    world.network.lose(A, B);
    move_primary(&mut world, B);
    world.settle();
    assert_eq!(
        world.replica(C).prepared(),
        Decree(3),
        "not contradicted yet"
    );
    assert_eq!(world.replica(C).log_release_limit(), None);
    world.write(B).unwrap();
    world.settle();
    assert_eq!(
        world.replica(C).prepared(),
        Decree(1),
        "2 and 3 followed another 1"
    );
    assert_eq!(
        world.replica(C).log_release_limit(),
        Some(Decree(0)),
        "replay must see both records of decree 1"
    );
    world.crash(C, 0);
    world.restart(C, Standing::Proven);
    assert_eq!(
        world.replica(C).prepared(),
        Decree(1),
        "replay drops them too"
    );
    world.heal();
    world.checks.at_rest(&world.nodes, &world.meta);
}

#[test]
fn a_restarted_secondary_returns_at_once_and_gets_what_it_missed() {
    let mut world = group();
    world.write(A).unwrap();
    world.settle();
    world.crash(B, 0);
    world.write(A).unwrap();
    world.restart(B, Standing::Proven);
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
    world.restart(A, Standing::Proven);
    world.config_sync(A);
    assert!(matches!(
        world.replica(A).role(),
        Role::Inactive(InactiveReason::AwaitingBallot(request))
            if request.kind == ReconfigurationKind::PrimaryForceUpdateBallot
    ));
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
    world.crash(B, 0);
    world.restart(B, Standing::Unproven);
    world.config_sync(B);
    assert!(matches!(
        world.replica(B).role(),
        Role::Inactive(InactiveReason::Unproven)
    ));
    assert_eq!(world.checks.needs_learning, 1);
    // The primary hears of it and asks meta to go on without it.
    world.write(A).unwrap();
    world.settle();
    assert_eq!(
        world.meta.configuration.membership_of(address(B)),
        Membership::Outside
    );
    assert_eq!(world.replica(A).committed(), Decree(2));
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
    let mut world = World::new(2, options);
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
fn a_higher_ballot_ends_the_old_one_before_it_is_safe() {
    let mut world = group();
    world.write(A).unwrap();
    deliver_all(&mut world, A, B);
    world.meta.move_primary(address(C));
    world.config_sync(B);
    world.flush_log(B, 1);
    assert_eq!(
        world.network.waiting(B, A),
        0,
        "no acknowledgement in an ended ballot"
    );
    assert_eq!(world.replica(B).ballot(), Ballot(1));
    assert_eq!(world.replica(B).known_ballot(), Ballot(2));
    // Another one overtakes it; only the last counts.
    world.meta.move_primary(address(B));
    world.config_sync(B);
    world.flush_log(B, 1);
    assert_eq!(world.replica(B).status(), ReplicaStatus::Inactive);
    world.flush_log(B, 1);
    assert_eq!(world.replica(B).ballot(), Ballot(3));
    assert_eq!(world.replica(B).status(), ReplicaStatus::Primary);
}

#[test]
fn a_deposed_primary_refuses_its_clients_and_its_messages_do_nothing() {
    let mut world = group();
    world.write(A).unwrap();
    world.network.copy_for_later(A, B);
    world.meta.move_primary(address(B));
    let configuration = world.meta.configuration.clone();
    world.configure(A, &configuration, ConfigurationSource::Sync);
    assert!(world.nodes[A].waiting_clients.is_empty());
    assert_eq!(world.write(A), Err(WriteRefusal::NotPrimary));
    world.config_sync(B);
    world.flush_log(B, usize::MAX);
    let before = world.replica(B).fingerprint();
    let (from, to, message) = world.network.take_stale(0).unwrap();
    world.input(to, |replica, out| {
        replica.on_message(address(from), message, out);
    });
    assert_eq!(world.replica(B).fingerprint(), before);
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

#[test]
fn without_its_lease_a_primary_neither_serves_nor_commits() {
    let mut world = group();
    world.write(A).unwrap();
    world.lease(A, Lease::NotHeld);
    assert_eq!(world.replica(A).admit_read(), Err(ReadRefusal::NotPrimary));
    assert_eq!(
        world.replica(A).admit_write(),
        Err(WriteRefusal::NotPrimary)
    );
    world.settle();
    assert_eq!(world.replica(A).committed(), Decree(0));
    world.lease(A, Lease::Held);
    assert_eq!(world.replica(A).committed(), Decree(1));
}

/// One replica alone, and what it asks for.
fn lone_member(me: usize) -> (Replica, Effects) {
    let mut replica = Replica::new(
        model::GPID,
        address(me),
        small_options(),
        Recovered::empty(),
    );
    let mut out = Effects::new();
    let configuration = World::new(3, small_options()).meta.configuration;
    replica.on_configuration(&configuration, ConfigurationSource::Proposal, &mut out);
    replica.on_ballot_safe(Ballot(1), &mut out);
    out.drain();
    (replica, out)
}

fn mutation(decree: i64, payload: &'static [u8]) -> Mutation {
    Mutation {
        ballot: Ballot(1),
        decree: Decree(decree),
        timestamp_us: decree,
        last_committed: Decree(decree - 1),
        checksum: Mutation::checksum_of(payload),
        payload: Bytes::from_static(payload),
    }
}

#[test]
fn a_failed_log_ends_the_replica_and_asks_meta_to_go_on_without_it() {
    let (mut primary, mut out) = lone_member(A);
    primary
        .propose(1, Bytes::from_static(b"x"), &mut out)
        .unwrap();
    out.drain();
    primary.on_log_failed(&mut out);
    assert!(matches!(
        primary.role(),
        Role::Error(ErrorReason::LogFailed)
    ));
    let effects: Vec<Effect> = out.drain().collect();
    assert!(matches!(
        &effects[..],
        [
            Effect::RequestReconfiguration(request),
            Effect::RefuseAfter { committed: Decree(0) },
            Effect::RoleChanged { to: ReplicaStatus::Error, .. },
        ] if request.kind == ReconfigurationKind::DowngradeToInactive
            && request.configuration.primary.is_none()
    ));
    primary.on_apply_failed(&mut out);
    assert!(out.is_empty(), "it fails once");
}

#[test]
fn a_secondary_with_other_bytes_stops() {
    let (mut secondary, mut out) = lone_member(B);
    let message = Message::Prepare {
        mutation: mutation(1, b"x"),
    };
    secondary.on_message(address(A), message, &mut out);
    secondary.on_log_safe(Ballot(1), Decree(1), &mut out);
    out.drain();
    let Some(configuration) = secondary.configuration().cloned() else {
        panic!("it is a secondary");
    };
    let check = Message::GroupCheck(pegasus_pacifica::GroupCheck {
        configuration,
        last_committed: Decree(1),
        last_prepared: Decree(1),
        digest: DigestAt {
            decree: Decree(1),
            digest: 42,
        },
    });
    secondary.on_message(address(A), check, &mut out);
    assert!(matches!(
        secondary.role(),
        Role::Error(ErrorReason::Diverged)
    ));
    let mismatch = |effect: &Effect| matches!(effect, Effect::DigestMismatch { .. });
    assert!(out.iter().any(mismatch));
}

#[test]
fn damaged_and_foreign_prepares_are_dropped() {
    let (mut secondary, mut out) = lone_member(B);
    let before = secondary.fingerprint();
    let damaged = Mutation {
        checksum: 1,
        ..mutation(1, b"x")
    };
    secondary.on_message(address(A), Message::Prepare { mutation: damaged }, &mut out);
    let foreign = mutation(1, b"x");
    secondary.on_message(address(C), Message::Prepare { mutation: foreign }, &mut out);
    assert_eq!(secondary.fingerprint(), before);
    assert!(out.is_empty());
}

#[test]
fn a_member_that_lacks_what_was_committed_steps_aside() {
    let (mut secondary, mut out) = lone_member(B);
    let ahead = Message::Prepare {
        mutation: mutation(5, b"x"),
    };
    secondary.on_message(address(A), ahead, &mut out);
    assert!(matches!(
        secondary.role(),
        Role::Inactive(InactiveReason::Unproven)
    ));
    let learns = |effect: &Effect| matches!(effect, Effect::NeedsLearning { .. });
    assert!(out.iter().any(learns));
}
