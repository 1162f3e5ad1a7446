//! What the log knows of every replica besides its mutations: carried from segment to segment.

use pegasus_common::{Ballot, Decree, Gpid};

use crate::own_record::Heads;
use crate::record::Record;
use crate::segment_table::SegmentTable;
use crate::stretches::Written;
use crate::suspects::Suspects;

/// The largest ballot of each replica, and whose completeness is doubtful.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    pub heads: Heads,
    pub doubts: Suspects,
}

/// What a record means to the log, without its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Prepared {
        gpid: Gpid,
        ballot: Ballot,
        decree: Decree,
        /// Size of the record.
        bytes: u64,
    },
    Ballot {
        gpid: Gpid,
        ballot: Ballot,
    },
    Forget(Gpid),
    Reset {
        gpid: Gpid,
        ballot: Ballot,
    },
    Vouch {
        gpid: Gpid,
        ballot: Ballot,
    },
}

impl Effect {
    pub fn of(record: &Record) -> Self {
        match record {
            Record::Mutation(mutation) => Self::Prepared {
                gpid: mutation.gpid,
                ballot: mutation.ballot,
                decree: mutation.decree,
                bytes: record.encoded_bytes() as u64,
            },
            Record::Ballot { gpid, ballot } => Self::Ballot {
                gpid: *gpid,
                ballot: *ballot,
            },
            Record::Forget { gpid } => Self::Forget(*gpid),
            Record::Reset { gpid, ballot, .. } => Self::Reset {
                gpid: *gpid,
                ballot: *ballot,
            },
            Record::Vouch { gpid, ballot } => Self::Vouch {
                gpid: *gpid,
                ballot: *ballot,
            },
        }
    }
}

impl Standing {
    /// Of a log in which nothing was written.
    pub fn new() -> Self {
        Self {
            heads: Heads::new(),
            doubts: Suspects::none(),
        }
    }

    /// A record with this effect stands at the end of the newest segment, in the batch that begins
    /// at `sector`.
    pub fn apply(&mut self, effect: Effect, sector: u64, table: &mut SegmentTable) {
        match effect {
            Effect::Prepared {
                gpid,
                ballot,
                decree,
                bytes,
            } => {
                self.raise(gpid, ballot);
                let written = Written {
                    decree,
                    sector,
                    bytes,
                };
                table.add(gpid, written);
            }
            Effect::Ballot { gpid, ballot } => {
                self.raise(gpid, ballot);
            }
            Effect::Forget(gpid) => {
                self.heads.remove(&gpid);
                self.doubts.clear(gpid);
                table.void(gpid);
            }
            Effect::Reset { gpid, ballot } => {
                self.raise(gpid, ballot);
                self.doubts.clear(gpid);
                table.void(gpid);
            }
            Effect::Vouch { gpid, ballot } => {
                self.raise(gpid, ballot);
                self.doubts.clear(gpid);
            }
        }
    }

    /// Raises a replica's ballot; whether it was lower or unknown.
    pub fn raise(&mut self, gpid: Gpid, ballot: Ballot) -> bool {
        match self.heads.get_mut(&gpid) {
            Some(known) if *known >= ballot => false,
            Some(known) => {
                *known = ballot;
                true
            }
            None => {
                self.heads.insert(gpid, ballot);
                true
            }
        }
    }
}
