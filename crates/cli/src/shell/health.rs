//! How healthy a table is, as every tool counts it (tools-and-apis.md section 1.3).

use pegasus_client::{PartitionMembers, Partitions};

/// Fewer members than this and a partition with a primary takes no writes.
const WRITABLE_MEMBERS: i32 = 2;

/// Partitions by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// All partitions.
    pub partitions: u32,
    /// With a primary and every member.
    pub fully_healthy: u32,
    /// Not taking writes.
    pub write_unhealthy: u32,
    /// Not serving reads.
    pub read_unhealthy: u32,
}

impl Health {
    /// Counts a table's partitions.
    #[must_use]
    pub fn of(partitions: &Partitions) -> Self {
        let mut health = Self::default();
        for members in &partitions.members {
            health.partitions += 1;
            let count = member_count(members);
            match members.primary {
                None => {
                    health.write_unhealthy += 1;
                    health.read_unhealthy += 1;
                }
                Some(_) if count >= members.max_replica_count => health.fully_healthy += 1,
                Some(_) if count < WRITABLE_MEMBERS => health.write_unhealthy += 1,
                Some(_) => {}
            }
        }
        health
    }

    /// Partitions that miss anything.
    #[must_use]
    pub fn unhealthy(&self) -> u32 {
        self.partitions - self.fully_healthy
    }
}

/// How many members a partition has.
#[must_use]
pub fn member_count(members: &PartitionMembers) -> i32 {
    let secondaries = i32::try_from(members.secondaries.len()).unwrap_or(i32::MAX - 1);
    secondaries + i32::from(members.primary.is_some())
}
