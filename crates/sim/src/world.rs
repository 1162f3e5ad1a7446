//! All processes of a run and what is between them; each event goes to whom it concerns.

use std::collections::BTreeSet;
use std::time::Duration;

use pegasus_common::Gpid;
use pegasus_history::Histories;

use crate::checks::Checks;
use crate::client::{Client, History};
use crate::disk::Disk;
use crate::disk::log_model::CrashKind;
use crate::meta_node::MetaNode;
use crate::meta_options::options_of;
use crate::network::{Arrival, Network};
use crate::packet::{Packet, Place};
use crate::plan::Plan;
use crate::random::Random;
use crate::server::{Loss, Server, ServerEvent};
use crate::surroundings::{Event, Surroundings};
use crate::time::{MachineClock, SimTime};
use crate::trace::{Trace, Verbosity};
use crate::workload::Workload;

/// How long it takes until a connection to a process that has died is known to be broken.
const RESET_MAX: Duration = Duration::from_millis(50);
/// The same where the machine is gone as well.
const SILENCE_MAX: Duration = Duration::from_secs(5);
/// No run has so many events, unless some go round in a circle.
const EVENTS_MAX: u64 = 2_000_000;
/// The largest error of a wall clock.
pub const WALL_ERROR_US: u32 = 200_000;

/// A cluster with its clients.
pub struct World {
    /// The servers.
    pub servers: Vec<Server>,
    /// The meta server.
    pub meta: MetaNode,
    /// The clients.
    pub clients: Vec<Client>,
    /// What the clients have seen.
    pub history: History,
    /// Everything else.
    pub around: Surroundings,
    /// Whether new faults happen.
    pub(crate) faults_happen: bool,
    /// A dropped table stays so until then.
    pub(crate) recall_not_before: SimTime,
    /// Machines without power answer nothing.
    powerless: BTreeSet<usize>,
    events: u64,
}

impl World {
    /// The cluster of a plan; nothing runs yet.
    #[must_use]
    pub fn new(plan: Plan, mut random: Random, verbosity: Verbosity) -> Self {
        let clock = |random: &mut Random| MachineClock {
            offset_us: random.between(1_000_000, 1_000_000_000),
            drift_ppm: random.around_zero(plan.drift_ppm_max),
            wall_error_us: random.around_zero(WALL_ERROR_US),
        };
        let meta = MetaNode::new(clock(&mut random), options_of(&plan));
        let servers = (0..plan.servers)
            .map(|index| Server::new(index, clock(&mut random), Disk::new(plan.durability)))
            .collect();
        let clients = (0..plan.load.clients)
            .map(|index| {
                let workload = Workload::new(plan.load, index as u64, random.fork());
                Client::new(index, workload, random.fork())
            })
            .collect();
        Self {
            servers,
            meta,
            clients,
            history: Histories::new(),
            around: Surroundings {
                scheduler: crate::scheduler::Scheduler::new(),
                network: Network::new(plan.network, random.fork()),
                random: random.fork(),
                trace: Trace::new(verbosity),
                checks: Checks::default(),
                plan,
            },
            faults_happen: false,
            recall_not_before: SimTime(0),
            powerless: BTreeSet::new(),
            events: 0,
        }
    }

    /// True time.
    #[must_use]
    pub fn now(&self) -> SimTime {
        self.around.now()
    }

