//! What leaves a shard: log records, messages to peers, requests to the meta server, answers. All of
//! it is staged during the turn and handed over at its end.

use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;

use foldhash::fast::FixedState;
use pegasus_common::RpcAddress;
use pegasus_pacifica::Effect;
use pegasus_pacifica::Effects;
use pegasus_pacifica::LearnSignature;
use pegasus_pacifica::Message;
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
use crate::instance::ReplicaInstance;
use crate::learn::message::Fetch;
use crate::learn::message::LearnMessage;
use crate::learn::supply::SupplyJob;
use crate::learn::supply::Want;
use crate::node::Node;
use crate::peer_messages;
use crate::router::ShardIndex;
use crate::stub::ReplicaRequest;

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
    /// What is being read, and for which learners.
    pub(super) supplies: HashSet<(ReplicaInstance, RpcAddress), FixedState>,
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
            supplies: HashSet::default(),
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
            Effect::Append { mutation } => {
                self.lanes[replica.disk].append(replica.instance(), mutation);
            }
            Effect::AppendBallot { ballot } => {
                self.lanes[replica.disk].append_ballot(replica.instance(), ballot);
            }
            Effect::Vouch { .. } => {
                replica.vouch_when_flushed();
                let flushed = replica.handle.engine.flushed();
                if let Some(ballot) = replica.take_due_vouch(flushed) {
                    self.lanes[replica.disk].vouch(replica.instance(), ballot);
                }
            }
            Effect::Send { to, message } => self.send(replica, &[to], &message),
            Effect::Broadcast { to, message } => self.send(replica, &to, &message),
            Effect::Commit { mutation, digest } => replica.commit(mutation, digest),
            Effect::RoleChanged { from, to, ballot } => {
                info!(%gpid, %ballot, ?from, ?to, "replica changed its role");
                replica.publish();
                self.tell_control(ControlMessage::RoleChanged);
            }
            Effect::RefuseAfter { committed } => {
                let mut answers = self.answers();
                replica.refuse_after(committed, &mut answers);
            }
            Effect::RequestReconfiguration(request) => {
                let request = ReplicaRequest {
                    gpid,
                    request,
                    app: replica.app().clone(),
                    committed: replica.machine.committed(),
                };
                self.tell_control(ControlMessage::Reconfigure(Box::new(request)));
            }
            Effect::NeedsConfirmation => self.tell_control(ControlMessage::NeedsConfirmation),
            Effect::NeedsLearning { configuration } => {
                warn!(%gpid, ballot = %configuration.ballot,
                    "replica may lack writes that it acknowledged: it stays out of the group");
            }
            Effect::SupplyLearner {
                to,
                signature,
                after,
                through,
            } => self.supply(replica, to, signature, Want::After { after, through }),
            Effect::MakeCheckpoint { to, signature } => {
                self.supply(replica, to, signature, Want::Checkpoint);
            }
            Effect::FetchCheckpoint {
                from,
                signature,
                configuration,
                offer,
            } => {
                let fetch = Fetch {
                    instance: replica.instance(),
                    disk: replica.disk,
                    app: replica.app().clone(),
                    from,
                    signature,
                    configuration,
                    offer,
                };
                self.tell_learning(LearnMessage::Fetch(Box::new(fetch)));
            }
            Effect::DigestMismatch { peer, theirs } => {
                self.node.metrics.digest_mismatches.increment();
                error!(%gpid, %peer, decree = %theirs.decree,
                    "replicas differ: same decree, different history");
            }
        }
    }

    /// Has something read for a learner, unless that is under way.
    fn supply(
        &mut self,
        replica: &HostedReplica,
        to: RpcAddress,
        signature: LearnSignature,
        want: Want,
    ) {
        let instance = replica.instance();
        if !self.supplies.insert((instance, to)) {
            return;
        }
        let job = SupplyJob {
            node: Arc::clone(&self.node),
            handle: Arc::clone(&replica.handle),
            instance,
            disk: replica.disk,
            to,
            signature,
            want,
        };
        job.submit();
    }

    fn send(&mut self, replica: &HostedReplica, to: &[RpcAddress], message: &Message) {
        let frame =
            peer_messages::encode(replica.gpid(), self.node.address, replica.app(), message);
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

    /// Sends to the learning thread.
    pub fn tell_learning(&self, message: LearnMessage) {
        if self.node.learning.thread.send(message).is_err() {
            warn!("learning thread has ended: the server is stopping");
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
