//! The configuration of one partition: who its members are, and in which ballot.

use pegasus_common::{Ballot, Decree, Gpid, RpcAddress};

/// How many former members a configuration remembers.
pub const LAST_DROPS_MAX: usize = 3;

/// A membership with its epoch (meta-server.md section 6.2).
///
/// Every change is made by one of the methods that return the next configuration, always with the
/// next ballot (design invariant I3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionConfiguration {
    /// Which partition.
    pub pid: Gpid,
    /// The epoch; zero until the partition first has members.
    pub ballot: Ballot,
    /// Replicas that there should be.
    pub max_replica_count: i32,
    /// Who orders the writes.
    pub primary: Option<RpcAddress>,
    /// The other members.
    pub secondaries: Vec<RpcAddress>,
    /// Former members, the latest last, at most [`LAST_DROPS_MAX`].
    pub last_drops: Vec<RpcAddress>,
    /// How many of the last drops, counted from the latest, were members of the last configuration
    /// that had a primary. Without a primary nothing is acknowledged, so each of them has everything
    /// that ever was, unless it lost it. Zero while there is a primary.
    pub complete_drops: usize,
    /// As the primary last said.
    pub last_committed: Decree,
    /// Whether the table is dropped.
    pub is_dropped: bool,
}

impl PartitionConfiguration {
    /// A partition that never had members.
    #[must_use]
    pub const fn unborn(pid: Gpid, max_replica_count: i32) -> Self {
        Self {
            pid,
            ballot: Ballot::ZERO,
            max_replica_count,
            primary: None,
            secondaries: Vec::new(),
            last_drops: Vec::new(),
            complete_drops: 0,
            last_committed: Decree::ZERO,
            is_dropped: false,
        }
    }

    /// Whether it never had members and shall get some.
    #[must_use]
    pub fn is_unborn(&self) -> bool {
        self.ballot == Ballot::ZERO && !self.is_dropped
    }

