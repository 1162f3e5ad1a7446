//! How long it takes until many partitions that lose their primary at once have another one, as far
//! as the meta server is concerned: with a real store that flushes, and replica servers that answer
//! at once.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that panics has failed, as it should"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use pegasus_common::RpcAddress;
use pegasus_common::clock::MonotonicMillis;
use pegasus_meta::cluster_state::ClusterState;
use pegasus_meta::config::MetaServerConfig;
use pegasus_meta::core::{MetaCore, Now};
use pegasus_meta::effect::{Effect, RequestToken};
use pegasus_metastore::{Epoch, JournalOptions, MetadataStore, ServerStore};
use pegasus_wire::failure_detector::BeaconMsg;
use pegasus_wire::meta_admin::{
    ConfigType, ConfigurationCreateAppRequest, ConfigurationQueryByNodeRequest,
    ConfigurationUpdateRequest, CreateAppOptions,
};
use pegasus_wire::metadata::ReplicaInfo;
use tokio::task::JoinSet;

const NODES: u16 = 3;
const NOW: Now = Now {
    monotonic: MonotonicMillis(1_000_000),
    unix_seconds: 1_800_000_000,
};

fn node(number: u16) -> RpcAddress {
    format!("127.0.0.1:{}", 34_800 + number).parse().unwrap()
}

struct Cluster {
    core: MetaCore,
    store: Arc<ServerStore>,
    epoch: Epoch,
}

impl Cluster {
    /// Does what the core asks for until nothing is left; commits run side by side.
    async fn settle(&mut self, effects: Vec<Effect>) {
        let mut commits = JoinSet::new();
        let mut waiting = effects;
        loop {
            let mut next = Vec::new();
            for effect in waiting {
                match effect {
                    Effect::Commit { token, transaction } => {
                        let (store, epoch) = (Arc::clone(&self.store), self.epoch);
                        commits.spawn(async move {
                            (token, store.commit(epoch, transaction).await.unwrap())
                        });
                    }
                    Effect::CreateReplica { call, .. } => {
                        self.core.on_replica_created(NOW, call, Ok(()), &mut next);
                    }
                    Effect::Propose { request, .. } => self.obey(&request, &mut next),
                    Effect::Reply { .. } | Effect::Alert(_) => {}
                }
            }
            if next.is_empty() {
                let Some(done) = commits.join_next().await else {
                    return;
                };
                let (token, version) = done.unwrap();
                self.core.on_committed(NOW, token, version, &mut next);
            }
            waiting = next;
        }
    }

    /// A secondary that shall become primary asks for it.
    fn obey(&mut self, proposal: &ConfigurationUpdateRequest, out: &mut Vec<Effect>) {
        if proposal.r#type == ConfigType::CT_UPGRADE_TO_PRIMARY {
            let mut request = proposal.clone();
            request.config.ballot += 1;
            request.config.primary = proposal.node;
            request
                .config
                .secondaries
                .retain(|&node| node != proposal.node);
            self.core
                .update_configuration(RequestToken(1), &request, out);
        }
    }

    async fn beacon(&mut self, host: u16, goodbye: Option<bool>) {
        let beacon = BeaconMsg {
            from_node: node(host),
            start_time: Some(1),
            lease_ms: Some(2_000),
            goodbye,
            ..BeaconMsg::default()
        };
        let mut out = Vec::new();
        self.core.beacon(NOW, &beacon, &mut out).unwrap();
        self.settle(out).await;
    }

    /// A server says that it has a sound replica of each partition.
    async fn report(&mut self, host: u16) {
        let tables = self.core.state().available_tables();
        let partitions = tables.flat_map(|table| &table.partitions);
        let stored = partitions.map(|it| ReplicaInfo {
            pid: it.configuration.pid,
            ballot: it.configuration.ballot.0,
            is_proven: Some(true),
            ..ReplicaInfo::default()
        });
        let request = ConfigurationQueryByNodeRequest {
            node: node(host),
            stored_replicas: Some(stored.collect()),
            start_time: Some(1),
            ..ConfigurationQueryByNodeRequest::default()
        };
        let mut out = Vec::new();
        self.core.config_sync(NOW, &request, &mut out);
        self.settle(out).await;
    }

    fn led_by(&self, host: u16) -> usize {
        let tables = self.core.state().available_tables();
        let partitions = tables.flat_map(|table| &table.partitions);
        partitions
            .filter(|it| it.configuration.primary == Some(node(host)))
            .count()
    }
}

async fn cluster(directory: &std::path::Path, partition_count: i32) -> Cluster {
    let store = ServerStore::open_alone(directory, JournalOptions::default()).await;
    let store = Arc::new(store.unwrap());
    store.campaign().await.unwrap();
    let mut view = store.leadership();
    let leads = view.wait_for(|view| view.epoch().is_some()).await;
    let epoch = leads.unwrap().epoch().unwrap();
    let mut config = MetaServerConfig::default();
    config.meta_server.settle_after_election_ms = 0;
    let options = config.core_options(node(0));
    let core = MetaCore::new(options, ClusterState::default(), NOW);
    let mut cluster = Cluster { core, store, epoch };
    for host in 1..=NODES {
        cluster.beacon(host, None).await;
    }
    let request = ConfigurationCreateAppRequest {
        app_name: "temp".to_owned(),
        options: CreateAppOptions {
            partition_count,
            replica_count: 3,
            app_type: "pegasus".to_owned(),
            is_stateful: true,
            ..CreateAppOptions::default()
        },
    };
    let mut out = Vec::new();
    cluster
        .core
        .create_app(NOW, RequestToken(0), &request, &mut out);
    cluster.settle(out).await;
    for host in 1..=NODES {
        cluster.report(host).await;
    }
    cluster
}

async fn fail_over(partition_count: i32) -> (usize, Duration) {
    let directory = tempfile::tempdir().unwrap();
    let mut cluster = cluster(directory.path(), partition_count).await;
    let led = cluster.led_by(3);
    let start = Instant::now();
    cluster.beacon(3, Some(true)).await;
    let took = start.elapsed();
    let all = usize::try_from(partition_count).unwrap();
    assert_eq!(
        (cluster.led_by(1) + cluster.led_by(2), cluster.led_by(3)),
        (all, 0)
    );
    (led, took)
}

#[test]
fn many_partitions_get_their_new_primaries_together() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    for partition_count in [64, 512] {
        let (led, took) = runtime.block_on(fail_over(partition_count));
        eprintln!("{led} partitions led by the lost server: {took:?}");
        assert!(took < Duration::from_secs(10), "{took:?}");
    }
}
