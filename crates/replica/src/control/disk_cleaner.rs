//! Removes what was put aside long enough ago.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use pegasus_common::clock::WallMicros;
use tracing::warn;

use super::host::Host;
use crate::disk::aside;
use crate::disk::aside::AsideAges;
use crate::node::Node;
use crate::router::Readability;

/// Between two looks.
const INTERVAL: Duration = Duration::from_secs(600);

/// Looks for ever.
pub async fn run(host: Rc<Host>) {
    loop {
        tokio::time::sleep(INTERVAL).await;
        let node = Arc::clone(&host.node);
        // It may panic in the file system's hands only: the next round tries again.
        drop(tokio::task::spawn_blocking(move || clean(&node)).await);
    }
}

fn clean(node: &Node) {
    let section = &node.config.replication;
    let ages = AsideAges {
        error: Duration::from_secs(section.gc_disk_error_replica_interval_seconds),
        garbage: Duration::from_secs(section.gc_disk_garbage_replica_interval_seconds),
    };
    // A member has all that its partition has: what failed before it is not needed any more.
    let is_replaced = |gpid| {
        let present = node.router.find(gpid);
        present.is_some_and(|handle| handle.readability() != Readability::Closed)
    };
    for disk in &node.disks {
        let cleaned = aside::clean(&disk.path, ages, WallMicros::now(), is_replaced);
        if let Err(error) = cleaned {
            warn!(disk = disk.tag, %error, "directories that were put aside cannot be listed");
        }
    }
}
