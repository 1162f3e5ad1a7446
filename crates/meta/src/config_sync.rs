//! RPC_CM_CONFIG_SYNC: a replica server reports what it holds, and hears what it should hold
//! (meta-server.md section 10).

use pegasus_common::{Ballot, Gpid, RpcAddress};

use crate::cluster_state::{ClusterState, TableState};
use crate::effect::Alert;
use crate::partition::PartitionConfiguration;
use crate::table::TableStatus;

/// A replica as its server reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplicaReport {
    /// Which one.
    pub pid: Gpid,
    /// The newest ballot that it has seen.
    pub ballot: Ballot,
    /// Whether it is learning now.
    pub is_learner: bool,
}

/// May replicas that nobody needs be removed at this function level?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Collection {
    /// The server is told to remove them.
    Allowed,
    /// Everything stays.
    Suspended,
}

/// What the server is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncOutcome {
    /// Reported replicas that it may remove.
    pub garbage: Vec<Gpid>,
    /// What the operator should know.
    pub alerts: Vec<Alert>,
}

/// The partitions that `node` is a member of, each with its table.
pub fn memberships(
    state: &ClusterState,
    node: RpcAddress,
) -> impl Iterator<Item = (&TableState, &PartitionConfiguration)> {
    state.available_tables().flat_map(move |table| {
        table
            .partitions
            .iter()
            .map(|partition| &partition.configuration)
            .filter(move |configuration| configuration.is_member(node))
            .map(move |configuration| (table, configuration))
    })
}

/// Judges the reported replicas.
#[must_use]
pub fn judge_reports(
    state: &ClusterState,
    node: RpcAddress,
    reports: &[ReplicaReport],
    collection: Collection,
    unix_seconds: i64,
) -> SyncOutcome {
    let mut outcome = SyncOutcome::default();
    for report in reports {
        let pid = report.pid;
        let known = state.table(pid.app_id).zip(state.partition(pid));
        let Some((table, partition)) = known else {
            outcome.alerts.push(Alert::UnknownReplica { node, pid });
            continue;
        };
        let configuration = &partition.configuration;
        if report.ballot > configuration.ballot {
            // Whatever else seems to be true of it: do not touch data that is ahead of us.
            outcome.alerts.push(Alert::BallotAhead { node, pid });
            continue;
        }
        let is_garbage = match table.info.status {
            TableStatus::Dropped => table.info.is_expired(unix_seconds),
            TableStatus::Available => is_left_over_from_birth(configuration, node, report),
        };
        if is_garbage && collection == Collection::Allowed {
            outcome.garbage.push(pid);
        }
    }
    outcome
}

/// Whether the replica was made for a partition that was then born elsewhere. It is empty: it never
/// entered a ballot, so it never took a mutation.
fn is_left_over_from_birth(
    configuration: &PartitionConfiguration,
    node: RpcAddress,
    report: &ReplicaReport,
) -> bool {
    report.ballot == Ballot::ZERO
        && !report.is_learner
        && configuration.ballot > Ballot::ZERO
        && !configuration.is_member(node)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster_state::Command;
    use crate::testing::{node, state_with_table};
    use pegasus_common::AppId;
    use pegasus_metastore::Version;

    fn report(pid: Gpid, ballot: i64) -> ReplicaReport {
        ReplicaReport {
            pid,
            ballot: Ballot(ballot),
            is_learner: false,
        }
    }

    /// Table 2 with partition 0 born on servers 1 to 3, partition 1 unborn.
    fn state() -> ClusterState {
        let mut state = state_with_table(2, "temp", 2);
        let unborn = &state.partition(Gpid::new(2, 0)).unwrap().configuration;
        let born = unborn.born(node(1), vec![node(2), node(3)]);
        state.apply(Command::Reconfigure(born), Version(2));
        state
    }

    fn judge(state: &ClusterState, host: u16, report: ReplicaReport, now: i64) -> SyncOutcome {
        judge_reports(state, node(host), &[report], Collection::Allowed, now)
    }

    #[test]
    fn a_server_hears_of_its_memberships_alone() {
        let state = state();
        assert_eq!(memberships(&state, node(2)).count(), 1);
        assert_eq!(memberships(&state, node(4)).count(), 0);
    }

    #[test]
    fn unknown_and_advanced_replicas_are_left_alone_loudly() {
        let state = state();
        for (pid, ballot) in [
            (Gpid::new(9, 0), 1),
            (Gpid::new(2, 2), 0),
            (Gpid::new(2, -1), 0),
            (Gpid::new(2, 0), 7),
        ] {
            let outcome = judge(&state, 1, report(pid, ballot), i64::MAX);
            assert_eq!(
                (outcome.garbage.len(), outcome.alerts.len()),
                (0, 1),
                "{pid}"
            );
        }
    }

    #[test]
    fn only_what_is_surely_useless_is_garbage() {
        let mut state = state();
        let born = Gpid::new(2, 0);
        let is_garbage =
            |state: &_, host, report, now| !judge(state, host, report, now).garbage.is_empty();
        assert!(
            !is_garbage(&state, 1, report(born, 1), i64::MAX),
            "a member"
        );
        assert!(
            !is_garbage(&state, 4, report(born, 1), i64::MAX),
            "was a member once"
        );
        assert!(
            is_garbage(&state, 4, report(born, 0), 0),
            "never was a member"
        );
        let unborn = report(Gpid::new(2, 1), 0);
        assert!(
            !is_garbage(&state, 4, unborn, i64::MAX),
            "may become a member"
        );
        let learner = ReplicaReport {
            is_learner: true,
            ..report(born, 0)
        };
        assert!(!is_garbage(&state, 4, learner, i64::MAX), "is becoming one");
        let drop = Command::DropTable {
            id: AppId(2),
            drop_second: 10,
            expire_second: 20,
        };
        state.apply(drop, Version(3));
        assert!(
            !is_garbage(&state, 1, report(born, 1), 19),
            "can be recalled"
        );
        assert!(is_garbage(&state, 1, report(born, 1), 20), "expired");
        let outcome = judge_reports(
            &state,
            node(1),
            &[report(born, 1)],
            Collection::Suspended,
            20,
        );
        assert_eq!(outcome, SyncOutcome::default());
    }
}
