//! What a shard does for learners: of other servers, by handing their wants to the learning pool; of its
//! own, by making way for what the learning thread brings.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;

use foldhash::fast::FixedState;
use pegasus_common::Ballot;
use pegasus_common::Gpid;
use pegasus_common::RpcAddress;
use pegasus_pacifica::AbsentAnswer;
use pegasus_pacifica::CheckpointOffer;
use pegasus_pacifica::LearnSignature;
use pegasus_pacifica::Message;
use pegasus_pacifica::absent;
use pegasus_wire::layer2::AppInfo;
use pegasus_wire::metadata::ReplicaInfo;
use tokio::sync::oneshot;
use tracing::warn;

use super::core::Core;
use crate::control::ControlMessage;
use crate::disk::ReplicaDirectory;
use crate::hosted_replica::HostedReplica;
use crate::instance::ReplicaInstance;
use crate::learn::message::LearnEvent;
use crate::learn::message::LearnMessage;
use crate::learn::message::Supply;
use crate::peer_messages;
use crate::peer_messages::PeerMessage;

/// Replicas that a shard lets be made or replaced at once; further primaries are heard again at their
/// next group check.
const SITES_MAX: usize = 32;

/// What a shard remembers of learning.
#[derive(Default)]
pub struct LearningDesk {
    /// Partitions of which a replica is being made or replaced: whatever comes for them is dropped.
    sites: HashSet<Gpid, FixedState>,
    /// Those of them whose storage has failed and which are being opened again, as they are reported.
    reopening: BTreeMap<Gpid, ReplicaInfo>,
    /// Who waits for a log to be reset, and of which disk.
    resets: HashMap<Gpid, (usize, oneshot::Sender<()>), FixedState>,
}

impl LearningDesk {
    /// Until the site ends, whatever comes for the partition is dropped.
    pub fn begin_site(&mut self, gpid: Gpid) {
        self.sites.insert(gpid);
    }

    /// The same, for a replica whose storage has failed: it is reported as it was.
    pub fn begin_reopening(&mut self, gpid: Gpid, report: ReplicaInfo) {
        self.sites.insert(gpid);
        self.reopening.insert(gpid, report);
    }

    /// What is here besides the replicas of the shard.
    pub fn reports(&self) -> impl Iterator<Item = &ReplicaInfo> {
        self.reopening.values()
    }

    /// The partition's directory is left alone again.
    pub fn end_site(&mut self, gpid: Gpid) {
        self.sites.remove(&gpid);
        self.reopening.remove(&gpid);
    }

    /// The log of a disk has failed: nobody need wait for it.
    pub fn give_up_resets(&mut self, disk: usize) {
        self.resets.retain(|_, (of, _)| *of != disk);
    }
}

impl Core {
    /// A replication message for a partition of which this shard has no replica.
    pub(super) fn on_message_for_absent(&mut self, message: PeerMessage) {
        let gpid = message.gpid;
        let Message::GroupCheck(check) = &message.message else {
            return;
        };
        if self.learning.sites.contains(&gpid) {
            return;
        }
        match absent::on_group_check(self.exits.node.address, check) {
            AbsentAnswer::Reply(reply) => {
                let app = AppInfo::default();
                let reply = Message::GroupCheckReply(reply);
                let node = &self.exits.node;
                let frame = peer_messages::encode(gpid, node.address, &app, &reply);
                self.exits.links.send(message.from, frame);
            }
            AbsentAnswer::MakeEmptyForLearning => self.make_empty(message),
            AbsentAnswer::Ignore => {}
        }
    }

    fn make_empty(&mut self, mut check: PeerMessage) {
        let Some(app) = check.app.take() else {
            return;
        };
        if self.learning.sites.len() >= SITES_MAX {
            return;
        }
        self.learning.begin_site(check.gpid);
        let check = Box::new(check);
        self.exits
            .tell_learning(LearnMessage::MakeEmpty { app, check });
    }

    /// Learning has come to something.
    pub(super) fn on_learn_event(&mut self, event: LearnEvent) {
        match event {
            LearnEvent::Supplied {
                instance,
                to,
                signature,
                supply,
            } => self.on_supplied(instance, to, signature, supply),
            LearnEvent::FetchFailed(instance) => {
                self.with_instance(instance, |replica, _, _| {
                    replica.machine.on_fetch_failed();
                });
            }
            LearnEvent::MakeWay {
                instance,
                signature,
                offer,
                done,
            } => self.make_way(instance, (signature, offer), done),
            LearnEvent::ResetLog {
                gpid,
                disk,
                ballot,
                decree,
                done,
            } => {
                self.exits.lanes[disk].reset(gpid, ballot, decree);
                self.learning.resets.insert(gpid, (disk, done));
            }
            LearnEvent::Learned {
                replica,
                configuration,
                signature,
            } => {
                let gpid = replica.gpid();
                self.take_in(replica);
                self.with_replica(gpid, |replica, _, effects| {
                    let machine = &mut replica.machine;
                    machine.resume_learning(&configuration, signature, effects);
                    replica.publish();
                });
            }
            LearnEvent::Reopened { replica } => {
                self.take_in(replica);
                self.exits.tell_control(ControlMessage::RoleChanged);
            }
            LearnEvent::Made { replica, check } => {
                self.take_in(replica);
                self.on_peer_message(*check);
            }
            LearnEvent::Forsaken { gpid, disk } => self.forget_forsaken(gpid, disk),
            LearnEvent::CollectedGarbage { gpid, disk } => self.exits.lanes[disk].forget(gpid),
            LearnEvent::ConstructionEnded(gpid) => self.learning.end_site(gpid),
        }
    }

