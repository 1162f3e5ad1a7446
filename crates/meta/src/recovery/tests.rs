use pegasus_wire::layer2::AppStatus;

use super::*;
use crate::reports::Standing;
use crate::stored;
use crate::testing::node;
use pegasus_metastore::Entry;

fn app(id: i32, name: &str, partition_count: i32) -> AppInfo {
    AppInfo {
        status: AppStatus::AS_AVAILABLE,
        app_type: "pegasus".to_owned(),
        app_id: id,
        app_name: name.to_owned(),
        partition_count,
        init_partition_count: partition_count,
        is_stateful: true,
        max_replica_count: 3,
        create_second: 1_700_000_000,
        ..AppInfo::default()
    }
}

fn replica(pid: Gpid, ballot: i64, committed: i64) -> ReplicaReport {
    ReplicaReport {
        pid,
        role: ReportedRole::Inactive,
        ballot: Ballot(ballot),
        committed: Decree(committed),
        prepared: Decree(committed + 1),
        standing: Standing::Unproven,
    }
}

fn server(number: u16, tables: &[AppInfo], replicas: &[ReplicaReport]) -> ServerHoldings {
    ServerHoldings {
        node: node(number),
        tables: tables.to_vec(),
        replicas: replicas.to_vec(),
    }
}

fn whole(holdings: &[ServerHoldings]) -> Result<Recovered, RecoveryError> {
    recover(holdings, LostPartitions::Refuse, Coverage::Whole, 1)
}

const FIRST: Gpid = Gpid::new(2, 0);
const SECOND: Gpid = Gpid::new(2, 1);

#[test]
fn the_best_replicas_become_former_members_under_a_new_ballot() {
    let table = [app(2, "temp", 2)];
    let holdings = [
        server(1, &table, &[replica(FIRST, 7, 90), replica(SECOND, 3, 5)]),
        server(2, &table, &[replica(FIRST, 7, 100), replica(SECOND, 3, 5)]),
        server(3, &table, &[replica(FIRST, 6, 500), replica(SECOND, 3, 6)]),
        server(4, &table, &[replica(FIRST, 2, 10)]),
    ];
    let recovered = whole(&holdings).unwrap();
    assert_eq!(recovered.notes, []);
    let configuration = &recovered.state.partition(FIRST).unwrap().configuration;
    assert_eq!(configuration.ballot, Ballot(8));
    assert_eq!(configuration.last_drops, [node(3), node(1), node(2)]);
    assert_eq!(configuration.last_committed, Decree(500));
    assert_eq!(configuration.complete_drops().count(), 0, "nothing is sure");
    assert_eq!(configuration.member_count(), 0);
    // A meta server can load it.
    let entries = stored::entries(&recovered.state).map(|(key, value)| Entry {
        key,
        value,
        version: Version::ZERO,
    });
    let loaded = stored::load(&entries.collect::<Vec<_>>()).unwrap();
    assert_eq!(loaded, recovered.state);
    assert_eq!(loaded.available_table("temp").unwrap().info.id, AppId(2));
}

#[test]
fn one_that_was_learning_or_has_failed_counts_less_or_not_at_all() {
    let table = [app(2, "temp", 1)];
    let learner = ReplicaReport {
        role: ReportedRole::Learner,
        ..replica(FIRST, 9, 90)
    };
    let broken = ReplicaReport {
        role: ReportedRole::Failed,
        ..replica(FIRST, 9, 90)
    };
    let holdings = [
        server(1, &table, &[learner]),
        server(2, &table, &[broken]),
        server(3, &table, &[replica(FIRST, 8, 80)]),
    ];
    let recovered = whole(&holdings).unwrap();
    let configuration = &recovered.state.partition(FIRST).unwrap().configuration;
    assert_eq!(configuration.last_drops, [node(1), node(3)]);
    let few = Note::FewReplicas {
        pid: FIRST,
        found: 2,
        wanted: 3,
    };
    assert_eq!(recovered.notes, [few]);
}

#[test]
fn partitions_that_nobody_has_start_empty_only_if_that_is_wanted() {
    let table = [app(2, "temp", 2)];
    let holdings = [server(1, &table, &[replica(FIRST, 1, 1)])];
    let refused = whole(&holdings).unwrap_err();
    assert_eq!(refused, RecoveryError::Lost(vec![SECOND]));
    assert!(refused.to_string().contains("2.1"), "{refused}");
    let recovered = recover(&holdings, LostPartitions::StartEmpty, Coverage::Whole, 1).unwrap();
    let lost = &recovered.state.partition(SECOND).unwrap().configuration;
    assert!(lost.is_unborn());
    assert!(recovered.notes.contains(&Note::StartsEmpty(SECOND)));
    // A partition that never took a write had no members that anybody could miss.
    let unborn = [server(
        1,
        &table,
        &[replica(FIRST, 0, 0), replica(SECOND, 0, 0)],
    )];
    let recovered = whole(&unborn).unwrap();
    let first = &recovered.state.partition(FIRST).unwrap().configuration;
    assert!(first.is_unborn());
}

