//! What recovery found.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use pegasus_common::{Ballot, Gpid};

use crate::options::Durability;
use crate::suspects::Suspects;

/// The facts about a log that was opened.
#[derive(Clone, Debug)]
pub struct RecoveryReport {
    /// Segments that were found.
    pub segments: usize,
    /// Records that were delivered.
    pub records: u64,
    /// The unfinished batch at the end that was cut, if any. Nothing in it was acknowledged.
    pub cut: Option<Cut>,
    /// Everything that was written and has changed or gone since.
    pub damages: Vec<Damage>,
    /// The run before this one; `None` in a new log.
    pub previous_run: Option<PreviousRun>,
    /// The largest ballot of every replica that the log knows: from `Ballot` and `Mutation`
    /// records, also those in segments that were removed. Without forgotten replicas.
    pub ballots: BTreeMap<Gpid, Ballot>,
    /// The replicas that may lack something that they acknowledged, from this recovery or an
    /// earlier one, and were neither forgotten nor reset since. The log remembers them over
    /// restarts.
    pub doubts: Suspects,
}

impl RecoveryReport {
    /// Whether everything that this replica acknowledged is surely here (design I6): the last run
    /// flushed before each acknowledgement or the machine has not rebooted since; no damage
    /// touches the replica; and no earlier doubt about it is unsettled.
    #[must_use]
    pub fn proven_complete(&self, gpid: Gpid) -> bool {
        !self.doubts.contains(gpid)
    }

    /// Whether records of this replica may be lost before the end of the log, so that what was
    /// delivered may have a hole.
    #[must_use]
    pub fn may_have_hole(&self, gpid: Gpid) -> bool {
        let mut damages = self.damages.iter();
        damages.any(|damage| damage.suspects.contains(gpid))
    }
}

/// How the last run wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreviousRun {
    /// What its acknowledgements meant.
    pub durability: Durability,
    /// Whether the machine is still in the same boot, so that what was only given to the operating
    /// system is still there.
    pub same_boot: bool,
}

/// Where the log was cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The segment.
    pub segment: u64,
    /// Start of the batch that was cut, in bytes.
    pub offset: u64,
}

/// A file of the log directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DamagedFile {
    /// The marker.
    Marker,
    /// The segment with this index.
    Segment(u64),
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DamageKind {
    /// One of two copies, or a redundant byte, is bad. No information is lost.
    Redundant,
    /// Records are lost.
    Records,
    /// Both headers are bad: the segment is unreadable.
    Header,
    /// The opening table of ballots is bad in both copies and nowhere repeated.
    Heads,
    /// The segment file is missing.
    MissingSegment,
    /// The payload of a mutation does not fit the checksum that its producer gave.
    Payload,
}

/// Something that was written and has changed or gone since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Where.
    pub file: DamagedFile,
    /// The bytes of the file in which it lies.
    pub range: Range<u64>,
    /// What.
    pub kind: DamageKind,
    /// Whose records may be lost.
    pub suspects: Suspects,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            DamageKind::Redundant => "damage without loss",
            DamageKind::Records => "lost records",
            DamageKind::Header => "unreadable header",
            DamageKind::Heads => "lost table of ballots",
            DamageKind::MissingSegment => "missing segment",
            DamageKind::Payload => "changed payload",
        };
        match self.file {
            DamagedFile::Marker => write!(f, "{what} in the marker")?,
            DamagedFile::Segment(index) => write!(f, "{what} in segment {index}")?,
        }
        write!(
            f,
            ", bytes {}..{}, touching {}",
            self.range.start, self.range.end, self.suspects
        )
    }
}
