//! [`Recovered`]: what a replica finds when it is opened.

use pegasus_common::{Ballot, Decree};

use crate::digest::DigestAt;
use crate::mutation::Mutation;

/// Whether a restarted replica surely has all that it acknowledged (I6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It does: the log was flushed before each acknowledgement or the machine did not reboot, and
    /// nothing failed a checksum.
    Proven,
    /// Perhaps not: it must learn before it is a member again.
    Unproven,
}

/// What a replica finds when it is opened. [`crate::Replay`] makes it from the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// The highest ballot in the log.
    pub ballot: Ballot,
    /// Applied to storage, and its digest: what storage had flushed, plus what the log proved
    /// committed and the driver has applied since.
    pub committed: DigestAt,
    /// What the log has after that, without a hole. Not known to be committed.
    pub mutations: Vec<Mutation>,
    /// See [`crate::PrepareList::stale_through`].
    pub stale_through: Decree,
    /// I6.
    pub standing: Standing,
}

impl Recovered {
    /// A replica that has just been created.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            ballot: Ballot::ZERO,
            committed: DigestAt::default(),
            mutations: Vec::new(),
            stale_through: Decree::ZERO,
            standing: Standing::Proven,
        }
    }
}
