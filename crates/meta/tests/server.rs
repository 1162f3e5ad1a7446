//! A meta server with real sockets and a real store, and replica servers that only pretend.

#![allow(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

use std::cell::Cell;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use pegasus_common::{ErrorCode, Gpid, RpcAddress};
use pegasus_meta::config::MetaServerConfig;
use pegasus_meta::dump::Dump;
use pegasus_meta::dump_file;
use pegasus_meta::server::MetaServer;
use pegasus_rpc::listener::{accept_connections, bind};
use pegasus_rpc::turn::at_turn_end;
use pegasus_rpc::{
    CallError, ConnectionGate, HttpRequest, HttpResponse, Inbound, NetworkLimits, Outputs, Request,
    RoutingHeader, Service, SessionOptions, SessionPool, ShardRuntime,
};
use pegasus_wire::failure_detector::{BeaconAck, BeaconMsg};
use pegasus_wire::layer2::{QueryCfgRequest, QueryCfgResponse};
use pegasus_wire::meta_admin::{
    ConfigType, ConfigurationCreateAppRequest, ConfigurationCreateAppResponse,
    ConfigurationQueryByNodeRequest, ConfigurationQueryByNodeResponse, ConfigurationUpdateRequest,
    ConfigurationUpdateResponse, CreateAppOptions,
};
use pegasus_wire::replication::CreateReplicaResponse;
use pegasus_wire::{Message, TaskCode};
use tokio::sync::oneshot;

const TIMEOUT: Duration = Duration::from_secs(5);

/// A meta server in a thread of its own; stops when dropped.
struct Running {
    address: RpcAddress,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Running {
    fn start(directory: &Path) -> Self {
        Self::start_at("127.0.0.1:0", Vec::new(), directory)
    }

    fn start_at(address: &str, server_list: Vec<String>, directory: &Path) -> Self {
        let mut config = MetaServerConfig::default();
        address.clone_into(&mut config.network.address);
        config.meta_server.server_list = server_list;
        config.meta_server.meta_state_service_parameters = directory.display().to_string();
        config.meta_server.metadata_dump_interval_seconds = 1;
        let server = MetaServer::bind(config).unwrap();
        let address = server.address();
        let (stop, stopped) = oneshot::channel();
        let wait = async move { drop(stopped.await) };
        let thread = std::thread::spawn(move || server.run(wait).unwrap());
        Self {
            address,
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
        self.thread.take().unwrap().join().unwrap();
    }
}

/// Creates every replica that it is asked for, and counts the proposals that it gets.
#[derive(Default)]
struct FakeReplicaServer {
    proposals: Rc<Cell<u32>>,
}

impl Service for FakeReplicaServer {
    fn on_request(&self, request: Request) {
        match request.code {
            TaskCode::CreateReplica => request.responder.reply(&CreateReplicaResponse {
                err: ErrorCode::Ok,
                hint_message: String::new(),
            }),
            TaskCode::ConfigProposal => {
                let proposal: ConfigurationUpdateRequest =
                    pegasus_wire::argument::decode(&request.argument).unwrap();
                assert_eq!(proposal.config.ballot, 1);
                self.proposals.set(self.proposals.get() + 1);
                request.responder.leave_unanswered();
            }
            _ => request.responder.fail(ErrorCode::HandlerNotFound),
        }
    }

    fn on_http(&self, request: &HttpRequest) -> HttpResponse {
        HttpResponse::not_found(&request.path)
    }
}

/// Starts a pretended replica server on this event loop.
fn fake_replica_server(proposals: &Rc<Cell<u32>>, outputs: &Rc<Outputs>) -> RpcAddress {
    let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0)), Duration::ZERO).unwrap();
    let address = listener.local_addr().unwrap().to_string().parse().unwrap();
    let service = Rc::new(FakeReplicaServer {
        proposals: Rc::clone(proposals),
    });
    let limits = NetworkLimits::default();
    let inbound = Inbound::new(service, Rc::clone(outputs), limits.clone());
    let gate = ConnectionGate::new(&limits);
    tokio::task::spawn_local(accept_connections(
        listener,
        gate,
        NonZeroUsize::MIN,
        move |_, connection| {
            inbound.serve(connection);
        },
    ));
    address
}

struct Client {
    pool: SessionPool,
    meta: RpcAddress,
}

impl Client {
    async fn call<A: Message, R: Message>(&self, code: TaskCode, argument: &A) -> R {
        let header = RoutingHeader::server(TIMEOUT);
        let answer = self.pool.call(self.meta, code, header, argument).await;
        answer.unwrap().decode().unwrap()
    }

    async fn beacons(&self, nodes: &[RpcAddress]) {
        for &from_node in nodes {
            let beacon = BeaconMsg {
                from_node,
                start_time: Some(1),
                lease_ms: Some(2_000),
                ..BeaconMsg::default()
            };
            let mut ack = BeaconAck::default();
            while !ack.is_master {
                ack = self.call(TaskCode::Beacon, &beacon).await;
            }
        }
    }

    async fn query(&self) -> QueryCfgResponse {
        let request = QueryCfgRequest {
            app_name: "temp".to_owned(),
            partition_indices: Vec::new(),
        };
        self.call(TaskCode::QueryConfig, &request).await
    }

