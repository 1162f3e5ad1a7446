//! Random requests of all kinds against the engine and against a plain model of what they mean.
//!
//! `SEMANTICS_OPERATIONS=n` sets how many are played, `SEMANTICS_SEED=n` with which seed they begin.

#![allow(
    clippy::unwrap_used,
    reason = "a test may panic in its helper functions too"
)]

#[allow(dead_code, reason = "each test uses its part")]
mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use bytes::Bytes;
use pegasus_engine::{
    CloseMode, EngineOptions, FlushMode, OpenMode, PartitionShare, RangeLimits, ReadAt, ReadTier,
    SettingsHandle, Shared, TableSettings, WriteOperation, WriteReply,
};
use pegasus_semantics::{
    Answer, Clock, Generator, Limits, Partition, Request, Rules, ServedScans, Share, Step,
};
use pegasus_wire::rrdb::ScanRequest;
use support::Replica;

/// Requests of the run that every test run has.
const OPERATIONS: u64 = 100_000;
/// Each seed has its own rules and plays so many.
const OPERATIONS_PER_SEED: u64 = 20_000;
/// So many requests come between two restarts, on average.
const RESTART_EVERY: u64 = 4_000;

fn environment(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// The rules of a seed: every combination comes up.
fn rules_of(seed: u64) -> Rules {
    let small = Limits {
        multi_get_count: 12,
        answer_bytes: 100,
        scan_count: 7,
    };
    Rules {
        default_ttl_s: if seed.is_multiple_of(3) { 5 } else { 0 },
        share: seed
            .is_multiple_of(2)
            .then_some(Share { index: 1, count: 4 }),
        limits: if seed.is_multiple_of(5) {
            Limits::default()
        } else {
            small
        },
    }
}

fn shared_of(limits: Limits) -> Shared {
    support::shared_with(&EngineOptions {
        range_limits: RangeLimits {
            multi_get_count_max: u32::try_from(limits.multi_get_count).unwrap(),
            answer_bytes_max: limits.answer_bytes as u64,
            scan_count_max: u32::try_from(limits.scan_count).unwrap(),
            time_max: None,
        },
        // Compactions drop what is no longer to be seen, whenever they come; until then it counts
        // against limits.
        level0_file_num_compaction_trigger: 10_000,
        level0_slowdown_writes_trigger: 20_000,
        level0_stop_writes_trigger: 30_000,
        ..EngineOptions::default()
    })
}

/// The engine and the model, side by side.
struct Comparison<'a> {
    shared: &'a Shared,
    path: &'a Path,
    rules: Rules,
    replica: Replica,
    partition: Partition,
    generator: Generator,
    scans: ServedScans,
    played: BTreeMap<&'static str, u64>,
}

fn open(shared: &Shared, path: &Path, rules: Rules, mode: OpenMode) -> Replica {
    let partition = rules.share.map(|share| PartitionShare {
        index: share.index,
        count: share.count,
    });
    let settings = SettingsHandle::new(TableSettings {
        default_ttl_s: rules.default_ttl_s,
        partition,
        ..TableSettings::default()
    });
    let mut replica = Replica::open_with(shared, path, mode, settings);
    replica.write_settings.default_ttl_s = rules.default_ttl_s;
    replica
}

impl<'a> Comparison<'a> {
    fn new(shared: &'a Shared, path: &'a Path, rules: Rules, seed: u64) -> Self {
        Self {
            shared,
            path,
            rules,
            replica: open(shared, path, rules, OpenMode::Create),
            partition: Partition::new(rules),
            generator: Generator::new(seed, Clock::Stepped),
            scans: ServedScans::default(),
            played: BTreeMap::new(),
        }
    }

