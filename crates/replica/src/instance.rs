//! The lives of replicas in this process. What the log, the storage and the pools report about a
//! replica may arrive when that replica has been closed and another one of the same partition stands
//! in its place.

use std::hash::BuildHasher;
use std::hash::Hasher;
use std::hash::RandomState;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use pegasus_common::Gpid;
use pegasus_pacifica::Life;

/// A certain replica of a partition, not just whatever stands there now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReplicaInstance {
    /// The partition.
    pub gpid: Gpid,
    /// Which of the replicas that this process has had of it.
    pub life: Life,
}

/// Numbers the replicas that a process opens. The numbers begin at random: so none was one of another
/// process, whether that shared the disk or lost it.
#[derive(Debug)]
pub struct InstanceCounter {
    next: AtomicU64,
}

impl Default for InstanceCounter {
    fn default() -> Self {
        Self {
            next: AtomicU64::new(RandomState::new().build_hasher().finish()),
        }
    }
}

impl InstanceCounter {
    /// A replica that is being opened.
    #[must_use]
    pub fn next(&self, gpid: Gpid) -> ReplicaInstance {
        ReplicaInstance {
            gpid,
            life: Life(self.next.fetch_add(1, Ordering::Relaxed)),
        }
    }
}