    async fn query_when_born(&self) -> QueryCfgResponse {
        let wait = async {
            loop {
                let answer = self.query().await;
                if answer
                    .partitions
                    .iter()
                    .all(|partition| partition.ballot == 1)
                {
                    return answer;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(TIMEOUT, wait).await.unwrap()
    }
}

fn client(meta: &Running) -> Client {
    Client {
        pool: SessionPool::new(SessionOptions::default()),
        meta: meta.address,
    }
}

async fn create_and_restart(directory: &Path, outputs: Rc<Outputs>) {
    let proposals = Rc::new(Cell::new(0));
    let nodes: Vec<_> = (0..3)
        .map(|_| fake_replica_server(&proposals, &outputs))
        .collect();
    let meta = Running::start(directory);
    let asking = client(&meta);
    asking.beacons(&nodes).await;
    let request = ConfigurationCreateAppRequest {
        app_name: "temp".to_owned(),
        options: CreateAppOptions {
            partition_count: 4,
            replica_count: 3,
            app_type: "pegasus".to_owned(),
            is_stateful: true,
            ..CreateAppOptions::default()
        },
    };
    let created: ConfigurationCreateAppResponse = asking.call(TaskCode::CreateApp, &request).await;
    assert_eq!((created.err, created.appid), (ErrorCode::Ok, 1));
    let born = asking.query_when_born().await;
    let told = async {
        while proposals.get() < 12 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(TIMEOUT, told).await.unwrap();
    drop(meta);

    let meta = Running::start(directory);
    let asking = client(&meta);
    asking.beacons(&nodes).await;
    assert_eq!(asking.query().await, born);
    take_new_ballot(&asking, nodes[0]).await;
    let dropped = asking
        .pool
        .call(
            meta.address,
            TaskCode::StartManualCompact,
            RoutingHeader::server(TIMEOUT),
            &request,
        )
        .await;
    assert!(
        matches!(
            dropped,
            Err(CallError::Refused {
                code: ErrorCode::HandlerNotFound,
                ..
            })
        ),
        "calls that are not served say so"
    );
}

/// What a restarted primary does: hears its roles by config sync and takes the next ballot.
async fn take_new_ballot(asking: &Client, node: RpcAddress) {
    let request = ConfigurationQueryByNodeRequest {
        node,
        ..ConfigurationQueryByNodeRequest::default()
    };
    let synced: ConfigurationQueryByNodeResponse =
        asking.call(TaskCode::ConfigSync, &request).await;
    assert_eq!((synced.err, synced.partitions.len()), (ErrorCode::Ok, 4));
    let mut led = synced.partitions.into_iter();
    let mut change = led.find(|member| member.config.primary == node).unwrap();
    change.r#type = ConfigType::CT_PRIMARY_FORCE_UPDATE_BALLOT;
    change.config.ballot += 1;
    let changed: ConfigurationUpdateResponse = asking
        .call(TaskCode::UpdatePartitionConfiguration, &change)
        .await;
    assert_eq!((changed.err, changed.config.ballot), (ErrorCode::Ok, 2));
    let pid: Gpid = changed.config.pid;
    let now = asking.query().await;
    let partition = now.partitions.iter().find(|partition| partition.pid == pid);
    assert_eq!(partition.unwrap().ballot, 2);
}

#[test]
fn a_table_is_created_over_sockets_and_survives_a_restart_of_the_meta_server() {
    let directory = tempfile::tempdir().unwrap();
    let runtime = ShardRuntime::new().unwrap();
    let outputs = Outputs::new(&NetworkLimits::default());
    let flushed = Rc::clone(&outputs);
    let _hook = at_turn_end(move || flushed.flush());
    // Dumps lie beside it.
    let store = directory.path().join("store");
    runtime.block_on(create_and_restart(&store, outputs));
}

#[test]
fn the_leader_leaves_dumps_beside_its_store() {
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("store");
    let _running = Running::start(&store);
    let file = dump_file::beside(&store);
    let deadline = Instant::now() + 6 * TIMEOUT;
    while !file.exists() {
        assert!(Instant::now() < deadline, "{} is missing", file.display());
        std::thread::sleep(Duration::from_millis(20));
    }
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(Dump::parse(&text).unwrap().cluster_name, "onebox");
}

/// Waits until one leads and the others say who, and returns that one.
async fn leader(metas: &[Running]) -> RpcAddress {
    let deadline = Instant::now() + 6 * TIMEOUT;
    loop {
        let mut leading = None;
        let mut named = Vec::new();
        for meta in metas {
            let answer = client(meta).query().await;
            if answer.err == ErrorCode::ForwardToOthers {
                named.extend(answer.partitions.first().map(|hint| hint.primary));
            } else if answer.err == ErrorCode::ObjectNotFound {
                leading = Some(meta.address);
            }
        }
        if let Some(leading) = leading
            && named == vec![leading; metas.len() - 1]
        {
            return leading;
        }
        assert!(Instant::now() < deadline, "{leading:?}, named {named:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[test]
fn meta_servers_may_be_listed_by_the_names_of_their_hosts() {
    let directory = tempfile::tempdir().unwrap();
    // Free ones, for as long as nobody else takes them.
    let listeners: Vec<_> = (0..3)
        .map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap())
        .collect();
    let port = |listener: std::net::TcpListener| listener.local_addr().unwrap().port();
    let ports: Vec<_> = listeners.into_iter().map(port).collect();
    let list: Vec<_> = ports
        .iter()
        .map(|port| format!("localhost:{port}"))
        .collect();
    let start = |port: &u16| {
        let store = directory.path().join(port.to_string());
        Running::start_at(&format!("127.0.0.1:{port}"), list.clone(), &store)
    };
    let mut metas: Vec<_> = ports.iter().map(start).collect();
    ShardRuntime::new().unwrap().block_on(async {
        let first = leader(&metas).await;
        metas.retain(|meta| meta.address != first);
        let second = leader(&metas).await;
        assert_ne!(first, second);
    });
}
