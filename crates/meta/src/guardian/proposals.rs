//! The proposals under way: what each partition's servers are being asked, again and again until it
//! is so (meta-server.md section 9.4).
//!
//! Nothing of this is durable. What an action waits for shows in the configuration, so a new leader
//! finds out by itself what there is to do.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use pegasus_common::clock::MonotonicMillis;
use pegasus_common::{AppId, Gpid, RpcAddress};

use super::action::{Action, ActionState};
use crate::failure_detector::FailureDetector;
use crate::loads::Loads;
use crate::partition::PartitionConfiguration;
use crate::reports::ReportedRole;

/// Actions that one request may queue.
pub const ACTIONS_MAX: usize = 8;
/// The pause between repetitions grows up to so many intervals.
const PAUSE_MAX: u32 = 5;
/// So often a secondary is asked to become primary before another one is.
const PROMOTIONS_MAX: u32 = 10;
/// How long a server may be asked to learn without being seen to do so.
const LEARNER_PATIENCE: Duration = Duration::from_secs(60);
/// How long an operator's actions may keep the guardian from its own.
const OPERATOR_PATIENCE: Duration = Duration::from_secs(600);

/// Whose idea a queue was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The guardian's.
    Cure,
    /// An operator's or the balancer's.
    Operator,
}

/// What config sync has shown of the learner of the front action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Learner {
    Unseen,
    Learning,
    GaveUp,
}

#[derive(Clone, Debug)]
struct Queue {
    actions: VecDeque<Action>,
    origin: Origin,
    started: MonotonicMillis,
    /// How often the front was sent.
    sent: u32,
    next_at: MonotonicMillis,
    learner: Learner,
}

/// What there is to do about a partition's queue now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    /// There is no action.
    Empty,
    /// Its time has not come.
    Wait,
    /// Send it.
    Send(Action),
    /// It was given up: another server may do better.
    GivenUp(Action),
}

/// All queues.
#[derive(Clone, Debug)]
pub struct Proposals {
    queues: BTreeMap<Gpid, Queue>,
    /// What the front actions will add.
    in_flight: Loads,
    /// The shortest pause between repetitions.
    interval: Duration,
}

impl Proposals {
    /// No proposals.
    #[must_use]
    pub fn new(interval: Duration) -> Self {
        Self {
            queues: BTreeMap::new(),
            in_flight: Loads::default(),
            interval,
        }
    }

    /// What the servers will have more when the actions under way are done.
    #[must_use]
    pub const fn in_flight(&self) -> &Loads {
        &self.in_flight
    }

    /// Whether anything is proposed for a partition.
    #[must_use]
    pub fn is_queued(&self, pid: Gpid) -> bool {
        self.queues.contains_key(&pid)
    }

    /// Whether `node` is being asked to learn a partition.
    #[must_use]
    pub fn is_learning(&self, pid: Gpid, node: RpcAddress) -> bool {
        let front = self
            .queues
            .get(&pid)
            .and_then(|queue| queue.actions.front());
        front.is_some_and(|action| action.makes_learner() && action.node == node)
    }

    /// Queues actions; the first is due at once. What was queued before is dropped.
    pub fn start(
        &mut self,
        now: MonotonicMillis,
        pid: Gpid,
        origin: Origin,
        actions: impl IntoIterator<Item = Action>,
    ) {
        self.stop(pid);
        let queue = Queue {
            actions: actions.into_iter().take(ACTIONS_MAX).collect(),
            origin,
            started: now,
            sent: 0,
            next_at: now,
            learner: Learner::Unseen,
        };
        self.count_front(pid, &queue);
        self.queues.insert(pid, queue);
    }

    /// Puts an action that cannot wait before those under way; they go on after it. Does nothing
    /// if it is under way itself.
    pub fn interpose(&mut self, now: MonotonicMillis, pid: Gpid, action: Action) {
        let Some(mut queue) = self.queues.remove(&pid) else {
            return self.start(now, pid, Origin::Cure, [action]);
        };
        if queue.actions.front() != Some(&action) {
            self.uncount_front(pid, &queue);
            queue.actions.push_front(action);
            queue.begin_front(now);
            self.count_front(pid, &queue);
        }
        self.queues.insert(pid, queue);
    }

