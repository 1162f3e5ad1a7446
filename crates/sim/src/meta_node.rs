//! The meta server: the real core, over the real store in memory, which is as durable as a disk here.

mod administrator;

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::FutureExt;
use pegasus_common::clock::MonotonicMillis;
use pegasus_common::{ErrorCode, Gpid, RpcAddress};
use pegasus_meta::cluster_state::ClusterState;
use pegasus_meta::core::{MetaCore, MetaOptions, Now};
use pegasus_meta::effect::{Answer, CommitToken, CreateCall, Effect, RequestToken};
use pegasus_meta::partition::PartitionConfiguration;
use pegasus_meta::stored;
use pegasus_metastore::{
    Epoch, MemoryCluster, MemoryStore, MetadataStore, ScanRange, Transaction, Version,
};
use pegasus_replica::stub::{MetaAnswer, MetaQuestion};
use pegasus_wire::layer2::QueryCfgRequest;

use crate::network::Arrival;
use crate::packet::{CallId, Packet, Place, Request, Response};
use crate::reach_marks;
use crate::surroundings::{Event, Life, Surroundings};
use crate::time::{MachineClock, SimTime};

/// The only table.
pub const TABLE: &str = "sim";
const TICK: Duration = Duration::from_millis(50);
const CREATE_TIMEOUT: Duration = Duration::from_secs(5);
const COMMIT_MIN: Duration = Duration::from_micros(200);
const COMMIT_MAX: Duration = Duration::from_millis(40);
const CATALOGUE_ENTRIES_MAX: usize = 10_000;

/// Something in the meta server.
#[derive(Debug)]
pub enum MetaEvent {
    /// Time has passed.
    Tick,
    /// The store writes.
    Commit(CommitToken, Box<Transaction>),
    /// The store says that it has written.
    Committed(CommitToken, Version),
    /// A server has not answered.
    CreateTimeout(CallId),
    /// The process goes on after it stood still.
    Resume,
}

/// The meta server's machine and process.
pub struct MetaNode {
    clock: MachineClock,
    options: MetaOptions,
    cluster: std::sync::Arc<MemoryCluster>,
    life: Life,
    process: Option<Process>,
    /// What came while the process stood still; `None`: it runs.
    backlog: Option<Vec<Stirring>>,
    /// Since when the running process has taken servers for dead.
    dead_since: BTreeMap<RpcAddress, SimTime>,
}

/// What a process hears.
#[derive(Debug)]
enum Stirring {
    Packet(Arrival),
    Event(MetaEvent),
}

struct Process {
    store: MemoryStore,
    epoch: Epoch,
    core: MetaCore,
    waiting: BTreeMap<RequestToken, (Place, CallId)>,
    creating: BTreeMap<CallId, CreateCall>,
    last_number: u64,
}

impl MetaNode {
    /// A machine on which no process runs yet.
    #[must_use]
    pub fn new(clock: MachineClock, options: MetaOptions) -> Self {
        Self {
            clock,
            options,
            cluster: MemoryCluster::new(),
            life: 0,
            process: None,
            backlog: None,
            dead_since: BTreeMap::new(),
        }
    }

    fn now(&self, now: SimTime) -> Now {
        Now {
            monotonic: self.clock.monotonic(now),
            unix_seconds: self.clock.wall(now).to_unix_millis() / 1_000,
        }
    }

