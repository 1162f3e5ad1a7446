//! One run: the cluster is made, faults happen while clients work, everything heals, and then the
//! cluster must be whole and every client's history explained.

use std::time::Duration;

use pegasus_common::Gpid;
use pegasus_history::key_value::{KeyValue, Operation};
use pegasus_history::{Limits, Verdict, check};
use pegasus_pacifica::{ErrorReason, ReplicaStatus, Role};

use crate::checks::{hosted_at, serves};
use crate::disk::Condition;
use crate::disk::storage_model::Health;
use crate::meta_node::MetaEvent;
use crate::packet::Place;
use crate::plan::Plan;
use crate::random::Random;
use crate::server::ServerEvent;
use crate::surroundings::Event;
use crate::trace::Verbosity;
use crate::workload::{Task, Workload};
use crate::world::{WALL_ERROR_US, World};

/// A cluster without faults serves its table after this time.
const BIRTH_MAX: Duration = Duration::from_secs(30);
/// A cluster is whole again this long after the last fault.
pub const HEALING_MAX: Duration = Duration::from_secs(60);
/// How long clients go on working after the last fault.
const AFTERMATH: Duration = Duration::from_secs(2);
/// How long all clients may take to end what they do, with nothing wrong.
const LAST_CALLS_MAX: Duration = Duration::from_secs(20);
/// Many operations without an answer make a history hard to explain; a campaign does not wait for it.
const CHECK_LIMITS: Limits = Limits {
    steps: 40_000,
    configurations: 2_000,
};
const STEP: Duration = Duration::from_millis(100);

/// What a run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Equal for equal runs.
    pub hash: u64,
    /// Steps.
    pub steps: u64,
    /// Simulated time.
    pub simulated: Duration,
    /// Operations that were answered.
    pub operations: u64,
    /// From the last fault until the cluster was whole.
    pub healing: Duration,
    /// Keys whose histories have too many operations without an answer to be explained to the end.
    pub undecided: u64,
}

/// A run under way.
pub struct Run {
    /// The cluster.
    pub world: World,
}

impl Run {
    /// The run of a seed.
    #[must_use]
    pub fn new(seed: u64, verbosity: Verbosity) -> Self {
        let mut random = Random::new(seed);
        let plan = Plan::draw(&mut random).with_administrator(seed);
        Self {
            world: World::new(plan, random, verbosity),
        }
    }

    /// Runs to the end.
    ///
    /// # Panics
    /// Something does not hold.
    pub fn to_end(&mut self) -> Summary {
        self.begin();
        self.suffer();
        let healing = self.heal();
        self.read_everything();
        let undecided = self.check_histories();
        let world = &self.world;
        Summary {
            hash: world.around.trace.hash(),
            steps: world.around.trace.steps(),
            simulated: Duration::from_micros(world.now().0),
            operations: world.clients.iter().map(|client| client.done).sum(),
            healing,
            undecided,
        }
    }

    fn step(&mut self) {
        let until = self.world.now().after(STEP);
        self.world.run_until(until);
    }

    /// Steps until something holds, or time is up; returns how long it took.
    fn wait_until(&mut self, limit: Duration, holds: impl Fn(&World) -> bool) -> Option<Duration> {
        let begin = self.world.now();
        while !holds(&self.world) {
            if self.world.now().since(begin) >= limit {
                return None;
            }
            self.step();
        }
        Some(self.world.now().since(begin))
    }

    fn begin(&mut self) {
        let world = &mut self.world;
        world.meta.start(&mut world.around);
        for index in 0..world.servers.len() {
            world.start_server(index);
        }
        let begin = world.now();
        while !is_whole(&self.world) {
            let is_late = self.world.now().since(begin) > BIRTH_MAX;
            assert!(
                !is_late,
                "liveness: the table is not born: {}",
                why_not_whole(&self.world)
            );
            let world = &mut self.world;
            world.meta.create_table(&mut world.around);
            for _ in 0..5 {
                self.step();
            }
        }
        for index in 0..self.world.clients.len() {
            let event = crate::client::ClientEvent::Next;
            let event = Event::Client { index, event };
            self.world.around.scheduler.after(Duration::ZERO, event);
        }
    }

    fn suffer(&mut self) {
        self.world.faults_happen = true;
        self.world.begin_faults();
        let until = self
            .world
            .now()
            .after(self.world.around.plan.faults.lasting);
        self.world.run_until(until);
    }

    /// Ends all faults. Returns how long it took until the cluster was whole.
    fn heal(&mut self) -> Duration {
        self.end_faults();
        let until = self.world.now().after(AFTERMATH);
        self.world.run_until(until);
        for client in &mut self.world.clients {
            client.stop();
        }
        let are_idle = |world: &World| world.clients.iter().all(crate::client::Client::is_idle);
        let waited = self.wait_until(LAST_CALLS_MAX, are_idle);
        let waited = waited.expect("liveness: a client waits for ever");
        let healed = self.wait_until(HEALING_MAX, is_whole);
        let Some(healed) = healed else {
            panic!(
                "liveness: not whole after {HEALING_MAX:?}: {}",
                why_not_whole(&self.world)
            );
        };
        AFTERMATH + waited + healed
    }

