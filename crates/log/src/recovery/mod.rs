//! Opening what an earlier run left: every segment in order, every record that is there, and an
//! honest account of what is not.

mod damage_ledger;
mod tracker;
mod walk;

use std::collections::BTreeSet;

use pegasus_common::Gpid;

use crate::active_segment::OPENINGS;
use crate::directory::Directory;
use crate::error::OpenError;
use crate::file_layer::{Access, BootId};
use crate::header::{HEADER_SECTORS, SegmentHeader};
use crate::marker::Marker;
use crate::options::Durability;
use crate::record::Record;
use crate::recovery::damage_ledger::Loss;
use crate::recovery::tracker::Tracker;
use crate::recovery::walk::{Successor, Walk, Walked};
use crate::report::{Cut, Damage, DamageKind, DamagedFile, PreviousRun, RecoveryReport};
use crate::sector::SECTOR_BYTES;
use crate::segment_file::{FoundHeader, SegmentFile};
use crate::segment_table::{FileFate, SegmentEntry, SegmentTable};
use crate::standing::Standing;
use crate::suspects::Suspects;

/// What is found in a directory with a log, before its segments are read.
pub(crate) struct Found<'a> {
    pub directory: &'a Directory,
    pub marker: Marker,
    /// Start of a bad copy in the marker.
    pub bad_marker: Option<u64>,
    /// Segments in the directory that the marker counts as needed, ascending; not empty.
    pub segments: Vec<u64>,
    pub boot: BootId,
    /// Usual size of a segment file.
    pub segment_bytes: u64,
    /// The replicas that the host has here, if it said so.
    pub replicas: Option<&'a BTreeSet<Gpid>>,
}

/// What a new run needs to go on.
pub(crate) struct Recovered {
    pub report: RecoveryReport,
    pub standing: Standing,
    pub table: SegmentTable,
    /// Index of the next segment; may be that of the last one, if nothing stands in it.
    pub next_index: u64,
    /// Batches of the segment before the next one.
    pub previous_batches: u32,
}

/// One segment file with its header.
struct FoundSegment {
    index: u64,
    file: SegmentFile,
    header: FoundHeader,
}

/// Reads the log.
pub(crate) fn recover(
    found: &Found<'_>,
    replay: &mut dyn FnMut(Record),
) -> Result<Recovered, OpenError> {
    let mut recovery = Recovery {
        found,
        tracker: Tracker::new(replay),
        cut: None,
        last: None,
    };
    if let Some(at) = found.bad_marker {
        recovery.report_bad_marker(at);
    }
    let mut segments = recovery.open_all()?;
    let last_header = segments.last().and_then(|segment| segment.header.header);
    let mut expected = found.marker.oldest;
    while !segments.is_empty() {
        let segment = segments.remove(0);
        recovery.check_gap(expected..segment.index);
        expected = segment.index + 1;
        let successor = recovery.successor(segment.index, segments.first());
        recovery.read_segment(segment, successor, last_header)?;
    }
    recovery.check_gap(expected..found.marker.newest.saturating_add(1));
    Ok(recovery.finish(last_header))
}

struct Recovery<'a, 't> {
    found: &'a Found<'a>,
    tracker: Tracker<'t>,
    cut: Option<Cut>,
    last: Option<(u64, Walked)>,
}

impl Recovery<'_, '_> {
    fn open_all(&mut self) -> Result<Vec<FoundSegment>, OpenError> {
        let mut segments = Vec::with_capacity(self.found.segments.len());
        for index in &self.found.segments {
            let (directory, log) = (self.found.directory, self.found.marker.log);
            let mut file = SegmentFile::open(directory, log, *index, Access::Existing)
                .map_err(OpenError::io("open", &directory.segment_path(*index)))?;
            let header = file.header()?;
            segments.push(FoundSegment {
                index: *index,
                file,
                header,
            });
        }
        Ok(segments)
    }

    fn report_bad_marker(&mut self, at: u64) {
        let damage = Damage {
            file: DamagedFile::Marker,
            range: at..at + SECTOR_BYTES as u64,
            kind: DamageKind::Redundant,
            suspects: Suspects::none(),
        };
        let loss = Loss::Known(Suspects::none());
        self.tracker.ledger.add(damage, loss);
    }

    /// Reports segments that should be there.
    fn check_gap(&mut self, missing: std::ops::Range<u64>) {
        if !missing.is_empty() {
            tracing::error!(?missing, "segments of the mutation log are missing");
            self.tracker.on_lost_segment(Damage {
                file: DamagedFile::Segment(missing.start),
                range: 0..0,
                kind: DamageKind::MissingSegment,
                suspects: Suspects::none(),
            });
        }
    }

