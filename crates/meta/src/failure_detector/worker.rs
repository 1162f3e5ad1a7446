//! What is known of one server, and how a beacon changes it.

use pegasus_common::Room;
use pegasus_common::clock::MonotonicMillis;
use pegasus_common::reach;

use super::beacon::{Beacon, LivenessEvent, Phase};
use super::restarts::StartHistory;
use crate::planted::PlantedBug;

/// Where a server stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    Dead,
    /// The process reads its replicas in: no replica of it has a role yet.
    Loading {
        since: MonotonicMillis,
        /// From when on no process before it can hold a lease.
        lease_over: MonotonicMillis,
    },
    Serving {
        since: MonotonicMillis,
    },
}

/// What is known of one server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Worker {
    /// It is declared dead if no beacon arrives until then.
    pub deadline: MonotonicMillis,
    /// The present process; unknown until it says so.
    pub incarnation: Option<i64>,
    /// The process that has said goodbye.
    pub departed: Option<i64>,
    pub service: Service,
    pub room: Room,
    pub starts: StartHistory,
}

impl Worker {
    /// Whether a beacon was sent by a process that is gone.
    pub fn is_past(&self, beacon: &Beacon) -> bool {
        let Some(sent) = beacon.incarnation else {
            return false;
        };
        let is_over = self.departed.is_some_and(|departed| sent <= departed);
        let is_replaced = self.incarnation.is_some_and(|present| sent < present);
        let is_repeated_goodbye = beacon.phase == Phase::Leaving && self.departed == Some(sent);
        is_replaced || (is_over && !is_repeated_goodbye)
    }

    /// What follows from a beacon that counts.
    pub fn next_service(
        &self,
        now: MonotonicMillis,
        beacon: &Beacon,
        is_new_process: bool,
    ) -> (Service, Option<LivenessEvent>) {
        let node = beacon.node;
        let is_loading = beacon.phase == Phase::Loading;
        let start = |lease_over| {
            if is_loading {
                let since = now;
                Service::Loading { since, lease_over }
            } else {
                Service::Serving { since: now }
            }
        };
        match self.service {
            Service::Dead => (start(now), Some(LivenessEvent::Alive { node })),
            _ if is_new_process => {
                reach!("meta: a restart is noticed within the grace");
                (start(now), Some(LivenessEvent::Restarted { node }))
            }
            // A process that was presumed says where it stands. One before it may hold a lease
            // that the leader before this one has extended.
            Service::Serving { .. } if self.incarnation.is_none() && is_loading => {
                (start(self.deadline), None)
            }
            Service::Serving { .. } if is_loading && PlantedBug::DelayedBeaconIsProof.is_on() => {
                (start(now), Some(LivenessEvent::Restarted { node }))
            }
            // Loading ends once; a beacon that says otherwise is late.
            Service::Serving { .. } => (self.service, None),
            Service::Loading { .. } if is_loading => (self.service, None),
            Service::Loading { .. } => (start(now), Some(LivenessEvent::Loaded { node })),
        }
    }
}
