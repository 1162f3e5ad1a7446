//! A meta server driven by hand, with a store in memory.

use super::*;
use crate::stored;
use crate::table_request::TableRequest;
use crate::testing::node;
use pegasus_metastore::{Entry, Operation};
use pegasus_wire::failure_detector::BeaconMsg;
use pegasus_wire::layer2::AppStatus;
use pegasus_wire::meta_admin::{
    ConfigurationCreateAppRequest, ConfigurationDropAppRequest, ConfigurationQueryByNodeRequest,
    CreateAppOptions,
};
use pegasus_wire::metadata::ReplicaInfo;
use std::time::Duration;

mod curing;
mod golden;
mod table_changes;

const REQUEST: RequestToken = RequestToken(1);

pub(super) fn options() -> MetaOptions {
    MetaOptions {
        address: node(0),
        server_list: "127.0.0.1:34601".to_owned(),
        cluster_name: "onebox".to_owned(),
        cluster_root: "/".to_owned(),
        level: FunctionLevel::Steady,
        freeze: FreezeRule {
            live_nodes_min: 1,
            live_percent_min: 50,
        },
        rules: TableRules {
            replica_count_min: 1,
            replica_count_max: 5,
            partition_count_max: 1024,
            hold_seconds: 604_800,
        },
        failure_detector: FailureDetectorOptions::default(),
        births: BirthOptions::default(),
        guardian: GuardianOptions::default(),
        host_names: HostNames::Omitted,
    }
}

/// A core, its store, and obedient replica servers.
pub(super) struct Cluster {
    pub core: MetaCore,
    entries: BTreeMap<bytes::Bytes, Entry>,
    version: u64,
    now: Now,
    answers: Vec<Answer>,
    proposals: Vec<(RpcAddress, ConfigurationUpdateRequest)>,
    alerts: Vec<Alert>,
    /// Commits that the store has not answered yet, while it is stuck.
    stuck: Option<Vec<Effect>>,
}

impl Cluster {
    pub fn new(nodes: u16) -> Self {
        let now = Now {
            monotonic: MonotonicMillis(1_000_000),
            unix_seconds: 1_800_000_000,
        };
        let mut cluster = Self {
            core: MetaCore::new(options(), ClusterState::default(), now),
            entries: BTreeMap::new(),
            version: 0,
            now,
            answers: Vec::new(),
            proposals: Vec::new(),
            alerts: Vec::new(),
            stuck: None,
        };
        cluster.beacons(1..=nodes);
        cluster
    }

    /// Every effect is done at once, and what follows from it.
    fn settle(&mut self, mut effects: Vec<Effect>) {
        while !effects.is_empty() {
            let mut next = Vec::new();
            for effect in effects {
                self.execute(effect, &mut next);
            }
            effects = next;
        }
    }

    fn execute(&mut self, effect: Effect, next: &mut Vec<Effect>) {
        match effect {
            Effect::Commit { .. } if self.stuck.is_some() => {
                self.stuck.get_or_insert_default().push(effect);
            }
            Effect::Commit { token, transaction } => {
                self.version += 1;
                let version = Version(self.version);
                self.store(transaction, version);
                self.core.on_committed(self.now, token, version, next);
            }
            Effect::Reply { answer, .. } => self.answers.push(answer),
            Effect::CreateReplica { call, .. } => {
                self.core.on_replica_created(self.now, call, Ok(()), next);
            }
            Effect::Propose { node, request } => self.proposals.push((node, *request)),
            Effect::Alert(alert) => self.alerts.push(alert),
        }
    }

    fn store(&mut self, transaction: pegasus_metastore::Transaction, version: Version) {
        for precondition in &transaction.preconditions {
            use pegasus_metastore::Precondition;
            let found = self
                .entries
                .get(precondition.key())
                .map(|entry| entry.version);
            let expected = match precondition {
                Precondition::Absent { .. } => None,
                Precondition::VersionIs { version, .. } => Some(*version),
            };
            assert_eq!(found, expected, "{precondition:?}");
        }
        for operation in transaction.operations {
            let Operation::Put { key, value } = operation else {
                panic!("{operation:?}");
            };
            let entry = Entry {
                key: key.clone(),
                value,
                version,
            };
            self.entries.insert(key, entry);
        }
    }

    fn release_store(&mut self) {
        let effects = self.stuck.take().unwrap();
        self.settle(effects);
    }

