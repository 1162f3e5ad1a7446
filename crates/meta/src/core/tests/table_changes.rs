//! Changes of tables through the whole core: what is durable, who hears of it, and what waits.

use super::*;
use pegasus_common::AppId;
use pegasus_wire::layer2::AppInfo;
use pegasus_wire::meta_admin::{
    AppEnvOperation, ConfigurationRecallAppRequest, ConfigurationRenameAppRequest,
    ConfigurationSetMaxReplicaCountRequest, ConfigurationUpdateAppEnvRequest,
};
use pegasus_wire::metadata::{PartitionStatus, ReplicaInfo};

const TEMP: AppId = AppId(1);

/// Three servers and the table `temp`, as born.
fn with_table() -> Cluster {
    let mut cluster = Cluster::new(3);
    cluster.create(&create("temp"));
    cluster.report_all("temp", 1..=3);
    cluster.proposals.clear();
    cluster
}

fn set_env(table: &str, key: &str, value: &str) -> ConfigurationUpdateAppEnvRequest {
    ConfigurationUpdateAppEnvRequest {
        app_name: table.to_owned(),
        op: AppEnvOperation::APP_ENV_OP_SET,
        keys: Some(vec![key.to_owned()]),
        values: Some(vec![value.to_owned()]),
        clear_prefix: None,
    }
}

fn rename(old: &str, new: &str) -> ConfigurationRenameAppRequest {
    ConfigurationRenameAppRequest {
        old_app_name: old.to_owned(),
        new_app_name: new.to_owned(),
    }
}

fn replicas(count: i32) -> ConfigurationSetMaxReplicaCountRequest {
    ConfigurationSetMaxReplicaCountRequest {
        app_name: "temp".to_owned(),
        max_replica_count: count,
    }
}

fn recall() -> ConfigurationRecallAppRequest {
    ConfigurationRecallAppRequest {
        app_id: TEMP.0,
        new_app_name: String::new(),
    }
}

fn info(cluster: &Cluster) -> AppInfo {
    let request = ConfigurationListAppsRequest::default();
    let mut infos = cluster.core.list_apps(&request).infos;
    infos.remove(0)
}

fn answered_ok(answer: Option<&Answer>) -> bool {
    match answer {
        Some(Answer::UpdateAppEnv(response)) => response.err == ErrorCode::Ok,
        Some(Answer::RenameApp(response)) => response.err == ErrorCode::Ok,
        Some(Answer::SetReplicaCount(response)) => response.err == ErrorCode::Ok,
        Some(Answer::RecallApp(response)) => response.err == ErrorCode::Ok,
        Some(Answer::DropApp(response)) => response.err == ErrorCode::Ok,
        _ => false,
    }
}

