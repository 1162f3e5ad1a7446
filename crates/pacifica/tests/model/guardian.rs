//! What meta does by itself: declare servers dead, take roles from dead primaries, propose cures.

use pegasus_common::RpcAddress;
use pegasus_pacifica::{Lease, Membership, Proposal, ProposalKind};

use super::node::{Node, Notice};
use super::{World, address, index_of};

impl World {
    /// Meta's grace for a server has run out. It has not while the server holds its lease.
    pub fn may_declare_dead(&self, index: usize) -> bool {
        self.meta.living[index] && self.nodes[index].lease == Lease::NotHeld
    }

    /// See [`World::may_declare_dead`].
    pub fn declare_dead(&mut self, index: usize) {
        assert!(self.may_declare_dead(index));
        self.meta.living[index] = false;
    }

    /// Whether the primary is one that meta holds for dead.
    pub fn may_clear_primary(&self) -> bool {
        let primary = self.meta.configuration.primary;
        primary.is_some_and(|node| !self.meta.living[index_of(node)])
    }

    /// See [`World::may_clear_primary`].
    pub fn clear_primary(&mut self) {
        if let Some(node) = self
            .meta
            .configuration
            .primary
            .filter(|_| self.may_clear_primary())
        {
            self.reach.mark("primary cleared");
            self.meta.clear(node);
        }
        self.checks.after_step(&self.nodes, &self.meta);
    }

    /// Sends a proposal for the present configuration.
    pub fn send_proposal(&mut self, to: usize, kind: ProposalKind, node: RpcAddress) {
        let configuration = self.meta.configuration.clone();
        let proposal = Proposal {
            kind,
            node,
            configuration,
        };
        self.notify(to, Notice::Proposal(proposal));
    }

    /// The proposal that cures the partition, if it is ill and can be cured now. `choice` decides
    /// between equal ones.
    pub fn cure(&self, choice: usize) -> Option<(usize, ProposalKind, RpcAddress)> {
        let now = &self.meta.configuration;
        let lives = |node: &RpcAddress| self.meta.living[index_of(*node)];
        let Some(primary) = now.primary else {
            let alive: Vec<RpcAddress> = now.secondaries.iter().copied().filter(lives).collect();
            let kind = ProposalKind::UpgradeToPrimary;
            if let Some(&node) = alive.get(choice.checked_rem(alive.len()).unwrap_or(0)) {
                return Some((index_of(node), kind, node));
            }
            return self.choose_truth();
        };
        let to = index_of(primary);
        if let Some(&dead) = now.secondaries.iter().find(|node| !lives(node)) {
            return Some((to, ProposalKind::DowngradeToInactive, dead));
        }
        let wanted = usize::try_from(now.max_replica_count).expect("few");
        if now.member_count() > wanted {
            let node = now.secondaries[choice % now.secondaries.len()];
            return Some((to, ProposalKind::DowngradeToInactive, node));
        }
        let spare: Vec<RpcAddress> = (0..self.nodes.len())
            .map(address)
            .filter(|&node| now.membership_of(node) == Membership::Outside)
            .filter(lives)
            .collect();
        if now.member_count() >= wanted || spare.is_empty() {
            return None;
        }
        let node = spare[choice % spare.len()];
        Some((to, ProposalKind::AddSecondary, node))
    }

    /// All members are gone: meta chooses the one that left last, if it can prove what it has. If that one
    /// has lost it, anybody who surely has everything; but not while a primary that does not know yet
    /// that its lease is over may still commit.
    fn choose_truth(&self) -> Option<(usize, ProposalKind, RpcAddress)> {
        if self.meta.configuration.member_count() > 0 {
            return None;
        }
        let last = self.meta.last_drop.map(index_of)?;
        let nodes = &self.nodes;
        let index = if self.has_everything(&nodes[last]) {
            last
        } else if nodes.iter().all(|node| node.is_up && !node.leads()) {
            nodes.iter().position(|node| self.has_everything(node))?
        } else {
            return None;
        };
        let is_alive = self.meta.living[index];
        is_alive.then_some((index, ProposalKind::AssignPrimary, address(index)))
    }

    /// Whether a server has all that was ever committed, and knows it.
    fn has_everything(&self, node: &Node) -> bool {
        node.replica
            .as_ref()
            .is_some_and(|replica| self.checks.is_complete(replica))
    }

    /// Whether what was committed survives the loss of this server's disk: another member has it
    /// and knows that, now and after a restart.
    pub fn can_lose(&self, index: usize) -> bool {
        let members = self.meta.configuration.members().map(index_of);
        let mut others = members.filter(|&other| other != index);
        others.any(|other| {
            let node = &self.nodes[other];
            let later = node.after_crash();
            let survives = later.is_some_and(|replica| self.checks.is_complete(&replica));
            survives && (node.replica.is_none() || self.has_everything(node))
        })
    }
}
