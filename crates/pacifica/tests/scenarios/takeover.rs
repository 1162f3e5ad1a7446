//! Another ballot, another primary.

use pegasus_common::{Ballot, Decree};
use pegasus_pacifica::{ConfigurationSource, ReadRefusal, ReplicaStatus, WriteRefusal};

use super::model::address;
use super::{A, B, C, deliver_all, group, move_primary};

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
    world.restart(C);
    assert_eq!(
        world.replica(C).prepared(),
        Decree(1),
        "replay drops them too"
    );
    world.heal();
    world.checks.at_rest(&world.nodes, &world.meta);
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
    world.configure(A, &configuration, ConfigurationSource::Proposal);
    assert!(world.nodes[A].waiting_clients.is_empty());
    assert_eq!(world.write(A), Err(WriteRefusal::NotPrimary));
    world.config_sync(B);
    world.flush_log(B, usize::MAX);
    let before = world.replica(B).fingerprint();
    let (from, to, message) = world.network.stale_copy(0).unwrap();
    world.input(to, |replica, out| {
        replica.on_message(address(from), message, out);
    });
    assert_eq!(world.replica(B).fingerprint(), before);
}
