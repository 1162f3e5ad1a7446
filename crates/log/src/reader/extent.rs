//! From the index of the log to the places of files that a reader needs.

use std::ops::RangeInclusive;

use pegasus_common::{Decree, Gpid};

use crate::segment_table::SegmentTable;
use crate::stretches::{Place, Stretch};

/// Consecutive decrees of one replica that stand in one segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    pub segment: u64,
    pub usage: Use,
    /// Where the mutation with decree `stretch_first` stands.
    pub start: Place,
    pub stretch_first: Decree,
    /// What is wanted of the stretch.
    pub decrees: RangeInclusive<Decree>,
}

/// What becomes of the operating system's copy of what is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// The log thread writes here: it needs the copy for the pages that it fills step by step.
    BeingWritten,
    /// Nobody reads it soon again.
    Finished,
}

/// Where the last records of the wanted decrees stand: in the order of the decrees, from the first
/// wanted one on, as far as the log has them without a gap.
pub(super) fn extents(
    table: &SegmentTable,
    gpid: Gpid,
    wanted: RangeInclusive<Decree>,
) -> Vec<Extent> {
    let mut missing = vec![wanted.clone()];
    let mut extents = Vec::new();
    let mut used = Use::BeingWritten;
    for segment in table.newest_first() {
        let usage = std::mem::replace(&mut used, Use::Finished);
        let Some(stretches) = segment.replicas.get(&gpid) else {
            continue;
        };
        if stretches.max() < *wanted.start() || stretches.min() > *wanted.end() {
            continue;
        }
        for stretch in stretches.newest_first() {
            for decrees in take(&mut missing, stretch) {
                extents.push(Extent {
                    segment: segment.index,
                    usage,
                    start: stretch.start,
                    stretch_first: stretch.first,
                    decrees,
                });
            }
        }
        if missing.is_empty() {
            break;
        }
    }
    extents.sort_unstable_by_key(|extent| *extent.decrees.start());
    let mut next = *wanted.start();
    let gap = extents.iter().position(|extent| {
        let continues = *extent.decrees.start() == next;
        next = extent.decrees.end().next();
        !continues
    });
    extents.truncate(gap.unwrap_or(extents.len()));
    extents
}

/// Takes what the stretch has out of what is missing.
fn take(
    missing: &mut Vec<RangeInclusive<Decree>>,
    stretch: &Stretch,
) -> Vec<RangeInclusive<Decree>> {
    let mut taken = Vec::new();
    let mut left = Vec::new();
    for range in missing.drain(..) {
        let (first, last) = (*range.start(), *range.end());
        if stretch.last < first || stretch.first > last {
            left.push(range);
            continue;
        }
        if first < stretch.first {
            left.push(first..=Decree(stretch.first.0 - 1));
        }
        if last > stretch.last {
            left.push(stretch.last.next()..=last);
        }
        taken.push(first.max(stretch.first)..=last.min(stretch.last));
    }
    *missing = left;
    taken
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment_table::{FileFate, SegmentEntry};
    use crate::stretches::Written;

    const GPID: Gpid = Gpid::new(1, 0);

    /// Per segment, the decrees in the order of the log.
    fn found(segments: &[&[i64]], wanted: RangeInclusive<i64>) -> Vec<(u64, i64, i64)> {
        let mut table = SegmentTable::default();
        for (index, decrees) in (1..).zip(segments) {
            table.push(SegmentEntry::new(index, 100, FileFate::Recycle));
            for decree in *decrees {
                let written = Written {
                    decree: Decree(*decree),
                    sector: 4,
                    bytes: 10,
                };
                table.add(GPID, written);
            }
        }
        let wanted = Decree(*wanted.start())..=Decree(*wanted.end());
        extents(&table, GPID, wanted)
            .into_iter()
            .map(|extent| {
                let (first, last) = (extent.decrees.start().0, extent.decrees.end().0);
                (extent.segment, first, last)
            })
            .collect()
    }

    #[test]
    fn the_last_record_of_a_decree_counts() {
        assert_eq!(
            found(&[&[1, 2, 3, 4], &[3, 4, 5]], 2..=5),
            [(1, 2, 2), (2, 3, 5)]
        );
        assert_eq!(
            found(&[&[1, 2, 3, 4, 5, 6], &[3, 4]], 1..=9),
            [(1, 1, 2), (2, 3, 4), (1, 5, 6)]
        );
    }

    #[test]
    fn only_what_continues_from_the_first_is_given() {
        assert_eq!(found(&[&[2, 3]], 1..=3), []);
        assert_eq!(found(&[&[1, 2], &[4, 5]], 1..=5), [(1, 1, 2)]);
        assert_eq!(found(&[], 1..=5), []);
    }
}
