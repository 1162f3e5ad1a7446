//! Replicas that are here although the meta server does not list this server for them.
//!
//! They stay open for a while, since the meta server may want them to learn, and are closed then. A
//! closed replica's directory goes on being reported, until the meta server says that nobody needs it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use pegasus_common::Gpid;
use pegasus_common::clock::MonotonicMillis;
use pegasus_pacifica::ReplicaStatus;
use pegasus_wire::metadata::PartitionStatus;
use pegasus_wire::metadata::ReplicaInfo;

use super::HeldReplica;

/// Replicas that the meta server does not list.
#[derive(Debug, Default)]
pub(super) struct Unlisted {
    /// As they were first seen, and when.
    open: BTreeMap<Gpid, (HeldReplica, MonotonicMillis)>,
    /// As they were last reported.
    closed: BTreeMap<Gpid, ReplicaInfo>,
}

impl Unlisted {
    /// Everything that is here: the open replicas, and the directories of the closed ones. A replica
    /// that is open again is no longer closed.
    pub(super) fn with_closed(&mut self, open: Vec<ReplicaInfo>) -> BTreeMap<Gpid, ReplicaInfo> {
        let open: BTreeMap<Gpid, ReplicaInfo> = open
            .into_iter()
            .map(|replica| (replica.pid, replica))
            .collect();
        self.closed.retain(|gpid, _| !open.contains_key(gpid));
        let mut all = self.closed.clone();
        all.extend(open);
        all
    }

    /// Whether only the directory of the replica is here.
    pub(super) fn is_closed(&self, gpid: Gpid) -> bool {
        self.closed.contains_key(&gpid)
    }

    /// The replica's directory was put aside.
    pub(super) fn forget(&mut self, gpid: Gpid) {
        self.open.remove(&gpid);
        self.closed.remove(&gpid);
    }

    /// Compares what was reported with what is listed, and returns what is to be closed: a primary at
    /// once, since it would go on serving a table that was dropped, a learner never, others after
    /// `patience` without a change.
    pub(super) fn judge(
        &mut self,
        now: MonotonicMillis,
        stored: &BTreeMap<Gpid, ReplicaInfo>,
        listed: &BTreeSet<Gpid>,
        patience: Duration,
    ) -> Vec<HeldReplica> {
        let before = std::mem::take(&mut self.open);
        let mut closing = Vec::new();
        for (&gpid, report) in stored {
            let Some(replica) = HeldReplica::of_report(report) else {
                continue;
            };
            // A replica that has never had members is at its birth: nobody lists it yet.
            let is_at_birth = report.ballot == 0;
            if listed.contains(&gpid) || is_at_birth || self.closed.contains_key(&gpid) {
                continue;
            }
            let since = match before.get(&gpid) {
                Some(&(seen, since)) if seen == replica => since,
                _ => now,
            };
            let is_over = match replica.status {
                ReplicaStatus::PotentialSecondary => continue,
                ReplicaStatus::Primary => true,
                ReplicaStatus::Inactive | ReplicaStatus::Secondary | ReplicaStatus::Error => {
                    now.since(since) >= patience
                }
            };
            if is_over {
                let report = ReplicaInfo {
                    status: PartitionStatus::PS_INACTIVE,
                    // Closing it drops what it had prepared and did not know to be committed.
                    is_proven: Some(false),
                    ..report.clone()
                };
                self.closed.insert(gpid, report);
                closing.push(replica);
            } else {
                self.open.insert(gpid, (replica, since));
            }
        }
        closing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GPID: Gpid = Gpid::new(2, 0);
    const PATIENCE: Duration = Duration::from_secs(600);

    fn report(ballot: i64, status: PartitionStatus) -> ReplicaInfo {
        ReplicaInfo {
            pid: GPID,
            ballot,
            status,
            ..ReplicaInfo::default()
        }
    }

    /// Reports the replica at `seconds`; whether it is to be closed.
    fn is_closed(unlisted: &mut Unlisted, seconds: u64, report: ReplicaInfo) -> bool {
        let stored = unlisted.with_closed(vec![report]);
        let now = MonotonicMillis(seconds * 1_000);
        !unlisted
            .judge(now, &stored, &BTreeSet::new(), PATIENCE)
            .is_empty()
    }

    #[test]
    fn an_unlisted_replica_stays_open_for_a_while() {
        for status in [
            PartitionStatus::PS_INACTIVE,
            PartitionStatus::PS_SECONDARY,
            PartitionStatus::PS_ERROR,
        ] {
            let mut unlisted = Unlisted::default();
            assert!(!is_closed(&mut unlisted, 0, report(5, status)));
            assert!(!is_closed(&mut unlisted, 599, report(5, status)));
            assert!(is_closed(&mut unlisted, 600, report(5, status)));
        }
    }

    #[test]
    fn a_change_begins_the_wait_anew() {
        let mut unlisted = Unlisted::default();
        let inactive = |ballot| report(ballot, PartitionStatus::PS_INACTIVE);
        assert!(!is_closed(&mut unlisted, 0, inactive(5)));
        assert!(!is_closed(&mut unlisted, 500, inactive(6)));
        assert!(!is_closed(&mut unlisted, 1_099, inactive(6)));
        let learner = report(6, PartitionStatus::PS_POTENTIAL_SECONDARY);
        assert!(!is_closed(&mut unlisted, 1_100, learner));
        assert!(!is_closed(&mut unlisted, 1_700, inactive(6)));
        assert!(is_closed(&mut unlisted, 2_300, inactive(6)));
    }

    #[test]
    fn a_primary_of_a_dropped_table_is_closed_at_once_and_a_newborn_is_not() {
        let mut unlisted = Unlisted::default();
        let newborn = report(0, PartitionStatus::PS_INACTIVE);
        assert!(!is_closed(&mut unlisted, 0, newborn.clone()));
        assert!(!is_closed(&mut unlisted, 10_000, newborn));
        let primary = report(5, PartitionStatus::PS_PRIMARY);
        assert!(is_closed(&mut unlisted, 10_000, primary));
    }

    #[test]
    fn a_closed_replica_is_reported_until_it_is_open_again_or_put_aside() {
        let mut unlisted = Unlisted::default();
        assert!(is_closed(
            &mut unlisted,
            0,
            report(5, PartitionStatus::PS_PRIMARY)
        ));
        let all = unlisted.with_closed(Vec::new());
        let closed = ReplicaInfo {
            is_proven: Some(false),
            ..report(5, PartitionStatus::PS_INACTIVE)
        };
        assert_eq!(all[&GPID], closed);
        assert!(unlisted.is_closed(GPID));
        let learner = report(6, PartitionStatus::PS_POTENTIAL_SECONDARY);
        assert_eq!(unlisted.with_closed(vec![learner.clone()])[&GPID], learner);
        assert!(!unlisted.is_closed(GPID));
        unlisted.forget(GPID);
        assert!(unlisted.with_closed(Vec::new()).is_empty());
    }
}
