//! When the log may say that the group counts on a replica.
//!
//! A `Vouch` settles all damage in the log segments of earlier runs, also damage that comes after it:
//! the log cannot tell the two apart. So it is written only when nothing in those segments is needed any
//! more: when storage has flushed all that was prepared as the group began to count on the replica.
//! What is prepared later stands in segments of this run, which no `Vouch` of this run settles. Until
//! the record is safe, a restarted replica proves nothing and learns again, which is always right.

use pegasus_common::Ballot;
use pegasus_common::Decree;
use pegasus_pacifica::Replica;
use pegasus_pacifica::ReplicaStatus;
use pegasus_pacifica::Standing;

/// What the log does not say yet about one replica.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Belief {
    /// What was prepared when the group began to count on the replica.
    unwritten: Option<Decree>,
}

impl Belief {
    /// The group counts on the replica.
    pub fn begin(&mut self, machine: &Replica) {
        self.unwritten = Some(machine.prepared());
    }

    /// What storage has to flush. What was dropped from the prepare list since, nobody needs.
    fn needed(self, machine: &Replica) -> Option<Decree> {
        let is_believed =
            machine.standing() == Standing::Proven && machine.status() != ReplicaStatus::Error;
        let through = self.unwritten.filter(|_| is_believed)?;
        Some(through.min(machine.prepared()))
    }

    /// Whether a flush now would let the log say so.
    pub fn waits_for_flush(self, machine: &Replica) -> bool {
        self.needed(machine)
            .is_some_and(|needed| needed <= machine.applied())
    }

    /// Storage has flushed everything through `flushed`: gives the ballot under which the log is to
    /// vouch for the replica now, once.
    pub fn take_due(&mut self, machine: &Replica, flushed: Decree) -> Option<Ballot> {
        if self.needed(machine)? > flushed {
            return None;
        }
        self.unwritten = None;
        // Along a log ballots only grow, and a newer one may be on its way into it.
        Some(machine.known_ballot())
    }
}
