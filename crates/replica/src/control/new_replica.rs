//! A new, empty replica on the meta server's request.

use std::sync::Arc;

use pegasus_common::ErrorCode;
use pegasus_common::Gpid;
use pegasus_wire::replication::CreateReplicaRequest;
use pegasus_wire::replication::CreateReplicaResponse;
use tracing::info;
use tracing::warn;

use super::Control;
use crate::disk::Disk;
use crate::disk::ReplicaDirectory;
use crate::load::create_replica;
use crate::shard::ShardMessage;

/// Makes the replica and gives it to its shard. Asking twice is harmless.
pub async fn create(control: &Control, request: CreateReplicaRequest) -> CreateReplicaResponse {
    let gpid = request.pid;
    let refuse = |err, hint_message: String| CreateReplicaResponse { err, hint_message };
    if request.node != control.node.address {
        let hint = format!(
            "this server is {}, not {}",
            control.node.address, request.node
        );
        return refuse(ErrorCode::InvalidParameters, hint);
    }
    let app = &request.app;
    if app.app_id != gpid.app_id.0 || !(0..app.partition_count).contains(&gpid.partition_index.0) {
        let hint = format!("table {} has no partition {gpid}", app.app_name);
        return refuse(ErrorCode::InvalidParameters, hint);
    }
    if let Some(handle) = control.node.router.find(gpid) {
        let (ballot, _) = handle.progress();
        return match ballot {
            0 => refuse(ErrorCode::Ok, "it is there already".to_owned()),
            _ => refuse(
                ErrorCode::PathAlreadyExist,
                format!("it is there with ballot {ballot}"),
            ),
        };
    }
    if control.being_made.borrow().contains_key(&gpid) {
        return refuse(ErrorCode::TryAgain, "it is being made".to_owned());
    }
    let disk = choose_disk(control, gpid);
    control.being_made.borrow_mut().insert(gpid, disk);
    let (node, opening) = (Arc::clone(&control.node), Arc::clone(&control.opening));
    let made = tokio::task::spawn_blocking(move || {
        let place = (disk, &node.disks[disk]);
        create_replica(&opening, place, gpid, &request.app).map_err(|error| error.to_string())
    })
    .await
    .unwrap_or_else(|error| Err(error.to_string()));
    control.being_made.borrow_mut().remove(&gpid);
    match made {
        Ok(replica) => {
            info!(%gpid, disk = control.node.disks[disk].tag, "replica made");
            // Before the answer: both go through mailboxes in this order, so that whoever hears of
            // the replica finds it.
            control.node.router.insert([Arc::clone(&replica.handle)]);
            control
                .node
                .send_to_owner(gpid, ShardMessage::Begin(Box::new(replica)));
            refuse(ErrorCode::Ok, String::new())
        }
        Err(problem) => {
            warn!(%gpid, problem, "replica cannot be made");
            refuse(ErrorCode::FileOperationFailed, problem)
        }
    }
}

/// The disk with the fewest replicas of the table, then of all tables; the one that already has a
/// directory of this name is asked first, so that it answers for it.
fn choose_disk(control: &Control, gpid: Gpid) -> usize {
    let disks = &control.node.disks;
    let has_it = |disk: &Disk| ReplicaDirectory::of(&disk.path, gpid).path.exists();
    if let Some(index) = disks.iter().position(has_it) {
        return index;
    }
    let made = control.node.router.all().into_iter().filter_map(|handle| {
        let path = handle.engine.path();
        let disk = disks.iter().position(|disk| path.starts_with(&disk.path))?;
        Some((handle.gpid, disk))
    });
    let being_made = control.being_made.borrow();
    let being_made = being_made.iter().map(|(&gpid, &disk)| (gpid, disk));
    let mut load = vec![(0_usize, 0_usize); disks.len()];
    for (other, disk) in made.chain(being_made) {
        let (of_table, of_all) = &mut load[disk];
        *of_all += 1;
        *of_table += usize::from(other.app_id == gpid.app_id);
    }
    (0..disks.len())
        .min_by_key(|&index| load[index])
        .unwrap_or(0)
}