    /// Whether the process runs and does not stand still.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.process.is_some() && self.backlog.is_none()
    }

    /// The durable state, as the running process has it.
    #[must_use]
    pub fn state(&self) -> Option<&ClusterState> {
        self.process.as_ref().map(|process| process.core.state())
    }

    /// The configuration of a partition, as the running process has it.
    #[must_use]
    pub fn configuration(&self, gpid: Gpid) -> Option<&PartitionConfiguration> {
        Some(&self.state()?.partition(gpid)?.configuration)
    }

    /// Whether the running process takes a server for alive.
    #[must_use]
    pub fn believes_alive(&self, node: RpcAddress) -> bool {
        let process = self.process.as_ref();
        process.is_some_and(|process| process.core.detector().is_alive(node))
    }

    /// What the meta server's monotonic clock shows.
    #[must_use]
    pub fn monotonic(&self, now: SimTime) -> MonotonicMillis {
        self.clock.monotonic(now)
    }

    /// Starts the process: a new reign.
    pub fn start(&mut self, around: &mut Surroundings) {
        self.life += 1;
        let store = self.cluster.member("meta");
        ready(store.campaign()).expect("the store is healthy");
        let epoch = store
            .leadership()
            .borrow()
            .epoch()
            .expect("nobody else stands");
        let range = ScanRange::of_prefix(stored::CATALOGUE_PREFIX);
        let entries =
            ready(store.scan(range, CATALOGUE_ENTRIES_MAX)).expect("the store is healthy");
        let state = stored::load(&entries).expect("the core wrote it");
        let core = MetaCore::new(self.options.clone(), state, self.now(around.now()));
        self.process = Some(Process {
            store,
            epoch,
            core,
            waiting: BTreeMap::new(),
            creating: BTreeMap::new(),
            last_number: 0,
        });
        around.note("meta-start", [u64::from(self.life), 0, 0], || {
            format!("{epoch:?}")
        });
        self.dead_since.clear();
        self.later(around, TICK, MetaEvent::Tick);
    }

    /// The process dies. What the store was given and has not written is not done.
    pub fn crash(&mut self, around: &mut Surroundings) {
        self.process = None;
        self.backlog = None;
        self.life += 1;
        around.note("meta-crash", [0; 3], String::new);
    }

    /// The process stands still.
    pub fn hang(&mut self, around: &mut Surroundings) {
        if self.is_up() {
            self.backlog = Some(Vec::new());
            around.note("meta-hang", [0; 3], String::new);
        }
    }

    fn later(&self, around: &mut Surroundings, delay: Duration, event: MetaEvent) {
        let life = self.life;
        around.scheduler.after(delay, Event::Meta { life, event });
    }

    /// A message comes.
    pub fn on_arrival(&mut self, arrival: Arrival, around: &mut Surroundings) {
        if self.process.is_none() {
            if let Packet::Call { id, .. } = arrival.packet {
                around.send(Place::Meta, 0, arrival.from, Packet::Refused { id });
            }
            return;
        }
        self.stir(Stirring::Packet(arrival), around);
    }

    /// Something happens.
    pub fn on_event(&mut self, life: Life, event: MetaEvent, around: &mut Surroundings) {
        if life != self.life || self.process.is_none() {
            return;
        }
        if matches!(event, MetaEvent::Resume) {
            around.note("meta-resume", [0; 3], String::new);
            for stirring in self.backlog.take().unwrap_or_default() {
                self.stir(stirring, around);
            }
            return;
        }
        self.stir(Stirring::Event(event), around);
    }

    /// The life of the process.
    #[must_use]
    pub fn life(&self) -> Life {
        self.life
    }

    fn stir(&mut self, stirring: Stirring, around: &mut Surroundings) {
        if let Some(backlog) = &mut self.backlog {
            backlog.push(stirring);
            return;
        }
        let now = self.now(around.now());
        let Some(process) = &mut self.process else {
            return;
        };
        let mut effects = Vec::new();
        match stirring {
            Stirring::Packet(arrival) => process.on_packet(now, arrival, &mut effects, around),
            Stirring::Event(MetaEvent::Tick) => {
                process.core.on_tick(now, &mut effects);
                let (dead, time) = (process.core.detector().dead(), around.now());
                let mut dead_since = BTreeMap::new();
                for node in dead {
                    let since = self.dead_since.get(&node).copied().unwrap_or(time);
                    dead_since.insert(node, since);
                }
                self.dead_since = dead_since;
                self.later(around, TICK, MetaEvent::Tick);
            }
            Stirring::Event(MetaEvent::Commit(token, transaction)) => {
                let committed = ready(process.store.commit(process.epoch, *transaction));
                let version = committed.expect("one meta server writes to its own store");
                let delay = around.random.duration(COMMIT_MIN, COMMIT_MAX);
                self.later(around, delay, MetaEvent::Committed(token, version));
            }
            Stirring::Event(MetaEvent::Committed(token, version)) => {
                let before = configurations(&process.core);
                process.core.on_committed(now, token, version, &mut effects);
                let after = configurations(&process.core);
                for (before, after) in before
                    .iter()
                    .zip(&after)
                    .filter(|(one, other)| is_another_configuration(one, other))
                {
                    let text = || format!("{after:?}");
                    reach_marks::of_configuration(before, after);
                    around.note("configured", [after.pid.to_u64(), 0, 0], text);
                    let time = around.now();
                    let detector = process.core.detector();
                    let dead_for = |node| {
                        let since = self
                            .dead_since
                            .get(&node)
                            .filter(|_| !detector.is_alive(node));
                        since.map(|since| time.since(*since))
                    };
                    around.checks.on_configuration(before, after, dead_for);
                }
            }
            Stirring::Event(MetaEvent::CreateTimeout(id)) => {
                process.on_created(
                    now,
                    id,
                    Err((ErrorCode::Timeout, String::new())),
                    &mut effects,
                );
            }
            Stirring::Event(MetaEvent::Resume) => {}
        }
        for effect in effects {
            self.execute(effect, around);
        }
    }

    fn execute(&mut self, effect: Effect, around: &mut Surroundings) {
        let Some(process) = &mut self.process else {
            return;
        };
        match effect {
            Effect::Commit { token, transaction } => {
                let delay = around.random.duration(COMMIT_MIN, COMMIT_MAX);
                self.later(
                    around,
                    delay,
                    MetaEvent::Commit(token, Box::new(transaction)),
                );
            }
            Effect::Reply { to, answer } => {
                let Some((asker, id)) = process.waiting.remove(&to) else {
                    return;
                };
                if let Answer::UpdateConfiguration(answer) = answer {
                    let answer = Response::Meta(MetaAnswer::Reconfigured(answer));
                    around.answer(Place::Meta, asker, id, answer);
                }
            }
            Effect::CreateReplica { call, request } => {
                process.last_number += 1;
                let id = CallId(process.last_number);
                process.creating.insert(id, call);
                if let Some(to) = Place::of(call.node) {
                    around.call(Place::Meta, to, id, Request::CreateReplica(request));
                }
                self.later(around, CREATE_TIMEOUT, MetaEvent::CreateTimeout(id));
            }
            Effect::Propose { node, request } => {
                reach_marks::of_proposal(request.r#type);
                around.note("propose", [node.to_u64(), 0, 0], || {
                    format!(
                        "to {node}: {:?} {} {:?}",
                        request.r#type, request.node, request.config
                    )
                });
                if let Some(to) = Place::of(node) {
                    around.send(Place::Meta, 0, to, Packet::Proposal(request));
                }
            }
            Effect::Alert(alert) => {
                around.note("alert", [0; 3], || alert.to_string());
            }
        }
    }
}

