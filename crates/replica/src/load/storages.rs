//! Opens the storages of a data directory, several at once: each waits for the disk most of the time,
//! and a server with hundreds of replicas should not be away for as long as all of that together.

use std::thread;

use parking_lot::Mutex;
use tracing::warn;

use super::OpenReplicaError;
use super::Opening;
use super::opening::OpenedStorage;
use super::opening::open_existing;
use crate::disk::ReplicaDirectory;

/// Storages that are being opened at once.
const AT_ONCE: usize = 8;

/// What became of one replica's storage.
pub(super) type Outcome = (ReplicaDirectory, Result<OpenedStorage, OpenReplicaError>);

/// Opens all, and clears away what no learner takes any more.
pub(super) fn open_all(opening: &Opening, replicas: Vec<ReplicaDirectory>) -> Vec<Outcome> {
    let extra_threads = AT_ONCE.min(replicas.len()).saturating_sub(1);
    let waiting = Mutex::new(replicas);
    let opened = Mutex::new(Vec::new());
    let work = || {
        while let Some(replica) = take(&waiting) {
            let storage = open(opening, &replica);
            opened.lock().push((replica, storage));
        }
    };
    thread::scope(|scope| {
        for _ in 0..extra_threads {
            let started = thread::Builder::new()
                .name("load".to_owned())
                .spawn_scoped(scope, work);
            if let Err(error) = started {
                warn!(%error, "replicas are opened by fewer threads");
                break;
            }
        }
        work();
    });
    opened.into_inner()
}

fn take(waiting: &Mutex<Vec<ReplicaDirectory>>) -> Option<ReplicaDirectory> {
    waiting.lock().pop()
}

fn open(opening: &Opening, replica: &ReplicaDirectory) -> Result<OpenedStorage, OpenReplicaError> {
    if let Err(error) = replica.remove_checkpoints() {
        warn!(gpid = %replica.gpid, %error, "checkpoints of no use cannot be removed");
    }
    open_existing(opening, replica)
}
