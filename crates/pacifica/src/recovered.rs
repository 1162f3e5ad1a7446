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
    /// The newest timestamp that storage or log have: that of the last mutation applied, whose record
    /// may be gone, or of a later one.
    pub latest_timestamp_us: i64,
}

impl Recovered {
    /// A replica that is born with its partition.
    #[must_use]
    pub fn empty() -> Self {
        Self::nothing(Standing::Proven)
    }

    /// A replica that is made empty in order to learn. Before it lost its disk, this server may have
    /// acknowledged what it does not have now, so it proves nothing until the group counts on it;
    /// not even after a restart, unless [`crate::Effect::Vouch`] is in its log.
    #[must_use]
    pub fn for_learning() -> Self {
        Self::nothing(Standing::Unproven)
    }

    /// A replica whose storage is a checkpoint that another one made. `ballot` is the
    /// [`crate::Replica::known_ballot`] of the replica that it replaces, `latest_timestamp_us` that of
    /// the last mutation in the checkpoint. As unproven as a replica made for learning.
    #[must_use]
    pub fn from_checkpoint(ballot: Ballot, at: DigestAt, latest_timestamp_us: i64) -> Self {
        Self {
            ballot,
            committed: at,
            latest_timestamp_us,
            ..Self::for_learning()
        }
    }

    fn nothing(standing: Standing) -> Self {
        Self {
            ballot: Ballot::ZERO,
            committed: DigestAt::default(),
            mutations: Vec::new(),
            stale_through: Decree::ZERO,
            standing,
            latest_timestamp_us: 0,
        }
    }
}
