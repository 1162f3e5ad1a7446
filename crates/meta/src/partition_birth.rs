//! How a new partition gets its first members, all at once and without learning, since all are
//! empty.
//!
//! | Stage | Ends when | Then |
//! |---|---|---|
//! | unplanned | enough servers live | members are chosen |
//! | creating | every member has said that it has an empty replica | the configuration with ballot 1 is committed |
//! | committing | it is durable | every member is told |
//! | announcing | every member has reported the ballot, or often enough | done |
//!
//! A member that dies or refuses before the commit sends the partition back to *unplanned*; a
//! replica that was made for nothing is empty and is collected by config sync. Nothing of this is
//! stored but the configuration: a new leader starts from *unplanned*, and creating a replica that
//! exists already succeeds.

mod planning;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pegasus_common::clock::MonotonicMillis;
use pegasus_common::{AppId, Ballot, ErrorCode, Gpid, RpcAddress};

use crate::cluster_state::ClusterState;
use crate::effect::CreateCall;
use crate::failure_detector::FailureDetector;
use crate::partition::PartitionConfiguration;
use crate::placement::Members;

/// Settings of births.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BirthOptions {
    /// Pause before a failed call, or an announcement, is repeated.
    pub retry_interval: Duration,
    /// Calls to one server at a time: creating a replica opens a database.
    pub calls_per_node_max: usize,
    /// How often a new configuration is announced; config sync repairs what all of them missed.
    pub announcements_max: u32,
    /// How long a new leader waits with the births that it found unfinished: by then every living
    /// server has sent a beacon, and they can be spread over all of them.
    pub settle_after_election: Duration,
}

impl Default for BirthOptions {
    fn default() -> Self {
        Self {
            retry_interval: Duration::from_millis(500),
            calls_per_node_max: 16,
            announcements_max: 10,
            settle_after_election: Duration::from_secs(2),
        }
    }
}

/// What a birth needs next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BirthStep {
    /// Ask the server to create an empty replica.
    CreateReplica(CreateCall),
    /// Make the first configuration durable.
    Commit(PartitionConfiguration),
    /// Tell a member its configuration.
    Announce {
        /// The member.
        node: RpcAddress,
        /// The partition.
        pid: Gpid,
    },
}

#[derive(Debug)]
struct Birth {
    stage: Stage,
    /// Servers that said no; others are preferred.
    refused_by: BTreeSet<RpcAddress>,
}

#[derive(Debug)]
enum Stage {
    Unplanned {
        not_before: MonotonicMillis,
    },
    Creating {
        members: Members,
        calls: BTreeMap<RpcAddress, CallState>,
    },
    Committing {
        members: Members,
    },
}

