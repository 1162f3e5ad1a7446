//! A replica server: the real state machines (`HostedReplica`, `Stub`, and below them `pacifica` and
//! the evaluation of writes), driven as the server's shards and control thread drive them, on a model
//! of a disk.

mod calls;
mod construction;
mod control;
mod data;
mod disk_work;
mod failed_replicas;
mod learning;
mod links;
mod recovery;
mod replicas;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use pegasus_common::Gpid;
use pegasus_common::clock::{MonotonicMillis, WallMicros};
use pegasus_pacifica::{Effects, Lease as LeaseView, Replica};
use pegasus_replica::HostedReplica;
use pegasus_replica::lease::Lease;
use pegasus_replica::stub::{self, Stub, StubEffect};

use self::calls::OwnCall;
use self::data::{Asked, Outbox};
use self::learning::Teaching;
use self::links::LinkStates;
use crate::disk::Disk;
use crate::disk::log_model::{CrashKind, Writer};
use crate::disk::storage_model::{ModelStorage, Snapshot};
use crate::network::Arrival;
use crate::packet::{CallId, Packet, Place};
use crate::surroundings::{Life, Surroundings};
use crate::time::{MachineClock, SimTime};

pub use self::learning::LearningEvent;
pub use self::links::Loss;

/// Between two looks at idle groups, leases and stalled storages.
const TICK: Duration = Duration::from_millis(100);
/// Between two group checks.
const GROUP_CHECK: Duration = Duration::from_millis(2_000);
/// Between two repetitions of requests to the meta server.
const REPEAT_REQUESTS: Duration = Duration::from_secs(1);
/// Between two looks at the progress of peers.
const PROGRESS: Duration = Duration::from_millis(500);

/// Something in a server.
#[derive(Debug)]
pub enum ServerEvent {
    /// A message has come.
    Packet(Box<Arrival>),
    /// The own link to another server is made (again).
    LinkMade(Place),
    /// The own link to another server is broken, or cannot be made.
    LinkLost(Place, Loss),
    /// The data directories are read in.
    Loaded,
    /// The regular look at everything.
    Tick,
    /// The turn of the event loop ends.
    TurnEnd,
    /// The log has written what it was given.
    LogWritten,
    /// Some replica's storage should be flushed.
    StorageFlushDue,
    /// A replica's storage is flushed.
    StorageFlushed {
        /// Which partition.
        gpid: Gpid,
        /// Which life of the replica.
        instance: u64,
        /// What is on disk now.
        snapshot: Snapshot,
    },
    /// The stub wanted to be called.
    StubTimer,
    /// A call of the stub was not answered in time.
    StubTimeout(stub::CallId),
    /// All shards have said what they have.
    Gathered,
    /// A replica whose storage has failed is to be opened again.
    Reopen(Writer),
    /// Of learning and teaching.
    Learning(LearningEvent),
    /// An administrator stops the server.
    Terminate,
    /// The process goes on after it stood still.
    Resume,
}

/// One replica on a server.
pub struct Hosted {
    /// The replica.
    pub replica: HostedReplica<ModelStorage>,
    /// Its storage.
    pub storage: Arc<ModelStorage>,
    /// Tells it from earlier replicas of the same partition.
    pub instance: u64,
}

impl Hosted {
    /// The state machine.
    #[must_use]
    pub fn machine(&self) -> &Replica {
        &self.replica.machine
    }
}

/// A machine with a server on it.
pub struct Server {
    /// Its number.
    pub index: usize,
    /// Its clocks.
    pub clock: MachineClock,
    /// Its disk.
    pub disk: Disk,
    /// The process, if it runs.
    pub process: Option<Process>,
    life: Life,
    /// What came while the process stood still; `None`: it runs, or is not there.
    backlog: Option<Vec<ServerEvent>>,
    last_start_time: i64,
}

/// A process.
pub struct Process {
    /// The server's lease.
    pub lease: Arc<Lease>,
    /// Its replicas.
    pub hosted: BTreeMap<Gpid, Hosted>,
    stub: Stub,
    stub_timer: Option<MonotonicMillis>,
    stub_calls: BTreeSet<stub::CallId>,
    has_loaded: bool,
    has_left: bool,
    lease_seen: LeaseView,
    outbox: Outbox,
    asked: BTreeMap<i32, Asked>,
    last_seqid: i32,
    last_instance: u64,
    effects: Effects,
    /// Replicas with staged writes, to be proposed at the end of the turn.
    staged: Vec<Gpid>,
    backlog: BTreeSet<Gpid>,
    ends_turn: bool,
    links: LinkStates,
    teaching: Teaching,
    /// Replicas whose storage has failed and which are going to be opened again.
    reopening: BTreeSet<Gpid>,
    checked: MonotonicMillis,
    repeated: MonotonicMillis,
    looked: MonotonicMillis,
    /// Partitions in which something happened during this event.
    touched: BTreeSet<Gpid>,
}

