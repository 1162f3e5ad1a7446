//! Between a server and meta: questions, answers, proposals, and the lease.

use pegasus_pacifica::{Configuration, ConfigurationSource, Lease, LeaseTerm, Proposal};

use super::World;
use super::meta::Copies;
use super::node::Notice;

/// Notices from meta that wait for a server; more are lost.
const INBOX_MAX: usize = 8;

impl World {
    /// The server asks meta for its configuration, which answers at once; the answer waits in the
    /// inbox. Meta tells a member of it, or anyone who has a replica.
    pub fn ask_for_sync(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        if !node.is_up {
            return;
        }
        node.wants_sync = false;
        let asked_in = node.lease.term().unwrap_or(LeaseTerm::NEVER);
        let source = ConfigurationSource::Sync { asked_in };
        let configuration = self.meta.configuration.clone();
        self.notify(index, Notice::Configuration(configuration, source));
    }

    pub fn notify(&mut self, index: usize, notice: Notice) {
        let node = &mut self.nodes[index];
        if node.is_up && node.inbox.len() < INBOX_MAX {
            node.inbox.push_back(notice);
        }
    }

    /// The oldest notice from meta arrives.
    pub fn take_notice(&mut self, index: usize) {
        match self.nodes[index].inbox.pop_front() {
            Some(Notice::Configuration(configuration, source)) => {
                self.configure(index, &configuration, source);
            }
            Some(Notice::Proposal(proposal)) => self.propose(index, &proposal),
            None => {}
        }
    }

    /// The server asks meta for its configuration, and hears it.
    pub fn config_sync(&mut self, index: usize) {
        self.ask_for_sync(index);
        while !self.nodes[index].inbox.is_empty() {
            self.take_notice(index);
        }
    }

    /// A configuration arrives, perhaps an old one. A server that has lost a replica says so.
    pub fn configure(
        &mut self,
        index: usize,
        configuration: &Configuration,
        source: ConfigurationSource,
    ) {
        if self.nodes[index].replica.is_none() {
            self.report_lost(index, configuration);
        }
        self.input(index, |replica, out| {
            replica.on_configuration(configuration, source, out);
        });
    }

    /// A proposal arrives, perhaps an old one.
    pub fn propose(&mut self, index: usize, proposal: &Proposal) {
        if self.nodes[index].replica.is_none() {
            self.report_lost(index, &proposal.configuration);
        }
        self.input(index, |replica, out| replica.on_proposal(proposal, out));
    }

    /// Meta handles one of the waiting requests.
    pub fn answer_request(&mut self, which: usize, copies: Copies) {
        if let Some((question, configuration)) = self.meta.answer(which, copies) {
            let source = ConfigurationSource::Reply {
                asked_in: question.asked_in,
            };
            let notice = Notice::Configuration(configuration, source);
            self.notify(question.from, notice);
        }
        self.checks.after_step(&self.nodes, &self.meta);
    }

    /// The replica of a server hears what its clock says of the lease.
    pub fn notice_lease(&mut self, index: usize) {
        let lease = self.nodes[index].lease;
        self.nodes[index].told = lease;
        self.input(index, |replica, out| replica.on_lease(lease, out));
    }

    /// The lease of a server runs out; the replica may not hear of it.
    pub fn lapse(&mut self, index: usize) {
        self.nodes[index].lease = Lease::NotHeld;
        self.checks.after_step(&self.nodes, &self.meta);
    }

    /// A beacon of a server reaches meta, and its answer the server: the lease goes on, or begins
    /// anew in another term.
    pub fn beacon(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        if !node.is_up {
            return;
        }
        self.meta.living[index] = true;
        if node.lease == Lease::NotHeld {
            node.term = LeaseTerm(node.term.0 + 1);
            node.lease = Lease::Held(node.term);
        }
        self.checks.after_step(&self.nodes, &self.meta);
    }
}
