//! What the control thread does: it drives the stub.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use pegasus_common::clock::MonotonicMillis;
use pegasus_common::{Room, reach};
use pegasus_pacifica::{Effects, Lease as LeaseView, Standing};
use pegasus_replica::lease::Lease;
use pegasus_replica::stub::{HeldReplica, Instruction, MetaCall, Stub, StubEffect, StubOptions};
use pegasus_wire::meta_admin::ConfigurationUpdateRequest;
use pegasus_wire::metadata::{PartitionStatus, ReplicaInfo};

use super::data::Outbox;
use super::learning::Teaching;
use super::links::LinkStates;
use super::{Hosted, Process, ServerEvent, StubEffects, Turn};
use crate::disk::Condition;
use crate::disk::log_model::LogRecord;
use crate::packet::{Packet, Place, Request};
use crate::plan::Plan;

/// How long a secondary that nobody lists keeps its role. Short, so that it happens in a run.
const GC_MEMORY_REPLICA: Duration = Duration::from_secs(6);
const CONFIG_SYNC: Duration = Duration::from_secs(5);

impl Process {
    /// A process that has just begun to run.
    pub(super) fn new(index: usize, start_time: i64, now: MonotonicMillis, plan: &Plan) -> Self {
        let lease = Arc::new(Lease::new(plan.lease));
        let options = StubOptions {
            address: Place::Server(index).address(),
            start_time,
            metas: vec![Place::Meta.address()],
            beacon_interval: plan.beacon_interval,
            lease: plan.lease,
            config_sync_interval: CONFIG_SYNC,
            gc_memory_replica_interval: GC_MEMORY_REPLICA,
        };
        Self {
            stub: Stub::new(options, Arc::clone(&lease), now),
            lease,
            hosted: BTreeMap::new(),
            stub_timer: None,
            stub_calls: BTreeSet::new(),
            has_loaded: false,
            has_left: false,
            lease_seen: LeaseView::NotHeld,
            outbox: Outbox::default(),
            asked: BTreeMap::new(),
            last_seqid: 0,
            last_instance: 0,
            effects: Effects::new(),
            staged: Vec::new(),
            backlog: BTreeSet::new(),
            ends_turn: false,
            links: LinkStates::default(),
            teaching: Teaching::default(),
            reopening: BTreeSet::new(),
            checked: now,
            repeated: now,
            looked: now,
            touched: BTreeSet::new(),
        }
    }
}

