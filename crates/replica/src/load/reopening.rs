//! Opening a replica again whose storage had failed, while the log of its disk is open and in use: what
//! it had prepared is known, and storage gets from the log what it had not flushed.

use pegasus_common::Gpid;
use pegasus_pacifica::Recovered;

use super::catching_up::CatchUpError;
use super::catching_up::WhenFull;
use super::catching_up::catch_up;
use super::opening::OpenReplicaError;
use super::opening::Opening;
use super::opening::host;
use super::opening::open_existing;
use crate::disk::Disk;
use crate::disk::ReplicaDirectory;
use crate::hosted_replica::HostedReplica;

/// A replica cannot be opened again.
#[derive(Debug, thiserror::Error)]
pub enum ReopenError {
    /// Its storage.
    #[error(transparent)]
    Open(#[from] OpenReplicaError),
    /// What its storage lacks.
    #[error(transparent)]
    CatchUp(#[from] CatchUpError),
}

impl ReopenError {
    /// Whether data is bad or gone, so that another try would fare no better.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Open(error) => error.is_damage(),
            Self::CatchUp(error) => error.is_damage(),
        }
    }
}

/// Opens the replica. `remains` is what its state machine had, whose database is closed. Blocks.
///
/// # Errors
/// Storage refuses, or the log does not have what storage lacks.
pub fn reopen(
    opening: &Opening,
    (index, disk): (usize, &Disk),
    gpid: Gpid,
    remains: Recovered,
) -> Result<HostedReplica, ReopenError> {
    let opened = open_existing(opening, &ReplicaDirectory::of(&disk.path, gpid))?;
    let log = (&disk.log.reader(), gpid);
    let (at, through) = (opened.at(), remains.committed);
    catch_up(&opened.engine, log, at, through, WhenFull::GiveUp)?;
    Ok(host(opening, index, opened, remains))
}
