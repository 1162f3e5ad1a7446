//! Reading a log that is open: against a naive model, beside writers, over recycled segments, on
//! damaged files.

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use pegasus_common::{Ballot, Decree, Gpid};
use pegasus_log::{LogReader, MutationRecord, OpenMode, ReadError, Record};
use proptest::prelude::*;
use support::{Image, Running, gpid, mutation, quick, scratch};

/// What a reader should find: of each decree the last record since the replica was reset.
#[derive(Default)]
struct Model {
    replicas: BTreeMap<Gpid, BTreeMap<i64, MutationRecord>>,
}

impl Model {
    fn add(&mut self, record: &Record) {
        match record {
            Record::Mutation(mutation) => {
                let replica = self.replicas.entry(mutation.gpid).or_default();
                replica.insert(mutation.decree.0, mutation.clone());
            }
            Record::Forget { gpid } | Record::Reset { gpid, .. } => {
                self.replicas.remove(gpid);
            }
            Record::Ballot { .. } | Record::Vouch { .. } => {}
        }
    }

    fn find(&self, gpid: Gpid, decree: Decree) -> Option<&MutationRecord> {
        self.replicas.get(&gpid)?.get(&decree.0)
    }
}

/// Reads everything from `after` on, chunk by chunk.
fn read_all(
    reader: &LogReader,
    gpid: Gpid,
    mut after: Decree,
    bytes_max: usize,
) -> Vec<MutationRecord> {
    let mut all = Vec::new();
    while let Some(chunk) = reader
        .mutations(gpid, after, Decree(1 << 40), bytes_max)
        .expect("nothing is damaged")
    {
        assert!(!chunk.is_empty(), "progress");
        let bytes: usize = chunk.iter().map(|mutation| mutation.payload.len()).sum();
        assert!(chunk.len() == 1 || bytes <= bytes_max);
        after = chunk.last().expect("not empty").decree;
        all.extend(chunk);
    }
    all
}

#[derive(Clone, Debug)]
enum Step {
    Mutation {
        partition: i32,
        size: usize,
    },
    /// A new primary: it goes back by some decrees.
    TakeOver {
        partition: i32,
        back: i64,
    },
    Reset(i32),
    Forget(i32),
    Vouch(i32),
    EndBatch,
    Flushed(i32),
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let partition = || 0_i32..3;
    let step = prop_oneof![
        30 => (partition(), 0_usize..1500)
            .prop_map(|(partition, size)| Step::Mutation { partition, size }),
        3 => (partition(), 0_i64..6)
            .prop_map(|(partition, back)| Step::TakeOver { partition, back }),
        1 => partition().prop_map(Step::Reset),
        1 => partition().prop_map(Step::Forget),
        1 => partition().prop_map(Step::Vouch),
        8 => Just(Step::EndBatch),
        3 => partition().prop_map(Step::Flushed),
        1 => Just(Step::Restart),
    ];
    proptest::collection::vec(step, 20..160)
}

#[derive(Clone, Copy)]
struct Position {
    ballot: i64,
    decree: i64,
    flushed: i64,
}

/// Does the steps; gives the open log, what it should hold, and how far each replica has flushed.
fn play(steps: &[Step], open: impl Fn() -> Running) -> (Running, Model, Vec<i64>) {
    let mut running = open();
    let mut model = Model::default();
    let start = Position {
        ballot: 1,
        decree: 0,
        flushed: 0,
    };
    let mut positions = [start; 3];
    let mut batch = Vec::new();
    let at = |partition: i32| usize::try_from(partition).expect("not negative");
    for step in steps {
        match step {
            Step::Mutation { partition, size } => {
                let position = &mut positions[at(*partition)];
                position.decree += 1;
                batch.push(mutation(
                    *partition,
                    position.ballot,
                    position.decree,
                    *size,
                ));
            }
            Step::TakeOver { partition, back } => {
                let position = &mut positions[at(*partition)];
                position.ballot += 1;
                position.decree = (position.decree - back).max(position.flushed);
            }
            Step::Reset(partition) => {
                let position = &mut positions[at(*partition)];
                position.decree += 50;
                position.flushed = position.decree;
                batch.push(Record::Reset {
                    gpid: gpid(*partition),
                    ballot: Ballot(position.ballot),
                    decree: Decree(position.decree),
                });
            }
            Step::Forget(partition) => {
                positions[at(*partition)] = start;
                let gpid = gpid(*partition);
                batch.push(Record::Forget { gpid });
            }
            Step::Vouch(partition) => batch.push(Record::Vouch {
                gpid: gpid(*partition),
                ballot: Ballot(positions[at(*partition)].ballot),
            }),
            Step::EndBatch | Step::Flushed(_) | Step::Restart => {
                batch.iter().for_each(|record| model.add(record));
                running.write(&std::mem::take(&mut batch));
            }
        }
        match step {
            Step::Flushed(partition) => {
                let position = &mut positions[at(*partition)];
                position.flushed = position.decree;
                running
                    .log
                    .set_flushed(gpid(*partition), Decree(position.flushed));
            }
            Step::Restart => {
                drop(running); // a directory has one owner
                running = open();
                for (partition, position) in (0..).zip(&positions) {
                    running
                        .log
                        .set_flushed(gpid(partition), Decree(position.flushed));
                }
            }
            _ => {}
        }
    }
    batch.iter().for_each(|record| model.add(record));
    running.write(&batch);
    let flushed = positions.iter().map(|position| position.flushed).collect();
    (running, model, flushed)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_reader_finds_what_a_model_has(steps in steps(), bytes_max in 1_usize..5000) {
        let scratch = scratch();
        let directory = scratch.path().join("log");
        let open = || Running::open(quick(&directory), OpenMode::Create);
        let (running, model, flushed) = play(&steps, open);
        let reader = running.log.reader();
        for (partition, flushed) in (0..3).zip(flushed) {
            let gpid = gpid(partition);
            // Everything that may not be released is there, up to the first gap.
            let read = read_all(&reader, gpid, Decree(flushed), bytes_max);
            let expected = (flushed + 1..)
                .map_while(|decree| model.find(gpid, Decree(decree)))
                .cloned();
            prop_assert!(read.iter().cloned().eq(expected), "{gpid} after {flushed}");
            // From anywhere else it is the truth or nothing.
            for after in 0..flushed {
                let chunk = reader.mutations(gpid, Decree(after), Decree(after + 5), bytes_max);
                for (decree, mutation) in (after + 1..).zip(chunk.unwrap().unwrap_or_default()) {
                    prop_assert_eq!(Some(&mutation), model.find(gpid, Decree(decree)));
                }
            }
        }
    }
}

