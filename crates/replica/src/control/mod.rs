//! The control thread: drives the [`Stub`], which decides for the server as a whole, and makes new
//! replicas. It runs before anything is loaded, since beacons must not wait for that.
//!
//! Nothing is decided here. What the stub wants to know or have done goes to the meta server and to
//! the shards; what comes of it goes back to the stub.

mod disk_cleaner;
mod disk_watch;
mod host;
mod log_pressure;
mod meta_link;
mod new_replica;
mod table_record;

use std::rc::Rc;
use std::sync::Arc;

use pegasus_common::Gpid;
use pegasus_common::RpcAddress;
use pegasus_common::clock::MonotonicMillis;
use pegasus_pacifica::ReplicaStatus;
use pegasus_rpc::RoutingHeader;
use pegasus_rpc::SessionOptions;
use pegasus_rpc::SessionPool;
use pegasus_wire::TaskCode;
use pegasus_wire::meta_admin::ConfigurationUpdateRequest;
use pegasus_wire::metadata::PartitionStatus;
use pegasus_wire::metadata::ReplicaConfiguration;
use pegasus_wire::metadata::ReplicaInfo;
use pegasus_wire::replication::CreateReplicaRequest;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tracing::debug;
use tracing::info;
use tracing::warn;

use self::host::Host;
use self::meta_link::MetaLink;
use crate::disk::StoredAppInfo;
use crate::lease::Lease;
use crate::load::Opening;
use crate::node::Node;
use crate::shard::ShardMessage;
use crate::stub::CallFailure;
use crate::stub::CallId;
use crate::stub::MetaAnswer;
use crate::stub::ReplicaRequest;
use crate::stub::Stub;
use crate::stub::StubEffect;
use crate::stub::StubOptions;
use crate::write_request::Requester;

/// How long the news of a removal may take to leave.
const TELL_PATIENCE: std::time::Duration = std::time::Duration::from_secs(1);

/// A message into the control thread.
pub enum ControlMessage {
    /// The data directories are read in and the shards run.
    Loaded {
        /// The server.
        node: Arc<Node>,
        /// What new replicas are opened with.
        opening: Arc<Opening>,
    },
    /// A replica asks the meta server for a new configuration.
    Reconfigure(Box<ReplicaRequest>),
    /// A primary needs the meta server's word in the present term of the lease.
    NeedsConfirmation,
    /// A proposal of the meta server for a replica that is not here.
    ProposalForAbsent(Box<ConfigurationUpdateRequest>),
    /// Another server says that a replica was removed from its group.
    Removed(Gpid),
    /// The meta server wants a new replica.
    CreateReplica {
        /// What for.
        request: Box<CreateReplicaRequest>,
        /// Who asked.
        requester: Requester,
    },
    /// A tool wants to know what this server has.
    QueryReplicaInfo {
        /// Who asked.
        requester: Requester,
    },
    /// A tool wants to know what this server knows of tables.
    QueryAppInfo {
        /// Who asked.
        requester: Requester,
    },
    /// A replica's role has changed: the meta server should hear of it soon.
    RoleChanged,
    /// A replica's table is described anew: that is to be recorded.
    TableDescribed(Gpid, Box<StoredAppInfo>),
    /// The server is to stop: serve nothing more as primary, and tell the meta server so. The sender
    /// hears when the meta server has, or will not.
    Leave(oneshot::Sender<()>),
    /// Nothing more will be asked of this thread.
    Stop,
}

/// What came of something that the stub wanted.
enum Outcome {
    Answered(CallId, Result<MetaAnswer, CallFailure>),
    Gathered(Vec<ReplicaInfo>),
}

struct Driver {
    stub: Stub,
    meta: Rc<MetaLink>,
    /// To other replica servers.
    peers: SessionPool,
    /// What the server has, as soon as that is loaded.
    host: Option<Rc<Host>>,
    /// To the task that records tables; nothing comes before it runs.
    tables: mpsc::UnboundedSender<table_record::News>,
    /// The other end, until that task takes it.
    described: Option<mpsc::UnboundedReceiver<table_record::News>>,
    outcomes: mpsc::UnboundedSender<Outcome>,
    /// Who waits for the goodbye.
    leaving: Option<oneshot::Sender<()>>,
    address: RpcAddress,
}

/// Runs until the server stops. Call inside the control thread's event loop.
pub async fn run(
    options: StubOptions,
    lease: Arc<Lease>,
    mut messages: mpsc::UnboundedReceiver<ControlMessage>,
) {
    let (outcomes, mut returned) = mpsc::unbounded_channel();
    let (tables, described) = mpsc::unbounded_channel();
    let address = options.address;
    let mut driver = Driver {
        stub: Stub::new(options, lease, MonotonicMillis::now()),
        meta: Rc::new(MetaLink::new()),
        peers: SessionPool::new(SessionOptions::default()),
        host: None,
        tables,
        described: Some(described),
        outcomes,
        leaving: None,
        address,
    };
    loop {
        let mut effects = Vec::new();
        tokio::select! {
            () = sleep_until(driver.stub.next_timer()) => {
                if let Some(host) = &driver.host {
                    driver.stub.on_room(host.room());
                }
                driver.stub.on_timer(MonotonicMillis::now(), &mut effects);
            }
            Some(outcome) = returned.recv() => driver.on_outcome(outcome, &mut effects),
            message = messages.recv() => match message {
                None | Some(ControlMessage::Stop) => return,
                Some(message) => driver.on_message(message, &mut effects),
            }
        }
        for effect in effects {
            driver.carry_out(effect);
        }
    }
}

