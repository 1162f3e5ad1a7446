//! One replica alone, and what it asks for.

use bytes::Bytes;
use pegasus_common::{Ballot, Decree};
use pegasus_pacifica::{
    ConfigurationSource, DigestAt, Effect, Effects, ErrorReason, GroupCheck, InactiveReason, Lease,
    LeaseTerm, Life, Message, Mutation, Proposal, ProposalKind, ReconfigurationKind, Recovered,
    Replica, ReplicaStatus, Role,
};

use super::model::{GPID, Size, World, address, small_options};
use super::{A, B, C};

/// One replica alone, and what it asks for.
fn lone_member(me: usize) -> (Replica, Effects) {
    let mut replica = Replica::new(
        GPID,
        address(me),
        Life(1),
        small_options(),
        Recovered::empty(),
    );
    let mut out = Effects::new();
    let configuration = World::new(Size::of_members(3), small_options())
        .meta
        .configuration;
    replica.on_lease(Lease::Held(LeaseTerm(1)), &mut out);
    let source = ConfigurationSource::Sync {
        asked_in: LeaseTerm(1),
    };
    replica.on_configuration(&configuration, source, &mut out);
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
    let check = Message::GroupCheck(GroupCheck {
        configuration,
        last_committed: Decree(1),
        last_prepared: Decree(1),
        digest: DigestAt {
            decree: Decree(1),
            digest: 42,
        },
        learner: None,
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

#[test]
fn a_failed_secondary_does_not_ask_to_take_over_any_more() {
    let (mut secondary, mut out) = lone_member(B);
    let mut configuration = secondary
        .configuration()
        .cloned()
        .unwrap()
        .without(address(A));
    configuration.ballot = Ballot(2);
    let proposal = Proposal {
        kind: ProposalKind::UpgradeToPrimary,
        node: address(B),
        configuration,
    };
    secondary.on_proposal(&proposal, &mut out);
    secondary.on_ballot_safe(Ballot(2), &mut out);
    assert!(secondary.request().is_some());
    secondary.on_log_failed(&mut out);
    assert_eq!(secondary.request(), None);
}

#[test]
fn a_member_that_meta_does_not_list_keeps_all_that_it_has_and_comes_back_as_after_a_restart() {
    let (mut primary, mut out) = lone_member(A);
    primary
        .propose(1, Bytes::from_static(b"x"), &mut out)
        .unwrap();
    primary.on_log_safe(Ballot(1), Decree(1), &mut out);
    let configuration = primary.configuration().cloned().unwrap();
    out.drain();
    primary.on_unlisted(&mut out);
    assert_eq!(primary.status(), ReplicaStatus::Inactive);
    let refuses = |effect: &Effect| matches!(effect, Effect::RefuseAfter { .. });
    assert!(out.iter().any(refuses));
    assert_eq!(primary.prepared(), Decree(1), "perhaps acknowledged");
    assert_eq!(primary.ballot(), Ballot(1));
    out.drain();
    let source = ConfigurationSource::Sync {
        asked_in: LeaseTerm(1),
    };
    primary.on_configuration(&configuration, source, &mut out);
    let asks = |effect: &Effect| {
        matches!(effect, Effect::RequestReconfiguration(request)
            if request.kind == ReconfigurationKind::PrimaryForceUpdateBallot)
    };
    assert!(out.iter().any(asks), "the table was recalled");
}

#[test]
fn what_remains_of_a_failed_replica_has_the_ballot_that_was_on_its_way_and_the_uncommitted_tail() {
    let (mut secondary, mut out) = lone_member(B);
    for decree in 1..=2 {
        let message = Message::Prepare {
            mutation: mutation(decree, b"x"),
        };
        secondary.on_message(address(A), message, &mut out);
        secondary.on_log_safe(Ballot(1), Decree(decree), &mut out);
    }
    let next = secondary.configuration().cloned().unwrap();
    let next = next.with_next_ballot();
    secondary.on_configuration(&next, ConfigurationSource::Proposal, &mut out);
    secondary.on_apply_failed(&mut out);
    secondary.on_ballot_safe(Ballot(2), &mut out);
    let remains = secondary.remains();
    assert_eq!(remains.ballot, Ballot(2));
    assert_eq!(remains.committed, secondary.digest());
    assert_eq!(remains.committed.decree, Decree(1));
    assert_eq!(remains.mutations, [mutation(2, b"x")]);
    let again = Replica::new(GPID, address(B), Life(2), small_options(), remains);
    assert_eq!(again.prepared(), Decree(2));
    assert_eq!(again.latest_timestamp_us(), 2);
}
