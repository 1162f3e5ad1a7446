//! [`Evidence`]: what is known about a member's leadership, shared by those who find it out and those
//! who ask.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};

use super::Clock;
use super::contact::Contact;
use super::state_machine::Applied;
use super::types::MemberId;

/// What is known about this member's leadership.
#[derive(Clone)]
pub(super) struct Evidence {
    me: MemberId,
    clock: Clock,
    applied: Arc<RwLock<Applied>>,
    contact: Arc<Mutex<Contact>>,
    reign_term: Arc<Mutex<Option<u64>>>,
    failure: Arc<Mutex<Option<String>>>,
}

impl Evidence {
    pub fn new(me: MemberId, clock: Clock, applied: Arc<RwLock<Applied>>) -> Self {
        Self {
            me,
            clock,
            applied,
            contact: Arc::default(),
            reign_term: Arc::default(),
            failure: Arc::default(),
        }
    }

    /// What the others' answers prove.
    pub fn contact(&self) -> Arc<Mutex<Contact>> {
        Arc::clone(&self.contact)
    }

    /// The term in which this member began its last reign.
    pub fn reign_term(&self) -> Option<u64> {
        *self.reign_term.lock()
    }

    pub fn begin_reign(&self, term: u64) {
        *self.reign_term.lock() = Some(term);
    }

    /// How long ago this member was surely the only leader, in `term`.
    pub fn silence(&self, term: u64) -> Option<Duration> {
        let now = (self.clock)();
        let applied = self.applied.read();
        let configs = applied.membership.membership().get_joint_config();
        let confirmed = self.contact.lock().confirmed(term, self.me, configs, now);
        confirmed.map(|confirmed| now.since(confirmed))
    }

    /// The voter, other than this member, that has answered last in `term`.
    pub fn last_heard(&self, term: u64) -> Option<MemberId> {
        let voters: Vec<_> = self.applied.read().membership.voter_ids().collect();
        let others = voters.into_iter().filter(|voter| *voter != self.me);
        self.contact.lock().last_heard(term, others)
    }

    /// Why the consensus has stopped, if it has.
    pub fn failure(&self) -> Option<String> {
        self.failure.lock().clone()
    }

    pub fn fail(&self, reason: String) {
        *self.failure.lock() = Some(reason);
    }
}
