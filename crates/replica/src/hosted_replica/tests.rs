use pegasus_common::StorageStatus;
use pegasus_engine::FlushMode;
use pegasus_wire::result;
use pegasus_wire::rrdb::IncrResponse;
use pegasus_wire::rrdb::UpdateResponse;

use super::*;
use crate::testing::Lone;
use crate::testing::MUTATION_BYTES_MAX;
use crate::testing::SERVER;
use crate::testing::WINDOW;
use crate::testing::incr;
use crate::testing::put;
use crate::testing::raw_key;
use crate::testing::server;
use crate::write_request::DecodedWrite;

fn stored(lone: &Lone, hash_key: &[u8]) -> Option<Vec<u8>> {
    let engine = &lone.replica.handle.engine;
    let at = pegasus_engine::ReadAt {
        now_epoch_s: 1,
        tier: ReadTier::All,
    };
    let pegasus_engine::ReadOutcome::Done(found) = engine.get(&raw_key(hash_key), at) else {
        panic!("a read that may wait is done");
    };
    (found.status() == StorageStatus::Ok).then(|| found.user_data().to_vec())
}

/// A key that is shorter than it says.
fn malformed() -> DecodedWrite {
    let DecodedWrite::Put(mut request) = put(b"", b"") else {
        unreachable!("a put")
    };
    request.key = bytes::Bytes::from_static(&[0, 9, 1]);
    DecodedWrite::Put(request)
}

#[test]
fn the_writes_of_a_turn_are_one_mutation_and_are_answered_when_it_is_applied() {
    let mut lone = Lone::new();
    lone.write(1, put(b"a", b"1"));
    lone.write(2, incr(b"n", 5));
    lone.write(3, incr(b"n", 2));
    assert!(lone.replica.has_staged());
    lone.end_turn();
    assert!(!lone.replica.has_staged());
    assert_eq!(lone.appended.len(), 1);
    assert_eq!(lone.answers(), []);
    assert_eq!(stored(&lone, b"a"), None);
    lone.log_one();
    let answers = lone.answers();
    let seqids: Vec<i32> = answers.iter().map(|answer| answer.seqid).collect();
    assert_eq!(seqids, [1, 2, 3]);
    let first: UpdateResponse = result::decode(&answers[0].body).unwrap();
    assert_eq!((first.error, first.decree), (0, 1));
    assert_eq!(
        (first.app_id, first.partition_index, &first.server[..]),
        (2, 0, SERVER)
    );
    let last: IncrResponse = result::decode(&answers[2].body).unwrap();
    assert_eq!((last.error, last.new_value, last.decree), (0, 7, 1));
    assert_eq!(stored(&lone, b"a").unwrap(), b"1");
}

#[test]
fn atomic_writes_see_what_is_in_flight() {
    let mut lone = Lone::new();
    lone.write(1, incr(b"n", 1));
    lone.end_turn();
    lone.write(2, incr(b"n", 1));
    lone.end_turn();
    lone.log_one();
    lone.log_one();
    let last: IncrResponse = result::decode(&lone.answers()[1].body).unwrap();
    assert_eq!((last.new_value, last.decree), (2, 2));
}

/// The table of [`Lone`] with an environment.
fn table(key: &str, value: &str) -> AppInfo {
    AppInfo {
        partition_count: 8,
        envs: [(key.to_owned(), value.to_owned())].into(),
        ..AppInfo::default()
    }
}

#[test]
fn environments_take_effect_when_the_table_is_described_and_end_with_them() {
    let mut lone = Lone::new();
    let ttl = |lone: &Lone, hash_key: &[u8]| {
        let at = pegasus_engine::ReadAt {
            now_epoch_s: pegasus_common::clock::EpochSeconds::now().0,
            tier: ReadTier::All,
        };
        match lone.replica.handle.engine.ttl(&raw_key(hash_key), at) {
            pegasus_engine::ReadOutcome::Done(found) => found.ttl_seconds,
            other => panic!("{other:?}"),
        }
    };
    let mut seqid = 0;
    let mut write = |lone: &mut Lone, hash_key: &[u8]| {
        seqid += 1;
        lone.write(seqid, put(hash_key, b"1"));
        lone.end_turn();
        lone.log_one();
    };
    lone.replica.set_app(table("default_ttl", "1000"));
    write(&mut lone, b"mortal");
    assert!((990..=1_000).contains(&ttl(&lone, b"mortal")));
    let settings = |lone: &Lone| lone.replica.handle.engine.settings().get();
    assert_eq!(settings(&lone).default_ttl_s, 1_000);

    let denial = table("replica.deny_client_request", "timeout*all");
    lone.replica.set_app(denial);
    assert!(lone.replica.handle.rules().denial.is_some());
    write(&mut lone, b"immortal");
    assert_eq!(ttl(&lone, b"immortal"), -1, "the environment is gone");
    lone.replica.set_app(AppInfo::default());
    assert_eq!(lone.replica.handle.rules().denial, None);
    assert_eq!(settings(&lone), pegasus_engine::TableSettings::default());
}

