use bytes::Bytes;

use super::*;

fn record(ballot: i64, decree: i64, committed: i64, payload: &'static [u8]) -> Mutation {
    Mutation {
        ballot: Ballot(ballot),
        decree: Decree(decree),
        timestamp_us: decree,
        last_committed: Decree(committed),
        checksum: Mutation::checksum_of(payload),
        payload: Bytes::from_static(payload),
    }
}

fn replay(applied: i64, records: Vec<Mutation>) -> Result<(Vec<i64>, Recovered), ReplayError> {
    let start = DigestAt {
        decree: Decree(applied),
        digest: 1,
    };
    let (mut replay, mut out) = (Replay::new(start, 16), Vec::new());
    for mutation in records {
        replay.on_mutation(mutation, &mut out)?;
    }
    let applied = out
        .iter()
        .map(|replayed| replayed.mutation.decree.0)
        .collect();
    Ok((applied, replay.finish(Standing::Proven)))
}

#[test]
fn what_is_proven_committed_is_applied_and_the_rest_is_kept() {
    let records = vec![
        record(1, 1, 0, b"a"),
        record(1, 2, 0, b"b"),
        record(1, 3, 2, b"c"),
    ];
    let (applied, recovered) = replay(1, records).unwrap();
    assert_eq!(applied, [2]);
    assert_eq!(recovered.committed.decree, Decree(2));
    assert_eq!(recovered.mutations, [record(1, 3, 2, b"c")]);
    assert_eq!(recovered.ballot, Ballot(1));
}

#[test]
fn storage_may_know_a_larger_ballot_than_the_records_that_the_log_still_has() {
    let start = DigestAt {
        decree: Decree(3),
        digest: 1,
    };
    let (mut replay, mut out) = (Replay::new(start, 16), Vec::new());
    for decree in 1..=2 {
        let old = record(1, decree, decree - 1, b"a");
        replay.on_mutation(old, &mut out).unwrap();
    }
    replay.on_stored_ballot(Ballot(7));
    replay.on_stored_ballot(Ballot(2));
    let recovered = replay.finish(Standing::Proven);
    assert_eq!(recovered.ballot, Ballot(7));
    assert_eq!(recovered.committed.decree, Decree(3));
    assert_eq!((out.len(), recovered.mutations.len()), (0, 0));
}

#[test]
fn the_newest_time_is_known_whichever_of_log_and_storage_has_it() {
    let start = DigestAt {
        decree: Decree(3),
        digest: 1,
    };
    let mut replay = Replay::new(start, 16);
    replay.on_stored_timestamp(30);
    assert_eq!(
        replay.clone().finish(Standing::Proven).latest_timestamp_us,
        30
    );
    let later = Mutation {
        timestamp_us: 40,
        ..record(1, 4, 3, b"a")
    };
    replay.on_mutation(later, &mut Vec::new()).unwrap();
    replay.on_stored_timestamp(30);
    assert_eq!(replay.finish(Standing::Proven).latest_timestamp_us, 40);
}

#[test]
fn void_records_are_dropped_even_if_storage_has_passed_the_one_replaced() {
    let records = vec![
        record(1, 1, 0, b"a"),
        record(1, 2, 0, b"b"),
        record(2, 1, 0, b"x"),
    ];
    let (_, recovered) = replay(1, records).unwrap();
    assert_eq!(recovered.mutations, []);
    assert_eq!(recovered.stale_through, Decree(2));
}

#[test]
fn what_only_a_log_without_a_hole_proves_is_known() {
    let start = DigestAt {
        decree: Decree(0),
        digest: 1,
    };
    let rests = |records: Vec<Mutation>| {
        let mut replay = Replay::new(start, 16);
        for record in records {
            replay.on_mutation(record, &mut Vec::new()).unwrap();
        }
        replay.rests_on_every_record()
    };
    let old = record(1, 1, 0, b"a");
    let replacing = record(2, 1, 0, b"b");
    let next = record(2, 2, 1, b"c");
    assert!(!rests(vec![old.clone(), replacing, next.clone()]));
    assert!(rests(vec![old, next]), "the replacing one may be lost");
    assert!(!rests(vec![record(1, 1, 0, b"a"), record(1, 2, 1, b"b")]));
}

#[test]
fn what_is_given_up_leaves_its_ballot_and_how_far_it_went() {
    let start = DigestAt {
        decree: Decree(3),
        digest: 1,
    };
    let mut replay = Replay::new(start, 16);
    for record in [record(2, 4, 3, b"a"), record(3, 5, 4, b"b")] {
        replay.on_mutation(record, &mut Vec::new()).unwrap();
    }
    replay.give_up(start);
    let recovered = replay.finish(Standing::Unproven);
    assert_eq!(recovered.ballot, Ballot(3));
    assert_eq!(recovered.committed, start);
    assert_eq!(recovered.mutations, []);
    assert_eq!(recovered.stale_through, Decree(5));
}

#[test]
fn entries_behind_one_proposed_again_stay() {
    let records = vec![
        record(1, 1, 0, b"a"),
        record(1, 2, 0, b"b"),
        record(2, 1, 0, b"a"),
    ];
    let (_, recovered) = replay(0, records).unwrap();
    assert_eq!(
        recovered.mutations,
        [record(2, 1, 0, b"a"), record(1, 2, 0, b"b")]
    );
}

#[test]
fn holes_damage_and_contradictions_are_reported() {
    let hole = replay(0, vec![record(1, 2, 0, b"a")]).unwrap_err();
    assert_eq!(
        hole,
        ReplayError::Hole {
            after: Decree(0),
            found: Decree(2)
        }
    );
    let damaged = Mutation {
        checksum: 0,
        ..record(1, 1, 0, b"a")
    };
    assert_eq!(
        replay(0, vec![damaged]).unwrap_err(),
        ReplayError::Damaged { decree: Decree(1) }
    );
    let shrink = vec![record(2, 1, 0, b"a"), record(1, 2, 0, b"a")];
    assert!(matches!(
        replay(0, shrink),
        Err(ReplayError::BallotsShrink { .. })
    ));
    let two = vec![
        record(1, 1, 0, b"a"),
        record(1, 2, 1, b"b"),
        record(2, 1, 0, b"x"),
    ];
    assert_eq!(
        replay(0, two).unwrap_err(),
        ReplayError::Diverged { decree: Decree(1) }
    );
}
