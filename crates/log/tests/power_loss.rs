//! Power loss and bad disks, simulated on images of a log directory (issue S1, must-show 3): cut the
//! log at any byte after the last acknowledged flush and nothing acknowledged is lost; change any
//! byte before it and the damage is reported, and confined to the replicas that it touches.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;

use pegasus_common::{Ballot, Decree, Gpid};
use pegasus_log::{DamageKind, OpenMode, Record, Suspects};
use proptest::prelude::*;
use support::{Image, Opened, Running, ballot, gpid, mutation, quick, records_of, scratch};

const SECTOR: usize = 512;

/// A log of three replicas in one segment, before and after its last batch.
struct SmallLog {
    before: Image,
    after: Image,
    /// Records that were acknowledged before the last batch, and those of the last batch.
    acknowledged: Vec<Record>,
    last: Vec<Record>,
    /// The last batch's bytes in segment 1.
    last_range: Range<usize>,
}

fn small_log(scratch: &Path) -> SmallLog {
    let directory = scratch.join("small");
    let mut running = Running::open(quick(&directory), OpenMode::Create);
    let batches = [
        vec![ballot(0, 1), ballot(1, 1), mutation(0, 1, 1, 40)],
        vec![mutation(1, 1, 1, 700)],
        vec![mutation(0, 1, 2, 0), mutation(1, 1, 2, 30)],
        vec![mutation(2, 4, 9, 100)],
    ];
    for batch in &batches {
        running.write(batch);
    }
    let before = Image::of(&directory);
    let last = vec![
        mutation(1, 1, 3, 600),
        mutation(0, 1, 3, 900),
        mutation(2, 4, 10, 20),
    ];
    running.write(&last);
    let mut after = Image::of(&directory);
    let last_range = changed(before.clone().segment(1), after.segment(1));
    SmallLog {
        before,
        after,
        acknowledged: batches.concat(),
        last,
        last_range,
    }
}

/// The sectors in which two files of one length differ, in bytes.
fn changed(a: &[u8], b: &[u8]) -> Range<usize> {
    assert_eq!(a.len(), b.len());
    let differing: Vec<usize> = (0..a.len()).filter(|at| a[*at] != b[*at]).collect();
    let first = differing.first().expect("they differ") / SECTOR;
    let last = differing.last().expect("they differ") / SECTOR;
    first * SECTOR..(last + 1) * SECTOR
}

/// The batch that was not acknowledged may be there or not, but only as a whole.
fn assert_nothing_lost(log: &SmallLog, opened: &Opened, what: &str) {
    let with_last = [log.acknowledged.clone(), log.last.clone()].concat();
    let is_expected = opened.replayed == log.acknowledged || opened.replayed == with_last;
    assert!(is_expected, "{what}: {} records", opened.replayed.len());
    assert_eq!(opened.report.doubts, Suspects::none(), "{what}");
    let only_redundant = |kind| kind == DamageKind::Redundant;
    let mut damages = opened.report.damages.iter();
    assert!(damages.all(|damage| only_redundant(damage.kind)), "{what}");
}

#[test]
fn a_cut_after_the_last_flush_loses_nothing() {
    let scratch = scratch();
    let log = small_log(scratch.path());
    for at in log.last_range.clone() {
        let mut zeroed = log.after.clone();
        zeroed.segment(1)[at..].fill(0);
        let opened = zeroed.open(scratch.path());
        assert_nothing_lost(&log, &opened, &format!("zeros from {at}"));
        let mut shortened = log.after.clone();
        shortened.segment(1).truncate(at);
        let opened = shortened.open(scratch.path());
        assert_nothing_lost(&log, &opened, &format!("end at {at}"));
    }
}

#[test]
fn sectors_of_an_unfinished_write_may_arrive_in_any_order() {
    let scratch = scratch();
    let log = small_log(scratch.path());
    let sectors: Vec<usize> = log.last_range.clone().step_by(SECTOR).collect();
    for arrived in 0..(1_usize << sectors.len()) {
        let mut image = log.after.clone();
        let mut before = log.before.clone();
        for (bit, start) in sectors.iter().enumerate() {
            if arrived & (1 << bit) == 0 {
                let old = &before.segment(1)[*start..*start + SECTOR];
                image.segment(1)[*start..*start + SECTOR].copy_from_slice(old);
            }
        }
        let opened = image.open(scratch.path());
        assert_nothing_lost(&log, &opened, &format!("arrived {arrived:b}"));
        let is_whole = arrived + 1 == 1 << sectors.len();
        assert_eq!(
            opened.report.cut.is_some(),
            !is_whole && arrived != 0,
            "{arrived:b}"
        );
        assert!(opened.report.damages.is_empty());
    }
}