#[test]
fn environments_are_durable_and_told_to_every_member() {
    let mut cluster = with_table();
    let answer = cluster.change_table(set_env("temp", "default_ttl", "10"));
    assert!(answered_ok(answer.as_ref()), "{answer:?}");
    assert_eq!(
        cluster.proposals.len(),
        24,
        "three members of eight partitions"
    );
    for (_, request) in &cluster.proposals {
        assert_eq!(request.r#type, ConfigType::CT_INVALID);
        assert_eq!(request.info.envs["default_ttl"], "10");
    }
    let synced = cluster.sync(1, &[]).partitions;
    assert_eq!(synced[0].info.envs["default_ttl"], "10");
    cluster.restart();
    assert_eq!(info(&cluster).envs["default_ttl"], "10");
}

#[test]
fn a_crash_leaves_the_old_or_the_new() {
    let mut cluster = with_table();
    cluster.stuck = Some(Vec::new());
    assert_eq!(cluster.change_table(rename("temp", "new")), None);
    assert_eq!(cluster.query("temp").err, ErrorCode::Ok, "not durable yet");
    assert_eq!(cluster.query("new").err, ErrorCode::BusyCreating);
    cluster.restart();
    assert_eq!(cluster.query("temp").err, ErrorCode::Ok);
    assert_eq!(cluster.query("new").err, ErrorCode::ObjectNotFound);

    cluster.stuck = None;
    let answer = cluster.change_table(rename("temp", "new"));
    assert!(answered_ok(answer.as_ref()), "{answer:?}");
    cluster.restart();
    assert_eq!(cluster.query("temp").err, ErrorCode::ObjectNotFound);
    assert_eq!(cluster.query("new").err, ErrorCode::Ok);
}

#[test]
fn changes_of_one_table_follow_one_another() {
    let mut cluster = with_table();
    cluster.stuck = Some(Vec::new());
    for request in [
        set_env("temp", "default_ttl", "10"),
        set_env("temp", "business.info", "a"),
    ] {
        assert_eq!(cluster.change_table(request), None);
    }
    assert_eq!(cluster.change_table(rename("temp", "new")), None);
    assert_eq!(
        cluster.change_table(set_env("temp", "default_ttl", "20")),
        None
    );
    cluster.release_store();
    assert_eq!(cluster.answers.len(), 4);
    let refused = cluster.answers.pop();
    assert!(
        matches!(&refused, Some(Answer::UpdateAppEnv(response)) if response.err == ErrorCode::AppNotExist),
        "renamed before its turn came: {refused:?}"
    );
    let table = info(&cluster);
    assert_eq!(table.app_name, "new");
    assert_eq!(table.envs["default_ttl"], "10");
    assert_eq!(table.envs["business.info"], "a");
}

#[test]
fn too_many_waiting_changes_are_refused() {
    let mut cluster = with_table();
    cluster.stuck = Some(Vec::new());
    for _ in 0..65 {
        let request = set_env("temp", "default_ttl", "10");
        assert_eq!(cluster.change_table(request), None);
    }
    let refused = cluster.change_table(set_env("temp", "default_ttl", "10"));
    assert!(
        matches!(&refused, Some(Answer::UpdateAppEnv(response)) if response.err == ErrorCode::Busy),
        "{refused:?}"
    );
}

#[test]
fn a_drop_overtakes_nothing_and_what_comes_after_it_is_refused() {
    let mut cluster = with_table();
    cluster.stuck = Some(Vec::new());
    assert_eq!(cluster.drop_table(&drop_request("temp")), None);
    let refused = cluster.change_table(set_env("temp", "default_ttl", "10"));
    assert!(
        matches!(&refused, Some(Answer::UpdateAppEnv(response)) if response.err == ErrorCode::BusyDropping),
        "{refused:?}"
    );
    cluster.release_store();
    assert_eq!(cluster.query("temp").err, ErrorCode::ObjectNotFound);
    // Its members hear that they are none any more.
    assert_eq!(cluster.proposals.len(), 24);
    let (_, told) = &cluster.proposals[0];
    assert_eq!(told.config.primary, RpcAddress::INVALID);
    assert_eq!(told.config.ballot, 2);
}

#[test]
fn a_recalled_table_finds_its_data_by_new_reports() {
    let mut cluster = with_table();
    let answer = cluster.drop_table(&drop_request("temp"));
    assert!(answered_ok(answer.as_ref()), "{answer:?}");
    cluster.proposals.clear();
    let Some(Answer::RecallApp(recalled)) = cluster.change_table(recall()) else {
        panic!("a recall");
    };
    assert_eq!(recalled.err, ErrorCode::Ok);
    assert_eq!(recalled.info.status, AppStatus::AS_AVAILABLE);
    assert_eq!(recalled.info.app_name, "temp");
    assert_eq!(
        cluster.proposals,
        [],
        "nobody is chosen by what was said before"
    );
    let beacon = BeaconMsg {
        from_node: node(1),
        start_time: Some(1),
        lease_ms: Some(2_000),
        ..BeaconMsg::default()
    };
    let ack = cluster.core.beacon(cluster.now, &beacon, &mut Vec::new());
    assert_eq!(ack.unwrap().report_wanted, Some(true));

    cluster.report_all("temp", 1..=3);
    cluster.run(Duration::from_secs(1), 1..=3);
    let assigned = cluster.cures();
    for (target, request) in &assigned {
        assert_eq!(request.r#type, ConfigType::CT_ASSIGN_PRIMARY);
        let newest = request.config.last_drops.last();
        assert_eq!(newest, Some(target), "it was the last primary");
    }
    let partitions = assigned.iter().map(|(_, request)| request.config.pid);
    let partitions: std::collections::BTreeSet<_> = partitions.collect();
    assert_eq!(partitions.len(), 8, "every partition finds its data");
    cluster.restart();
    assert_eq!(cluster.query("temp").err, ErrorCode::Ok);
}

#[test]
fn of_a_recalled_partition_nobody_leads_before_the_last_primary_has_heard_of_its_end() {
    let mut cluster = with_table();
    let pid = Gpid::new(TEMP.0, 0);
    let before = cluster.query("temp").partitions[0].clone();
    let host = |server| (1..=3).find(|&host| node(host) == server).unwrap();
    let (leader, heir) = (host(before.primary), host(before.secondaries[0]));
    cluster.drop_table(&drop_request("temp"));
    cluster.change_table(recall());
    cluster.proposals.clear();
    let replica = |status, ballot, is_proven| ReplicaInfo {
        pid,
        status,
        ballot,
        is_proven: Some(is_proven),
        ..ReplicaInfo::default()
    };
    let asked = |cluster: &mut Cluster| {
        cluster.run(Duration::from_secs(1), 1..=3);
        cluster.cures().pop().map(|(node, _)| node)
    };
    let (leads, follows) = (PartitionStatus::PS_PRIMARY, PartitionStatus::PS_SECONDARY);
    cluster.sync_all(heir, vec![replica(follows, 1, true)]);
    assert_eq!(
        asked(&mut cluster),
        None,
        "the last primary has said nothing"
    );
    let answer = cluster.sync_all(leader, vec![replica(leads, 1, false)]);
    let told = answer.partitions.iter().map(|update| &update.config);
    let told: Vec<_> = told
        .map(|config| (config.pid, config.ballot, config.primary))
        .collect();
    assert_eq!(told, [(pid, 2, RpcAddress::INVALID)], "it hears of its end");
    assert_eq!(asked(&mut cluster), None, "it may still lead");
    let inactive = PartitionStatus::PS_INACTIVE;
    cluster.sync_all(leader, vec![replica(inactive, 1, false)]);
    assert_eq!(
        asked(&mut cluster),
        None,
        "it may have been told of a ballot between"
    );
    cluster.sync_all(leader, vec![replica(inactive, 2, false)]);
    assert_eq!(asked(&mut cluster), Some(node(heir)));
}

#[test]
fn a_table_that_was_dropped_before_its_birth_is_born_when_recalled() {
    let mut cluster = Cluster::new(0);
    cluster.beacons(1..=3);
    let creation = cluster.create_without_store(&create("temp"));
    // Nobody lives any more when the table is durable.
    cluster.run(Duration::from_secs(4), 0..=0);
    cluster.settle(creation);
    assert!(cluster.core.state().partition(Gpid::new(1, 0)).is_some());
    cluster.drop_table(&drop_request("temp"));
    let answer = cluster.change_table(recall());
    assert!(answered_ok(answer.as_ref()), "{answer:?}");
    cluster.beacons(1..=3);
    cluster.run(Duration::from_secs(1), 1..=3);
    let partitions = cluster.query("temp").partitions;
    assert!(partitions.iter().all(|partition| partition.ballot == 1));
}

#[test]
fn another_number_of_replicas_is_brought_about() {
    let mut cluster = with_table();
    let before = cluster.query("temp").partitions;
    let answer = cluster.change_table(replicas(2));
    assert!(
        matches!(&answer, Some(Answer::SetReplicaCount(response))
            if response.err == ErrorCode::Ok && response.old_max_replica_count == 3),
        "{answer:?}"
    );
    assert_eq!(info(&cluster).max_replica_count, 2);
    let after = cluster.query("temp").partitions;
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(after.max_replica_count, 2);
        assert_eq!(after.ballot, before.ballot, "no member has changed");
    }
    let removals = cluster.cures();
    let removals = removals
        .iter()
        .filter(|(_, request)| request.r#type == ConfigType::CT_REMOVE);
    assert_eq!(removals.count(), 8, "one surplus member of each partition");
    cluster.restart();
    assert_eq!(cluster.query("temp").partitions[7].max_replica_count, 2);
}

#[test]
fn partitions_are_left_alone_while_their_number_of_replicas_changes() {
    let mut cluster = with_table();
    cluster.stuck = Some(Vec::new());
    let request = force_update(&cluster, Gpid::new(1, 0));
    assert_eq!(cluster.update(&request), None);
    assert_eq!(cluster.change_table(replicas(2)), None);
    let other = force_update(&cluster, Gpid::new(1, 1));
    assert_eq!(cluster.update(&other).unwrap().0, ErrorCode::Busy);
    cluster.release_store();
    assert_eq!(cluster.answers.len(), 2);
    let partitions = cluster.query("temp").partitions;
    assert_eq!(
        (partitions[0].ballot, partitions[0].max_replica_count),
        (2, 2)
    );
    assert_eq!(
        (partitions[1].ballot, partitions[1].max_replica_count),
        (1, 2)
    );
}
