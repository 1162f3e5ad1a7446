//! The meta server: hands out configurations, each with a ballot of its own, by the rules of
//! meta-server.md section 9.3.

use std::collections::VecDeque;

use pegasus_common::RpcAddress;
use pegasus_pacifica::{
    Configuration, LeaseTerm, Membership, ReconfigurationKind, ReconfigurationRequest,
};

/// A request under way to the meta server.
#[derive(Clone, Debug, Hash)]
pub struct Question {
    pub from: usize,
    pub request: ReconfigurationRequest,
    pub asked_in: LeaseTerm,
}

/// The meta server.
#[derive(Clone, Debug, Hash)]
pub struct Meta {
    pub configuration: Configuration,
    /// Every configuration there ever was, by ballot: `history[ballot - 1]`.
    pub history: Vec<Configuration>,
    /// The servers that it has not declared dead.
    pub living: Vec<bool>,
    /// The member that left last.
    pub last_drop: Option<RpcAddress>,
    requests: VecDeque<Question>,
}

/// Requests that wait; more are lost, as in a busy server.
const REQUESTS_MAX: usize = 16;

impl Meta {
    pub fn new(configuration: Configuration, nodes: usize) -> Self {
        Self {
            history: vec![configuration.clone()],
            configuration,
            living: vec![true; nodes],
            last_drop: None,
            requests: VecDeque::new(),
        }
    }

    fn commit(&mut self, configuration: Configuration) {
        assert_eq!(configuration.ballot, self.configuration.ballot.next());
        assert!(configuration.is_well_formed());
        let left = self
            .configuration
            .members()
            .find(|&node| configuration.membership_of(node) == Membership::Outside);
        self.last_drop = left.or(self.last_drop);
        self.configuration = configuration.clone();
        self.history.push(configuration);
    }

    /// Makes a member the primary; the one before becomes a secondary. Only for stories: nobody
    /// waited for a lease.
    pub fn move_primary(&mut self, to: RpcAddress) {
        let mut next = self.configuration.with_next_ballot();
        if next.secondaries.contains(&to) {
            next.secondaries.retain(|&node| node != to);
            next.secondaries.extend(next.primary);
            next.primary = Some(to);
            self.commit(next);
        }
    }

    /// Takes a secondary out by meta's own decision. Only for stories.
    pub fn remove(&mut self, node: RpcAddress) {
        if self.configuration.membership_of(node) == Membership::Secondary {
            self.commit(self.configuration.without(node));
        }
    }

    /// Takes its role from a primary that was declared dead: the one change that meta makes itself.
    pub fn clear(&mut self, node: RpcAddress) {
        assert_eq!(self.configuration.primary, Some(node));
        self.commit(self.configuration.without(node));
    }

    pub fn ask(&mut self, question: Question) {
        if self.requests.len() < REQUESTS_MAX {
            self.requests.push_back(question);
        }
    }

    pub fn requests(&self) -> usize {
        self.requests.len()
    }

    /// Handles one of the waiting requests; the configuration that is valid now goes back. `keep`: a
    /// copy of the request arrives again later.
    pub fn answer(&mut self, which: usize, copies: Copies) -> Option<(Question, Configuration)> {
        let question = match copies {
            Copies::Last => self.requests.remove(which)?,
            Copies::More => self.requests.get(which)?.clone(),
        };
        if self.grants(&question.request) {
            self.commit(question.request.configuration.clone());
        }
        Some((question, self.configuration.clone()))
    }

    fn grants(&self, request: &ReconfigurationRequest) -> bool {
        let (node, now) = (request.node, &self.configuration);
        let before = now.membership_of(node);
        let mut next = now.with_next_ballot();
        let is_possible = match request.kind {
            ReconfigurationKind::AssignPrimary => {
                next.primary = Some(node);
                now.member_count() == 0
            }
            ReconfigurationKind::UpgradeToPrimary => {
                next = now.without(node);
                next.primary = Some(node);
                now.primary.is_none() && before == Membership::Secondary
            }
            ReconfigurationKind::UpgradeToSecondary => {
                next.secondaries.push(node);
                now.primary.is_some() && before == Membership::Outside
            }
            ReconfigurationKind::DowngradeToSecondary => {
                next = now.without(node);
                next.secondaries.push(node);
                before == Membership::Primary
            }
            ReconfigurationKind::DowngradeToInactive | ReconfigurationKind::Remove => {
                next = now.without(node);
                before != Membership::Outside
            }
            ReconfigurationKind::PrimaryForceUpdateBallot => before == Membership::Primary,
        };
        let joins = next.membership_of(node) != Membership::Outside
            && (before == Membership::Outside || next.primary != now.primary);
        let is_dead = !self.living[super::index_of(node)];
        is_possible && !(joins && is_dead) && same_members(&next, &request.configuration)
    }
}

/// Whether a request may come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Copies {
    Last,
    More,
}

fn same_members(one: &Configuration, other: &Configuration) -> bool {
    let sorted = |configuration: &Configuration| {
        let mut secondaries = configuration.secondaries.clone();
        secondaries.sort_unstable();
        secondaries
    };
    one.ballot == other.ballot && one.primary == other.primary && sorted(one) == sorted(other)
}
