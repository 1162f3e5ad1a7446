//! The server as a whole, on a thread of its own: it keeps the lease, exchanges configurations with
//! the meta server, and makes and closes replicas. What it learns goes to the shards as messages.

mod beacon;
mod config_sync;
mod log_pressure;
mod meta_link;
mod new_replica;
mod reconfigure;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use pegasus_common::Decree;
use pegasus_common::ErrorCode;
use pegasus_common::Gpid;
use pegasus_pacifica::ReconfigurationRequest;
use pegasus_wire::Message;
use pegasus_wire::frame::response;
use pegasus_wire::layer2::AppInfo;
use pegasus_wire::metadata::ReplicaInfo;
use pegasus_wire::replica_admin::QueryReplicaInfoResponse;
use pegasus_wire::replication::CreateReplicaRequest;
use tokio::sync::Notify;
use tokio::sync::mpsc;
use tokio::sync::oneshot;

use self::meta_link::MetaLink;
use crate::answers::RemoteAnswer;
use crate::load::Opening;
use crate::node::Node;
use crate::shard::ShardMessage;
use crate::write_request::Requester;

/// A message into the control thread.
#[derive(Debug)]
pub enum ControlMessage {
    /// A replica asks the meta server for a new configuration.
    Reconfigure {
        /// Which partition.
        gpid: Gpid,
        /// What it asks for.
        request: ReconfigurationRequest,
        /// Its table.
        app: Box<AppInfo>,
        /// Its commit point.
        committed: Decree,
    },
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
    /// A replica's role has changed: the meta server should hear of it soon.
    RoleChanged,
    /// The server is stopping.
    Stop,
}

/// What the tasks of the control thread share.
struct Control {
    node: Arc<Node>,
    opening: Arc<Opening>,
    meta: MetaLink,
    /// A configuration is missing: synchronise without waiting for the next round.
    sync_now: Notify,
    /// Replicas that are being made, and in which data directory.
    being_made: RefCell<BTreeMap<Gpid, usize>>,
}

/// Runs until the server stops. Call inside the control thread's event loop.
pub async fn run(
    node: Arc<Node>,
    opening: Arc<Opening>,
    metas: Vec<pegasus_common::RpcAddress>,
    mut messages: mpsc::UnboundedReceiver<ControlMessage>,
) {
    let control = Rc::new(Control {
        meta: MetaLink::new(metas),
        node,
        opening,
        sync_now: Notify::new(),
        being_made: RefCell::default(),
    });
    let beacons = tokio::task::spawn_local(beacon::run(Rc::clone(&control)));
    let syncs = tokio::task::spawn_local(config_sync::run(Rc::clone(&control)));
    let pressure = tokio::task::spawn_local(log_pressure::run(Rc::clone(&control)));
    while let Some(message) = messages.recv().await {
        match message {
            ControlMessage::Reconfigure {
                gpid,
                request,
                app,
                committed,
            } => {
                let control = Rc::clone(&control);
                tokio::task::spawn_local(async move {
                    reconfigure::ask(&control, gpid, request, *app, committed).await;
                });
            }
            ControlMessage::CreateReplica { request, requester } => {
                let control = Rc::clone(&control);
                tokio::task::spawn_local(async move {
                    let response = new_replica::create(&control, *request).await;
                    control.answer(requester, &response);
                });
            }
            ControlMessage::QueryReplicaInfo { requester } => {
                let control = Rc::clone(&control);
                tokio::task::spawn_local(async move {
                    let response = QueryReplicaInfoResponse {
                        err: ErrorCode::Ok,
                        replicas: control.report().await,
                    };
                    control.answer(requester, &response);
                });
            }
            ControlMessage::RoleChanged => control.sync_now.notify_one(),
            ControlMessage::Stop => break,
        }
    }
    beacons.abort();
    syncs.abort();
    pressure.abort();
    control.node.lease.surrender();
}

impl Control {
    /// What all shards have.
    async fn report(&self) -> Vec<ReplicaInfo> {
        let mut all = Vec::new();
        for shard in &self.node.shards {
            let (sender, receiver) = oneshot::channel();
            shard.send(ShardMessage::Report(sender));
            all.extend(receiver.await.unwrap_or_default());
        }
        all
    }

    fn answer<M: Message>(&self, requester: Requester, message: &M) {
        let mut frame = bytes::BytesMut::new();
        response::encode_ok(&mut frame, &requester.to.addressing(), message);
        let answer = RemoteAnswer {
            to: requester.to,
            frame,
        };
        self.node.shards[requester.shard].send(ShardMessage::Answer(answer));
    }
}
