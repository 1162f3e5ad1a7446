//! The driver's part of learning: reading the log, making and fetching checkpoints.

use pegasus_pacifica::{
    CheckpointOffer, Configuration, LearnSignature, LeaseTerm, Membership, Message,
    ReconfigurationKind, ReconfigurationRequest, Replica,
};

use super::node::{Node, TeachingWork};
use super::{World, address, index_of};

/// Mutations in one chunk.
const CHUNK: usize = 3;
/// Work that waits; the state machine repeats itself.
const WORK_MAX: usize = 4;

impl Node {
    /// Work for a learner, if none is under way for the same attempt.
    pub fn add_work(&mut self, work: TeachingWork) {
        let is_known = self
            .work
            .iter()
            .any(|known| (known.to, known.signature) == (work.to, work.signature));
        if !is_known && self.work.len() < WORK_MAX {
            self.work.push_back(work);
        }
    }
}

impl World {
    /// The server does the oldest piece of work for a learner.
    pub fn teach(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        let Some(work) = node.work.pop_front() else {
            return;
        };
        if node.replica.is_none() {
            return;
        }
        let read = work
            .range
            .and_then(|(after, through)| node.read_log(after, through, CHUNK));
        if let Some(mutations) = read {
            self.reach.mark("supplied from the log");
            self.input(index, |replica, out| {
                replica.supply_mutations(work.to, work.signature, mutations, out);
            });
            return;
        }
        let offer = node.make_checkpoint();
        self.input(index, |replica, _| replica.on_durable(offer.at.decree));
        self.input(index, |replica, out| {
            replica.offer_checkpoint(work.to, work.signature, offer, out);
        });
    }

    /// The server has fetched a checkpoint, if that is still there, and puts it in place.
    pub fn fetch(&mut self, index: usize) {
        let node = &self.nodes[index];
        let Some(fetch) = node.fetch.clone() else {
            return;
        };
        self.nodes[index].fetch = None;
        let wanted: Option<(LearnSignature, CheckpointOffer)> = self.nodes[index]
            .replica
            .as_ref()
            .and_then(Replica::fetching);
        if wanted != Some((fetch.signature, fetch.offer)) {
            return;
        }
        let source = &self.nodes[index_of(fetch.from)];
        if !source.is_up || !source.checkpoints.contains(&fetch.offer) {
            self.input(index, |replica, _| replica.on_fetch_failed());
            return;
        }
        self.reach.mark("installed");
        let ballot = self.replica(index).known_ballot();
        self.nodes[index].install(ballot, fetch.offer.at);
        self.checks.on_install(index, ballot);
        self.input(index, |replica, out| {
            replica.resume_learning(&fetch.configuration, fetch.signature, out);
        });
    }

    /// The checkpoint cannot be fetched.
    pub fn fail_fetch(&mut self, index: usize) {
        if self.nodes[index].fetch.take().is_some() {
            self.input(index, |replica, _| replica.on_fetch_failed());
        }
    }

    /// A server that is listed and has no replica tells meta, where no primary will.
    pub fn report_lost(&mut self, index: usize, configuration: &Configuration) {
        let me = address(index);
        let leads = configuration.membership_of(me) == Membership::Primary;
        let is_led = configuration.primary.is_some();
        if leads || (!is_led && configuration.membership_of(me) == Membership::Secondary) {
            self.meta.ask(super::Question {
                from: index,
                request: ReconfigurationRequest {
                    kind: ReconfigurationKind::DowngradeToInactive,
                    node: me,
                    configuration: configuration.without(me),
                },
                asked_in: LeaseTerm::NEVER,
            });
        }
    }

    /// Checkpoints of learners that are gone are removed.
    pub fn drop_checkpoints(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        let teaches = node
            .replica
            .as_ref()
            .is_some_and(|replica| replica.learners().next().is_some());
        if !teaches {
            node.checkpoints.clear();
        }
    }

    /// An old copy of a message arrives.
    pub fn receive_stale(&mut self, choice: usize) {
        if let Some((from, to, message)) = self.network.stale_copy(choice) {
            let is_for_absent = self.nodes[to].replica.is_none();
            // A server that makes replicas on old messages would be a model of nothing real.
            if !(is_for_absent && matches!(message, Message::GroupCheck(_))) {
                self.receive(from, to, message);
            }
        }
    }
}
