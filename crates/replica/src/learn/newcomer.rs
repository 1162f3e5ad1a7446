//! An empty replica for a partition of which this server has nothing, so that it can learn. As with
//! every replacement the log comes first: records of an earlier life must never meet a new directory.

use std::rc::Rc;
use std::sync::Arc;

use pegasus_common::Ballot;
use pegasus_common::Decree;
use pegasus_common::Gpid;
use pegasus_wire::layer2::AppInfo;
use tracing::info;
use tracing::warn;

use super::construction::Construction;
use super::construction::ConstructionError;
use super::message::LearnEvent;
use super::thread::LearnThread;
use crate::disk::Aside;
use crate::disk::ReplicaDirectory;
use crate::hosted_replica::HostedReplica;
use crate::load::Newborn;
use crate::load::OpenReplicaError;
use crate::load::create_replica;
use crate::peer_messages::PeerMessage;

/// A replica cannot be made.
#[derive(Debug, thiserror::Error)]
enum NewcomerError {
    #[error("the table has no such partition")]
    NoSuchPartition,
    #[error("no disk can take it now")]
    NoDisk,
    #[error(transparent)]
    Construction(#[from] ConstructionError),
    #[error(transparent)]
    Open(#[from] OpenReplicaError),
    #[error("it broke off")]
    BrokenOff(#[from] tokio::task::JoinError),
}

/// Makes the replica and gives it to its shard, with what the primary has said.
pub async fn make(thread: Rc<LearnThread>, app: AppInfo, check: PeerMessage) {
    let gpid = check.gpid;
    let construction = Construction::new(&thread.node, &thread.opening, gpid);
    match build(&thread, &construction, app).await {
        Ok(replica) => {
            info!(%gpid, primary = %check.from, "empty replica made for learning");
            construction.tell(LearnEvent::Made {
                replica: Box::new(replica),
                check: Box::new(check),
            });
        }
        Err(error) => warn!(%gpid, %error, "no replica can be made for learning"),
    }
}

async fn build(
    thread: &LearnThread,
    construction: &Construction,
    app: AppInfo,
) -> Result<HostedReplica, NewcomerError> {
    let gpid = construction.gpid();
    if app.app_id != gpid.app_id.0 || !(0..app.partition_count).contains(&gpid.partition_index.0) {
        return Err(NewcomerError::NoSuchPartition);
    }
    construction.old_is_closed().await?;
    put_leftovers_aside(thread, gpid);
    let disk = thread.choose_disk(gpid).ok_or(NewcomerError::NoDisk)?;
    let _place = thread.reserve(gpid, disk);
    construction
        .reset_log(disk, Ballot::ZERO, Decree::ZERO)
        .await?;
    let (node, opening) = (Arc::clone(&thread.node), Arc::clone(&thread.opening));
    let made = tokio::task::spawn_blocking(move || {
        let place = (disk, &node.disks[disk]);
        create_replica(&opening, place, gpid, &app, Newborn::ToLearn)
    });
    Ok(made.await??)
}

/// A directory that is there, though no replica was loaded from it, could not be used.
fn put_leftovers_aside(thread: &LearnThread, gpid: Gpid) {
    for disk in &thread.node.disks {
        let directory = ReplicaDirectory::of(&disk.path, gpid);
        if !directory.path.exists() {
            continue;
        }
        // On a disk that has failed it may stay: of two replicas the newer one is loaded.
        match directory.put_aside(Aside::Error) {
            Ok(path) => warn!(%gpid, path = %path.display(), "an unusable replica was put aside"),
            Err(error) => warn!(%gpid, %error, "an unusable replica cannot be put aside"),
        }
    }
}
