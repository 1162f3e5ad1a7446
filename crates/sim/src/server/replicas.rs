//! What a shard does with its replicas: an input, then everything that follows from it.

use std::mem;

use pegasus_common::{Decree, Gpid, reach};
use pegasus_pacifica::{AbsentAnswer, Effect, Effects, Message, absent};
use pegasus_replica::HostedReplica;
use pegasus_replica::stub::ReplicaRequest;

use super::data::Outbox;
use super::{Hosted, ServerEvent, Turn};
use crate::disk::log_model::{LogRecord, Writer};
use crate::disk::storage_model::ModelStorage;
use crate::packet::{Packet, Place};
use crate::reach_marks;

/// Longest time from the first thing staged to the end of the turn.
const TURN_MAX: std::time::Duration = std::time::Duration::from_micros(300);
const TURN_MIN: std::time::Duration = std::time::Duration::from_micros(5);

impl Turn<'_> {
    /// Calls `input` on a replica and carries out what it leads to. `None`: there is no such replica.
    pub(super) fn with_replica<R>(
        &mut self,
        gpid: Gpid,
        input: impl FnOnce(&mut HostedReplica<ModelStorage>, &mut Outbox, &mut Effects) -> R,
    ) -> Option<R> {
        let mut hosted = self.process.hosted.remove(&gpid)?;
        let mut effects = mem::take(&mut self.process.effects);
        let result = input(&mut hosted.replica, &mut self.process.outbox, &mut effects);
        self.carry_out(&mut hosted, &mut effects);
        self.process.effects = effects;
        self.process.touched.insert(gpid);
        if hosted.replica.has_staged() {
            self.process.staged.push(gpid);
        }
        if hosted.replica.has_apply_backlog() {
            self.process.backlog.insert(gpid);
        }
        self.process.hosted.insert(gpid, hosted);
        self.end_turn_soon();
        Some(result)
    }

    pub(super) fn with_each_replica(
        &mut self,
        mut input: impl FnMut(&mut HostedReplica<ModelStorage>, &mut Outbox, &mut Effects),
    ) {
        let gpids: Vec<Gpid> = self.process.hosted.keys().copied().collect();
        for gpid in gpids {
            self.with_replica(gpid, &mut input);
        }
    }

    fn carry_out(&mut self, hosted: &mut Hosted, effects: &mut Effects) {
        while !effects.is_empty() {
            let batch: Vec<Effect> = effects.drain().collect();
            for effect in batch {
                self.carry_out_one(hosted, effect);
            }
            hosted
                .replica
                .apply_committed(&mut self.process.outbox, effects);
        }
    }

    fn carry_out_one(&mut self, hosted: &mut Hosted, effect: Effect) {
        let gpid = hosted.replica.gpid();
        let instance = hosted.instance;
        reach_marks::of_effect(&effect);
        match effect {
            Effect::Append { mutation } => {
                self.append(gpid, instance, LogRecord::Mutation(mutation));
            }
            Effect::AppendBallot { ballot } => {
                self.append(gpid, instance, LogRecord::Ballot(ballot));
            }
            Effect::Vouch { .. } => {
                hosted.replica.vouch_when_flushed();
                let stored = self.disk.replicas.get(&gpid);
                let flushed = stored.map_or(Decree::ZERO, |it| it.flushed.mark.decree);
                if let Some(ballot) = hosted.replica.take_due_vouch(flushed) {
                    self.append(gpid, instance, LogRecord::Vouch(ballot));
                }
            }
            Effect::Send { to, message } => self.send_to_peer(gpid, to, message),
            Effect::Broadcast { to, message } => {
                for &to in to.iter() {
                    self.send_to_peer(gpid, to, message.clone());
                }
            }
            Effect::Commit { mutation, digest } => {
                self.around
                    .checks
                    .on_commit(self.index, gpid, &mutation, digest);
                hosted.replica.commit(mutation, digest);
            }
            Effect::RoleChanged { from, to, ballot } => {
                hosted.replica.publish();
                let about = [self.index as u64, gpid.to_u64(), to as u64];
                self.around.note("role", about, || {
                    format!("server{} {gpid} {from:?} -> {to:?} @{ballot}", about[0])
                });
                self.stub(|stub, now, out| stub.on_replica_changed(now, out));
            }
            Effect::RefuseAfter { committed } => {
                hosted
                    .replica
                    .refuse_after(committed, &mut self.process.outbox);
            }
            Effect::RequestReconfiguration(request) => {
                let request = ReplicaRequest {
                    gpid,
                    request,
                    app: hosted.replica.app().clone(),
                    committed: hosted.machine().committed(),
                };
                self.stub(|stub, now, out| stub.on_request(now, &request, out));
            }
            Effect::NeedsConfirmation => {
                self.stub(|stub, now, out| stub.on_confirmation_wanted(now, out));
            }
            Effect::NeedsLearning { configuration } => {
                self.around
                    .note("needs-learn", [self.index as u64, gpid.to_u64(), 0], || {
                        format!("server{} {gpid} @{}", self.index, configuration.ballot)
                    });
            }
            Effect::DigestMismatch { peer, theirs } => {
                panic!(
                    "I8: server{} {gpid} and {peer} differ: {theirs:?}",
                    self.index
                );
            }
            effect => self.carry_out_learning(hosted, effect),
        }
    }

    fn send_to_peer(&mut self, gpid: Gpid, to: pegasus_common::RpcAddress, message: Message) {
        reach_marks::of_message(&message);
        if let Message::PrepareAck(ack) = &message {
            self.around.checks.on_acknowledgement(self.index, gpid, ack);
        }
        if let Some(to) = Place::of(to) {
            let packet = Packet::Peer { gpid, message };
            self.around.send(self.place(), self.life, to, packet);
        }
    }

    /// A replication message.
    pub(super) fn on_peer_message(&mut self, from: Place, gpid: Gpid, message: Message) {
        if !self.process.has_loaded {
            return;
        }
        if self.process.hosted.contains_key(&gpid) {
            self.with_replica(gpid, |replica, _, effects| {
                replica.machine.on_message(from.address(), message, effects);
                replica.publish();
            });
            return;
        }
        let Message::GroupCheck(check) = &message else {
            return;
        };
        if self.process.teaching.is_site(gpid) {
            return;
        }
        let me = self.place().address();
        match absent::on_group_check(me, check) {
            AbsentAnswer::Reply(reply) => {
                reach!("absent: a member says that it must learn");
                self.send_to_peer(gpid, from.address(), Message::GroupCheckReply(reply));
            }
            AbsentAnswer::MakeEmptyForLearning => {
                reach!("absent: a replica is made to learn");
                self.make_empty_for_learning(gpid, from, message);
            }
            AbsentAnswer::Ignore => {}
        }
    }

    pub(super) fn append(&mut self, gpid: Gpid, instance: u64, record: LogRecord) {
        self.disk.log.append(Writer { gpid, instance }, record);
        self.end_turn_soon();
    }

    fn end_turn_soon(&mut self) {
        let has_work = !self.process.staged.is_empty() || self.disk.log.staged() > 0;
        if has_work && !self.process.ends_turn {
            self.process.ends_turn = true;
            let delay = self.around.random.duration(TURN_MIN, TURN_MAX);
            self.later(delay, ServerEvent::TurnEnd);
        }
    }

    /// The end of the turn: staged writes become mutations, and the log gets what is for it.
    pub(super) fn end_turn(&mut self) {
        self.process.ends_turn = false;
        for gpid in mem::take(&mut self.process.staged) {
            let Some(mut hosted) = self.process.hosted.remove(&gpid) else {
                continue;
            };
            let mut effects = mem::take(&mut self.process.effects);
            hosted
                .replica
                .propose(&mut self.process.outbox, &mut effects);
            self.carry_out(&mut hosted, &mut effects);
            self.process.effects = effects;
            self.process.touched.insert(gpid);
            self.process.hosted.insert(gpid, hosted);
        }
        self.write_log();
    }

    /// Storage that had stalled may take writes again.
    pub(super) fn retry_backlog(&mut self) {
        for gpid in mem::take(&mut self.process.backlog) {
            self.with_replica(gpid, |replica, outbox, effects| {
                replica.apply_committed(outbox, effects);
            });
        }
    }
}
