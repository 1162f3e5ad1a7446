//! What leaves a shard: log records, messages to peers, requests to the meta server, answers. All of
//! it is staged during the turn and handed over at its end.

use std::rc::Rc;
use std::sync::Arc;

use pegasus_common::RpcAddress;
use pegasus_pacifica::Effect;
use pegasus_pacifica::Effects;
use pegasus_pacifica::Message;
use pegasus_pacifica::ReplicaStatus;
use pegasus_rpc::Outputs;
use pegasus_rpc::PeerLinks;
use tracing::error;
use tracing::info;
use tracing::warn;

use super::log_lane::LogLane;
use super::message::ShardMessage;
use crate::answers::Answers;
use crate::answers::RemoteAnswer;
use crate::control::ControlMessage;
use crate::hosted_replica::HostedReplica;
use crate::node::Node;
use crate::peer_messages;
use crate::router::ShardIndex;

/// The ways out of one shard.
pub struct Exits {
    /// This shard.
    pub index: ShardIndex,
    /// The server.
    pub node: Arc<Node>,
    /// Connections of this shard.
    pub outputs: Rc<Outputs>,
    /// Links to other servers.
    pub links: Rc<PeerLinks>,
    /// One lane into the log of each disk.
    pub lanes: Vec<LogLane>,
    /// Answers for connections of other shards.
    remote_answers: Vec<Vec<RemoteAnswer>>,
    /// Other messages for other shards.
    remote_messages: Vec<Vec<ShardMessage>>,
}

impl Exits {
    /// Nothing staged.
    #[must_use]
    pub fn new(
        index: ShardIndex,
        node: Arc<Node>,
        outputs: Rc<Outputs>,
        links: Rc<PeerLinks>,
        lanes: Vec<LogLane>,
    ) -> Self {
        let shards = node.shards.len();
        Self {
            index,
            node,
            outputs,
            links,
            lanes,
            remote_answers: (0..shards).map(|_| Vec::new()).collect(),
            remote_messages: (0..shards).map(|_| Vec::new()).collect(),
        }
    }

    /// Where answers go.
    pub fn answers(&mut self) -> Answers<'_> {
        Answers {
            shard: self.index,
            outputs: &self.outputs,
            remote: &mut self.remote_answers,
        }
    }

    /// Stages a message for another shard.
    pub fn send_to_shard(&mut self, shard: ShardIndex, message: ShardMessage) {
        self.remote_messages[shard].push(message);
    }

    /// Does what a replica's state machine asks for, and what follows from it, until nothing is
    /// left.
    pub fn carry_out(&mut self, replica: &mut HostedReplica, effects: &mut Effects) {
        while !effects.is_empty() {
            for effect in effects.drain() {
                self.carry_out_one(replica, effect);
            }
            let mut answers = self.answers();
            replica.apply_committed(&mut answers, effects);
        }
    }

    fn carry_out_one(&mut self, replica: &mut HostedReplica, effect: Effect) {
        let gpid = replica.gpid();
        match effect {
            Effect::Append { mutation } => self.lanes[replica.disk].append(gpid, mutation),
            Effect::AppendBallot { ballot } => {
                self.lanes[replica.disk].append_ballot(gpid, ballot);
            }
            Effect::Send { to, message } => self.send(replica, &[to], &message),
            Effect::Broadcast { to, message } => self.send(replica, &to, &message),
            Effect::Commit { mutation, digest } => replica.commit(mutation, digest),
            Effect::RoleChanged { from, to, ballot } => {
                info!(%gpid, %ballot, ?from, ?to, "replica changed its role");
                replica.publish();
                if to == ReplicaStatus::Error {
                    error!(%gpid, "replica failed and serves no more");
                }
                self.tell_control(ControlMessage::RoleChanged);
            }
            Effect::RefuseAfter { committed } => {
                let mut answers = self.answers();
                replica.refuse_after(committed, &mut answers);
            }
            Effect::RequestReconfiguration(request) => {
                let app = Box::new(replica.app.clone());
                let committed = replica.machine.committed();
                self.tell_control(ControlMessage::Reconfigure {
                    gpid,
                    request,
                    app,
                    committed,
                });
            }
            Effect::NeedsLearning { configuration } => {
                warn!(%gpid, ballot = %configuration.ballot,
                    "replica may lack writes that it acknowledged: it stays out of the group");
            }
            Effect::DigestMismatch { peer, theirs } => {
                self.node.metrics.digest_mismatches.increment();
                error!(%gpid, %peer, decree = %theirs.decree,
                    "replicas differ: same decree, different history");
            }
        }
    }

    fn send(&mut self, replica: &HostedReplica, to: &[RpcAddress], message: &Message) {
        let frame = peer_messages::encode(replica.gpid(), self.node.address, &replica.app, message);
        for &peer in to {
            self.links.send(peer, frame.clone());
        }
    }

    /// Sends to the control thread.
    pub fn tell_control(&self, message: ControlMessage) {
        if self.node.control.send(message).is_err() {
            warn!("control thread has ended: the server is stopping");
        }
    }

    /// Bytes that wait for the logs.
    #[must_use]
    pub fn staged_bytes(&self) -> usize {
        self.lanes.iter().map(LogLane::staged_bytes).sum()
    }

    /// The end of the turn: hands over what is for the logs. Returns the disks whose log has failed.
    pub fn flush_logs(&mut self) -> Vec<usize> {
        let mut failed = Vec::new();
        for (disk, lane) in self.lanes.iter_mut().enumerate() {
            if lane.flush().is_err() {
                failed.push(disk);
            }
        }
        failed
    }

    /// The end of the turn: hands over what is for shards, peers and clients.
    pub fn flush_messages(&mut self) {
        for shard in 0..self.node.shards.len() {
            let answers = self.remote_answers[shard]
                .drain(..)
                .map(ShardMessage::Answer);
            self.remote_messages[shard].extend(answers);
            self.node.shards[shard].send_batch(&mut self.remote_messages[shard]);
        }
        self.links.flush();
        self.outputs.flush();
    }
}
