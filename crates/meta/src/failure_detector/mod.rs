//! Which replica servers live (meta-server.md section 11), the meta side.
//!
//! A server lives while its last beacon is not older than the grace period, counted from the
//! beacon's *receipt* on this machine's monotonic clock. The server counts its shorter lease from
//! the *sending*, so it has stopped serving before it is declared dead here (design invariant I4);
//! two clocks may run 5 % apart. Only proof ends a lease earlier: the server's own goodbye, or the
//! beacon of a new process of it, which holds the lock of the data directories.
//!
//! A leader that was deposed may believe for a moment, the *overlap*, that it still leads, and extend
//! leases. So its successor declares nobody dead for silence before one overlap and one grace after
//! its reign began.
//!
//! Time in which this meta server itself did not run is nobody's fault: it is added to everybody's
//! grace before anybody is judged.

mod beacon;
mod restarts;
mod worker;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pegasus_common::clock::MonotonicMillis;
use pegasus_common::{Room, RpcAddress, reach};

pub use beacon::{Beacon, BeaconOutcome, DeathCause, LivenessEvent, Phase, RefusalReason};
pub use restarts::RestartRule;
use restarts::StartHistory;
use worker::{Service, Worker};

use crate::planted::PlantedBug;

/// Servers that are remembered; beacons of further ones are refused.
const NODES_MAX: usize = 4_096;
/// A tick that comes so much later than due shows that this server did not run.
const LATENESS_MAX: Duration = Duration::from_millis(100);

/// Settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureDetectorOptions {
    /// How long a server counts as living after its beacon arrived; longer than every lease.
    pub grace: Duration,
    /// How long, at most, an earlier leader goes on extending leases after this reign began.
    pub overlap: Duration,
    /// How often [`FailureDetector::on_tick`] is called when this server runs freely.
    pub tick: Duration,
    /// When a server restarts too often.
    pub restarts: RestartRule,
    /// If given, only these servers and those that are members already may take part.
    pub allow_list: Option<BTreeSet<RpcAddress>>,
}

impl Default for FailureDetectorOptions {
    fn default() -> Self {
        Self {
            grace: Duration::from_millis(2_400),
            overlap: Duration::ZERO,
            tick: Duration::from_millis(50),
            restarts: RestartRule::default(),
            allow_list: None,
        }
    }
}

impl FailureDetectorOptions {
    /// Whether a server with this lease has surely stopped serving when its grace is over, even
    /// if its clock runs 5 % slower than the one here.
    #[must_use]
    pub fn fits(&self, lease: Duration) -> bool {
        lease.as_millis() * 100 <= self.grace.as_millis() * 95
    }
}

/// Judges the servers by their beacons.
#[derive(Clone, Debug)]
pub struct FailureDetector {
    options: FailureDetectorOptions,
    workers: BTreeMap<RpcAddress, Worker>,
    began: MonotonicMillis,
    last_tick: MonotonicMillis,
    /// The latest time that was heard of.
    latest: MonotonicMillis,
}

impl FailureDetector {
    /// Knows nobody.
    #[must_use]
    pub const fn new(options: FailureDetectorOptions, now: MonotonicMillis) -> Self {
        Self {
            options,
            workers: BTreeMap::new(),
            began: now,
            last_tick: now,
            latest: now,
        }
    }

    /// Presumes that `node` lives and serves: a new leader declares nobody dead before one full
    /// grace period, because the leader before it may have extended the lease just now.
    pub fn presume_alive(&mut self, now: MonotonicMillis, node: RpcAddress) {
        let deadline = if PlantedBug::NoPresumption.is_on() {
            now
        } else {
            self.deadline(now)
        };
        self.workers.entry(node).or_insert(Worker {
            deadline,
            incarnation: None,
            departed: None,
            service: Service::Serving { since: now },
            room: Room::Left,
            starts: StartHistory::new(now),
        });
    }