    fn beacons(&mut self, nodes: impl Iterator<Item = u16>) {
        for host in nodes {
            let beacon = BeaconMsg {
                from_node: node(host),
                start_time: Some(1),
                lease_ms: Some(2_000),
                ..BeaconMsg::default()
            };
            let mut out = Vec::new();
            let ack = self.core.beacon(self.now, &beacon, &mut out).unwrap();
            assert!(ack.is_master && ack.allowed);
            self.settle(out);
        }
    }

    /// Time passes, and these servers send beacons.
    fn run(&mut self, duration: Duration, alive: std::ops::RangeInclusive<u16>) {
        let end = self.now.monotonic.after(duration);
        while self.now.monotonic < end {
            self.now.monotonic = self.now.monotonic.after(Duration::from_millis(50));
            let mut out = Vec::new();
            self.core.on_tick(self.now, &mut out);
            self.settle(out);
            self.beacons(alive.clone());
        }
    }

    /// Everything that the core remembers is gone; the store is not.
    fn restart(&mut self) {
        let entries: Vec<_> = self.entries.values().cloned().collect();
        let state = stored::load(&entries).unwrap();
        self.core = MetaCore::new(options(), state, self.now);
    }

    pub fn create(&mut self, request: &ConfigurationCreateAppRequest) -> Answer {
        let mut out = Vec::new();
        self.core.create_app(self.now, REQUEST, request, &mut out);
        self.settle(out);
        self.answers.pop().unwrap()
    }

    /// What is to be done for a new table, beginning with what the store is to write.
    fn create_without_store(&mut self, request: &ConfigurationCreateAppRequest) -> Vec<Effect> {
        self.stuck = Some(Vec::new());
        let mut out = Vec::new();
        self.core.create_app(self.now, REQUEST, request, &mut out);
        self.settle(out);
        self.stuck.take().unwrap()
    }

    pub fn drop_table(&mut self, request: &ConfigurationDropAppRequest) -> Option<Answer> {
        self.change_table(request.clone())
    }

    /// The answer, if there is one at once.
    fn change_table(&mut self, request: impl Into<TableRequest>) -> Option<Answer> {
        let mut out = Vec::new();
        let request = request.into();
        self.core.change_table(self.now, REQUEST, request, &mut out);
        self.settle(out);
        self.answers.pop()
    }

    fn update(&mut self, request: &ConfigurationUpdateRequest) -> Option<(ErrorCode, i64)> {
        let mut out = Vec::new();
        self.core.update_configuration(REQUEST, request, &mut out);
        self.settle(out);
        self.answers.pop().map(|answer| match answer {
            Answer::UpdateConfiguration(response) => (response.err, response.config.ballot),
            other => panic!("{other:?}"),
        })
    }

    fn sync(
        &mut self,
        host: u16,
        stored: &[(Gpid, i64)],
    ) -> pegasus_wire::meta_admin::ConfigurationQueryByNodeResponse {
        let stored = stored.iter().map(|&(pid, ballot)| ReplicaInfo {
            pid,
            ballot,
            ..ReplicaInfo::default()
        });
        self.sync_all(host, stored.collect())
    }

    fn sync_all(
        &mut self,
        host: u16,
        stored: Vec<ReplicaInfo>,
    ) -> pegasus_wire::meta_admin::ConfigurationQueryByNodeResponse {
        let request = ConfigurationQueryByNodeRequest {
            node: node(host),
            stored_replicas: Some(stored),
            ..ConfigurationQueryByNodeRequest::default()
        };
        let mut out = Vec::new();
        let response = self.core.config_sync(self.now, &request, &mut out);
        self.settle(out);
        response
    }

    /// The servers say that they have a sound replica of each partition.
    fn report_all(&mut self, name: &str, hosts: std::ops::RangeInclusive<u16>) {
        let partitions = self.query(name).partitions;
        for host in hosts {
            let stored = partitions.iter().map(|partition| ReplicaInfo {
                pid: partition.pid,
                ballot: partition.ballot,
                is_proven: Some(true),
                ..ReplicaInfo::default()
            });
            self.sync_all(host, stored.collect());
        }
    }

    /// The proposals so far that are more than announcements of births.
    fn cures(&mut self) -> Vec<(RpcAddress, ConfigurationUpdateRequest)> {
        let mut proposals = std::mem::take(&mut self.proposals);
        proposals.retain(|(_, request)| {
            request.r#type != ConfigType::CT_ASSIGN_PRIMARY
                || request.config.primary.valid().is_none()
        });
        proposals
    }

