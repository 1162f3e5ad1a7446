//! Which replica servers live (meta-server.md section 11), the meta side.
//!
//! A server lives while its last beacon is not older than the grace period, counted from the
//! beacon's *receipt* on this machine's monotonic clock. The server counts its shorter lease from
//! the *sending*, so it has stopped serving before it is declared dead here (design invariant I4).

use std::collections::BTreeMap;
use std::time::Duration;

use pegasus_common::RpcAddress;
use pegasus_common::clock::MonotonicMillis;

/// Settings; equal on all meta and replica servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailureDetectorOptions {
    /// How long a server may serve after sending a beacon that was answered.
    pub lease: Duration,
    /// How long a server counts as living after its beacon arrived; longer than the lease.
    pub grace: Duration,
}

/// A change of a server's liveness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LivenessEvent {
    /// A server was not known, or dead, and lives.
    Alive {
        /// The server.
        node: RpcAddress,
    },
    /// A server that was thought to live is a new process: the old one and its lease are gone,
    /// because the data directories' lock has passed to the new one.
    Restarted {
        /// The server.
        node: RpcAddress,
    },
    /// No beacon arrived for the grace period.
    Dead {
        /// The server.
        node: RpcAddress,
    },
}

/// What a beacon means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BeaconOutcome {
    /// It extends the lease and shall be answered; it may have changed the server's liveness.
    Accepted(Option<LivenessEvent>),
    /// It comes from a process before the present one, late: no answer.
    Stale,
}

#[derive(Clone, Copy, Debug)]
struct Worker {
    last_beacon: MonotonicMillis,
    /// When the process started, in its own wall clock's milliseconds; unknown until it says so.
    incarnation: Option<i64>,
    alive: bool,
}

/// Judges the servers by their beacons.
#[derive(Clone, Debug)]
pub struct FailureDetector {
    options: FailureDetectorOptions,
    workers: BTreeMap<RpcAddress, Worker>,
}

impl FailureDetector {
    /// Knows nobody.
    #[must_use]
    pub const fn new(options: FailureDetectorOptions) -> Self {
        Self {
            options,
            workers: BTreeMap::new(),
        }
    }

    /// Presumes that `node` lives: a new leader declares nobody dead before one full grace period,
    /// because the leader before it may have extended the lease just now.
    pub fn presume_alive(&mut self, now: MonotonicMillis, node: RpcAddress) {
        self.workers.entry(node).or_insert(Worker {
            last_beacon: now,
            incarnation: None,
            alive: true,
        });
    }

    /// Takes a beacon of the process of `node` that started at `incarnation`.
    pub fn on_beacon(
        &mut self,
        now: MonotonicMillis,
        node: RpcAddress,
        incarnation: Option<i64>,
    ) -> BeaconOutcome {
        let known = self.workers.get(&node).copied();
        let previous = known.and_then(|worker| worker.incarnation);
        if let (Some(previous), Some(sent)) = (previous, incarnation)
            && sent < previous
        {
            return BeaconOutcome::Stale;
        }
        let event = match known {
            Some(worker) if worker.alive => {
                let restarted = previous.is_some() && incarnation > previous;
                restarted.then_some(LivenessEvent::Restarted { node })
            }
            _ => Some(LivenessEvent::Alive { node }),
        };
        self.workers.insert(
            node,
            Worker {
                last_beacon: now,
                incarnation: incarnation.or(previous),
                alive: true,
            },
        );
        BeaconOutcome::Accepted(event)
    }

    /// Declares those dead whose grace period is over.
    pub fn on_tick(&mut self, now: MonotonicMillis) -> Vec<LivenessEvent> {
        let mut events = Vec::new();
        for (&node, worker) in &mut self.workers {
            if worker.alive && now.since(worker.last_beacon) > self.options.grace {
                worker.alive = false;
                events.push(LivenessEvent::Dead { node });
            }
        }
        events
    }

    /// Whether `node` counts as living.
    #[must_use]
    pub fn is_alive(&self, node: RpcAddress) -> bool {
        self.workers.get(&node).is_some_and(|worker| worker.alive)
    }

    /// Whether anything was ever heard of `node`, or presumed.
    #[must_use]
    pub fn is_known(&self, node: RpcAddress) -> bool {
        self.workers.contains_key(&node)
    }

    /// The living servers, by address.
    pub fn alive(&self) -> impl Iterator<Item = RpcAddress> + '_ {
        self.by_liveness(true)
    }

    /// The known servers that do not live, by address.
    pub fn dead(&self) -> impl Iterator<Item = RpcAddress> + '_ {
        self.by_liveness(false)
    }

    fn by_liveness(&self, alive: bool) -> impl Iterator<Item = RpcAddress> + '_ {
        self.workers
            .iter()
            .filter(move |(_, worker)| worker.alive == alive)
            .map(|(&node, _)| node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::node;

    const OPTIONS: FailureDetectorOptions = FailureDetectorOptions {
        lease: Duration::from_millis(3_000),
        grace: Duration::from_millis(4_000),
    };

    fn at(millis: u64) -> MonotonicMillis {
        MonotonicMillis(millis)
    }

    #[test]
    fn a_server_dies_after_its_grace_and_comes_back() {
        let mut detector = FailureDetector::new(OPTIONS);
        let alive = BeaconOutcome::Accepted(Some(LivenessEvent::Alive { node: node(1) }));
        assert_eq!(detector.on_beacon(at(0), node(1), Some(7)), alive);
        let again = detector.on_beacon(at(1_000), node(1), Some(7));
        assert_eq!(again, BeaconOutcome::Accepted(None));
        assert_eq!(detector.on_tick(at(5_000)), []);
        let dead = [LivenessEvent::Dead { node: node(1) }];
        assert_eq!(detector.on_tick(at(5_001)), dead);
        assert_eq!(detector.on_tick(at(9_000)), []);
        assert_eq!(detector.dead().collect::<Vec<_>>(), [node(1)]);
        assert_eq!(detector.on_beacon(at(9_001), node(1), Some(7)), alive);
        assert!(detector.is_alive(node(1)));
    }

    #[test]
    fn a_restart_is_noticed_and_late_beacons_of_the_old_process_are_not_answered() {
        let mut detector = FailureDetector::new(OPTIONS);
        detector.on_beacon(at(0), node(1), Some(7));
        let restarted = LivenessEvent::Restarted { node: node(1) };
        assert_eq!(
            detector.on_beacon(at(10), node(1), Some(8)),
            BeaconOutcome::Accepted(Some(restarted))
        );
        assert_eq!(
            detector.on_beacon(at(20), node(1), Some(7)),
            BeaconOutcome::Stale
        );
        assert_eq!(
            detector.on_tick(at(4_011)).len(),
            1,
            "a stale beacon extends nothing"
        );
    }

    #[test]
    fn a_new_leader_gives_everybody_one_grace() {
        let mut detector = FailureDetector::new(OPTIONS);
        detector.presume_alive(at(100), node(1));
        assert_eq!(detector.on_tick(at(4_100)), []);
        assert_eq!(detector.on_tick(at(4_101)).len(), 1);
        detector.presume_alive(at(4_200), node(1));
        assert!(!detector.is_alive(node(1)), "a presumption is no beacon");
    }
}