/// Everything that holds however an image was damaged: what is not in doubt is complete.
fn assert_sound(written: &[Record], opened: &Opened, what: &str) {
    let gpids: BTreeSet<Gpid> = written.iter().map(Record::gpid).collect();
    for gpid in gpids {
        if opened.report.proven_complete(gpid) {
            let expected = Remembered::of(written, gpid);
            let got = Remembered::of(&opened.replayed, gpid);
            assert_eq!(
                got, expected,
                "{what}: {gpid} is not in doubt and not complete"
            );
            let ballot = opened
                .report
                .ballots
                .get(&gpid)
                .map_or(0, |ballot| ballot.0);
            assert_eq!(ballot, expected.ballot, "{what}: {gpid}");
        }
    }
}

/// What the records of a replica come down to.
#[derive(Debug, Default, PartialEq)]
struct Remembered {
    ballot: i64,
    /// Ballot and decree of every mutation that was not voided.
    mutations: Vec<(i64, i64)>,
}

impl Remembered {
    fn of(records: &[Record], gpid: Gpid) -> Self {
        let mut remembered = Self::default();
        for record in records.iter().filter(|record| record.gpid() == gpid) {
            match record {
                Record::Mutation(mutation) => {
                    remembered.ballot = remembered.ballot.max(mutation.ballot.0);
                    remembered
                        .mutations
                        .push((mutation.ballot.0, mutation.decree.0));
                }
                Record::Ballot { ballot, .. } | Record::Vouch { ballot, .. } => {
                    remembered.ballot = remembered.ballot.max(ballot.0);
                }
                Record::Forget { .. } => remembered = Self::default(),
                Record::Reset { ballot, .. } => {
                    remembered.ballot = remembered.ballot.max(ballot.0);
                    remembered.mutations.clear();
                }
            }
        }
        remembered
    }
}

#[test]
fn any_changed_byte_before_the_last_flush_is_reported_and_confined() {
    let scratch = scratch();
    let mut log = small_log(scratch.path());
    let written = [log.acknowledged.clone(), log.last.clone()].concat();
    let first_data = 4 * SECTOR; // after two headers and two openings of one sector each
    let end = log.last_range.end;
    for at in 0..end {
        let mut image = log.after.clone();
        let byte = &mut image.segment(1)[at];
        *byte = !*byte;
        let opened = image.open(scratch.path());
        let what = format!("byte {at}");
        let report = &opened.report;
        assert!(!report.damages.is_empty(), "{what} is not reported");
        let reported = |range: &Range<u64>| range.contains(&(at as u64));
        assert!(
            report.damages.iter().any(|d| reported(&d.range)),
            "{what}: {:?}",
            report.damages
        );
        assert!(report.cut.is_none(), "{what}");
        assert_sound(&written, &opened, &what);
        if at < first_data {
            assert_eq!(report.doubts, Suspects::none(), "{what}");
            assert_eq!(opened.replayed, written, "{what}");
        } else if at < log.last_range.start {
            assert!(matches!(report.doubts, Suspects::Only(_)), "{what}");
            let doubted: Vec<i32> = (0..3)
                .filter(|p| report.doubts.contains(gpid(*p)))
                .collect();
            let lost: Vec<i32> = (0..3)
                .filter(|p| {
                    records_of(&opened.replayed, gpid(*p)) != records_of(&written, gpid(*p))
                })
                .collect();
            assert_eq!(
                doubted, lost,
                "{what}: confined to those who lost something"
            );
        }
    }
    let marker = log.after.files.get_mut("MARKER").unwrap().clone();
    for at in 0..marker.len() {
        let mut image = log.after.clone();
        image.files.get_mut("MARKER").unwrap()[at] ^= 0x40;
        let opened = image.open(scratch.path());
        assert_eq!(opened.report.damages.len(), 1, "marker byte {at}");
        assert_eq!(opened.replayed, written);
    }
}

