//! The mutation log: records, and the recovery of whole directories.

use std::path::Path;

use pegasus_log::{Log, LogOptions, OpenMode, Record, RecoveryReport, fuzzing};

use super::scratch;
use crate::input::Input;
use crate::memory::MemoryBound;

/// In parts: each is the content of a batch, and all are the sectors of one segment after the other.
pub fn run(input: &[u8]) {
    let segments: Vec<&[u8]> = Input::new(input).parts().take(SEGMENTS_MAX).collect();
    for content in &segments {
        MemoryBound::VALUES.check(content.len(), || drop(fuzzing::records_in(content)));
    }
    let directory = scratch();
    let path = directory.path().join("log");
    fuzzing::write_log(&path, &segments).expect("a writable directory");
    let bound = MemoryBound::BUFFERS;
    let Some((first, report)) = bound.check(input.len(), || open(&path)) else {
        return;
    };
    let (second, again) = open(&path).expect("what was opened can be opened again");
    // Segments that nobody needs any more have gone, the oldest first; ballots outlive them.
    let (before, after) = (mutations(&first), mutations(&second));
    assert!(before.ends_with(&after), "{report:#?}\n{again:#?}");
    assert_eq!(report.ballots, again.ballots);
}

fn mutations(records: &[Record]) -> Vec<&Record> {
    let is_mutation = |record: &&Record| matches!(record, Record::Mutation(_));
    records.iter().filter(is_mutation).collect()
}

const SEGMENTS_MAX: usize = 4;
/// The least that a log takes.
const SEGMENT_BYTES: u64 = 8 << 10;

/// Opens the log and closes it; what it held, or nothing where it is refused.
fn open(path: &Path) -> Option<(Vec<Record>, RecoveryReport)> {
    let options = LogOptions {
        segment_bytes: SEGMENT_BYTES,
        spares_max: 0,
        ..LogOptions::new(path)
    };
    let mut records = Vec::new();
    let opened = Log::open(options, OpenMode::MustExist, &mut |record| {
        records.push(record);
    });
    opened.ok().map(|(_, report)| (records, report))
}
