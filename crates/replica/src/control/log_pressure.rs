//! Keeps each disk's log bounded: when it has grown past its limit, the replicas that hold its oldest
//! segments are told to flush (design.md section 4: a lagging replica must not pin the log).

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use pegasus_common::Gpid;
use tracing::info;

use super::host::Host;
use crate::disk::Aside;
use crate::disk::Disk;
use crate::disk::ReplicaDirectory;
use crate::disk::aside;
use crate::learn::message::LearnEvent;
use crate::router::ShardIndex;
use crate::shard::ShardMessage;

/// Between two looks at the size of the logs.
const INTERVAL: Duration = Duration::from_secs(1);

/// Looks for ever.
pub async fn run(host: Rc<Host>) {
    loop {
        tokio::time::sleep(INTERVAL).await;
        for (index, disk) in host.node.disks.iter().enumerate() {
            let mut pinning: BTreeMap<ShardIndex, Vec<Gpid>> = BTreeMap::new();
            for (gpid, _) in disk.log.pinning() {
                if host.node.router.find(gpid).is_some() {
                    let shard = host.node.shard_of(gpid);
                    pinning.entry(shard).or_default().push(gpid);
                } else if is_forsaken(disk, gpid) {
                    let event = LearnEvent::Forsaken { gpid, disk: index };
                    host.node.send_to_owner(gpid, ShardMessage::Learn(event));
                }
            }
            for (shard, gpids) in pinning {
                info!(
                    disk = disk.tag,
                    replicas = gpids.len(),
                    "the log is too large: flushing"
                );
                host.node.shards[shard].send(ShardMessage::LogPinned(gpids));
            }
        }
    }
}

/// Whether nothing of a partition that is not open is in a data directory but records in the log. A
/// directory that was put aside because it failed counts: who repairs it will want the records.
fn is_forsaken(disk: &Disk, gpid: Gpid) -> bool {
    if ReplicaDirectory::of(&disk.path, gpid).path.exists() {
        return false;
    }
    let is_repairable =
        |aside: &aside::AsideDirectory| aside.gpid == gpid && aside.why == Aside::Error;
    aside::list(&disk.path).is_ok_and(|found| !found.iter().any(is_repairable))
}