    fn successor(&self, index: u64, next: Option<&FoundSegment>) -> Successor {
        match next {
            Some(next) => match next.header.header {
                Some(header) if next.index == index + 1 => {
                    Successor::Knows(header.previous_batches)
                }
                _ => Successor::Unreadable,
            },
            None if index < self.found.marker.newest => Successor::Unreadable,
            None => Successor::None,
        }
    }

    fn read_segment(
        &mut self,
        mut segment: FoundSegment,
        successor: Successor,
        last_header: Option<SegmentHeader>,
    ) -> Result<(), OpenError> {
        let bytes = segment.file.bytes;
        let usual_size = bytes == self.found.segment_bytes;
        let entry = SegmentEntry::new(segment.index, bytes, FileFate::Delete);
        self.tracker.table.push(entry);
        let Some(header) = segment.header.header else {
            self.tracker.on_lost_segment(Damage {
                file: DamagedFile::Segment(segment.index),
                range: 0..bytes,
                kind: DamageKind::Header,
                suspects: Suspects::none(),
            });
            return Ok(());
        };
        // What the last run gave to the operating system must be on the medium before anybody
        // builds on it; and what a failed flush left in the cache must not be believed.
        if last_header.is_none_or(|last| segment.index >= last.run_first) {
            segment.file.sync()?;
        }
        if successor == Successor::None {
            segment.file.forget_cache();
        }
        for number in &segment.header.bad_copies {
            self.report_bad_header(segment.index, *number);
        }
        let bad_copies = !segment.header.bad_copies.is_empty();
        let walked = Walk::new(segment.file, header, successor, &mut self.tracker).run()?;
        let is_damaged = walked.is_damaged || bad_copies;
        if let Some(entry) = self.tracker.table.newest_mut()
            && usual_size
            && !is_damaged
        {
            entry.fate = FileFate::Recycle;
        }
        if successor == Successor::None {
            self.cut = walked.cut;
        }
        let walked = Walked {
            is_damaged,
            ..walked
        };
        self.last = Some((segment.index, walked));
        Ok(())
    }

    fn report_bad_header(&mut self, index: u64, number: u64) {
        debug_assert!(number < HEADER_SECTORS, "a header has two copies");
        let start = number * SECTOR_BYTES as u64;
        let damage = Damage {
            file: DamagedFile::Segment(index),
            range: start..start + SECTOR_BYTES as u64,
            kind: DamageKind::Redundant,
            suspects: Suspects::none(),
        };
        let loss = Loss::Known(Suspects::none());
        self.tracker.ledger.add(damage, loss);
    }

    fn finish(self, last_header: Option<SegmentHeader>) -> Recovered {
        let Tracker {
            mut standing,
            mut table,
            ledger,
            records,
            ..
        } = self.tracker;
        let (damages, doubts) = ledger.finish();
        standing.doubts = standing.doubts.union(&doubts);
        let previous_run = last_header.map(|header| PreviousRun {
            durability: header.durability,
            same_boot: header.boot == self.found.boot,
        });
        if previous_run.is_some_and(|run| run.durability == Durability::Os && !run.same_boot) {
            standing.doubts = Suspects::all();
        }
        if let Some(replicas) = self.found.replicas {
            standing.doubts.restrict_to(replicas);
        }
        let (next_index, previous_batches) =
            next_segment(&mut table, self.found.marker.newest, self.last, last_header);
        let report = RecoveryReport {
            segments: self.found.segments.len(),
            records,
            cut: self.cut,
            damages,
            previous_run,
            ballots: standing.heads.clone(),
            doubts: standing.doubts.clone(),
        };
        Recovered {
            report,
            standing,
            table,
            next_index,
            previous_batches,
        }
    }
}

/// The next segment's index, and how many batches the one before it has. A last segment in which
/// nothing stands is replaced: restarts without writes leave no trail of empty files.
fn next_segment(
    table: &mut SegmentTable,
    marked: u64,
    last: Option<(u64, Walked)>,
    last_header: Option<SegmentHeader>,
) -> (u64, u32) {
    let newest = table.newest_mut().map_or(0, |segment| segment.index);
    let next = newest.max(marked).saturating_add(1);
    let (Some((index, walked)), Some(header)) = (last, last_header) else {
        return (next, 0);
    };
    if index + 1 != next {
        return (next, 0);
    }
    let is_empty = walked.batches == OPENINGS && !walked.is_damaged && walked.cut.is_none();
    if is_empty {
        table.pop_newest();
        return (index, header.previous_batches);
    }
    (next, walked.batches)
}
