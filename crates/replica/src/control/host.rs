//! What the control thread does with the loaded server: asks its shards, and makes replicas.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use pegasus_common::ErrorCode;
use pegasus_common::Gpid;
use pegasus_common::Room;
use pegasus_common::metrics::Counter;
use pegasus_wire::Message;
use pegasus_wire::frame::response;
use pegasus_wire::meta_admin::QueryAppInfoResponse;
use pegasus_wire::metadata::ReplicaInfo;
use pegasus_wire::replica_admin::QueryReplicaInfoResponse;
use pegasus_wire::replication::CreateReplicaRequest;
use tokio::sync::oneshot;

use super::new_replica;
use crate::answers::RemoteAnswer;
use crate::disk::Disk;
use crate::load::Opening;
use crate::node::Node;
use crate::shard::ShardMessage;
use crate::write_request::Requester;

/// The loaded server, as the tasks of the control thread share it.
pub struct Host {
    /// The server.
    pub node: Arc<Node>,
    /// What new replicas are opened with.
    pub opening: Arc<Opening>,
    /// Replicas that are being made, and in which data directory.
    pub being_made: RefCell<BTreeMap<Gpid, usize>>,
}

impl Host {
    /// Nothing is being made yet.
    #[must_use]
    pub fn new(node: Arc<Node>, opening: Arc<Opening>) -> Self {
        Self {
            node,
            opening,
            being_made: RefCell::default(),
        }
    }

    /// Counts beacons without an answer.
    #[must_use]
    pub fn beacon_failures(&self) -> Counter {
        self.node.metrics.beacon_failures.clone()
    }

    /// Whether a data directory takes new replicas.
    #[must_use]
    pub fn room(&self) -> Room {
        if self.node.disks.iter().any(Disk::takes_replicas) {
            Room::Left
        } else {
            Room::Exhausted
        }
    }

    /// Sends each shard a message.
    pub fn tell_shards(&self, message: impl Fn() -> ShardMessage) {
        for shard in &self.node.shards {
            shard.send(message());
        }
    }

    /// What all shards have.
    pub async fn gather(&self) -> Vec<ReplicaInfo> {
        self.ask_shards(ShardMessage::Report).await
    }

    async fn ask_shards<T>(
        &self,
        question: impl Fn(oneshot::Sender<Vec<T>>) -> ShardMessage,
    ) -> Vec<T> {
        let mut waiting = Vec::new();
        for shard in &self.node.shards {
            let (sender, receiver) = oneshot::channel();
            shard.send(question(sender));
            waiting.push(receiver);
        }
        let mut all = Vec::new();
        for receiver in waiting {
            all.extend(receiver.await.unwrap_or_default());
        }
        all
    }

    /// Makes a replica, and answers when it is there.
    pub fn create_replica(self: &Rc<Self>, request: CreateReplicaRequest, requester: Requester) {
        let host = Rc::clone(self);
        tokio::task::spawn_local(async move {
            let response = new_replica::create(&host, request).await;
            host.answer(requester, &response);
        });
    }

    /// Tells a tool what this server has.
    pub fn answer_replica_info(self: &Rc<Self>, requester: Requester) {
        let host = Rc::clone(self);
        tokio::task::spawn_local(async move {
            let response = QueryReplicaInfoResponse {
                err: ErrorCode::Ok,
                replicas: host.gather().await,
            };
            host.answer(requester, &response);
        });
    }

    /// Tells a tool which tables this server has replicas of. Where replicas disagree about their table,
    /// the one with the newest membership has heard of it last.
    pub fn answer_app_info(self: &Rc<Self>, requester: Requester) {
        let host = Rc::clone(self);
        tokio::task::spawn_local(async move {
            let mut described = host.ask_shards(ShardMessage::DescribeTables).await;
            described.sort_by_key(|(ballot, _)| *ballot);
            let newest = described.into_iter().map(|(_, app)| (app.app_id, app));
            let response = QueryAppInfoResponse {
                err: ErrorCode::Ok,
                apps: newest.collect::<BTreeMap<_, _>>().into_values().collect(),
                server: Some(host.node.address),
            };
            host.answer(requester, &response);
        });
    }

    fn answer<M: Message>(&self, requester: Requester, message: &M) {
        let mut frame = bytes::BytesMut::new();
        response::encode_ok(&mut frame, &requester.to.addressing(), message);
        let answer = RemoteAnswer::new(requester.to, frame);
        self.node.shards[requester.shard].send(ShardMessage::Answer(answer));
    }
}