async fn sleep_until(at: MonotonicMillis) {
    // A far future is as good as none: each input asks for the next timer anew.
    const LONG: std::time::Duration = std::time::Duration::from_secs(3_600);
    tokio::time::sleep(at.since(MonotonicMillis::now()).min(LONG)).await;
}

impl Driver {
    fn on_outcome(&mut self, outcome: Outcome, effects: &mut Vec<StubEffect>) {
        let now = MonotonicMillis::now();
        match outcome {
            Outcome::Answered(id, answer) => self.stub.on_answer(now, id, answer, effects),
            Outcome::Gathered(replicas) => self.stub.on_replicas_gathered(now, replicas, effects),
        }
    }

    fn on_message(&mut self, message: ControlMessage, effects: &mut Vec<StubEffect>) {
        let now = MonotonicMillis::now();
        match message {
            ControlMessage::Loaded { node, opening } => {
                let host = Rc::new(Host::new(node, opening));
                tokio::task::spawn_local(log_pressure::run(Rc::clone(&host)));
                for disk in 0..host.node.disks.len() {
                    tokio::task::spawn_local(disk_watch::run(Rc::clone(&host), disk));
                }
                tokio::task::spawn_local(disk_cleaner::run(Rc::clone(&host)));
                if let Some(described) = self.described.take() {
                    tokio::task::spawn_local(table_record::run(Rc::clone(&host), described));
                }
                self.host = Some(host);
                self.stub.on_loaded(now, effects);
            }
            ControlMessage::Reconfigure(request) => self.stub.on_request(now, &request, effects),
            ControlMessage::NeedsConfirmation => self.stub.on_confirmation_wanted(now, effects),
            ControlMessage::ProposalForAbsent(update) => {
                self.stub.on_proposal_for_absent(&update, effects);
            }
            ControlMessage::Removed(gpid) => {
                debug!(%gpid, "removed from its group, as another server says");
                self.stub.on_removed(now, effects);
            }
            ControlMessage::RoleChanged => self.stub.on_replica_changed(now, effects),
            ControlMessage::TableDescribed(gpid, table) => {
                // The task ends only with this thread.
                drop(self.tables.send((gpid, *table)));
            }
            ControlMessage::CreateReplica { request, requester } => {
                self.with_host(|host| host.create_replica(*request, requester));
            }
            ControlMessage::QueryReplicaInfo { requester } => {
                self.with_host(|host| host.answer_replica_info(requester));
            }
            ControlMessage::QueryAppInfo { requester } => {
                self.with_host(|host| host.answer_app_info(requester));
            }
            ControlMessage::Leave(done) => {
                self.leaving = Some(done);
                self.stub.leave(now, effects);
            }
            // Where messages are received.
            ControlMessage::Stop => {}
        }
    }

    /// Only shards ask for what needs the loaded server, and they run when it is loaded.
    fn with_host(&self, act: impl FnOnce(&Rc<Host>)) {
        match &self.host {
            Some(host) => act(host),
            None => warn!("asked for something before the server was loaded"),
        }
    }

    fn carry_out(&mut self, effect: StubEffect) {
        match effect {
            StubEffect::Call(call) => {
                let (meta, outcomes) = (Rc::clone(&self.meta), self.outcomes.clone());
                let failures = self.host.as_ref().map(|host| host.beacon_failures());
                tokio::task::spawn_local(async move {
                    let id = call.id;
                    let answer = meta.ask(call, failures.as_ref()).await;
                    // Nobody waits any more once the server stops.
                    drop(outcomes.send(Outcome::Answered(id, answer)));
                });
            }
            StubEffect::Reconnect => self.meta.reconnect(),
            StubEffect::LeaseChanged => {
                if let Some(host) = &self.host {
                    host.tell_shards(|| ShardMessage::LeaseChanged);
                }
            }
            StubEffect::GatherReplicas => self.with_host(|host| {
                let (host, outcomes) = (Rc::clone(host), self.outcomes.clone());
                tokio::task::spawn_local(async move {
                    let replicas = host.gather().await;
                    drop(outcomes.send(Outcome::Gathered(replicas)));
                });
            }),
            StubEffect::Instruct {
                gpid,
                app,
                instruction,
            } => self.with_host(|host| {
                let message = ShardMessage::instruct(gpid, app, instruction);
                host.node.send_to_owner(gpid, message);
            }),
            StubEffect::StepDown(replica) => self.with_host(|host| {
                let message = ShardMessage::StepDown(replica);
                host.node.send_to_owner(replica.gpid, message);
            }),
            StubEffect::PutAside(replica) => self.with_host(|host| {
                let message = ShardMessage::PutAside(replica);
                host.node.send_to_owner(replica.gpid, message);
            }),
            StubEffect::TellRemoved { node, gpid, ballot } => {
                let removed = ReplicaConfiguration {
                    pid: gpid,
                    ballot: ballot.0,
                    primary: self.address,
                    status: PartitionStatus(ReplicaStatus::Inactive.code()),
                    ..ReplicaConfiguration::default()
                };
                self.tell_removed(node, removed);
            }
            StubEffect::Left => {
                info!("this server has left");
                if let Some(done) = self.leaving.take() {
                    // Whoever asked may have given up waiting.
                    let _ = done.send(());
                }
            }
        }
    }

    fn tell_removed(&self, node: RpcAddress, removed: ReplicaConfiguration) {
        let peers = self.peers.clone();
        tokio::task::spawn_local(async move {
            let header = RoutingHeader::server(TELL_PATIENCE);
            let sent = peers.send_oneway(node, TaskCode::RemoveReplica, header, &removed);
            if let Err(error) = sent.await {
                // Its next config sync tells it too.
                debug!(%node, gpid = %removed.pid, %error, "not told that it was removed");
            }
        });
    }
}
