//! Which fault comes when: drawn from the seed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use pegasus_common::RpcAddress;
use pegasus_history::Moment;
use rand::rngs::SmallRng;
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use rand::{Rng as _, SeedableRng as _};

use super::cluster::ChaosCluster;
use super::fault::{Fault, FaultKind};
use super::load::{Load, PROBED_TABLE};
use super::observer::Observer;
use super::probes::Gap;
use crate::error::CliError;
use crate::onebox::layout::{NodeName, NodeRole};
use crate::terminal::complain;

/// How often a second fault comes while the first lasts.
const SECOND_FAULT: f64 = 0.2;
/// How often the next fault does not wait until the cluster is whole.
const HASTE: f64 = 0.15;
/// How long the next fault waits for a whole cluster.
const HEALING_LIMIT: Duration = Duration::from_secs(60);
/// How long after a fault the probing writers are looked at, and longer until all were served.
const GAP_WINDOW: Duration = Duration::from_secs(4);
const GAP_LIMIT: Duration = Duration::from_secs(60);
/// How long the meta servers may take to have another leader.
const LEADER_LIMIT: Duration = Duration::from_secs(30);
/// A quiet time after each healing.
const PAUSE_MS: std::ops::Range<u64> = 300..2_000;
/// A partition that has taken a write since is served.
const RECENTLY: Duration = Duration::from_millis(300);
const LOOK_PAUSE: Duration = Duration::from_millis(20);

/// What a run is made of.
#[derive(Debug)]
pub struct Schedule {
    /// Kinds to draw from; not empty.
    pub kinds: Vec<FaultKind>,
    /// When the last fault begins.
    pub until: Instant,
    /// Set to end early.
    pub interrupted: Arc<AtomicBool>,
}

/// What happened.
#[derive(Debug, Default)]
pub struct Events {
    /// How many faults of each kind.
    pub faults: BTreeMap<FaultKind, u64>,
    /// The longest time without a successful write in the partitions that a fault's victim was the
    /// primary of. Only of faults that came alone into a whole cluster.
    pub write_gaps: BTreeMap<FaultKind, Vec<Duration>>,
    /// What must not be.
    pub problems: Vec<String>,
    /// How long there was no leading meta server after the one before was lost.
    pub leader_gaps: Vec<Duration>,
    /// How long after a fault's end the cluster was whole again.
    pub healings: Vec<Duration>,
}

impl Events {
    fn note_gap(&mut self, kind: FaultKind, gap: Option<Gap>) {
        let Some(gap) = gap else { return };
        complain(&format!(
            "  longest write gap {} ms, of partition {} since {}",
            gap.length.as_millis(),
            gap.partition,
            gap.since
        ));
        self.write_gaps.entry(kind).or_default().push(gap.length);
    }
}

/// Carries a schedule out.
#[derive(Debug)]
pub struct Injector<'a> {
    cluster: &'a mut ChaosCluster,
    observer: &'a Observer,
    load: &'a Load,
    random: SmallRng,
    /// The kinds that have not come yet in this round: each comes once before any comes again.
    round: Vec<FaultKind>,
    events: Events,
}

impl<'a> Injector<'a> {
    /// Nothing has happened. All choices come from the seed.
    pub fn new(
        cluster: &'a mut ChaosCluster,
        observer: &'a Observer,
        load: &'a Load,
        seed: u64,
    ) -> Self {
        Self {
            cluster,
            observer,
            load,
            random: SmallRng::seed_from_u64(seed),
            round: Vec::new(),
            events: Events::default(),
        }
    }

    /// One fault after the other.
    pub fn run(mut self, schedule: &Schedule) -> Result<Events, CliError> {
        let load = self.load;
        let ends = || {
            Instant::now() >= schedule.until
                || schedule.interrupted.load(Ordering::Relaxed)
                || load.has_failed()
        };
        while !ends() {
            let is_whole = self.is_whole();
            let Some(kind) = self.draw(&schedule.kinds, is_whole) else {
                std::thread::sleep(LOOK_PAUSE);
                continue;
            };
            self.one_fault(kind, &schedule.kinds, is_whole)?;
            if !self.random.random_bool(HASTE) {
                match self.observer.wait_until_healthy(HEALING_LIMIT) {
                    Ok(healing) => self.events.healings.push(healing),
                    Err(problem) => complain(&format!("not whole again in time: {problem}")),
                }
            }
            let pause = self.random.random_range(PAUSE_MS);
            std::thread::sleep(Duration::from_millis(pause));
        }
        Ok(self.events)
    }

    /// Whether all members are there and all partitions are served.
    fn is_whole(&self) -> bool {
        let recently = self.load.workload.now().before(RECENTLY);
        let probes = &self.load.probes;
        probes.have_all_since(&probes.partitions(), recently) && self.observer.is_healthy()
    }

    /// The next kind of the round that is possible now.
    fn draw(&mut self, kinds: &[FaultKind], is_whole: bool) -> Option<FaultKind> {
        if self.round.is_empty() {
            self.round = kinds.to_vec();
            self.round.shuffle(&mut self.random);
        }
        let is_possible = |kind: &FaultKind| is_whole || !kind.needs_health();
        let place = self.round.iter().position(is_possible)?;
        Some(self.round.remove(place))
    }