impl Turn<'_> {
    /// Gives the stub an input and does what it asks for.
    pub(super) fn stub(
        &mut self,
        input: impl FnOnce(&mut Stub, MonotonicMillis, &mut StubEffects),
    ) {
        let now = self.now();
        let mut effects = Vec::new();
        input(&mut self.process.stub, now, &mut effects);
        for effect in effects {
            self.carry_out_for_stub(effect);
        }
    }

    /// Time has passed for the stub.
    pub(super) fn on_stub_timer(&mut self) {
        let room = match self.disk.condition {
            Condition::Full => Room::Exhausted,
            _ => Room::Left,
        };
        self.stub(|stub, now, out| {
            stub.on_room(room);
            stub.on_timer(now, out);
        });
    }

    fn carry_out_for_stub(&mut self, effect: StubEffect) {
        match effect {
            StubEffect::Call(call) => self.call_meta(call),
            StubEffect::LeaseChanged => self.check_lease(),
            StubEffect::Reconnect => {}
            StubEffect::GatherReplicas => {
                let delay = self
                    .around
                    .random
                    .duration(Duration::from_micros(10), Duration::from_millis(2));
                self.later(delay, ServerEvent::Gathered);
            }
            StubEffect::Instruct {
                gpid,
                app,
                instruction,
            } => {
                self.with_replica(gpid, |replica, _, effects| {
                    replica.set_app(*app);
                    match &instruction {
                        Instruction::Configure {
                            configuration,
                            source,
                        } => replica
                            .machine
                            .on_configuration(configuration, *source, effects),
                        Instruction::Propose(proposal) => {
                            replica.machine.on_proposal(proposal, effects);
                        }
                    }
                    replica.publish();
                });
            }
            StubEffect::StepDown(held) => self.step_down(held),
            StubEffect::PutAside(held) => self.put_aside(held),
            StubEffect::TellRemoved { node, gpid, ballot } => {
                if let Some(to) = Place::of(node) {
                    self.around.send(
                        self.place(),
                        self.life,
                        to,
                        Packet::Removed { gpid, ballot },
                    );
                }
            }
            StubEffect::Left => {
                reach!("stub: goodbye heard");
                self.process.has_left = true;
            }
        }
    }

    fn call_meta(&mut self, call: MetaCall) {
        let MetaCall {
            id,
            patience,
            question,
            ..
        } = call;
        self.process.stub_calls.insert(id);
        let (from, sent) = (self.place(), self.stub_call(id));
        self.around
            .call(from, Place::Meta, sent, Request::Meta(question));
        self.later(patience, ServerEvent::StubTimeout(id));
    }

    /// Wakes the stub when it wants to be woken.
    pub(super) fn arm_stub_timer(&mut self) {
        let wanted = self.process.stub.next_timer();
        if self.process.stub_timer.is_some_and(|armed| armed <= wanted) {
            return;
        }
        if wanted == MonotonicMillis(u64::MAX) {
            return;
        }
        self.process.stub_timer = Some(wanted);
        // One more: a timer is never early.
        let delay = wanted.since(self.now()) + Duration::from_millis(1);
        self.later(delay, ServerEvent::StubTimer);
    }

    /// What all shards do when the lease may have changed.
    pub(super) fn check_lease(&mut self) {
        let held = self.process.lease.held_term(self.now());
        let lease = held.map_or(LeaseView::NotHeld, LeaseView::Held);
        if lease == self.process.lease_seen {
            return;
        }
        self.process.lease_seen = lease;
        if held.is_some_and(|term| term.0 > 1) {
            reach!("lease: a later term");
        }
        let index = self.index as u64;
        self.around.note("lease", [index, 0, 0], || {
            format!("server{index} {lease:?}")
        });
        self.with_each_replica(|replica, _, effects| {
            replica.machine.on_lease(lease, effects);
            replica.publish();
        });
    }

    /// Tells the stub what is here.
    pub(super) fn report_replicas(&mut self) {
        let replicas = self.process.hosted.values().map(replica_info).collect();
        self.stub(|stub, now, out| stub.on_replicas_gathered(now, replicas, out));
    }

    /// A proposal of the meta server.
    pub(super) fn on_proposal(&mut self, update: &ConfigurationUpdateRequest) {
        if !self.process.has_loaded {
            return;
        }
        if !self.process.hosted.contains_key(&update.config.pid) {
            reach!("stub: absent for a proposal");
            self.stub(|stub, _, out| stub.on_proposal_for_absent(update, out));
            return;
        }
        let Ok(instruction) = Instruction::of_proposal(update) else {
            return;
        };
        self.carry_out_for_stub(StubEffect::Instruct {
            gpid: update.config.pid,
            app: Box::new(update.info.clone()),
            instruction,
        });
    }

    fn step_down(&mut self, held: HeldReplica) {
        if !self.is_still(held) {
            return;
        }
        reach!("stub: a replica steps down");
        self.with_replica(held.gpid, |replica, _, effects| {
            replica.machine.on_unlisted(effects);
            replica.publish();
        });
    }

    fn put_aside(&mut self, held: HeldReplica) {
        let gpid = held.gpid;
        if !self.is_still(held) {
            return;
        }
        let Some(mut hosted) = self.process.hosted.remove(&gpid) else {
            return;
        };
        hosted.replica.refuse_all(&mut self.process.outbox);
        self.process.touched.insert(gpid);
        self.forget_teaching(gpid);
        self.remove_directory(gpid);
        reach!("stub: a replica is garbage");
        self.around
            .note("garbage", [self.index as u64, gpid.to_u64(), 0], || {
                gpid.to_string()
            });
    }

    fn is_still(&self, held: HeldReplica) -> bool {
        let hosted = self.process.hosted.get(&held.gpid);
        hosted.is_some_and(|hosted| describe(hosted) == held)
    }

    /// The directory is no replica's any more, and the log forgets it.
    pub(super) fn remove_directory(&mut self, gpid: pegasus_common::Gpid) {
        self.disk.replicas.remove(&gpid);
        self.disk.log.forget_released(gpid);
        self.append(gpid, 0, LogRecord::Forget);
    }
}

fn describe(hosted: &Hosted) -> HeldReplica {
    HeldReplica {
        gpid: hosted.replica.gpid(),
        ballot: hosted.machine().ballot(),
        status: hosted.machine().status(),
    }
}

fn replica_info(hosted: &Hosted) -> ReplicaInfo {
    let machine = hosted.machine();
    ReplicaInfo {
        pid: machine.gpid(),
        ballot: machine.ballot().0,
        status: PartitionStatus(machine.status().code()),
        last_committed_decree: machine.committed().0,
        last_prepared_decree: machine.prepared().0,
        last_durable_decree: machine.durable().0,
        app_type: "pegasus".to_owned(),
        is_proven: Some(machine.standing() == Standing::Proven),
        ..ReplicaInfo::default()
    }
}