    /// Takes a beacon.
    pub fn on_beacon(&mut self, now: MonotonicMillis, beacon: &Beacon) -> BeaconOutcome {
        self.latest = self.latest.max(now);
        let known = self.workers.get(&beacon.node).copied();
        if known.is_some_and(|worker| worker.is_past(beacon)) {
            return BeaconOutcome::Stale;
        }
        if beacon.phase == Phase::Leaving {
            return BeaconOutcome::Farewell(self.on_goodbye(beacon));
        }
        if let Err(reason) = self.admit(known.as_ref(), beacon) {
            return BeaconOutcome::Refused(reason);
        }
        let mut worker = known.unwrap_or(Worker {
            deadline: now,
            incarnation: None,
            departed: None,
            service: Service::Dead,
            room: Room::Left,
            starts: StartHistory::new(now),
        });
        let is_new_process =
            worker.incarnation.is_some() && beacon.incarnation > worker.incarnation;
        if is_new_process {
            worker.starts.restart(&self.options.restarts, now);
        }
        if worker.starts.is_unstable(&self.options.restarts, now) {
            // The new process is known, so that nothing late of the old one counts.
            worker.incarnation = beacon.incarnation;
            if is_new_process && worker.service != Service::Dead {
                worker.service = Service::Loading {
                    since: now,
                    lease_over: now,
                };
            }
            self.workers.insert(beacon.node, worker);
            return BeaconOutcome::Unstable;
        }
        let (service, event) = worker.next_service(now, beacon, is_new_process);
        worker.service = service;
        let (node, room) = (beacon.node, beacon.room);
        let has_changed = std::mem::replace(&mut worker.room, room) != room;
        let event = event.or(has_changed.then_some(LivenessEvent::RoomChanged { node, room }));
        worker.incarnation = beacon.incarnation.or(worker.incarnation);
        worker.deadline = self.deadline(now);
        self.workers.insert(beacon.node, worker);
        BeaconOutcome::Accepted(event)
    }

    /// Only a goodbye of the very process that beacons were heard of is proof.
    fn on_goodbye(&mut self, beacon: &Beacon) -> Option<LivenessEvent> {
        let worker = self.workers.get_mut(&beacon.node)?;
        if beacon.incarnation.is_none() || worker.incarnation != beacon.incarnation {
            return None;
        }
        reach!("meta: a goodbye is proof");
        worker.departed = beacon.incarnation;
        if worker.service == Service::Dead {
            return None;
        }
        worker.service = Service::Dead;
        let (node, cause) = (beacon.node, DeathCause::Goodbye);
        Some(LivenessEvent::Dead { node, cause })
    }

    fn admit(&self, known: Option<&Worker>, beacon: &Beacon) -> Result<(), RefusalReason> {
        let lease = beacon.lease.ok_or(RefusalReason::NoLease)?;
        if !self.options.fits(lease) {
            let grace = self.options.grace;
            return Err(RefusalReason::LeaseTooLong { lease, grace });
        }
        if known.is_some() {
            return Ok(());
        }
        let allowed = &self.options.allow_list;
        if allowed
            .as_ref()
            .is_some_and(|list| !list.contains(&beacon.node))
        {
            return Err(RefusalReason::NotAllowed);
        }
        if self.workers.len() >= NODES_MAX {
            return Err(RefusalReason::TooManyServers);
        }
        Ok(())
    }

    /// A server has reported all its replicas, so it has finished loading.
    pub fn on_full_report(
        &mut self,
        now: MonotonicMillis,
        node: RpcAddress,
    ) -> Option<LivenessEvent> {
        self.latest = self.latest.max(now);
        let worker = self.workers.get_mut(&node)?;
        if !matches!(worker.service, Service::Loading { .. }) {
            return None;
        }
        worker.service = Service::Serving { since: now };
        Some(LivenessEvent::Loaded { node })
    }

    /// Declares those dead whose grace period is over. If this comes late, everybody gets as much
    /// more time as this server did not run: their beacons may be waiting to be read.
    pub fn on_tick(&mut self, now: MonotonicMillis) -> Vec<LivenessEvent> {
        let late = now.since(self.last_tick).saturating_sub(self.options.tick);
        self.last_tick = now;
        self.latest = self.latest.max(now);
        if late > LATENESS_MAX {
            reach!("meta: a pause of the meta server is forgiven");
            tracing::warn!(?late, "this meta server did not run for a while");
            self.forgive(now, late);
        }
        let mut events = Vec::new();
        for (&node, worker) in &mut self.workers {
            if worker.service != Service::Dead && now > worker.deadline {
                worker.service = Service::Dead;
                let cause = DeathCause::Silence;
                events.push(LivenessEvent::Dead { node, cause });
            }
        }
        events
    }

    fn forgive(&mut self, now: MonotonicMillis, pause: Duration) {
        let latest = self.deadline(now);
        for worker in self.workers.values_mut() {
            worker.deadline = worker.deadline.after(pause).min(latest);
        }
    }

    fn grace(&self) -> Duration {
        if PlantedBug::DeathBeforeGrace.is_on() {
            self.options.grace / 4
        } else {
            self.options.grace
        }
    }