impl Stage {
    fn members(&self) -> Option<&Members> {
        match self {
            Self::Unplanned { .. } => None,
            Self::Creating { members, .. } | Self::Committing { members } => Some(members),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CallState {
    Due { at: MonotonicMillis },
    Calling { attempt: u64 },
    Created,
}

#[derive(Debug)]
struct Announcement {
    unconfirmed: BTreeSet<RpcAddress>,
    ballot: Ballot,
    left: u32,
    next_at: MonotonicMillis,
}

/// All births under way.
#[derive(Debug)]
pub struct Births {
    options: BirthOptions,
    births: BTreeMap<Gpid, Birth>,
    announcements: BTreeMap<Gpid, Announcement>,
    attempts: u64,
}

impl Births {
    /// None under way.
    #[must_use]
    pub const fn new(options: BirthOptions) -> Self {
        Self {
            options,
            births: BTreeMap::new(),
            announcements: BTreeMap::new(),
            attempts: 0,
        }
    }

    /// Starts the births of a table's partitions that never had members.
    pub fn begin(&mut self, state: &ClusterState, table: AppId, not_before: MonotonicMillis) {
        let partitions = state.table(table).map(|table| &table.partitions);
        for partition in partitions.into_iter().flatten() {
            if partition.configuration.is_unborn() {
                self.births.insert(
                    partition.configuration.pid,
                    Birth {
                        stage: Stage::Unplanned { not_before },
                        refused_by: BTreeSet::new(),
                    },
                );
            }
        }
    }

    /// Gives up everything about a table. A commit under way may still succeed.
    pub fn cancel(&mut self, table: AppId) {
        self.births.retain(|pid, _| pid.app_id != table);
        self.announcements.retain(|pid, _| pid.app_id != table);
    }

    /// How many partitions wait for their first configuration.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.births.len()
    }

    /// A call has ended.
    pub fn on_created(
        &mut self,
        now: MonotonicMillis,
        call: CreateCall,
        outcome: Result<(), ErrorCode>,
    ) {
        let Some(birth) = self.births.get_mut(&call.pid) else {
            return;
        };
        let Stage::Creating { calls, .. } = &mut birth.stage else {
            return;
        };
        let attempt = call.attempt;
        let Some(state) = calls.get_mut(&call.node) else {
            return;
        };
        if *state != (CallState::Calling { attempt }) {
            return;
        }
        let retry_at = now.after(self.options.retry_interval);
        match outcome {
            Ok(()) => *state = CallState::Created,
            Err(error) if is_passing(error) => *state = CallState::Due { at: retry_at },
            Err(_) => {
                birth.refused_by.insert(call.node);
                birth.stage = Stage::Unplanned {
                    not_before: retry_at,
                };
            }
        }
    }

    /// A configuration is durable: a birth's, or another change of the same partition.
    pub fn on_committed(&mut self, now: MonotonicMillis, next: &PartitionConfiguration) {
        if self.births.remove(&next.pid).is_some() {
            self.announcements.insert(
                next.pid,
                Announcement {
                    unconfirmed: next.members().collect(),
                    ballot: next.ballot,
                    left: self.options.announcements_max,
                    next_at: now,
                },
            );
        }
    }

    /// A server has reported a replica.
    pub fn on_report(&mut self, node: RpcAddress, pid: Gpid, ballot: Ballot) {
        if let Some(announcement) = self.announcements.get_mut(&pid)
            && ballot >= announcement.ballot
        {
            announcement.unconfirmed.remove(&node);
        }
    }

    /// Does whatever can be done now. Call it after every event and from time to time.
    pub fn advance(
        &mut self,
        now: MonotonicMillis,
        state: &ClusterState,
        detector: &FailureDetector,
    ) -> Vec<BirthStep> {
        let mut steps = Vec::new();
        self.leave_dead_members(now, detector);
        self.plan(now, state, detector);
        self.call(now, &mut steps);
        self.commit(state, &mut steps);
        self.announce(now, state, &mut steps);
        steps
    }

    fn leave_dead_members(&mut self, now: MonotonicMillis, detector: &FailureDetector) {
        for birth in self.births.values_mut() {
            if let Stage::Creating { members, .. } = &birth.stage
                && !members.all().all(|member| detector.is_alive(member))
            {
                birth.stage = Stage::Unplanned { not_before: now };
            }
        }
    }

    fn call(&mut self, now: MonotonicMillis, steps: &mut Vec<BirthStep>) {
        let mut calling: BTreeMap<RpcAddress, usize> = BTreeMap::new();
        let all_calls = |birth: &Birth| match &birth.stage {
            Stage::Creating { calls, .. } => calls.clone(),
            _ => BTreeMap::new(),
        };
        for (node, call) in self.births.values().flat_map(all_calls) {
            if matches!(call, CallState::Calling { .. }) {
                *calling.entry(node).or_default() += 1;
            }
        }
        for (&pid, birth) in &mut self.births {
            let Stage::Creating { calls, .. } = &mut birth.stage else {
                continue;
            };
            for (&node, call) in calls {
                let count = calling.entry(node).or_default();
                let is_due = matches!(call, CallState::Due { at } if *at <= now);
                if is_due && *count < self.options.calls_per_node_max {
                    *count += 1;
                    self.attempts += 1;
                    let attempt = self.attempts;
                    *call = CallState::Calling { attempt };
                    steps.push(BirthStep::CreateReplica(CreateCall { pid, node, attempt }));
                }
            }
        }
    }

    fn commit(&mut self, state: &ClusterState, steps: &mut Vec<BirthStep>) {
        for (&pid, birth) in &mut self.births {
            let Stage::Creating { members, calls } = &birth.stage else {
                continue;
            };
            let complete = calls.values().all(|call| *call == CallState::Created);
            let Some(partition) = state.partition(pid).filter(|_| complete) else {
                continue;
            };
            let members = members.clone();
            let unborn = &partition.configuration;
            let born = unborn.born(members.primary, members.secondaries.clone());
            steps.push(BirthStep::Commit(born));
            birth.stage = Stage::Committing { members };
        }
    }

    fn announce(&mut self, now: MonotonicMillis, state: &ClusterState, steps: &mut Vec<BirthStep>) {
        let retry_at = now.after(self.options.retry_interval);
        self.announcements.retain(|&pid, announcement| {
            let configuration = state
                .partition(pid)
                .map(|partition| &partition.configuration);
            let is_current =
                configuration.is_some_and(|current| current.ballot == announcement.ballot);
            if !is_current || announcement.unconfirmed.is_empty() || announcement.left == 0 {
                return false;
            }
            if announcement.next_at <= now {
                announcement.left -= 1;
                announcement.next_at = retry_at;
                let nodes = announcement.unconfirmed.iter().copied();
                steps.extend(nodes.map(|node| BirthStep::Announce { node, pid }));
            }
            true
        });
    }
}

/// Whether asking the same server again is likely to help.
fn is_passing(error: ErrorCode) -> bool {
    matches!(
        error,
        ErrorCode::Busy
            | ErrorCode::Timeout
            | ErrorCode::NetworkFailure
            | ErrorCode::TryAgain
            | ErrorCode::ServiceNotActive
    )
}

#[cfg(test)]
mod tests;