    /// Lets everything happen through a time.
    pub fn run_until(&mut self, limit: SimTime) {
        while let Some(event) = self.around.scheduler.next(limit) {
            self.events += 1;
            assert!(self.events < EVENTS_MAX, "liveness: events without end");
            self.handle(event);
        }
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Arrival(arrival) => self.on_arrival(*arrival),
            Event::Connect { from, life, to } => self.connect(from, life, to),
            Event::Server { index, life, event } => self.in_server(index, life, event),
            Event::Meta { life, event } => self.meta.on_event(life, event, &mut self.around),
            Event::Client { index, event } => {
                self.clients[index].on_event(event, &mut self.history, &mut self.around);
            }
            Event::Fault(fault) => self.on_fault(fault),
        }
    }

    fn in_server(&mut self, index: usize, life: u32, event: ServerEvent) {
        let was_there = self.servers[index].process.is_some();
        let touched = self.servers[index].on_event(life, event, &mut self.around);
        self.check(index, &touched);
        if was_there && self.servers[index].process.is_none() {
            // It has said goodbye and gone.
            self.bury(index, RESET_MAX);
            self.start_later(index);
        }
    }

    fn check(&mut self, index: usize, touched: &BTreeSet<Gpid>) {
        let now = self.now();
        for &gpid in touched {
            let (servers, meta) = (&self.servers, &self.meta);
            self.around
                .checks
                .after_event(now, index, gpid, servers, meta);
        }
    }

    fn on_arrival(&mut self, arrival: Arrival) {
        if !self.around.network.arrives(&arrival) {
            return;
        }
        match arrival.to {
            Place::Meta => self.meta.on_arrival(arrival, &mut self.around),
            Place::Client(index) => {
                let client = &mut self.clients[index];
                client.on_packet(arrival.packet, &mut self.history, &mut self.around);
            }
            Place::Server(index) if self.servers[index].process.is_some() => {
                let life = self.servers[index].life();
                let event = ServerEvent::Packet(Box::new(arrival));
                self.in_server(index, life, event);
            }
            Place::Server(index) => {
                if let Packet::Call { id, .. } = arrival.packet
                    && !self.powerless.contains(&index)
                {
                    let refused = Packet::Refused { id };
                    self.around.send(arrival.to, 0, arrival.from, refused);
                }
            }
        }
    }

    /// A server tries to make its link to another one.
    fn connect(&mut self, from: usize, life: u32, to: Place) {
        let (place, now) = (Place::Server(from), self.now());
        let is_present = self.servers[from].life() == life && self.servers[from].process.is_some();
        let Place::Server(other) = to else {
            return;
        };
        if !is_present || self.around.network.is_up(place, to) {
            return;
        }
        let is_there = self.servers[other].process.is_some();
        let (retry, event) = if !is_there && !self.powerless.contains(&other) {
            let retry = self.around.network.retry_at(now);
            (Some(retry), ServerEvent::LinkLost(to, Loss::Refused))
        } else if !is_there {
            let retry = self.around.network.retry_at(now);
            (Some(retry), ServerEvent::LinkLost(to, Loss::Broken))
        } else {
            match self.around.network.connect(now, place, to) {
                Some(retry) => (Some(retry), ServerEvent::LinkLost(to, Loss::Broken)),
                None => (None, ServerEvent::LinkMade(to)),
            }
        };
        if let Some(at) = retry {
            self.around
                .scheduler
                .at(at, Event::Connect { from, life, to });
        }
        self.in_server(from, life, event);
    }

    pub(crate) fn give_up_connection(&mut self, from: usize, to: Place) {
        let (place, now) = (Place::Server(from), self.now());
        if !self.around.network.is_cut(place, to) {
            return;
        }
        if let Some(at) = self.around.network.break_link(now, place, to) {
            let life = self.servers[from].life();
            self.around
                .scheduler
                .at(at, Event::Connect { from, life, to });
            self.in_server(from, life, ServerEvent::LinkLost(to, Loss::Broken));
        }
    }

    pub(crate) fn heal(&mut self, from: Place, to: Place) {
        let now = self.now();
        if let crate::network::Sent::Arrives(arrivals) = self.around.network.heal(now, from, to) {
            self.around.deliver(arrivals);
        }
    }

    pub(crate) fn start_server(&mut self, index: usize) {
        if self.servers[index].process.is_none() {
            self.powerless.remove(&index);
            self.servers[index].start(&mut self.around);
        }
    }

    /// Ends a server's process, if there is one.
    pub(crate) fn end_process(&mut self, index: usize, kind: CrashKind) -> bool {
        if !self.servers[index].crash(kind, &mut self.around) {
            return false;
        }
        if kind == CrashKind::PowerLoss {
            self.powerless.insert(index);
        }
        let notice = match kind {
            CrashKind::Process => RESET_MAX,
            CrashKind::PowerLoss => SILENCE_MAX,
        };
        self.bury(index, notice);
        true
    }

    /// The connections of a process that has ended are gone; the other ends notice.
    fn bury(&mut self, index: usize, notice: Duration) {
        let place = Place::Server(index);
        for from in self.around.network.end_process(place) {
            let Place::Server(owner) = from else {
                continue;
            };
            let delay = self
                .around
                .random
                .duration(Duration::from_micros(50), notice);
            let life = self.servers[owner].life();
            let lost = ServerEvent::LinkLost(place, Loss::Broken);
            self.around.in_server(owner, life, delay, lost);
            let connect = Event::Connect {
                from: owner,
                life,
                to: place,
            };
            self.around.scheduler.after(delay, connect);
        }
    }
}