#[test]
fn timestamps_grow_when_the_clock_does_not() {
    let mut lone = Lone::new();
    for seqid in 0..2 {
        let arrived = ArrivedWrite {
            write: put(b"a", b"1"),
            requester: crate::testing::requester(seqid),
        };
        lone.input(|replica, answers, effects| {
            replica.stage(arrived, WallMicros(100), answers, effects)
        });
        lone.end_turn();
    }
    assert_eq!(lone.replica.machine.latest_timestamp_us(), 101);
}

#[test]
fn a_full_window_gathers_writes_into_the_next_mutation() {
    let mut lone = Lone::new();
    let window = i32::try_from(WINDOW).unwrap();
    for seqid in 0..window {
        lone.write(seqid, put(b"a", b"1"));
        lone.end_turn();
    }
    for seqid in window..window + 3 {
        lone.write(seqid, put(b"a", b"2"));
        lone.end_turn();
    }
    assert_eq!(lone.appended.len(), 2, "the rest waits");
    lone.log_one();
    assert_eq!(lone.outcomes(), [(0, ErrorCode::Ok)]);
    lone.end_turn();
    assert_eq!(lone.appended.len(), 2);
    lone.log_one();
    lone.log_one();
    let outcomes = lone.outcomes();
    assert_eq!(outcomes.len(), 4);
    assert!(outcomes.iter().all(|(_, error)| *error == ErrorCode::Ok));
    assert_eq!(lone.replica.machine.committed(), Decree(3));
}

#[test]
fn a_full_window_and_a_full_mutation_refuse_writes() {
    let mut lone = Lone::new();
    let large = vec![0; MUTATION_BYTES_MAX];
    for seqid in 0..3 {
        // Large enough to be proposed without waiting for the end of the turn.
        lone.write(seqid, put(b"a", &large));
    }
    assert_eq!(lone.appended.len(), 2);
    lone.write(3, put(b"a", b"1"));
    assert_eq!(lone.outcomes(), [(3, ErrorCode::CapacityExceeded)]);
    lone.log_one();
    lone.end_turn();
    lone.log_one();
    lone.log_one();
    assert_eq!(lone.outcomes().len(), 3);
}

#[test]
fn writes_without_effect_wait_for_what_they_were_decided_after() {
    let mut lone = Lone::new();
    lone.write(1, malformed());
    lone.end_turn();
    assert_eq!(
        lone.outcomes(),
        [(1, ErrorCode::Ok)],
        "nothing was in flight"
    );
    lone.write(2, put(b"a", b"1"));
    lone.end_turn();
    lone.write(3, malformed());
    lone.end_turn();
    assert_eq!(lone.outcomes(), []);
    assert_eq!(lone.appended.len(), 1, "no decree is spent on it");
    lone.log_one();
    let answers = lone.answers();
    let last: UpdateResponse = result::decode(&answers[1].body).unwrap();
    assert_eq!((answers[1].seqid, last.decree), (3, 1));
    assert_ne!(last.error, 0);
}

#[test]
fn a_primary_that_is_no_more_tells_what_is_unknown_and_what_has_not_happened() {
    let mut lone = Lone::new();
    lone.write(1, put(b"a", b"1"));
    lone.end_turn();
    lone.write(2, put(b"a", b"2"));
    lone.configure(2, server(34802));
    assert_eq!(
        lone.outcomes(),
        [(2, ErrorCode::InvalidState), (1, ErrorCode::Timeout)]
    );
    lone.write(3, put(b"a", b"3"));
    assert_eq!(lone.outcomes(), [(3, ErrorCode::InvalidState)]);
    assert_eq!(lone.replica.handle.readability(), Readability::Closed);
    // The log comes too late.
    lone.log_one();
    assert_eq!(lone.outcomes(), []);
}

