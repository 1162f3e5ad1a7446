//! Members that are here although the meta server does not list this server for them.
//!
//! They step down and nothing more: each may be the last good copy of its partition, whose members the
//! meta server may have struck off one after the other, or whose table may be recalled. What they have,
//! also what is prepared and not known to be committed, stays until the meta server says that nobody
//! needs it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use pegasus_common::Gpid;
use pegasus_common::clock::MonotonicMillis;
use pegasus_pacifica::ReplicaStatus;
use pegasus_wire::metadata::ReplicaInfo;

use super::HeldReplica;

/// Members that the meta server does not list: as they were first seen, and when.
#[derive(Debug, Default)]
pub(super) struct Unlisted {
    seen: BTreeMap<Gpid, (HeldReplica, MonotonicMillis)>,
}

impl Unlisted {
    /// Compares what was reported with what is listed, and returns whose role is over: a primary's at
    /// once, since it would go on serving a table that was dropped, a secondary's after `patience`
    /// without a change. A learner is not listed before it is a member.
    pub(super) fn judge(
        &mut self,
        now: MonotonicMillis,
        stored: &BTreeMap<Gpid, ReplicaInfo>,
        listed: &BTreeSet<Gpid>,
        patience: Duration,
    ) -> Vec<HeldReplica> {
        let before = std::mem::take(&mut self.seen);
        let mut over = Vec::new();
        let unlisted = stored.values().filter(|it| !listed.contains(&it.pid));
        for replica in unlisted.filter_map(HeldReplica::of_report) {
            let patience = match replica.status {
                ReplicaStatus::Primary => Duration::ZERO,
                ReplicaStatus::Secondary => patience,
                ReplicaStatus::Inactive
                | ReplicaStatus::Error
                | ReplicaStatus::PotentialSecondary => continue,
            };
            let since = match before.get(&replica.gpid) {
                Some(&(seen, since)) if seen == replica => since,
                _ => now,
            };
            if now.since(since) >= patience {
                over.push(replica);
            } else {
                self.seen.insert(replica.gpid, (replica, since));
            }
        }
        over
    }
}

#[cfg(test)]
mod tests {
    use pegasus_wire::metadata::PartitionStatus;

    use super::*;

    const GPID: Gpid = Gpid::new(2, 0);
    const PATIENCE: Duration = Duration::from_secs(600);

    /// Reports the replica at `seconds`; whether it is to step down.
    fn is_over(
        unlisted: &mut Unlisted,
        seconds: u64,
        (ballot, status): (i64, PartitionStatus),
    ) -> bool {
        let report = ReplicaInfo {
            pid: GPID,
            ballot,
            status,
            ..ReplicaInfo::default()
        };
        let stored = BTreeMap::from([(GPID, report)]);
        let now = MonotonicMillis(seconds * 1_000);
        !unlisted
            .judge(now, &stored, &BTreeSet::new(), PATIENCE)
            .is_empty()
    }

    #[test]
    fn a_secondary_keeps_its_role_for_a_while() {
        let mut unlisted = Unlisted::default();
        let secondary = |ballot| (ballot, PartitionStatus::PS_SECONDARY);
        assert!(!is_over(&mut unlisted, 0, secondary(5)));
        assert!(!is_over(&mut unlisted, 599, secondary(5)));
        assert!(!is_over(&mut unlisted, 600, secondary(6)), "a change");
        assert!(!is_over(&mut unlisted, 1_199, secondary(6)));
        assert!(is_over(&mut unlisted, 1_200, secondary(6)));
    }

    #[test]
    fn a_primary_steps_down_at_once() {
        let mut unlisted = Unlisted::default();
        let primary = (5, PartitionStatus::PS_PRIMARY);
        assert!(is_over(&mut unlisted, 0, primary));
    }

    #[test]
    fn what_has_no_role_is_left_alone_for_ever() {
        for status in [
            PartitionStatus::PS_INACTIVE,
            PartitionStatus::PS_ERROR,
            PartitionStatus::PS_POTENTIAL_SECONDARY,
        ] {
            let mut unlisted = Unlisted::default();
            assert!(!is_over(&mut unlisted, 0, (5, status)));
            assert!(!is_over(&mut unlisted, 10_000_000, (5, status)));
        }
    }

    #[test]
    fn what_is_listed_is_no_concern() {
        let mut unlisted = Unlisted::default();
        let primary = ReplicaInfo {
            pid: GPID,
            ballot: 5,
            status: PartitionStatus::PS_PRIMARY,
            ..ReplicaInfo::default()
        };
        let stored = BTreeMap::from([(GPID, primary)]);
        let listed = BTreeSet::from([GPID]);
        let now = MonotonicMillis(0);
        assert!(unlisted.judge(now, &stored, &listed, PATIENCE).is_empty());
    }
}
