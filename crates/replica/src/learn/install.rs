//! Puts a fetched checkpoint in the place of a replica. The order of the steps makes every crash
//! harmless: a directory under the replica's name always fits the log.
//!
//! | A crash after | leaves | so the next attempt |
//! |---|---|---|
//! | the checkpoint is verified | the old replica and the staging directory | goes on, or begins anew |
//! | the old directory is put aside | no replica; records of one that is gone | begins with an empty one |
//! | the log is reset | no replica, and no records | begins with an empty one |
//! | the new directory has its name | the new replica, as if it had been restarted | goes on from there |
//!
//! "Records of one that is gone" harm nobody: an empty replica is made in the same order, log first,
//! directory after. The data that was put aside stays for days (see `disk::aside`).

use std::io;
use std::sync::Arc;

use pegasus_common::Ballot;
use pegasus_pacifica::DigestAt;
use tracing::warn;

use super::staging;
use super::staging::Staging;
use crate::disk::Aside;
use crate::disk::ReplicaDirectory;
use crate::hosted_replica::HostedReplica;
use crate::load;
use crate::load::OpenReplicaError;
use crate::load::Opening;

/// A replica directory is being replaced by what lies in its staging directory. The database in it is
/// closed.
#[derive(Debug)]
pub struct Replacement {
    replica: ReplicaDirectory,
    staging: Arc<Staging>,
}

impl Replacement {
    /// For the replica of a data directory, by a staging directory that was verified.
    #[must_use]
    pub fn new(replica: ReplicaDirectory, staging: Arc<Staging>) -> Self {
        Self { replica, staging }
    }

    /// The old replica's directory is put aside; from here on there is no replica. Blocks.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn put_old_aside(&self) -> io::Result<()> {
        if self.replica.path.exists() {
            self.replica.put_aside(Aside::Garbage)?;
        }
        Ok(())
    }

    /// The log knows nothing of the old replica any more: the new one gets its name. Blocks.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn publish(&self) -> io::Result<()> {
        self.replica.take_place_from(self.staging.directory())?;
        if let Err(error) = staging::forget_manifest(&self.replica) {
            warn!(gpid = %self.replica.gpid, %error, "a file of no more use stays");
        }
        Ok(())
    }

    /// Opens what was published. Blocks.
    ///
    /// # Errors
    /// Storage refuses, or holds something else than was verified.
    pub fn open(
        &self,
        opening: &Opening,
        disk: usize,
        ballot: Ballot,
        offered: DigestAt,
    ) -> Result<HostedReplica, OpenReplicaError> {
        load::open_learned(opening, disk, &self.replica, ballot, offered)
    }
}