/// A running process with everything that it can reach, during one event.
struct Turn<'a> {
    index: usize,
    life: Life,
    clock: MachineClock,
    disk: &'a mut Disk,
    process: &'a mut Process,
    around: &'a mut Surroundings,
}

impl Server {
    /// A machine with an empty disk, on which no process runs yet.
    #[must_use]
    pub fn new(index: usize, clock: MachineClock, disk: Disk) -> Self {
        Self {
            index,
            clock,
            disk,
            process: None,
            life: 0,
            backlog: None,
            last_start_time: 0,
        }
    }

    /// Where it is.
    #[must_use]
    pub fn place(&self) -> Place {
        Place::Server(self.index)
    }

    /// The life of its process.
    #[must_use]
    pub fn life(&self) -> Life {
        self.life
    }

    /// Whether a process runs and does not stand still.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.process.is_some() && self.backlog.is_none()
    }

    /// Whether its process stands still.
    #[must_use]
    pub fn hangs(&self) -> bool {
        self.backlog.is_some()
    }

    /// What its monotonic clock shows.
    #[must_use]
    pub fn monotonic(&self, now: SimTime) -> MonotonicMillis {
        self.clock.monotonic(now)
    }

    /// Starts the process: it holds its data directory, sends beacons, and reads the directory in.
    pub fn start(&mut self, around: &mut Surroundings) {
        debug_assert!(self.process.is_none(), "one process at a time");
        self.life += 1;
        let now = self.clock.monotonic(around.now());
        let wall = self.clock.wall(around.now()).to_unix_millis();
        self.last_start_time = wall.max(self.last_start_time + 1);
        let process = Process::new(self.index, self.last_start_time, now, &around.plan);
        self.process = Some(process);
        let life = u64::from(self.life);
        around.note("start", [self.place().number(), life, 0], || {
            format!("server{}", self.index)
        });
        self.turn(around, |turn| turn.begin());
    }

    /// The process ends at once. Returns whether there was one.
    pub fn crash(&mut self, kind: CrashKind, around: &mut Surroundings) -> bool {
        self.backlog = None;
        self.life += 1;
        let Some(process) = self.process.take() else {
            return false;
        };
        drop(process);
        self.disk.crash(kind, &mut around.random);
        around.note("crash", [self.place().number(), 0, 0], || {
            format!("server{} {kind:?}", self.index)
        });
        true
    }

    /// The process stands still.
    pub fn hang(&mut self, around: &mut Surroundings) {
        if self.is_up() {
            self.backlog = Some(Vec::new());
            around.note("hang", [self.place().number(), 0, 0], || {
                format!("server{}", self.index)
            });
        }
    }

    /// Something happens. Returns the partitions in which something may have changed.
    pub fn on_event(
        &mut self,
        life: Life,
        event: ServerEvent,
        around: &mut Surroundings,
    ) -> BTreeSet<Gpid> {
        if life != self.life || self.process.is_none() {
            return BTreeSet::new();
        }
        if matches!(event, ServerEvent::Resume) {
            around.note("resume", [self.place().number(), 0, 0], || {
                format!("server{}", self.index)
            });
            let mut touched = BTreeSet::new();
            for event in self.backlog.take().unwrap_or_default() {
                touched.append(&mut self.handle(event, around));
            }
            return touched;
        }
        if let Some(backlog) = &mut self.backlog {
            backlog.push(event);
            return BTreeSet::new();
        }
        self.handle(event, around)
    }

    fn handle(&mut self, event: ServerEvent, around: &mut Surroundings) -> BTreeSet<Gpid> {
        let touched = self.turn(around, |turn| turn.on_event(event));
        if self
            .process
            .as_ref()
            .is_some_and(|process| process.has_left)
        {
            self.crash(CrashKind::Process, around);
        }
        touched
    }

    fn turn(
        &mut self,
        around: &mut Surroundings,
        act: impl FnOnce(&mut Turn<'_>),
    ) -> BTreeSet<Gpid> {
        let Some(process) = &mut self.process else {
            return BTreeSet::new();
        };
        let mut turn = Turn {
            index: self.index,
            life: self.life,
            clock: self.clock,
            disk: &mut self.disk,
            process,
            around,
        };
        act(&mut turn);
        turn.send_answers();
        turn.arm_stub_timer();
        std::mem::take(&mut turn.process.touched)
    }
}

