//! Looks after the data directories: how much space they have, and whether their devices answer.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use pegasus_common::clock::WallMicros;
use tokio::time::timeout;
use tracing::error;
use tracing::warn;

use super::host::Host;
use crate::disk_health::DiskStatus;
use crate::disk_health::probe;
use crate::disk_health::space_of;
use crate::node::Node;

/// Between two looks at the space of a disk.
const SPACE_INTERVAL: Duration = Duration::from_secs(1);
/// A look comes with a probe once in so many times.
const LOOKS_PER_PROBE: u64 = 5;
/// A device that takes longer does not answer. Guess: longer than any queue of requests that clients
/// would still wait for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Looks after one disk for ever. Each look has a thread of its own, since a device may hang.
pub async fn run(host: Rc<Host>, disk: usize) {
    let mut before = DiskStatus::Normal;
    for look in 0_u64.. {
        let node = Arc::clone(&host.node);
        let with_probe = if look.is_multiple_of(LOOKS_PER_PROBE) {
            Depth::WithProbe
        } else {
            Depth::Space
        };
        let mut looking = tokio::task::spawn_blocking(move || look_at(&node, disk, with_probe));
        if timeout(PATIENCE, &mut looking).await.is_err() {
            host.node.disks[disk].health.on_overdue();
            tell(&host.node, disk, &mut before);
            // It may panic in the file system's hands only: the next look tries again.
            drop(looking.await);
        }
        host.node.disks[disk].health.on_answer();
        tell(&host.node, disk, &mut before);
        tokio::time::sleep(SPACE_INTERVAL).await;
    }
}

/// How closely a disk is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    Space,
    WithProbe,
}

fn look_at(node: &Node, disk: usize, depth: Depth) {
    let disk = &node.disks[disk];
    let ratio_min = node
        .running_config
        .current()
        .replication
        .disk_min_available_space_ratio;
    match space_of(&disk.path) {
        Ok(space) => disk.health.on_space(space, ratio_min),
        Err(problem) => {
            error!(disk = disk.tag, error = %problem, "the space of a disk cannot be told");
            disk.health.on_failure();
        }
    }
    if depth == Depth::WithProbe && disk.health.status() != DiskStatus::IoError {
        let seed = WallMicros::now().0.unsigned_abs();
        if let Err(problem) = probe(&disk.path, seed) {
            error!(disk = disk.tag, error = %problem, "a disk fails");
            disk.health.on_failure();
        }
    }
}

fn tell(node: &Node, disk: usize, before: &mut DiskStatus) {
    let disk = &node.disks[disk];
    let now = disk.health.status();
    if std::mem::replace(before, now) != now {
        let space = disk.health.space();
        warn!(disk = disk.tag, status = ?now, available_bytes = space.available_bytes,
            total_bytes = space.total_bytes, "a disk's status has changed");
    }
}