    fn end_faults(&mut self) {
        let world = &mut self.world;
        world.faults_happen = false;
        world.around.network.calm();
        world.around.note("healing", [0; 3], String::new);
        for (from, to) in world.around.network.cuts() {
            world.heal(from, to);
        }
        if world.meta.state().is_none() {
            world.meta.start(&mut world.around);
        }
        let life = world.meta.life();
        let event = MetaEvent::Resume;
        world
            .around
            .scheduler
            .after(Duration::ZERO, Event::Meta { life, event });
        for index in 0..world.servers.len() {
            let has_failed = world.servers[index].disk.condition == Condition::LogBroken
                || has_failed_log(&world.servers[index]);
            if has_failed {
                // As an operator would: where the log has failed, the server is started again.
                world.end_process(index, crate::disk::log_model::CrashKind::Process);
            }
            world.servers[index].disk.condition = Condition::Good;
            world.start_server(index);
            let life = world.servers[index].life();
            world
                .around
                .in_server(index, life, Duration::ZERO, ServerEvent::Resume);
        }
        end_stalls(world);
    }

    /// Every key is read once more, when nothing else happens.
    fn read_everything(&mut self) {
        for hash_key in Workload::hash_keys(&self.world.around.plan.load) {
            let task = Task {
                hash_key,
                operation: Operation::GetAll,
                expires_at_second: 0,
            };
            let World {
                clients,
                history,
                around,
                ..
            } = &mut self.world;
            let before = clients[0].done;
            clients[0].begin(task, history, around);
            let is_done = |world: &World| world.clients[0].is_idle();
            let waited = self.wait_until(LAST_CALLS_MAX, is_done);
            assert!(
                waited.is_some() && self.world.clients[0].done > before,
                "liveness: a read of a whole cluster fails"
            );
        }
    }

    /// Returns how many keys are undecided.
    fn check_histories(&self) -> u64 {
        let mut undecided = 0;
        let model = KeyValue {
            clock_error: Duration::from_micros(u64::from(WALL_ERROR_US)),
        };
        for (key, records) in self.world.history.iter() {
            match check(&model, records, CHECK_LIMITS) {
                Verdict::Linearizable => {}
                Verdict::Undecided { .. } => undecided += 1,
                Verdict::Violation(violation) => {
                    panic!("linearizability: key {key}: {violation}");
                }
            }
        }
        undecided
    }
}

fn has_failed_log(server: &crate::server::Server) -> bool {
    let process = server.process.iter();
    let mut hosted = process.flat_map(|process| process.hosted.values());
    hosted.any(|hosted| *hosted.machine().role() == Role::Error(ErrorReason::LogFailed))
}

fn end_stalls(world: &World) {
    let processes = world
        .servers
        .iter()
        .filter_map(|server| server.process.as_ref());
    for hosted in processes.flat_map(|process| process.hosted.values()) {
        // What is broken stays so: the server opens it again when it notices.
        if hosted.storage.health() == Health::Stalled {
            hosted.storage.set_health(Health::Good);
        }
    }
}

/// Whether every partition has all its members, who have the same, and serves.
fn is_whole(world: &World) -> bool {
    why_not_whole(world).is_empty()
}

/// What is missing; nothing if all is well.
fn why_not_whole(world: &World) -> String {
    let Some(state) = world.meta.state() else {
        return "no meta server".to_owned();
    };
    let Some(table) = state.available_tables().next() else {
        return "no table is in service".to_owned();
    };
    let lacks = table.partitions.iter().filter_map(|partition| {
        let gpid = partition.configuration.pid;
        let lack = lack_of(world, gpid)?;
        Some(format!("{gpid}: {lack} {:?}", partition.configuration))
    });
    lacks.collect::<Vec<_>>().join("; ")
}

fn lack_of(world: &World, gpid: Gpid) -> Option<String> {
    let configuration = world.meta.configuration(gpid)?;
    let wanted = usize::try_from(world.around.plan.replica_count).unwrap_or(0);
    let members: Vec<_> = configuration.members().filter_map(Place::of).collect();
    if members.len() != wanted {
        return Some(format!("{} of {wanted} members", members.len()));
    }
    let newest = world.around.checks.newest_chosen(gpid);
    for member in members {
        let Place::Server(index) = member else {
            return Some("a member that is no server".to_owned());
        };
        let server = &world.servers[index];
        let Some(hosted) = hosted_at(server, gpid) else {
            return Some(format!("{member} has no replica"));
        };
        let machine = hosted.machine();
        let is_primary = configuration.primary == Some(member.address());
        let role = if is_primary {
            ReplicaStatus::Primary
        } else {
            ReplicaStatus::Secondary
        };
        if machine.status() != role || machine.ballot() != configuration.ballot {
            let (is, ballot) = (machine.role(), machine.ballot());
            return Some(format!("{member} is {is:?} @{ballot}"));
        }
        // A secondary keeps what an older primary proposed in vain until something takes its place.
        let is_prepared =
            machine.prepared() == newest || !is_primary && machine.prepared() > newest;
        if machine.committed() != newest || !is_prepared {
            return Some(format!(
                "{member} has {}/{} of {newest}",
                machine.committed(),
                machine.prepared()
            ));
        }
        if is_primary && !serves(server, gpid, world.now()) {
            return Some(format!("{member} does not serve"));
        }
    }
    None
}