impl Turn<'_> {
    fn place(&self) -> Place {
        Place::Server(self.index)
    }

    fn now(&self) -> MonotonicMillis {
        self.clock.monotonic(self.around.now())
    }

    fn wall(&self) -> WallMicros {
        self.clock.wall(self.around.now())
    }

    /// Lets something happen in this process after a while by its own clock.
    fn later(&mut self, delay: Duration, event: ServerEvent) {
        let delay = self.clock.true_duration(delay);
        self.around.in_server(self.index, self.life, delay, event);
    }

    fn begin(&mut self) {
        let load = self
            .around
            .random
            .duration(Duration::from_millis(1), Duration::from_millis(400));
        self.later(load, ServerEvent::Loaded);
        let first_tick = self.around.random.duration(Duration::from_millis(1), TICK);
        self.later(first_tick, ServerEvent::Tick);
        self.schedule_storage_flush();
        self.on_stub_timer();
    }

    fn on_event(&mut self, event: ServerEvent) {
        match event {
            ServerEvent::Packet(arrival) => self.on_packet(*arrival),
            ServerEvent::LinkMade(peer) => self.on_link_made(peer),
            ServerEvent::LinkLost(peer, loss) => self.on_link_lost(peer, loss),
            ServerEvent::Loaded => self.load(),
            ServerEvent::Tick => self.tick(),
            ServerEvent::TurnEnd => self.end_turn(),
            ServerEvent::LogWritten => self.on_log_written(),
            ServerEvent::StorageFlushDue => self.flush_some_storage(),
            ServerEvent::StorageFlushed {
                gpid,
                instance,
                snapshot,
            } => self.on_storage_flushed(gpid, instance, snapshot),
            ServerEvent::StubTimer => {
                self.process.stub_timer = None;
                self.on_stub_timer();
            }
            ServerEvent::StubTimeout(id) => self.on_stub_failure(id, stub::CallFailure::NoAnswer),
            ServerEvent::Gathered => self.report_replicas(),
            ServerEvent::Reopen(writer) => self.reopen(writer),
            ServerEvent::Learning(event) => self.on_learning(event),
            ServerEvent::Terminate => self.stub(|stub, now, out| stub.leave(now, out)),
            ServerEvent::Resume => {}
        }
    }

    fn tick(&mut self) {
        self.later(TICK, ServerEvent::Tick);
        self.check_lease();
        self.retry_backlog();
        self.with_each_replica(|replica, _, effects| {
            if replica.machine.wants_group_check() {
                replica.machine.on_group_check_timer(effects);
            }
        });
        let now = self.now();
        if now.since(self.process.checked) >= GROUP_CHECK {
            self.process.checked = now;
            self.with_each_replica(|replica, _, effects| {
                replica.machine.on_group_check_timer(effects);
            });
        }
        if now.since(self.process.repeated) >= REPEAT_REQUESTS {
            self.process.repeated = now;
            self.with_each_replica(|replica, _, effects| {
                replica.machine.on_reconfiguration_timer(effects);
            });
        }
        if now.since(self.process.looked) >= PROGRESS {
            self.process.looked = now;
            self.look_at_progress();
        }
    }

    fn on_packet(&mut self, arrival: Arrival) {
        let Arrival { from, packet, .. } = arrival;
        match packet {
            Packet::Hello => self.on_hello(from),
            Packet::Peer { gpid, message } => self.on_peer_message(from, gpid, message),
            Packet::Call { id, request } => self.on_call(from, id, *request),
            Packet::Answer { id, answer } => self.on_answer(id, *answer),
            Packet::Refused { id } => self.on_refused(id),
            Packet::Proposal(proposal) => self.on_proposal(&proposal),
            Packet::Removed { .. } => self.stub(|stub, now, out| stub.on_removed(now, out)),
        }
    }

    fn on_refused(&mut self, id: CallId) {
        match self.own_call(id) {
            Some(OwnCall::Fetch) => self.on_fetch_failed(id),
            Some(OwnCall::Stub(id)) => self.on_stub_failure(id, stub::CallFailure::NotReached),
            None => {}
        }
    }
}

/// Effects of the stub, as the driver takes them.
type StubEffects = Vec<StubEffect>;