    fn control_level(&mut self, level: FunctionLevel) {
        let request = pegasus_wire::meta_admin::ConfigurationMetaControlRequest {
            level: pegasus_wire::meta_admin::MetaFunctionLevel(level.code()),
        };
        assert_eq!(self.core.control_meta(&request).err, ErrorCode::Ok);
    }

    fn query(&self, name: &str) -> QueryCfgResponse {
        self.core.query_cfg(&QueryCfgRequest {
            app_name: name.to_owned(),
            partition_indices: Vec::new(),
        })
    }
}

fn create(name: &str) -> ConfigurationCreateAppRequest {
    ConfigurationCreateAppRequest {
        app_name: name.to_owned(),
        options: CreateAppOptions {
            partition_count: 8,
            replica_count: 3,
            app_type: "pegasus".to_owned(),
            is_stateful: true,
            ..CreateAppOptions::default()
        },
    }
}

fn drop_request(name: &str) -> ConfigurationDropAppRequest {
    ConfigurationDropAppRequest {
        app_name: name.to_owned(),
        ..ConfigurationDropAppRequest::default()
    }
}

/// What a restarted primary asks for.
fn force_update(cluster: &Cluster, pid: Gpid) -> ConfigurationUpdateRequest {
    let configuration = &cluster.core.state().partition(pid).unwrap().configuration;
    let primary = configuration.primary.unwrap();
    let kind = ConfigType::CT_PRIMARY_FORCE_UPDATE_BALLOT;
    let mut request = cluster.core.membership(primary, pid, kind).unwrap();
    request.config.ballot += 1;
    request
}

#[test]
fn a_table_is_born_survives_a_restart_and_takes_new_ballots() {
    let mut cluster = Cluster::new(3);
    let created = cluster.create(&create("temp"));
    assert!(
        matches!(&created, Answer::CreateApp(response) if response.appid == 1),
        "{created:?}"
    );
    let before = cluster.query("temp");
    assert_eq!((before.err, before.partitions.len()), (ErrorCode::Ok, 8));
    for partition in &before.partitions {
        assert_eq!(partition.ballot, 1);
        assert_eq!(partition.secondaries.len(), 2);
    }
    assert_eq!(cluster.proposals.len(), 24, "every member is told");

    cluster.restart();
    assert_eq!(cluster.query("temp"), before, "nothing is reassigned");
    let [mine, other] = [1, 2].map(|host| cluster.sync(host, &[]).partitions.len());
    assert_eq!((mine, other), (8, 8));

    let pid = Gpid::new(1, 3);
    let request = force_update(&cluster, pid);
    assert_eq!(cluster.update(&request), Some((ErrorCode::Ok, 2)));
    let members = cluster
        .core
        .state()
        .partition(pid)
        .unwrap()
        .configuration
        .clone();
    assert_eq!(members.primary, before.partitions[3].primary.valid());
    assert_eq!(members.secondaries, before.partitions[3].secondaries);
    // The answer was lost and the request comes again.
    assert_eq!(cluster.update(&request), Some((ErrorCode::Ok, 2)));
    // A late request of an older ballot.
    let mut old = request.clone();
    old.config.ballot = 1;
    assert_eq!(cluster.update(&old), Some((ErrorCode::InvalidVersion, 2)));

    cluster.restart();
    assert_eq!(cluster.query("temp").partitions[3].ballot, 2);
}

#[test]
fn nothing_is_visible_before_it_is_durable() {
    let mut cluster = Cluster::new(3);
    cluster.stuck = Some(Vec::new());
    let mut out = Vec::new();
    cluster
        .core
        .create_app(cluster.now, REQUEST, &create("temp"), &mut out);
    cluster.settle(out);
    assert_eq!(cluster.query("temp").err, ErrorCode::BusyCreating);
    assert!(cluster.answers.is_empty());
    cluster.release_store();
    assert_eq!(cluster.query("temp").err, ErrorCode::Ok);
    assert_eq!(cluster.answers.len(), 1);
    cluster.answers.clear();

    cluster.stuck = Some(Vec::new());
    let pid = Gpid::new(1, 0);
    let primary = cluster.query("temp").partitions[0].primary;
    let host = (1..=3).find(|&host| node(host) == primary).unwrap();
    let request = force_update(&cluster, pid);
    assert_eq!(cluster.update(&request), None);
    assert_eq!(cluster.update(&request), None, "a repetition waits too");
    let mut other = request.clone();
    other.r#type = ConfigType::CT_DOWNGRADE_TO_SECONDARY;
    other.config.secondaries.push(primary);
    other.config.primary = RpcAddress::INVALID;
    assert_eq!(
        cluster.update(&other),
        Some((ErrorCode::Busy, 0)),
        "shows nothing that may change"
    );
    assert_eq!(cluster.sync(host, &[]).err, ErrorCode::Busy);
    assert_eq!(cluster.query("temp").partitions[0].ballot, 1);
    cluster.answers.clear();
    cluster.release_store();
    assert_eq!(cluster.answers.len(), 2, "both are answered");
    assert_eq!(cluster.query("temp").partitions[0].ballot, 2);
}