    /// Any kind that can join another one.
    fn draw_second(&mut self, kinds: &[FaultKind]) -> Option<FaultKind> {
        let can_join = |kind: &FaultKind| !kind.needs_health() && *kind != FaultKind::All;
        let possible: Vec<FaultKind> = kinds.iter().copied().filter(can_join).collect();
        possible.choose(&mut self.random).copied()
    }

    fn one_fault(
        &mut self,
        kind: FaultKind,
        kinds: &[FaultKind],
        was_whole: bool,
    ) -> Result<(), CliError> {
        let primaries = self.observer.primaries(PROBED_TABLE);
        let drawn = self.draw_victim(&primaries);
        let victim = self.victim_of(kind, drawn);
        let (began, began_at) = (self.load.workload.now(), Instant::now());
        let fault = Fault::begin(kind, victim, self.cluster, &mut self.random)?;
        *self.events.faults.entry(kind).or_default() += 1;
        let affected = self.partitions_of(&fault, &primaries);
        complain(&format!("{began} {}", fault.description()));
        if kind == FaultKind::Leader {
            self.wait_for_other_leader(victim, began_at);
        }
        let duration = kind.duration(&mut self.random);
        let mut is_alone = true;
        if kind != FaultKind::All && self.random.random_bool(SECOND_FAULT) {
            std::thread::sleep(duration / 2);
            is_alone = !self.second_fault(kinds, victim)?;
            std::thread::sleep(duration / 2);
        } else {
            std::thread::sleep(duration);
        }
        fault.end(self.cluster)?;
        complain(&format!("{} healed", self.load.workload.now()));
        if was_whole && is_alone && !affected.is_empty() {
            let gap = self.write_gap(&affected, began);
            self.events.note_gap(kind, gap);
        }
        Ok(())
    }

    /// Another fault of another server; healed with the first. Data is destroyed on one server at a
    /// time only.
    fn second_fault(&mut self, kinds: &[FaultKind], first: NodeName) -> Result<bool, CliError> {
        let mut others = self.cluster.names(NodeRole::Replica);
        others.retain(|&other| other != first);
        let Some(&victim) = others.choose(&mut self.random) else {
            return Ok(false);
        };
        let Some(second) = self.draw_second(kinds) else {
            return Ok(false);
        };
        let victim = self.victim_of(second, victim);
        let fault = Fault::begin(second, victim, self.cluster, &mut self.random)?;
        *self.events.faults.entry(second).or_default() += 1;
        complain(&format!(
            "{} and {}",
            self.load.workload.now(),
            fault.description()
        ));
        Ok(true)
    }

    /// Whom a kind of fault befalls, if a replica server was drawn.
    fn victim_of(&self, kind: FaultKind, drawn: NodeName) -> NodeName {
        if kind != FaultKind::Leader {
            return drawn;
        }
        let leader = self.observer.leader(&self.cluster.meta_addresses());
        let leader = leader.and_then(|leader| self.cluster.server_at(leader));
        // While nobody leads any of them may be about to.
        let any = || self.cluster.names(NodeRole::Meta).first().copied();
        leader.or_else(any).unwrap_or(drawn)
    }

    /// The leading meta server is gone since `since`.
    fn wait_for_other_leader(&mut self, lost: NodeName, since: Instant) {
        let mut others = self.cluster.meta_addresses();
        others.retain(|&meta| self.cluster.server_at(meta) != Some(lost));
        if self.observer.wait_for_leader(&others, LEADER_LIMIT) {
            let gap = since.elapsed();
            complain(&format!("  another leader after {} ms", gap.as_millis()));
            self.events.leader_gaps.push(gap);
        } else {
            let problem = format!("no meta server led for {LEADER_LIMIT:?} after {lost} was lost");
            complain(&format!("  {problem}"));
            self.events.problems.push(problem);
        }
    }

    /// Mostly the primary of a probed partition.
    fn draw_victim(&mut self, primaries: &[Option<RpcAddress>]) -> NodeName {
        let primary = primaries.choose(&mut self.random).copied().flatten();
        let server = primary.and_then(|primary| self.cluster.server_at(primary));
        server.unwrap_or_else(|| {
            let servers = self.cluster.names(NodeRole::Replica);
            let number = self.random.random_range(0..servers.len());
            servers[number]
        })
    }

    /// The probed partitions that the fault's victim was the primary of.
    fn partitions_of(&self, fault: &Fault, primaries: &[Option<RpcAddress>]) -> Vec<usize> {
        let Some(victim) = fault.victim() else {
            return (0..primaries.len()).collect();
        };
        let places = primaries.iter().enumerate().filter(|(_, primary)| {
            primary.and_then(|primary| self.cluster.server_at(primary)) == Some(victim)
        });
        places.map(|(place, _)| place).collect()
    }

    fn write_gap(&self, affected: &[usize], began: Moment) -> Option<Gap> {
        let started = Instant::now();
        let until = began.after(GAP_WINDOW).max(self.load.workload.now());
        while !self.load.probes.have_all_since(affected, until) && started.elapsed() < GAP_LIMIT {
            std::thread::sleep(LOOK_PAUSE);
        }
        let until = match self.load.probes.have_all_since(affected, until) {
            true => until,
            false => self.load.workload.now(),
        };
        self.load.probes.longest_gap(affected, began, until)
    }
}