#[test]
fn what_is_committed_is_answered_whoever_is_primary_by_then() {
    let mut lone = Lone::new();
    lone.write(1, put(b"a", b"1"));
    lone.end_turn();
    lone.write(2, put(b"a", b"2"));
    lone.end_turn();
    lone.log_one();
    lone.configure(2, server(34802));
    assert_eq!(
        lone.outcomes(),
        [(1, ErrorCode::Ok), (2, ErrorCode::Timeout)]
    );
}

#[test]
fn storage_that_fails_leaves_no_client_without_an_answer() {
    let mut lone = Lone::new();
    lone.write(1, put(b"a", b"1"));
    lone.end_turn();
    lone.write(2, put(b"a", b"2"));
    // Storage is elsewhere than its replica believes.
    let foreign = AppliedMutation {
        decree: Decree(1),
        digest: 0,
        ballot: pegasus_common::Ballot(1),
        timestamp_us: 1,
        payload: bytes::Bytes::new(),
    };
    lone.replica.handle.engine.apply(&[foreign]).unwrap();
    lone.log_one();
    assert_eq!(lone.replica.machine.status(), ReplicaStatus::Error);
    assert!(!lone.replica.has_apply_backlog());
    assert_eq!(
        lone.outcomes(),
        [(2, ErrorCode::InvalidState), (1, ErrorCode::Timeout)]
    );
}

#[test]
fn an_atomic_write_whose_value_is_on_disk_holds_up_those_behind_it() {
    let mut lone = Lone::new();
    lone.write(1, incr(b"n", 40));
    lone.end_turn();
    lone.log_one();
    lone.replica.handle.engine.flush(FlushMode::Wait).unwrap();
    assert_eq!(
        lone.write(2, incr(b"n", 2)),
        Staged::NeedsRead(raw_key(b"n").to_vec())
    );
    assert_eq!(lone.write(3, put(b"n", b"other")), Staged::Taken);
    lone.end_turn();
    assert!(lone.appended.is_empty(), "nothing overtakes it");
    let now = WallMicros::now();
    let staged =
        lone.input(|replica, answers, effects| replica.on_key_cached(now, answers, effects));
    assert_eq!(staged, Staged::Taken);
    lone.end_turn();
    lone.log_one();
    let answers = lone.answers();
    let second: IncrResponse = result::decode(&answers[1].body).unwrap();
    assert_eq!((answers.len(), second.new_value), (3, 42));
    assert_eq!(stored(&lone, b"n").unwrap(), b"other");
}

#[test]
fn effects_are_no_larger_than_their_estimate() {
    let pair = |number: u8| pegasus_wire::rrdb::KeyValue {
        key: vec![number; 10].into(),
        value: vec![number; 20].into(),
        ..pegasus_wire::rrdb::KeyValue::default()
    };
    let request = pegasus_wire::rrdb::MultiPutRequest {
        hash_key: vec![b'h'; 30].into(),
        kvs: (0..10).map(pair).collect(),
        ..pegasus_wire::rrdb::MultiPutRequest::default()
    };
    for write in [
        put(b"hash key", b"value"),
        put(b"", b""),
        incr(b"n", i64::MIN),
        DecodedWrite::Remove(raw_key(b"hash key")),
        DecodedWrite::MultiPut(request),
    ] {
        let mut lone = Lone::new();
        let estimate = write.effect_bytes_max();
        lone.write(1, write);
        let effect = lone.replica.builder.payload_len();
        assert!(effect > 0);
        assert!(effect <= estimate, "{effect} bytes, estimate {estimate}");
    }
}

#[test]
fn a_closed_replica_refuses_everything_that_waits() {
    let mut lone = Lone::new();
    lone.write(1, put(b"a", b"1"));
    lone.end_turn();
    lone.write(2, put(b"a", b"2"));
    lone.input(|replica, answers, _| replica.refuse_all(answers));
    assert_eq!(
        lone.outcomes(),
        [(2, ErrorCode::InvalidState), (1, ErrorCode::Timeout)]
    );
}
