//! How well the partitions of a table are (meta-server.md section 12.7).

use crate::cluster_state::TableState;
use crate::partition::PartitionConfiguration;

/// The classes, from bad to good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// No members at all.
    Dead,
    /// No primary.
    Unreadable,
    /// A primary, but too few members to write.
    Unwritable,
    /// Writable, but a member is missing.
    WritableIll,
    /// As many members as there should be.
    Healthy,
}

impl Health {
    /// The class of one partition, where writes need `write_members_min` members.
    #[must_use]
    pub fn of(configuration: &PartitionConfiguration, write_members_min: usize) -> Self {
        let members = configuration.member_count();
        let wanted = usize::try_from(configuration.max_replica_count).unwrap_or(0);
        match configuration.primary {
            None if members == 0 => Self::Dead,
            None => Self::Unreadable,
            Some(_) if members < write_members_min.min(wanted) => Self::Unwritable,
            Some(_) if members < wanted => Self::WritableIll,
            Some(_) => Self::Healthy,
        }
    }
}

/// How many partitions are in each class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are the classes of `Health`")]
pub struct HealthCounts {
    pub dead: i64,
    pub unreadable: i64,
    pub unwritable: i64,
    pub writable_ill: i64,
    pub healthy: i64,
}

impl HealthCounts {
    /// Counts the partitions of one table.
    #[must_use]
    pub fn of(table: &TableState, write_members_min: usize) -> Self {
        let mut counts = Self::default();
        for partition in &table.partitions {
            let class = match Health::of(&partition.configuration, write_members_min) {
                Health::Dead => &mut counts.dead,
                Health::Unreadable => &mut counts.unreadable,
                Health::Unwritable => &mut counts.unwritable,
                Health::WritableIll => &mut counts.writable_ill,
                Health::Healthy => &mut counts.healthy,
            };
            *class += 1;
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::node;
    use pegasus_common::Gpid;

    #[test]
    fn classes_follow_the_members() {
        let with = |primary, secondaries: &[u16]| PartitionConfiguration {
            primary,
            secondaries: secondaries.iter().copied().map(node).collect(),
            ..PartitionConfiguration::unborn(Gpid::new(1, 0), 3)
        };
        let class = |primary, secondaries| Health::of(&with(primary, secondaries), 2);
        assert_eq!(class(None, &[]), Health::Dead);
        assert_eq!(class(None, &[2]), Health::Unreadable);
        assert_eq!(class(Some(node(1)), &[]), Health::Unwritable);
        assert_eq!(class(Some(node(1)), &[2]), Health::WritableIll);
        assert_eq!(class(Some(node(1)), &[2, 3]), Health::Healthy);
        let mut single = with(Some(node(1)), &[]);
        single.max_replica_count = 1;
        assert_eq!(Health::of(&single, 2), Health::Healthy);
    }
}
