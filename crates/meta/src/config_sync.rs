//! RPC_CM_CONFIG_SYNC: a replica server reports what it holds, and hears what it should hold
//! (meta-server.md section 10).

use pegasus_common::{Ballot, RpcAddress};

use crate::cluster_state::ClusterState;
use crate::failure_detector::FailureDetector;
use crate::partition::PartitionConfiguration;
use crate::reports::{ReplicaReport, ReportedRole};
use crate::table::TableStatus;

/// What a reported replica is to its partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportVerdict {
    /// A member's, or one that may become a member's, or one whose table may be recalled: it is
    /// left alone.
    Fine,
    /// It has data, and its server is no member: it may be useful to the partition.
    FormerMember,
    /// Nobody needs it.
    Garbage,
    /// It belongs to no table known here: the metadata may be what is wrong.
    Unknown,
    /// It has a newer ballot than the metadata: whatever else seems to be true of it, data that is
    /// ahead of us is not touched.
    BallotAhead,
}

/// Judges a replica that `node` has reported.
#[must_use]
pub fn judge_report(
    state: &ClusterState,
    node: RpcAddress,
    report: &ReplicaReport,
    unix_seconds: i64,
) -> ReportVerdict {
    let pid = report.pid;
    let Some((table, partition)) = state.table(pid.app_id).zip(state.partition(pid)) else {
        return ReportVerdict::Unknown;
    };
    let configuration = &partition.configuration;
    if report.ballot > configuration.ballot {
        return ReportVerdict::BallotAhead;
    }
    match table.info.status {
        TableStatus::Dropped if table.info.is_expired(unix_seconds) => ReportVerdict::Garbage,
        TableStatus::Dropped => ReportVerdict::Fine,
        TableStatus::Available if is_left_over_from_birth(configuration, node, report) => {
            ReportVerdict::Garbage
        }
        TableStatus::Available
            if configuration.is_unborn()
                || configuration.is_member(node)
                || report.ballot == Ballot::ZERO =>
        {
            ReportVerdict::Fine
        }
        TableStatus::Available => ReportVerdict::FormerMember,
    }
}

/// Whether a partition has all its members, and all of them serve: only then anything that others
/// have of it can be garbage.
#[must_use]
pub fn is_whole(configuration: &PartitionConfiguration, detector: &FailureDetector) -> bool {
    let wanted = usize::try_from(configuration.max_replica_count).unwrap_or(usize::MAX);
    configuration.primary.is_some()
        && configuration.member_count() >= wanted
        && configuration
            .members()
            .all(|node| detector.is_serving(node))
}

/// Whether the replica was made for a partition that was then born elsewhere. It is empty: it never
/// entered a ballot, so it never took a mutation.
fn is_left_over_from_birth(
    configuration: &PartitionConfiguration,
    node: RpcAddress,
    report: &ReplicaReport,
) -> bool {
    report.ballot == Ballot::ZERO
        && report.role != ReportedRole::Learner
        && configuration.ballot > Ballot::ZERO
        && !configuration.is_member(node)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster_state::Command;
    use crate::testing::{node, report, state_with_table};
    use pegasus_common::{AppId, Gpid};
    use pegasus_metastore::Version;

    /// Table 2 with partition 0 born on servers 1 to 3, partition 1 unborn.
    fn state() -> ClusterState {
        let mut state = state_with_table(2, "temp", 2);
        let unborn = &state.partition(Gpid::new(2, 0)).unwrap().configuration;
        let born = unborn.born(node(1), vec![node(2), node(3)]);
        state.apply(Command::Reconfigure(born), Version(2));
        state
    }

    #[test]
    fn unknown_and_advanced_replicas_are_left_alone() {
        let state = state();
        let judge = |pid, ballot| judge_report(&state, node(1), &report(pid, ballot), i64::MAX);
        for (pid, ballot) in [
            (Gpid::new(9, 0), 1),
            (Gpid::new(2, 2), 0),
            (Gpid::new(2, -1), 0),
        ] {
            assert_eq!(judge(pid, ballot), ReportVerdict::Unknown, "{pid}");
        }
        assert_eq!(judge(Gpid::new(2, 0), 7), ReportVerdict::BallotAhead);
    }

    #[test]
    fn only_what_is_surely_useless_is_garbage() {
        use ReportVerdict as V;
        let mut state = state();
        let (born, unborn) = (Gpid::new(2, 0), Gpid::new(2, 1));
        let judge =
            |state: &_, host, report: &_, time| judge_report(state, node(host), report, time);
        assert_eq!(judge(&state, 1, &report(born, 1), i64::MAX), V::Fine);
        assert_eq!(
            judge(&state, 4, &report(born, 1), i64::MAX),
            V::FormerMember
        );
        assert_eq!(
            judge(&state, 4, &report(born, 0), 0),
            V::Garbage,
            "never was a member"
        );
        assert_eq!(judge(&state, 4, &report(unborn, 0), i64::MAX), V::Fine);
        let learner = ReplicaReport {
            role: ReportedRole::Learner,
            ..report(born, 0)
        };
        assert_eq!(judge(&state, 4, &learner, i64::MAX), V::Fine);
        let drop = Command::DropTable {
            id: AppId(2),
            drop_second: 10,
            expire_second: 20,
        };
        state.apply(drop, Version(3));
        assert_eq!(
            judge(&state, 1, &report(born, 1), 19),
            V::Fine,
            "can be recalled"
        );
        assert_eq!(
            judge(&state, 1, &report(born, 1), 20),
            V::Garbage,
            "expired"
        );
    }
}