impl Process {
    fn on_packet(
        &mut self,
        now: Now,
        arrival: Arrival,
        out: &mut Vec<Effect>,
        around: &mut Surroundings,
    ) {
        let from = arrival.from;
        match arrival.packet {
            Packet::Call { id, request } => self.on_call(now, from, id, *request, out, around),
            Packet::Answer { id, answer } => {
                if let Response::CreateReplica(answer) = *answer {
                    let outcome = match answer.err {
                        ErrorCode::Ok => Ok(()),
                        err => Err((err, answer.hint_message)),
                    };
                    self.on_created(now, id, outcome, out);
                }
            }
            Packet::Refused { id } => {
                let outcome = Err((ErrorCode::NetworkFailure, String::new()));
                self.on_created(now, id, outcome, out);
            }
            Packet::Hello | Packet::Peer { .. } | Packet::Proposal(_) | Packet::Removed { .. } => {}
        }
    }

    fn on_created(
        &mut self,
        now: Now,
        id: CallId,
        outcome: Result<(), (ErrorCode, String)>,
        out: &mut Vec<Effect>,
    ) {
        if let Some(call) = self.creating.remove(&id) {
            self.core.on_replica_created(now, call, outcome, out);
        }
    }

    fn on_call(
        &mut self,
        now: Now,
        from: Place,
        id: CallId,
        request: Request,
        out: &mut Vec<Effect>,
        around: &mut Surroundings,
    ) {
        let answer = match request {
            Request::Meta(MetaQuestion::Beacon(beacon)) => {
                let ack = self.core.beacon(now, &beacon, out);
                ack.map(|ack| Response::Meta(MetaAnswer::Beacon(ack)))
            }
            Request::Meta(MetaQuestion::ConfigSync(request)) => {
                let answer = self.core.config_sync(now, &request, out);
                Some(Response::Meta(MetaAnswer::ConfigSync(Box::new(answer))))
            }
            Request::Meta(MetaQuestion::Reconfigure(request)) => {
                self.last_number += 1;
                let token = RequestToken(self.last_number);
                self.waiting.insert(token, (from, id));
                around.note("reconfigure", [from.number(), 0, 0], || {
                    format!(
                        "{from} asks {:?} {} {:?}",
                        request.r#type, request.node, request.config
                    )
                });
                self.core.update_configuration(token, &request, out);
                None
            }
            Request::QueryConfiguration => {
                let request = QueryCfgRequest {
                    app_name: TABLE.to_owned(),
                    partition_indices: Vec::new(),
                };
                Some(Response::QueryConfiguration(self.core.query_cfg(&request)))
            }
            Request::CreateReplica(_) | Request::Data { .. } | Request::Fetch { .. } => None,
        };
        if let Some(answer) = answer {
            around.answer(Place::Meta, from, id, answer);
        }
    }
}

/// A recall alone is none: only the table's attributes change.
fn is_another_configuration(one: &PartitionConfiguration, other: &PartitionConfiguration) -> bool {
    one.ballot != other.ballot || !one.has_same_members(other)
}

fn configurations(core: &MetaCore) -> Vec<PartitionConfiguration> {
    let partitions = core.state().tables().flat_map(|table| &table.partitions);
    partitions
        .map(|partition| partition.configuration.clone())
        .collect()
}

/// The store in memory answers at once.
fn ready<T>(answer: impl Future<Output = T>) -> T {
    answer
        .now_or_never()
        .expect("nothing delays the store in memory")
}