#[test]
fn a_changed_byte_in_a_log_without_records_puts_nobody_in_doubt() {
    let scratch = scratch();
    let directory = scratch.path().join("empty");
    drop(Running::open(quick(&directory), OpenMode::Create));
    let image = Image::of(&directory);
    for at in 0..4 * SECTOR {
        let mut image = image.clone();
        image.segment(1)[at] ^= 0x01;
        let opened = image.open(scratch.path());
        assert_eq!(opened.report.damages.len(), 1, "byte {at}");
        assert_eq!(opened.report.doubts, Suspects::none(), "byte {at}");
    }
}

/// A log of several segments, each record acknowledged, written in two runs.
struct LargeLog {
    image: Image,
    written: Vec<Record>,
}

/// `plan`: per batch, the records as (replica, payload size, choice of kind).
fn large_log(directory: &Path, plan: &[Vec<(i32, usize, u8)>]) -> LargeLog {
    let mut written = Vec::new();
    let mut positions = [(1_i64, 0_i64); 5];
    for run in plan.chunks(plan.len().div_ceil(2).max(1)) {
        let mut running = Running::open(quick(directory), OpenMode::Create);
        for batch in run {
            let records: Vec<Record> = batch
                .iter()
                .map(|(partition, size, kind)| {
                    next_record(&mut positions, *partition, *size, *kind)
                })
                .collect();
            running.write(&records);
            written.extend(records);
        }
    }
    LargeLog {
        image: Image::of(directory),
        written,
    }
}

fn next_record(positions: &mut [(i64, i64)], partition: i32, size: usize, kind: u8) -> Record {
    let position = &mut positions[usize::try_from(partition).expect("not negative")];
    match kind {
        0 => {
            position.0 += 1;
            ballot(partition, position.0)
        }
        1 => {
            *position = (position.0 + 1, 0);
            Record::Forget {
                gpid: gpid(partition),
            }
        }
        2 => {
            position.1 += 100;
            Record::Reset {
                gpid: gpid(partition),
                ballot: Ballot(position.0),
                decree: Decree(position.1),
            }
        }
        _ => {
            position.1 += 1;
            mutation(partition, position.0, position.1, size)
        }
    }
}

fn plan() -> impl Strategy<Value = Vec<Vec<(i32, usize, u8)>>> {
    let record = (0_i32..5, 0_usize..900, 0_u8..40);
    proptest::collection::vec(proptest::collection::vec(record, 1..6), 4..30)
}

#[derive(Clone, Debug)]
enum Harm {
    /// One byte takes another value.
    Byte(prop::sample::Index, u8),
    /// A span of bytes becomes garbage.
    Garbage(prop::sample::Index, usize),
    /// The segment file is gone.
    Gone,
    /// The segment file is shorter.
    Shorter(prop::sample::Index),
}

fn harm() -> impl Strategy<Value = Harm> {
    let at = || any::<prop::sample::Index>();
    prop_oneof![
        4 => (at(), 1..=u8::MAX).prop_map(|(at, change)| Harm::Byte(at, change)),
        2 => (at(), 1_usize..3000).prop_map(|(at, length)| Harm::Garbage(at, length)),
        1 => Just(Harm::Gone),
        1 => at().prop_map(Harm::Shorter),
    ]
}

fn segment_names(image: &Image) -> Vec<String> {
    let names = image.files.keys().filter(|name| name.ends_with(".log"));
    names.cloned().collect()
}

/// Damages a segment; the last one only below `used`, its written part.
fn apply(image: &mut Image, name: &str, used: usize, harm: &Harm) {
    let file = image.files.get_mut(name).expect("it is there");
    match harm {
        Harm::Byte(at, change) => file[at.index(used)] ^= change,
        Harm::Garbage(at, length) => {
            let start = at.index(used);
            let end = used.min(start + length);
            for (offset, byte) in file[start..end].iter_mut().enumerate() {
                *byte = u8::try_from((offset * 7 + 13) % 255).expect("less than 255") | 1;
            }
        }
        Harm::Gone => {
            image.files.remove(name);
        }
        Harm::Shorter(at) => file.truncate(at.index(used)),
    }
}