    /// Gives how many of each kind were played.
    fn play(mut self, count: u64) -> BTreeMap<&'static str, u64> {
        for number in 1..=count {
            let now = self.replica.now_epoch_s;
            match self.generator.next(&self.partition, now) {
                Step::Wait(seconds) => self.replica.now_epoch_s += seconds,
                Step::Ask(request) => self.compare(&request),
            }
            if number % RESTART_EVERY == 0 {
                self = self.restart();
            } else if number % (RESTART_EVERY / 7) == 0 {
                self.replica.engine.flush(FlushMode::Wait).unwrap();
            }
        }
        self.restart().played
    }

    fn compare(&mut self, request: &Request) {
        let now = self.replica.now_epoch_s;
        let expected = self.partition.answer(request, now);
        let found = self.engine_answer(request, &expected);
        assert_eq!(found, expected, "to {request:?} at {now}");
        self.generator.note(request, &expected);
        *self.played.entry(request.name()).or_default() += 1;
    }

    /// What the engine answers. Its scans get the numbers that the model gave them.
    fn engine_answer(&mut self, request: &Request, expected: &Answer) -> Answer {
        if let Some(reply) = self.evaluate(request) {
            return written(reply);
        }
        // Reads see what is applied.
        self.replica.propose();
        self.replica.commit();
        let engine = &self.replica.engine;
        let now_epoch_s = self.replica.now_epoch_s;
        let tier = ReadTier::All;
        let at = ReadAt { now_epoch_s, tier };
        match request {
            Request::Get(raw_key) => {
                let found = engine.get(raw_key, at).done().unwrap();
                Answer::Value {
                    error: found.status().code(),
                    value: Bytes::copy_from_slice(found.user_data()),
                }
            }
            Request::Ttl(raw_key) => engine.ttl(raw_key, at).done().unwrap().into(),
            Request::SortkeyCount(hash_key) => {
                engine.sortkey_count(hash_key, at).done().unwrap().into()
            }
            Request::BatchGet(request) => engine.batch_get(request, at).done().unwrap().into(),
            Request::MultiGet(request) => engine.multi_get(request, at).done().unwrap().into(),
            Request::GetScanner(request) => {
                let found = engine.get_scanner(request, now_epoch_s, Instant::now());
                self.scans.batch(found, expected)
            }
            Request::Scan(scan) => {
                let context_id = self.scans.take(*scan);
                let request = ScanRequest { context_id };
                let found = engine.scan(&request, now_epoch_s, Instant::now());
                self.scans.batch(found, expected)
            }
            Request::ClearScanner(scan) => {
                engine.clear_scanner(self.scans.take(*scan));
                assert_eq!(engine.stats().scan_contexts, self.partition.scan_count());
                Answer::Silence
            }
            other => panic!("a write was not evaluated: {other:?}"),
        }
    }

    /// Evaluates a write; what is in flight and what is applied differ from one to the next.
    fn evaluate(&mut self, request: &Request) -> Option<WriteReply> {
        let replica = &mut self.replica;
        let reply = replica.evaluate(match request {
            Request::Put(request) => WriteOperation::Put(request),
            Request::Remove(raw_key) => WriteOperation::Remove(raw_key),
            Request::MultiPut(request) => WriteOperation::MultiPut(request),
            Request::MultiRemove(request) => WriteOperation::MultiRemove(request),
            Request::Incr(request) => WriteOperation::Incr(request),
            Request::CheckAndSet(request) => WriteOperation::CheckAndSet(request),
            Request::CheckAndMutate(request) => WriteOperation::CheckAndMutate(request),
            _ => return None,
        });
        match self.partition.len() % 5 {
            0 | 1 => {}
            2 | 3 => replica.propose(),
            _ => {
                replica.propose();
                replica.commit();
            }
        }
        Some(reply)
    }

    /// Closes the engine and opens it again: what it stores is the same, and its scans are gone.
    fn restart(mut self) -> Self {
        self.replica.propose();
        self.replica.commit();
        let now = self.replica.now_epoch_s;
        let digest = self.replica.engine.digest_of_all(now).unwrap();
        self.replica.engine.close(CloseMode::Flush).unwrap();
        let mut replica = open(self.shared, self.path, self.rules, OpenMode::MustExist);
        replica.now_epoch_s = now;
        assert_eq!(replica.engine.digest_of_all(now).unwrap(), digest);
        self.partition.forget_scans();
        self.generator.forget_scans();
        Self {
            replica,
            scans: ServedScans::default(),
            ..self
        }
    }
}

fn written(reply: WriteReply) -> Answer {
    match reply {
        WriteReply::Update { status } => Answer::Written {
            error: status.code(),
        },
        WriteReply::MultiRemove { status, count } => Answer::Removed {
            error: status.code(),
            count,
        },
        WriteReply::Incr { status, new_value } => Answer::Incremented {
            error: status.code(),
            new_value,
        },
        WriteReply::CheckAndSet(reply) | WriteReply::CheckAndMutate(reply) => Answer::Checked {
            error: reply.status.code(),
            is_returned: reply.check_value_returned,
            exists: reply.check_value_exist,
            value: reply.check_value,
        },
    }
}

#[test]
fn the_engine_does_what_the_operations_mean() {
    let operations = environment("SEMANTICS_OPERATIONS").unwrap_or(OPERATIONS);
    let first = environment("SEMANTICS_SEED").unwrap_or(0);
    let mut played: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in first..first + operations.div_ceil(OPERATIONS_PER_SEED) {
        println!("seed {seed}");
        let rules = rules_of(seed);
        let shared = shared_of(rules.limits);
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rdb");
        let comparison = Comparison::new(&shared, &path, rules, seed);
        for (name, count) in comparison.play(OPERATIONS_PER_SEED) {
            *played.entry(name).or_default() += count;
        }
    }
    println!("{played:?}");
    assert_eq!(played.len(), 15, "every kind was played: {played:?}");
}
