//! A new, empty replica on the meta server's request.

use std::sync::Arc;

use pegasus_common::ErrorCode;
use pegasus_common::Gpid;
use pegasus_wire::replication::CreateReplicaRequest;
use pegasus_wire::replication::CreateReplicaResponse;
use tracing::info;
use tracing::warn;

use super::host::Host;
use crate::disk::Disk;
use crate::disk::ReplicaDirectory;
use crate::disk::choice;
use crate::load::Newborn;
use crate::load::create_replica;
use crate::shard::ShardMessage;

/// Makes the replica and gives it to its shard. Asking twice is harmless.
pub async fn create(host: &Host, request: CreateReplicaRequest) -> CreateReplicaResponse {
    let gpid = request.pid;
    let refuse = |err, hint_message: String| CreateReplicaResponse { err, hint_message };
    if request.node != host.node.address {
        let hint = format!("this server is {}, not {}", host.node.address, request.node);
        return refuse(ErrorCode::InvalidParameters, hint);
    }
    let app = &request.app;
    if app.app_id != gpid.app_id.0 || !(0..app.partition_count).contains(&gpid.partition_index.0) {
        let hint = format!("table {} has no partition {gpid}", app.app_name);
        return refuse(ErrorCode::InvalidParameters, hint);
    }
    if let Some(handle) = host.node.router.find(gpid) {
        let (ballot, _) = handle.progress();
        return match ballot {
            0 => refuse(ErrorCode::Ok, "it is there already".to_owned()),
            _ => refuse(
                ErrorCode::PathAlreadyExist,
                format!("it is there with ballot {ballot}"),
            ),
        };
    }
    if host.being_made.borrow().contains_key(&gpid) {
        return refuse(ErrorCode::TryAgain, "it is being made".to_owned());
    }
    let Some(disk) = choose_disk(host, gpid) else {
        let hint = "no data directory can take it now".to_owned();
        return refuse(ErrorCode::DiskInsufficient, hint);
    };
    host.being_made.borrow_mut().insert(gpid, disk);
    let (node, opening) = (Arc::clone(&host.node), Arc::clone(&host.opening));
    let made = tokio::task::spawn_blocking(move || {
        let place = (disk, &node.disks[disk]);
        create_replica(&opening, place, gpid, &request.app, Newborn::WithPartition)
            .map_err(|error| error.to_string())
    })
    .await
    .unwrap_or_else(|error| Err(error.to_string()));
    host.being_made.borrow_mut().remove(&gpid);
    match made {
        Ok(replica) => {
            info!(%gpid, disk = host.node.disks[disk].tag, "replica made");
            // Before the answer: both go through mailboxes in this order, so that whoever hears of
            // the replica finds it.
            host.node.router.insert([Arc::clone(&replica.handle)]);
            host.node
                .send_to_owner(gpid, ShardMessage::Begin(Box::new(replica)));
            refuse(ErrorCode::Ok, String::new())
        }
        Err(problem) => {
            warn!(%gpid, problem, "replica cannot be made");
            refuse(ErrorCode::FileOperationFailed, problem)
        }
    }
}

/// The one that already has a directory of this name is asked first, so that it answers for it.
fn choose_disk(host: &Host, gpid: Gpid) -> Option<usize> {
    let has_it = |disk: &Disk| ReplicaDirectory::of(&disk.path, gpid).path.exists();
    let present = host.node.disks.iter().position(has_it);
    present.or_else(|| choice::choose_disk(&host.node, gpid, &host.being_made.borrow()))
}
