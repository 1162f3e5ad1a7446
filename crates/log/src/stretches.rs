//! Where in a segment the mutations of one replica stand: the sparse index that readers start from.
//!
//! A *stretch* is a run of this replica's mutations with consecutive decrees, in the order of the
//! log. A new one begins where the decrees do not follow (a new primary proposed a decree again), and
//! when the last has grown long, so that a reader never scans far to its first record. The replicas
//! of a disk together cost a few dozen bytes per 256 KiB of log, or per replica and 8 MiB.

use pegasus_common::Decree;

/// So many bytes of the replica's own records make a stretch long …
const OWN_BYTES_MAX: u64 = 256 << 10;
/// … and so much of the file, whoever wrote there.
const FILE_SECTORS_MAX: u64 = (8 << 20) / 512;

/// Where a mutation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// First sector of its batch.
    pub sector: u64,
    /// How many mutations of the same replica stand before it in the batch, since the replica was
    /// last forgotten or reset.
    pub ordinal: u32,
}

/// Consecutive decrees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub first: Decree,
    pub last: Decree,
    pub start: Place,
}

/// A mutation that was written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Written {
    pub decree: Decree,
    /// First sector of its batch.
    pub sector: u64,
    /// Size of its record.
    pub bytes: u64,
}

/// The mutations of one replica in one segment, oldest first.
#[derive(Clone, Debug)]
pub(crate) struct ReplicaStretches {
    min: Decree,
    max: Decree,
    stretches: Vec<Stretch>,
    /// Bytes of records in the last stretch.
    own_bytes: u64,
    /// The batch of the last mutation, and how many there are in it.
    batch: u64,
    in_batch: u32,
}

impl ReplicaStretches {
    /// Begins with its first mutation.
    pub fn new(written: Written) -> Self {
        let mut all = Self {
            min: written.decree,
            max: written.decree,
            stretches: Vec::new(),
            own_bytes: 0,
            batch: written.sector,
            in_batch: 0,
        };
        all.add(written);
        all
    }

    /// Takes the next mutation of the log.
    pub fn add(&mut self, written: Written) {
        let Written {
            decree,
            sector,
            bytes,
        } = written;
        if sector != self.batch {
            (self.batch, self.in_batch) = (sector, 0);
        }
        let start = Place {
            sector,
            ordinal: self.in_batch,
        };
        self.in_batch += 1;
        self.min = self.min.min(decree);
        self.max = self.max.max(decree);
        let is_short = self.own_bytes < OWN_BYTES_MAX;
        match self.stretches.last_mut() {
            Some(last)
                if is_short
                    && last.last.next() == decree
                    && sector - last.start.sector < FILE_SECTORS_MAX =>
            {
                last.last = decree;
                self.own_bytes += bytes;
            }
            _ => {
                self.own_bytes = bytes;
                self.stretches.push(Stretch {
                    first: decree,
                    last: decree,
                    start,
                });
            }
        }
    }

    /// The smallest decree.
    pub fn min(&self) -> Decree {
        self.min
    }

    /// The largest decree.
    pub fn max(&self) -> Decree {
        self.max
    }

    /// Newest first: of a decree that stands here twice, the first that is met counts.
    pub fn newest_first(&self) -> impl Iterator<Item = &Stretch> {
        self.stretches.iter().rev()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretches(written: &[(i64, u64, u64)]) -> Vec<(i64, i64, u64, u32)> {
        let mut all: Option<ReplicaStretches> = None;
        for (decree, sector, bytes) in written {
            let written = Written {
                decree: Decree(*decree),
                sector: *sector,
                bytes: *bytes,
            };
            match &mut all {
                Some(all) => all.add(written),
                None => all = Some(ReplicaStretches::new(written)),
            }
        }
        let all = all.unwrap();
        let mut found: Vec<_> = all
            .newest_first()
            .map(|s| (s.first.0, s.last.0, s.start.sector, s.start.ordinal))
            .collect();
        found.reverse();
        found
    }

    #[test]
    fn decrees_that_follow_share_a_stretch() {
        let found = stretches(&[(5, 4, 9), (6, 4, 9), (7, 6, 9)]);
        assert_eq!(found, [(5, 7, 4, 0)]);
    }

    #[test]
    fn a_decree_that_is_written_again_begins_a_stretch_within_its_batch() {
        let found = stretches(&[(5, 4, 9), (6, 4, 9), (6, 4, 9), (7, 8, 9)]);
        assert_eq!(found, [(5, 6, 4, 0), (6, 7, 4, 2)]);
    }

    #[test]
    fn long_stretches_are_divided() {
        let own = stretches(&[(1, 4, OWN_BYTES_MAX), (2, 600, 1), (3, 601, 1)]);
        assert_eq!(own, [(1, 1, 4, 0), (2, 3, 600, 0)]);
        let far = stretches(&[(1, 4, 1), (2, 4 + FILE_SECTORS_MAX, 1)]);
        assert_eq!(far.len(), 2);
    }
}