    /// Until when a server counts as living that is heard of now.
    fn deadline(&self, now: MonotonicMillis) -> MonotonicMillis {
        let first = self.began.after(self.grace()).after(self.options.overlap);
        now.after(self.grace()).max(first)
    }

    fn service(&self, node: RpcAddress) -> Option<Service> {
        self.workers.get(&node).map(|worker| worker.service)
    }

    /// Whether `node` counts as living.
    #[must_use]
    pub fn is_alive(&self, node: RpcAddress) -> bool {
        self.service(node)
            .is_some_and(|service| service != Service::Dead)
    }

    /// Whether `node` lives and has read in its replicas: it can take roles.
    #[must_use]
    pub fn is_serving(&self, node: RpcAddress) -> bool {
        matches!(self.service(node), Some(Service::Serving { .. }))
    }

    /// Whether surely no process of `node` serves as primary by an earlier lease, and none has
    /// been told since that it is primary.
    #[must_use]
    pub fn is_lease_over(&self, node: RpcAddress) -> bool {
        match self.service(node) {
            Some(Service::Dead) => true,
            Some(Service::Loading { lease_over, .. }) => lease_over <= self.latest,
            Some(Service::Serving { .. }) | None => false,
        }
    }

    /// Since when `node` has been loading, if it is.
    #[must_use]
    pub fn loading_since(&self, node: RpcAddress) -> Option<MonotonicMillis> {
        match self.service(node) {
            Some(Service::Loading { since, .. }) => Some(since),
            _ => None,
        }
    }

    /// Whether nothing has been heard of `node` for so long that it may well be gone: some beacons
    /// are missing. That proves nothing, but nobody should lose a role in its favour.
    #[must_use]
    pub fn is_silent(&self, now: MonotonicMillis, node: RpcAddress) -> bool {
        let silence_max = self.options.grace / 3;
        self.workers
            .get(&node)
            .is_none_or(|worker| now.after(self.grace()).since(worker.deadline) > silence_max)
    }

    /// Whether `node` has space for more, as far as is known.
    #[must_use]
    pub fn has_room(&self, node: RpcAddress) -> bool {
        self.workers
            .get(&node)
            .is_none_or(|worker| worker.room == Room::Left)
    }

    /// Since when `node` has been serving without a break, if it is.
    #[must_use]
    pub fn serving_since(&self, node: RpcAddress) -> Option<MonotonicMillis> {
        match self.service(node) {
            Some(Service::Serving { since }) => Some(since),
            _ => None,
        }
    }

    /// Whether something that the process started at `incarnation` has sent comes from the one
    /// whose beacons are heard. What does not say where it comes from is taken for it.
    #[must_use]
    pub fn is_present_process(&self, node: RpcAddress, incarnation: Option<i64>) -> bool {
        let heard = self
            .workers
            .get(&node)
            .and_then(|worker| worker.incarnation);
        incarnation.is_none() || incarnation == heard
    }

    /// Whether anything was ever heard of `node`, or presumed.
    #[must_use]
    pub fn is_known(&self, node: RpcAddress) -> bool {
        self.workers.contains_key(&node)
    }

    /// The living servers, by address.
    pub fn alive(&self) -> impl Iterator<Item = RpcAddress> + '_ {
        self.select(|worker| worker.service != Service::Dead)
    }

    /// The servers that can take roles, by address.
    pub fn serving(&self) -> impl Iterator<Item = RpcAddress> + '_ {
        self.select(|worker| matches!(worker.service, Service::Serving { .. }))
    }

    /// The known servers that do not live, by address.
    pub fn dead(&self) -> impl Iterator<Item = RpcAddress> + '_ {
        self.select(|worker| worker.service == Service::Dead)
    }

    /// The living servers that were heard during the last half of their grace. When many are
    /// lost at once their graces end one after the other; this shows it before the first one
    /// does.
    pub fn responsive(&self) -> impl Iterator<Item = RpcAddress> + '_ {
        let soon = self.latest.after(self.grace() / 2);
        self.select(move |worker| worker.service != Service::Dead && worker.deadline >= soon)
    }

    /// How many servers are known.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.workers.len()
    }

    fn select(&self, choose: impl Fn(&Worker) -> bool) -> impl Iterator<Item = RpcAddress> {
        self.workers
            .iter()
            .filter(move |(_, worker)| choose(worker))
            .map(|(&node, _)| node)
    }
}

#[cfg(test)]
mod tests;