    /// A replica makes way for a checkpoint, if it still wants this one. Who asks hears of a refusal by
    /// the end of the channel.
    fn make_way(
        &mut self,
        instance: ReplicaInstance,
        fetched: (LearnSignature, CheckpointOffer),
        done: oneshot::Sender<Ballot>,
    ) {
        let gpid = instance.gpid;
        let is_wanted = self.replicas.get(&gpid).is_some_and(|replica| {
            replica.instance() == instance && replica.machine.fetching() == Some(fetched)
        });
        if is_wanted && let Some(replica) = self.take_out(gpid) {
            self.learning.begin_site(gpid);
            // Whoever asked may have given up waiting; then it ends its construction too.
            let _ = done.send(replica.machine.known_ballot());
            self.close_elsewhere(replica);
        }
    }

    fn take_in(&mut self, replica: Box<HostedReplica>) {
        self.learning.end_site(replica.gpid());
        self.install(replica);
    }

    fn on_supplied(
        &mut self,
        instance: ReplicaInstance,
        to: RpcAddress,
        signature: LearnSignature,
        supply: Supply,
    ) {
        self.exits.supplies.remove(&(instance, to));
        self.with_instance(instance, |replica, _, effects| match supply {
            Supply::Nothing => {}
            Supply::Mutations(mutations) => {
                let machine = &mut replica.machine;
                machine.supply_mutations(to, signature, mutations, effects);
            }
            Supply::Checkpoint(offer) => {
                let machine = &mut replica.machine;
                machine.offer_checkpoint(to, signature, offer, effects);
            }
        });
        self.release_checkpoints(instance.gpid);
    }

    /// The log says safely that the group counts on a replica: it need not learn any more.
    pub(super) fn on_vouch_safe(&mut self, instance: ReplicaInstance) {
        let present = self.replicas.get(&instance.gpid);
        let Some(replica) = present.filter(|replica| replica.instance() == instance) else {
            return;
        };
        let directory = ReplicaDirectory::around(&replica.handle);
        let unmark = move || {
            if let Err(error) = directory.unmark_learning() {
                warn!(gpid = %instance.gpid, %error,
                    "a replica that has learned will have to learn again after a restart");
            }
        };
        if self.exits.node.learning.pool.submit(unmark).is_err() {
            warn!(gpid = %instance.gpid, "a learned replica is not marked as such yet");
        }
    }

    /// The log has let go of what it had of a partition.
    pub(super) fn on_reset_safe(&mut self, gpid: Gpid) {
        if let Some((_, done)) = self.learning.resets.remove(&gpid) {
            // Whoever asked may have given up waiting.
            let _ = done.send(());
        }
    }

    /// Drops checkpoints of learners that are gone.
    pub fn release_all_checkpoints(&mut self) {
        let gpids: Vec<Gpid> = self.replicas.keys().copied().collect();
        for gpid in gpids {
            self.release_checkpoints(gpid);
        }
    }

    fn release_checkpoints(&self, gpid: Gpid) {
        let learning = &self.exits.node.learning;
        if !learning.shelf.has(gpid) {
            return;
        }
        let learners: Vec<(RpcAddress, LearnSignature)> = self
            .replicas
            .get(&gpid)
            .map(|replica| replica.machine.learners().collect())
            .unwrap_or_default();
        learning.release(gpid, |taker| {
            learners.contains(&(taker.node, taker.signature))
        });
    }

    /// Takes a replica out of this shard, without a word to its log.
    pub(super) fn take_out(&mut self, gpid: Gpid) -> Option<Box<HostedReplica>> {
        self.exits.node.router.remove(gpid);
        let mut replica = self.replicas.remove(&gpid)?;
        replica.refuse_all(&mut self.exits.answers());
        self.exits.node.learning.release(gpid, |_| false);
        Some(replica)
    }

    /// Drops a replica where closing its database holds nobody up.
    pub(super) fn close_elsewhere(&self, replica: Box<HostedReplica>) {
        // A full pool drops it, and the replica with it, here and now.
        let _ = self.exits.node.learning.pool.submit(move || drop(replica));
    }

    /// The log is too large because of a partition that left no directory behind: a replica that is
    /// made here begins anew, so nobody can use what the log has.
    fn forget_forsaken(&mut self, gpid: Gpid, disk: usize) {
        if !self.replicas.contains_key(&gpid) && !self.learning.sites.contains(&gpid) {
            warn!(%gpid, "the log forgets a replica whose directory is gone");
            self.exits.lanes[disk].forget(gpid);
        }
    }
}