#[test]
fn a_reader_goes_on_beside_a_writer_that_recycles_segments() {
    let scratch = scratch();
    let mut running = Running::open(quick(&scratch.path().join("log")), OpenMode::Create);
    let reader = running.log.reader();
    const LAST: i64 = 1500;
    let written = Arc::new(AtomicI64::new(0));
    let safe = Arc::clone(&written);
    let other = std::thread::spawn(move || {
        let (mut after, mut read, mut lost) = (Decree(0), 0, 0);
        while after < Decree(LAST) {
            let through = Decree(safe.load(Ordering::Acquire));
            match reader.mutations(gpid(0), after, through, 3000) {
                Ok(Some(chunk)) => {
                    for got in chunk {
                        let expected = mutation(0, 1, after.0 + 1, 700);
                        assert_eq!(Record::Mutation(got), expected);
                        after = after.next();
                        read += 1;
                    }
                }
                Ok(None) => {
                    lost += 1;
                    after = Decree(after.0 + 3).min(through);
                }
                Err(error) => panic!("{error}"),
            }
        }
        (read, lost)
    });
    for decree in 1..=LAST {
        running.write(&[mutation(0, 1, decree, 700)]);
        written.store(decree, Ordering::Release);
        running.log.set_flushed(gpid(0), Decree(decree - 20));
    }
    let (read, lost) = other.join().unwrap();
    assert!(read > 0, "{read} read, {lost} times too late");
}

#[test]
fn a_reader_outlives_its_log_and_says_so() {
    let scratch = scratch();
    let directory = scratch.path().join("log");
    let mut running = Running::open(quick(&directory), OpenMode::Create);
    running.write(&[mutation(0, 1, 1, 10)]);
    let reader = running.log.reader();
    drop(running);
    let read = reader.mutations(gpid(0), Decree(0), Decree(1), 100);
    assert!(matches!(read, Err(ReadError::Closed)));
    drop(Running::open(quick(&directory), OpenMode::MustExist));
}

#[test]
fn changed_bytes_are_never_delivered() {
    let scratch = scratch();
    let directory = scratch.path().join("log");
    let mut running = Running::open(quick(&directory), OpenMode::Create);
    let written: Vec<Record> = (1..=6).map(|decree| mutation(0, 1, decree, 600)).collect();
    for record in &written {
        running.write(std::slice::from_ref(record));
    }
    let reader = running.log.reader();
    let path = directory.join("00000000000000000001.log");
    let sound = Image::of(&directory).segment(1).clone();
    let used = sound.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let mut refusals = 0;
    for at in (1024..used).step_by(7) {
        let mut changed = sound.clone();
        changed[at] ^= 0x20;
        std::fs::write(&path, &changed).unwrap();
        match reader.mutations(gpid(0), Decree(0), Decree(6), 1 << 20) {
            Err(ReadError::Damaged { .. }) => refusals += 1,
            Ok(Some(read)) => {
                let read: Vec<Record> = read.into_iter().map(Record::Mutation).collect();
                assert_eq!(read, written, "byte {at}");
            }
            other => panic!("byte {at}: {other:?}"),
        }
    }
    assert!(refusals > 400, "{refusals}");
    std::fs::remove_file(&path).unwrap();
    let read = reader.mutations(gpid(0), Decree(0), Decree(6), 1 << 20);
    assert!(matches!(read, Err(ReadError::Io { .. })), "{read:?}");
}