/// Bytes of a segment through its last sector of the file's present life (format: header bytes 32
/// to 39, sector bytes 0 to 7). Behind it may be what an earlier use of the file left.
fn used(file: &[u8]) -> usize {
    let is_present = |sector: &&[u8]| sector[..8] == file[32..40];
    let sectors: Vec<&[u8]> = file.chunks_exact(SECTOR).collect();
    let last = sectors.iter().rposition(is_present);
    (last.expect("a segment has openings") + 1) * SECTOR
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_replica_without_doubt_is_complete_whatever_happened(
        plan in plan(),
        harms in proptest::collection::vec((any::<prop::sample::Index>(), harm()), 1..4),
    ) {
        let scratch = scratch();
        let LargeLog { mut image, written } = large_log(&scratch.path().join("large"), &plan);
        let names = segment_names(&image);
        let ends: BTreeMap<String, usize> =
            names.iter().map(|name| (name.clone(), used(&image.files[name]))).collect();
        let mut harmed = false;
        for (which, harm) in &harms {
            let name = which.get(&names);
            let Some(file) = image.files.get(name) else { continue };
            // Shortening the last segment is what power loss does, not what may not happen.
            let is_last = Some(name) == names.last();
            if file.is_empty() || is_last && matches!(harm, Harm::Shorter(_) | Harm::Gone) {
                continue;
            }
            let end = ends[name].min(file.len());
            apply(&mut image, name, end, harm);
            harmed = true;
        }
        let opened = image.open(scratch.path());
        assert_sound(&written, &opened, &format!("after harm {:?} {:?}", opened.report, ends));
        if !harmed {
            prop_assert_eq!(&opened.report.doubts, &Suspects::none());
            prop_assert!(opened.report.damages.is_empty());
        }
    }

    #[test]
    fn any_changed_byte_of_a_large_log_is_reported(
        plan in plan(),
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 1..=u8::MAX), 12),
    ) {
        let scratch = scratch();
        let log = large_log(&scratch.path().join("large"), &plan);
        for (which, at, change) in flips {
            let mut image = log.image.clone();
            let names = segment_names(&image);
            let name = which.get(&names);
            let end = used(&image.files[name]);
            apply(&mut image, name, end, &Harm::Byte(at, change));
            let opened = image.open(scratch.path());
            prop_assert!(!opened.report.damages.is_empty());
            prop_assert!(opened.report.cut.is_none());
            assert_sound(&log.written, &opened, "after one change");
        }
    }

    #[test]
    fn power_loss_during_any_last_batch_loses_nothing_acknowledged(
        plan in plan(),
        last in proptest::collection::vec((0_i32..5, 0_usize..900), 1..6),
        missing in any::<u64>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let scratch = scratch();
        let directory = scratch.path().join("large");
        let LargeLog { image: _, written } = large_log(&directory, &plan);
        let mut running = Running::open(quick(&directory), OpenMode::MustExist);
        running.write(&[ballot(7, 1)]);
        let acknowledged = [written, vec![ballot(7, 1)]].concat();
        let mut before = Image::of(&directory);
        let mut records = Vec::new();
        for (decree, (partition, size)) in (10_000..).zip(last) {
            records.push(mutation(partition, 500, decree, size));
        }
        running.write(&records);
        drop(running);
        let mut after = Image::of(&directory);
        let name = segment_names(&after).pop().unwrap();
        prop_assert_eq!(Some(name.clone()), segment_names(&before).pop());
        let old = before.files.get_mut(&name).unwrap().clone();
        let file = after.files.get_mut(&name).unwrap();
        let range = changed(&old, file);
        // Some sectors did not arrive, and from some byte on nothing did.
        for (bit, start) in range.clone().step_by(SECTOR).enumerate() {
            if missing >> (bit % 64) & 1 == 1 {
                file[start..start + SECTOR].copy_from_slice(&old[start..start + SECTOR]);
            }
        }
        let cut = range.start + cut.index(range.len());
        let sector_end = cut.next_multiple_of(SECTOR);
        file[cut..sector_end].fill(0);
        file[sector_end..].copy_from_slice(&old[sector_end..]);
        let opened = after.open(scratch.path());
        prop_assert_eq!(&opened.report.doubts, &Suspects::none());
        let is_last = |record: &Record| match record {
            Record::Mutation(mutation) => mutation.decree.0 >= 10_000,
            _ => false,
        };
        let (last, earlier): (Vec<_>, Vec<_>) = opened.replayed.iter().cloned().partition(is_last);
        prop_assert!(last.is_empty() || last == records, "all of the last batch or nothing");
        for gpid in (0..8).map(gpid) {
            let got = Remembered::of(&earlier, gpid);
            prop_assert_eq!(got, Remembered::of(&acknowledged, gpid));
        }
    }
}
