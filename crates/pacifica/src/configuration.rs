//! [`Configuration`]: who belongs to a partition under one ballot.

use pegasus_common::{Ballot, RpcAddress};

/// The membership of one partition. One ballot has exactly one configuration (design I3).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Configuration {
    /// The epoch; the meta server made it durable before anyone hears of it.
    pub ballot: Ballot,
    /// How many members the table wants.
    pub max_replica_count: u32,
    /// Who orders the writes, if anyone does.
    pub primary: Option<RpcAddress>,
    /// Who else must acknowledge each write.
    pub secondaries: Vec<RpcAddress>,
}

/// What a configuration says of one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Membership {
    /// It is the primary.
    Primary,
    /// It is a secondary.
    Secondary,
    /// It is not a member.
    Outside,
}

impl Configuration {
    /// What this says of `node`.
    #[must_use]
    pub fn membership_of(&self, node: RpcAddress) -> Membership {
        if self.primary == Some(node) {
            Membership::Primary
        } else if self.secondaries.contains(&node) {
            Membership::Secondary
        } else {
            Membership::Outside
        }
    }

    /// Everyone in it, the primary first.
    pub fn members(&self) -> impl Iterator<Item = RpcAddress> + '_ {
        self.primary
            .into_iter()
            .chain(self.secondaries.iter().copied())
    }

    /// How many members there are.
    #[must_use]
    pub fn member_count(&self) -> usize {
        usize::from(self.primary.is_some()) + self.secondaries.len()
    }

    /// Whether no server is named twice.
    #[must_use]
    pub fn is_well_formed(&self) -> bool {
        let mut members: Vec<RpcAddress> = self.members().collect();
        members.sort_unstable();
        self.ballot >= Ballot::ZERO && members.windows(2).all(|pair| pair[0] != pair[1])
    }

    /// This membership under the next ballot.
    #[must_use]
    pub fn with_next_ballot(&self) -> Self {
        Self {
            ballot: self.ballot.next(),
            ..self.clone()
        }
    }

    /// This membership without `node`, under the next ballot.
    #[must_use]
    pub fn without(&self, node: RpcAddress) -> Self {
        let mut next = self.with_next_ballot();
        next.secondaries.retain(|&member| member != node);
        next.primary = next.primary.filter(|&primary| primary != node);
        debug_assert_eq!(next.membership_of(node), Membership::Outside);
        debug_assert!(next.ballot > self.ballot, "I3: a change needs a ballot");
        next
    }
}