    /// Drops what is queued for a partition.
    pub fn stop(&mut self, pid: Gpid) {
        if let Some(queue) = self.queues.remove(&pid) {
            self.uncount_front(pid, &queue);
        }
    }

    /// Drops everything.
    pub fn clear(&mut self) {
        self.queues.clear();
        self.in_flight = Loads::default();
    }

    /// A table is gone.
    pub fn forget_table(&mut self, table: AppId) {
        let of_table = self.queues.keys().filter(|pid| pid.app_id == table);
        for pid in of_table.copied().collect::<Vec<_>>() {
            self.stop(pid);
        }
    }

    /// Brings a partition's queue up to date: what is achieved is passed over, and what has become
    /// impossible ends the queue.
    pub fn advance(
        &mut self,
        now: MonotonicMillis,
        configuration: &PartitionConfiguration,
        detector: &FailureDetector,
    ) -> Front {
        let pid = configuration.pid;
        let Some(mut queue) = self.queues.remove(&pid) else {
            return Front::Empty;
        };
        self.uncount_front(pid, &queue);
        while let Some(&action) = queue.actions.front() {
            match action.state(configuration, detector) {
                ActionState::Achieved => {
                    queue.actions.pop_front();
                    queue.begin_front(now);
                }
                ActionState::Impossible => return Front::Empty,
                ActionState::Open if queue.is_hopeless(now, action) => {
                    return Front::GivenUp(action);
                }
                ActionState::Open => {
                    let is_due = queue.next_at <= now;
                    if is_due {
                        queue.sent += 1;
                        let pause = self.interval * queue.sent.min(PAUSE_MAX);
                        queue.next_at = now.after(pause);
                    }
                    self.count_front(pid, &queue);
                    self.queues.insert(pid, queue);
                    return if is_due {
                        Front::Send(action)
                    } else {
                        Front::Wait
                    };
                }
            }
        }
        Front::Empty
    }

    /// A server has reported a replica of which it is no member.
    pub fn on_report(&mut self, pid: Gpid, node: RpcAddress, role: ReportedRole) {
        let Some(queue) = self.queues.get_mut(&pid) else {
            return;
        };
        let is_front = |action: &Action| action.makes_learner() && action.node == node;
        if !queue.actions.front().is_some_and(is_front) {
            return;
        }
        queue.learner = match (queue.learner, role) {
            (_, ReportedRole::Learner) => Learner::Learning,
            (Learner::Learning, ReportedRole::Failed | ReportedRole::Inactive) => Learner::GaveUp,
            (before, _) => before,
        };
    }

    fn count_front(&mut self, pid: Gpid, queue: &Queue) {
        if let Some(action) = queue.actions.front() {
            self.in_flight.add(pid.app_id, action.node, action.load());
        }
    }

    fn uncount_front(&mut self, pid: Gpid, queue: &Queue) {
        if let Some(action) = queue.actions.front() {
            self.in_flight
                .subtract(pid.app_id, action.node, action.load());
        }
    }
}

impl Queue {
    /// There is a new front, which is due at once.
    fn begin_front(&mut self, now: MonotonicMillis) {
        self.started = now;
        self.sent = 0;
        self.next_at = now;
        self.learner = Learner::Unseen;
    }

    /// Whether the front should make way for another action.
    fn is_hopeless(&self, now: MonotonicMillis, front: Action) -> bool {
        let age = now.since(self.started);
        if self.origin == Origin::Operator && age > OPERATOR_PATIENCE {
            return true;
        }
        if front.makes_learner() {
            return match self.learner {
                Learner::Unseen => age > LEARNER_PATIENCE,
                Learner::Learning => false,
                Learner::GaveUp => true,
            };
        }
        front.makes_primary() && self.sent >= PROMOTIONS_MAX && self.next_at <= now
    }
}
