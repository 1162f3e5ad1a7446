//! Keeps each disk's log bounded: when it has grown past its limit, the replicas that hold its oldest
//! segments are told to flush (design.md section 4: a lagging replica must not pin the log).

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use pegasus_common::Gpid;
use tracing::info;

use super::Control;
use crate::router::ShardIndex;
use crate::shard::ShardMessage;

/// Between two looks at the size of the logs.
const INTERVAL: Duration = Duration::from_secs(1);

/// Looks for ever.
pub async fn run(control: Rc<Control>) {
    loop {
        tokio::time::sleep(INTERVAL).await;
        for disk in &control.node.disks {
            let mut pinning: BTreeMap<ShardIndex, Vec<Gpid>> = BTreeMap::new();
            for (gpid, _) in disk.log.pinning() {
                pinning
                    .entry(control.node.shard_of(gpid))
                    .or_default()
                    .push(gpid);
            }
            for (shard, gpids) in pinning {
                info!(
                    disk = disk.tag,
                    replicas = gpids.len(),
                    "the log is too large: flushing"
                );
                control.node.shards[shard].send(ShardMessage::LogPinned(gpids));
            }
        }
    }
}