#[test]
fn what_operators_change_is_decided_by_most_and_the_rest_must_agree() {
    let renamed = AppInfo {
        envs: [("default_ttl".to_owned(), "9".to_owned())].into(),
        max_replica_count: 1,
        ..app(2, "new", 1)
    };
    // It has recorded less, as the first servers did.
    let first_server = AppInfo {
        create_second: 0,
        envs: BTreeMap::new(),
        ..renamed.clone()
    };
    let holdings = [
        server(1, &[app(2, "old", 1)], &[replica(FIRST, 1, 1)]),
        server(2, std::slice::from_ref(&renamed), &[]),
        server(3, std::slice::from_ref(&renamed), &[]),
        server(4, &[first_server], &[]),
    ];
    let recovered = whole(&holdings).unwrap();
    let table = &recovered.state.table(AppId(2)).unwrap().info;
    assert_eq!((table.name.as_str(), table.max_replica_count), ("new", 1));
    assert_eq!(
        (&table.envs, table.create_second),
        (&renamed.envs, 1_700_000_000)
    );
    let about: Vec<_> = recovered.notes.iter().map(ToString::to_string).collect();
    assert!(
        about[0].contains("app_name 'new', others 'old'"),
        "{about:?}"
    );
    assert_eq!(about.len(), 3, "{about:?}");

    let other = server(5, &[app(2, "new", 4)], &[]);
    let refused = whole(&[holdings[1].clone(), other]).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "table 2 has partition_count 1 on 127.0.0.1:34802, 4 on 127.0.0.1:34805"
    );
}

#[test]
fn of_two_tables_with_one_name_the_newer_one_has_it() {
    let tables = [app(2, "temp", 1), app(4, "temp", 1)];
    let pids = [FIRST, Gpid::new(4, 0)];
    let holdings = [server(1, &tables, &pids.map(|pid| replica(pid, 1, 1)))];
    let recovered = whole(&holdings).unwrap();
    let state = &recovered.state;
    assert_eq!(state.available_table("temp").unwrap().info.id, AppId(4));
    assert_eq!(state.available_table("temp__2").unwrap().info.id, AppId(2));
}

#[test]
fn a_server_that_was_not_asked_may_know_of_newer_tables() {
    let table = [app(2, "temp", 1)];
    let stray = replica(Gpid::new(9, 0), 1, 1);
    let holdings = [server(1, &table, &[replica(FIRST, 1, 1), stray])];
    let recovered = recover(&holdings, LostPartitions::Refuse, Coverage::Partial, 1).unwrap();
    let last = recovered.state.tables().last().unwrap();
    assert_eq!(
        (last.info.id, last.info.status),
        (AppId(1002), TableStatus::Dropped)
    );
    let no_place = Note::NoPlace {
        node: node(1),
        pid: stray.pid,
    };
    assert!(recovered.notes.contains(&no_place));
    assert!(
        recovered
            .notes
            .contains(&Note::IdsSpared { last: AppId(1002) })
    );
}

#[test]
fn a_server_that_is_named_twice_counts_once() {
    let table = [app(2, "temp", 1)];
    let holdings = server(1, &table, &[replica(FIRST, 1, 1)]);
    let recovered = whole(&[holdings.clone(), holdings]).unwrap();
    let configuration = &recovered.state.partition(FIRST).unwrap().configuration;
    assert_eq!(configuration.last_drops, [node(1)]);
}

#[test]
fn what_cannot_be_is_refused_with_its_server() {
    assert_eq!(whole(&[]).unwrap_err(), RecoveryError::Nothing);
    for (change, reason) in [
        (
            AppInfo {
                app_id: 0,
                ..app(0, "temp", 1)
            },
            "number of a table",
        ),
        (app(2, "", 1), "no name"),
        (app(2, "temp", i32::MAX), "number of partitions"),
        (
            AppInfo {
                max_replica_count: 0,
                ..app(2, "temp", 1)
            },
            "number of replicas",
        ),
    ] {
        let refused = whole(&[server(3, &[change], &[])]).unwrap_err().to_string();
        assert!(
            refused.contains(reason) && refused.contains("34803"),
            "{refused}"
        );
    }
    for ballot in [-1, i64::MAX] {
        let holdings = server(3, &[app(2, "temp", 1)], &[replica(FIRST, ballot, 1)]);
        let refused = whole(&[holdings]).unwrap_err().to_string();
        assert!(refused.contains("is no ballot (2.0)"), "{refused}");
    }
}
