//! The meta server: hands out configurations, each with a ballot of its own.

use std::collections::VecDeque;

use pegasus_common::RpcAddress;
use pegasus_pacifica::{Configuration, ReconfigurationRequest};

/// The meta server.
pub struct Meta {
    pub configuration: Configuration,
    /// Every configuration there ever was, by ballot: `history[ballot - 1]`.
    pub history: Vec<Configuration>,
    requests: VecDeque<(usize, ReconfigurationRequest)>,
}

/// Requests that wait; more are lost, as in a busy server.
const REQUESTS_MAX: usize = 16;

impl Meta {
    pub fn new(configuration: Configuration) -> Self {
        Self {
            history: vec![configuration.clone()],
            configuration,
            requests: VecDeque::new(),
        }
    }

    fn commit(&mut self, configuration: Configuration) {
        assert_eq!(configuration.ballot, self.configuration.ballot.next());
        self.configuration = configuration.clone();
        self.history.push(configuration);
    }

    /// Makes a member the primary; the one before becomes a secondary.
    pub fn move_primary(&mut self, to: RpcAddress) {
        let mut next = self.configuration.with_next_ballot();
        if next.secondaries.contains(&to) {
            next.secondaries.retain(|&node| node != to);
            next.secondaries.extend(next.primary);
            next.primary = Some(to);
            self.commit(next);
        }
    }

    /// Takes a member out. A primary is replaced by the first secondary, or nobody.
    pub fn remove(&mut self, node: RpcAddress) {
        if self.configuration.member_count() < 2 {
            return;
        }
        let mut next = self.configuration.without(node);
        if next.primary.is_none() {
            next.primary = Some(next.secondaries.remove(0));
        }
        self.commit(next);
    }

    pub fn ask(&mut self, from: usize, request: ReconfigurationRequest) {
        if self.requests.len() < REQUESTS_MAX {
            self.requests.push_back((from, request));
        }
    }

    pub fn has_requests(&self) -> bool {
        !self.requests.is_empty()
    }

    /// Grants or refuses the oldest request; the configuration that is valid now goes back.
    pub fn answer_oldest(&mut self) -> Option<(usize, Configuration)> {
        let (from, request) = self.requests.pop_front()?;
        let proposed = request.configuration;
        let keeps_primary = proposed.primary == self.configuration.primary;
        if proposed.ballot == self.configuration.ballot.next() && keeps_primary {
            self.commit(proposed);
        }
        Some((from, self.configuration.clone()))
    }
}