    /// The primary, if any, and then the secondaries.
    pub fn members(&self) -> impl Iterator<Item = RpcAddress> + '_ {
        self.primary
            .into_iter()
            .chain(self.secondaries.iter().copied())
    }

    /// Whether `node` is primary or secondary.
    #[must_use]
    pub fn is_member(&self, node: RpcAddress) -> bool {
        self.members().any(|member| member == node)
    }

    /// How many replicas serve now.
    #[must_use]
    pub fn member_count(&self) -> usize {
        self.members().count()
    }

    /// Whether `other` has the same ballot and members; what only meta keeps does not count.
    #[must_use]
    pub fn has_same_members(&self, other: &Self) -> bool {
        let sorted = |configuration: &Self| {
            let mut secondaries = configuration.secondaries.clone();
            secondaries.sort_unstable();
            secondaries
        };
        self.pid == other.pid
            && self.ballot == other.ballot
            && self.primary == other.primary
            && sorted(self) == sorted(other)
    }

    /// The first membership.
    #[must_use]
    pub fn born(&self, primary: RpcAddress, secondaries: Vec<RpcAddress>) -> Self {
        debug_assert!(self.is_unborn(), "{} has ballot {}", self.pid, self.ballot);
        Self {
            ballot: self.ballot.next(),
            primary: Some(primary),
            secondaries,
            ..self.clone()
        }
    }

    /// The primary is gone; it becomes the latest drop.
    #[must_use]
    pub fn without_primary(&self) -> Self {
        let mut next = self.clone();
        next.ballot = self.ballot.next();
        if let Some(primary) = next.primary.take() {
            next.remember_drop(primary);
        }
        next
    }

    /// No members: the table is dropped.
    #[must_use]
    pub fn dropped(&self) -> Self {
        Self {
            is_dropped: true,
            ..self.without_members()
        }
    }

    /// The table is in service again. Nobody is a member until a former one is found to have the
    /// data. A partition that never had members is as if it had never been dropped: nobody has
    /// heard of the ballot that dropped it.
    #[must_use]
    pub fn recalled(&self) -> Self {
        if self.last_drops.is_empty() {
            return Self::unborn(self.pid, self.max_replica_count);
        }
        Self {
            is_dropped: false,
            ..self.clone()
        }
    }

    /// All members are gone. They become last drops, the primary as the latest.
    #[must_use]
    pub fn without_members(&self) -> Self {
        let mut next = self.clone();
        next.ballot = self.ballot.next();
        let primary = next.primary.take();
        for member in std::mem::take(&mut next.secondaries)
            .into_iter()
            .chain(primary)
        {
            next.remember_drop(member);
        }
        next
    }

    /// `node`, who is no member yet or a secondary, becomes primary.
    pub fn assign_primary(&mut self, node: RpcAddress) {
        self.secondaries.retain(|&secondary| secondary != node);
        self.primary = Some(node);
        self.forget_drop(node);
        self.complete_drops = 0;
    }

    /// Notes that `node` is no member any more. The same node is noted once, as the latest.
    pub fn remember_drop(&mut self, node: RpcAddress) {
        debug_assert!(!self.is_member(node), "{node} is still a member");
        self.forget_drop(node);
        self.last_drops.push(node);
        let excess = self.last_drops.len().saturating_sub(LAST_DROPS_MAX);
        self.last_drops.drain(..excess);
        if self.primary.is_none() {
            self.complete_drops = (self.complete_drops + 1).min(LAST_DROPS_MAX);
        }
    }

    /// Notes that `node` is a member again.
    pub fn forget_drop(&mut self, node: RpcAddress) {
        let Some(place) = self.last_drops.iter().position(|&drop| drop == node) else {
            return;
        };
        if place + self.complete_drops >= self.last_drops.len() {
            self.complete_drops -= 1;
        }
        self.last_drops.remove(place);
    }

    /// The former members that have everything that was ever acknowledged if they still have what
    /// they had, the latest first. It is never known of others.
    pub fn complete_drops(&self) -> impl Iterator<Item = RpcAddress> + '_ {
        let drops = self.last_drops.iter().rev().copied();
        drops.take(self.complete_drops)
    }

    /// What must hold for every configuration.
    ///
    /// # Errors
    /// Says in words what does not.
    pub fn check(&self) -> Result<(), &'static str> {
        let mut members: Vec<_> = self.members().collect();
        members.sort_unstable();
        if members.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err("a server is a member twice");
        }
        if members.iter().any(|member| !member.is_valid()) {
            return Err("a member has no address");
        }
        if self.ballot.0 < 0 {
            return Err("the ballot is negative");
        }
        if self.ballot == Ballot::ZERO && !members.is_empty() {
            return Err("there are members without a ballot");
        }
        if self.is_dropped && !members.is_empty() {
            return Err("a dropped partition has members");
        }
        if self.last_drops.len() > LAST_DROPS_MAX {
            return Err("too many last drops");
        }
        let complete_max = match self.primary {
            Some(_) => 0,
            None => self.last_drops.len(),
        };
        if self.complete_drops > complete_max {
            return Err("more last drops are complete than can be");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::node;

    #[test]
    fn a_drop_moves_the_members_to_the_last_drops() {
        let unborn = PartitionConfiguration::unborn(Gpid::new(2, 0), 3);
        let born = unborn.born(node(1), vec![node(2), node(3)]);
        assert_eq!(born.ballot, Ballot(1));
        assert_eq!(born.check(), Ok(()));
        let dropped = born.dropped();
        assert_eq!(dropped.ballot, Ballot(2));
        assert_eq!(dropped.last_drops, [node(2), node(3), node(1)]);
        assert_eq!(dropped.member_count(), 0);
        assert_eq!(dropped.check(), Ok(()));
    }

    #[test]
    fn a_recalled_partition_waits_for_a_former_member_or_for_its_birth() {
        let unborn = PartitionConfiguration::unborn(Gpid::new(2, 0), 3);
        assert_eq!(unborn.dropped().recalled(), unborn);
        let dropped = unborn.born(node(1), vec![node(2)]).dropped();
        let recalled = dropped.recalled();
        assert_eq!((recalled.ballot, recalled.is_dropped), (Ballot(2), false));
        assert_eq!(recalled.last_drops, [node(2), node(1)]);
    }

    #[test]
    fn the_newest_three_drops_are_kept_each_once() {
        let mut configuration = PartitionConfiguration::unborn(Gpid::new(2, 0), 3);
        for host in [1, 2, 3, 2, 4] {
            configuration.remember_drop(node(host));
        }
        assert_eq!(configuration.last_drops, [node(3), node(2), node(4)]);
        configuration.forget_drop(node(2));
        assert_eq!(configuration.last_drops, [node(3), node(4)]);
    }

    #[test]
    fn who_left_since_there_was_a_primary_is_known_to_be_complete() {
        let unborn = PartitionConfiguration::unborn(Gpid::new(2, 0), 3);
        let born = unborn.born(node(1), vec![node(2), node(3)]);
        let mut left = born;
        left.secondaries.retain(|&secondary| secondary != node(3));
        left.remember_drop(node(3));
        assert_eq!(left.complete_drops().count(), 0, "1 and 2 may go on");
        let deposed = left.without_primary();
        assert_eq!(deposed.complete_drops().collect::<Vec<_>>(), [node(1)]);
        let mut empty = deposed.without_members();
        let complete: Vec<_> = empty.complete_drops().collect();
        assert_eq!(complete, [node(2), node(1)]);
        assert_eq!(empty.last_drops, [node(3), node(1), node(2)]);
        assert_eq!(empty.check(), Ok(()));
        empty.forget_drop(node(3));
        assert_eq!(empty.complete_drops, 2);
        empty.forget_drop(node(1));
        assert_eq!(empty.complete_drops().collect::<Vec<_>>(), [node(2)]);
        empty.assign_primary(node(2));
        assert_eq!((empty.complete_drops, empty.check()), (0, Ok(())));
        empty.complete_drops = 1;
        assert!(empty.check().is_err());
    }
}
