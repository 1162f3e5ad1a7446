//! Which replicas have mutations in which segment: decides what may be removed, who keeps the rest,
//! and where a reader finds a decree.

use std::collections::{HashMap, VecDeque};
use std::ops::RangeInclusive;

use pegasus_common::{Decree, Gpid};

use crate::planted::{self, PlantedBug};
use crate::stretches::{ReplicaStretches, Written};

/// What becomes of a segment's file when it is no longer needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileFate {
    /// It is sound and of the usual size.
    Recycle,
    /// It is damaged, or of another size.
    Delete,
}

/// One segment.
#[derive(Clone, Debug)]
pub(crate) struct SegmentEntry {
    pub index: u64,
    pub bytes: u64,
    pub fate: FileFate,
    pub replicas: HashMap<Gpid, ReplicaStretches>,
}

impl SegmentEntry {
    pub fn new(index: u64, bytes: u64, fate: FileFate) -> Self {
        Self {
            index,
            bytes,
            fate,
            replicas: HashMap::new(),
        }
    }
}

/// All segments, oldest first; the last one is being written.
#[derive(Debug, Default)]
pub(crate) struct SegmentTable {
    segments: VecDeque<SegmentEntry>,
    flushed: HashMap<Gpid, Decree>,
}

impl SegmentTable {
    /// Adds a segment after all others.
    pub fn push(&mut self, segment: SegmentEntry) {
        debug_assert!(
            self.segments
                .back()
                .is_none_or(|last| last.index < segment.index),
            "segments are added in the order of their indexes"
        );
        self.segments.push_back(segment);
    }

    pub fn pop_newest(&mut self) -> Option<SegmentEntry> {
        self.segments.pop_back()
    }

    pub fn newest_mut(&mut self) -> Option<&mut SegmentEntry> {
        self.segments.back_mut()
    }

    pub fn oldest(&self) -> Option<u64> {
        self.segments.front().map(|segment| segment.index)
    }

    pub fn total_bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// A mutation stands in the newest segment.
    pub fn add(&mut self, gpid: Gpid, written: Written) {
        let Some(newest) = self.segments.back_mut() else {
            return;
        };
        newest
            .replicas
            .entry(gpid)
            .and_modify(|stretches| stretches.add(written))
            .or_insert_with(|| ReplicaStretches::new(written));
    }

    /// Everything of this replica so far is void.
    pub fn void(&mut self, gpid: Gpid) {
        for segment in &mut self.segments {
            segment.replicas.remove(&gpid);
        }
        self.flushed.remove(&gpid);
    }

    /// The engine has flushed this replica through `decree`.
    pub fn set_flushed(&mut self, gpid: Gpid, decree: Decree) {
        let flushed = self.flushed.entry(gpid).or_insert(decree);
        *flushed = decree.max(*flushed);
    }

    /// Takes the oldest segments out, as many as nobody needs. Never the newest, and none behind
    /// one that is needed: the sequence on disk has no holes.
    pub fn take_removable(&mut self) -> Vec<SegmentEntry> {
        let mut removable = Vec::new();
        while self.segments.len() > 1 && self.segments.front().is_some_and(|s| !self.needed(s)) {
            removable.extend(self.segments.pop_front());
        }
        removable
    }

    /// Who keeps the oldest segments that must go to come down to `size_limit`, and the decree
    /// through which each must flush. Ordered by gpid.
    pub fn pinning(&self, size_limit: u64) -> Vec<(Gpid, Decree)> {
        let mut excess = self.total_bytes().saturating_sub(size_limit);
        let mut pinning: std::collections::BTreeMap<Gpid, Decree> = Default::default();
        for segment in self
            .segments
            .iter()
            .take(self.segments.len().saturating_sub(1))
        {
            if excess == 0 {
                break;
            }
            excess = excess.saturating_sub(segment.bytes);
            for (gpid, stretches) in &segment.replicas {
                let max = stretches.max();
                if !self.is_flushed(*gpid, max) {
                    let through = pinning.entry(*gpid).or_insert(max);
                    *through = max.max(*through);
                }
            }
        }
        pinning.into_iter().collect()
    }

    /// The segments that hold decrees of this replica, with what they hold; oldest first.
    pub fn spans_of(&self, gpid: Gpid) -> Vec<(u64, RangeInclusive<Decree>)> {
        self.segments
            .iter()
            .filter_map(|segment| {
                let stretches = segment.replicas.get(&gpid)?;
                Some((segment.index, stretches.min()..=stretches.max()))
            })
            .collect()
    }

    /// Newest first.
    pub fn newest_first(&self) -> impl Iterator<Item = &SegmentEntry> {
        self.segments.iter().rev()
    }

    /// Whether this segment still belongs to the log.
    pub fn has(&self, index: u64) -> bool {
        self.segments.iter().any(|segment| segment.index == index)
    }

    fn needed(&self, segment: &SegmentEntry) -> bool {
        let mut replicas = segment.replicas.iter();
        replicas.any(|(gpid, stretches)| !self.is_flushed(*gpid, stretches.max()))
    }

    fn is_flushed(&self, gpid: Gpid, decree: Decree) -> bool {
        self.flushed.get(&gpid).is_some_and(|flushed| {
            decree <= *flushed
                || planted::is(PlantedBug::ReleaseOneTooMany) && decree <= flushed.next()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Gpid = Gpid::new(1, 0);
    const B: Gpid = Gpid::new(1, 1);

    fn table() -> SegmentTable {
        let mut table = SegmentTable::default();
        for (index, records) in [
            (1, vec![(A, 1), (A, 2), (B, 1)]),
            (2, vec![(A, 3)]),
            (3, vec![(B, 2)]),
        ] {
            table.push(SegmentEntry::new(index, 100, FileFate::Recycle));
            for (gpid, decree) in records {
                let written = Written {
                    decree: Decree(decree),
                    sector: 4,
                    bytes: 100,
                };
                table.add(gpid, written);
            }
        }
        table
    }

    fn removed(table: &mut SegmentTable) -> Vec<u64> {
        table
            .take_removable()
            .iter()
            .map(|segment| segment.index)
            .collect()
    }

    #[test]
    fn a_segment_goes_when_all_its_replicas_have_flushed_past_it() {
        let mut table = table();
        table.set_flushed(A, Decree(3));
        assert_eq!(removed(&mut table), []);
        table.set_flushed(B, Decree(1));
        table.set_flushed(B, Decree(0));
        assert_eq!(removed(&mut table), [1, 2]);
        table.set_flushed(B, Decree(2));
        assert_eq!(removed(&mut table), [], "the newest stays");
    }

    #[test]
    fn a_dropped_replica_keeps_nothing() {
        let mut table = table();
        table.set_flushed(A, Decree(2));
        table.void(B);
        assert_eq!(removed(&mut table), [1]);
        assert_eq!(table.spans_of(B), []);
    }

    #[test]
    fn the_replicas_that_keep_the_oldest_segments_are_named() {
        let mut table = table();
        assert_eq!(table.pinning(300), []);
        assert_eq!(table.pinning(250), [(A, Decree(2)), (B, Decree(1))]);
        table.set_flushed(A, Decree(2));
        assert_eq!(table.pinning(250), [(B, Decree(1))]);
        assert_eq!(table.pinning(0), [(A, Decree(3)), (B, Decree(1))]);
    }
}
