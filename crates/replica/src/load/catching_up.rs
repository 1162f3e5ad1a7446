//! Brings the storage of one replica to its commit point, from the mutation log of its disk.

use std::thread;
use std::time::Duration;

use pegasus_common::Decree;
use pegasus_common::Gpid;
use pegasus_common::StorageStatus;
use pegasus_engine::AppliedMutation;
use pegasus_engine::ApplyError;
use pegasus_engine::Engine;
use pegasus_engine::EngineError;
use pegasus_engine::FlushMode;
use pegasus_log::LogReader;
use pegasus_log::ReadError;
use pegasus_pacifica::DigestAt;
use pegasus_pacifica::Mutation;

use crate::hosted_replica::applied_mutation;
use crate::learn::supply::mutation;

/// Bytes that are read at once.
const READ_BYTES: usize = 4 << 20;
/// Between two tries to apply while the disk is full.
const SPACE_RETRY_INTERVAL: Duration = Duration::from_millis(200);

/// What is done while the disk has no space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// Wait for space: better late than without this replica, nothing is wrong with it.
    Wait,
    /// Give up: somebody tries again later.
    GiveUp,
}

/// Storage does not take a run of committed mutations.
#[derive(Debug, thiserror::Error)]
pub enum StorageRefusal {
    /// It cannot apply them.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// It cannot flush, which would end a stall.
    #[error(transparent)]
    Flush(#[from] EngineError),
}

impl StorageRefusal {
    fn is_damage(&self) -> bool {
        match self {
            Self::Apply(ApplyError::Stalled | ApplyError::SpaceExhausted) => false,
            Self::Apply(ApplyError::OutOfOrder { .. } | ApplyError::Malformed { .. }) => true,
            Self::Apply(ApplyError::Storage { status, .. }) => *status == StorageStatus::Corruption,
            Self::Flush(error) => error.status() == StorageStatus::Corruption,
        }
    }
}

/// Storage cannot be brought to the commit point.
#[derive(Debug, thiserror::Error)]
pub enum CatchUpError {
    /// The log cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The log does not have what storage lacks.
    #[error("the log has lost decree {0}")]
    Lost(Decree),
    /// What the log has of a decree is not what was appended.
    #[error("decree {0} is damaged in the log")]
    Damaged(Decree),
    /// What the log has is another history than the replica's.
    #[error("the log leads to {found:?} instead of {expected:?}")]
    OtherHistory {
        /// The replica's commit point.
        expected: DigestAt,
        /// Where the log leads.
        found: DigestAt,
    },
    /// Storage does not take it.
    #[error(transparent)]
    Storage(#[from] StorageRefusal),
}

impl CatchUpError {
    /// Whether data is bad or gone, so that another try would fare no better.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Read(error) => matches!(error, ReadError::Damaged { .. }),
            Self::Lost(_) | Self::Damaged(_) | Self::OtherHistory { .. } => true,
            Self::Storage(refusal) => refusal.is_damage(),
        }
    }
}

/// Reads committed mutations from behind `at`, which is where `engine` is, through `through`, and
/// applies them. Blocks.
///
/// # Errors
/// The log does not lead from one to the other, or storage refuses.
pub fn catch_up(
    engine: &Engine,
    (reader, gpid): (&LogReader, Gpid),
    mut at: DigestAt,
    through: DigestAt,
    when_full: WhenFull,
) -> Result<(), CatchUpError> {
    while at.decree < through.decree {
        let records = reader
            .mutations(gpid, at.decree, through.decree, READ_BYTES)?
            .unwrap_or_default();
        let mut run = Vec::with_capacity(records.len());
        for record in records {
            let mutation = mutation(record);
            at = next_digest(at, &mutation)?;
            run.push(applied_mutation(&mutation, at));
        }
        if run.is_empty() {
            return Err(CatchUpError::Lost(at.decree.next()));
        }
        apply_patiently(engine, &run, when_full)?;
    }
    if at != through {
        let (expected, found) = (through, at);
        return Err(CatchUpError::OtherHistory { expected, found });
    }
    Ok(())
}

fn next_digest(at: DigestAt, mutation: &Mutation) -> Result<DigestAt, CatchUpError> {
    let expected: Decree = at.decree.next();
    if mutation.decree != expected || !mutation.is_intact() {
        return Err(CatchUpError::Damaged(expected));
    }
    Ok(at.then(mutation))
}

/// Applies while nobody else needs the thread: waits out write stalls.
///
/// # Errors
/// Storage refuses for another reason.
pub fn apply_patiently(
    engine: &Engine,
    run: &[AppliedMutation],
    when_full: WhenFull,
) -> Result<(), StorageRefusal> {
    loop {
        match engine.apply(run) {
            Ok(_) => return Ok(()),
            // A stall ends with a flush: waiting for one is waiting for the condition.
            Err(ApplyError::Stalled) => engine.flush(FlushMode::Wait)?,
            Err(ApplyError::SpaceExhausted) if when_full == WhenFull::Wait => {
                thread::sleep(SPACE_RETRY_INTERVAL);
            }
            Err(error) => return Err(error.into()),
        }
    }
}