#[test]
fn a_drop_waits_for_changes_under_way() {
    let mut cluster = Cluster::new(3);
    cluster.create(&create("temp"));
    cluster.stuck = Some(Vec::new());
    let request = force_update(&cluster, Gpid::new(1, 0));
    assert_eq!(cluster.update(&request), None);
    assert_eq!(cluster.drop_table(&drop_request("temp")), None);
    assert_eq!(cluster.query("temp").err, ErrorCode::BusyDropping);
    let other = force_update(&cluster, Gpid::new(1, 1));
    assert_eq!(cluster.update(&other).unwrap().0, ErrorCode::BusyDropping);
    cluster.answers.clear();
    cluster.release_store();
    assert_eq!(cluster.query("temp").err, ErrorCode::ObjectNotFound);
    assert_eq!(cluster.answers.len(), 2);
    cluster.restart();
    assert_eq!(cluster.query("temp").err, ErrorCode::ObjectNotFound);
    cluster.beacons(1..=3);
    let again = cluster.create(&create("temp"));
    assert!(
        matches!(&again, Answer::CreateApp(response) if response.appid == 2),
        "{again:?}"
    );
}

#[test]
fn an_unfinished_birth_goes_on_under_a_new_leader() {
    let mut cluster = Cluster::new(3);
    // The table itself is durable; the leader dies before any birth is.
    let creation = cluster.create_without_store(&create("temp"));
    for effect in creation {
        if let Effect::Commit { transaction, .. } = effect {
            cluster.version += 1;
            cluster.store(transaction, Version(cluster.version));
        }
    }
    cluster.restart();
    cluster.beacons(1..=3);
    assert_eq!(
        cluster.query("temp").partitions[0].ballot,
        0,
        "waits for more servers"
    );
    cluster.beacons(4..=4);
    cluster.run(Duration::from_secs(6), 1..=4);
    let partitions = cluster.query("temp").partitions;
    assert!(partitions.iter().all(|partition| partition.ballot == 1));
    let primaries = (1..=4).map(|host| {
        let of_host = |partition: &&_| {
            let partition: &&pegasus_wire::layer2::PartitionConfiguration = partition;
            partition.primary == node(host)
        };
        partitions.iter().filter(of_host).count()
    });
    assert_eq!(primaries.collect::<Vec<_>>(), [2, 2, 2, 2]);
}

#[test]
fn reports_are_answered_with_roles_garbage_and_alerts() {
    let mut cluster = Cluster::new(3);
    cluster.create(&create("temp"));
    let unknown = Gpid::new(77, 0);
    let response = cluster.sync(1, &[(Gpid::new(1, 0), 1), (unknown, 5)]);
    assert_eq!(response.partitions.len(), 8);
    assert_eq!(response.partitions[0].info.app_name, "temp");
    assert_eq!(response.partitions[0].host_node, node(1));
    assert_eq!(response.gc_replicas, None);
    let pid = unknown;
    let node_1 = node(1);
    assert_eq!(
        cluster.alerts,
        [Alert::UnknownReplica { node: node_1, pid }]
    );
    assert_eq!(cluster.sync(9, &[]).err, ErrorCode::ObjectNotFound);

    cluster.drop_table(&drop_request("temp"));
    assert_eq!(cluster.sync(1, &[(Gpid::new(1, 0), 1)]).gc_replicas, None);
    cluster.now.unix_seconds += 604_800;
    let response = cluster.sync(1, &[(Gpid::new(1, 0), 1)]);
    assert_eq!(response.partitions, []);
    assert_eq!(response.gc_replicas.unwrap().len(), 1);
    let listed = cluster
        .core
        .list_apps(&ConfigurationListAppsRequest::default());
    assert_eq!(listed.infos[0].status, AppStatus::AS_DROPPED);
}
