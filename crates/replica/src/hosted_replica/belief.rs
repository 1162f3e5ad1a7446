//! When the log may say that the group counts on a replica.
//!
//! A `Vouch` settles all damage in the log segments of earlier runs, also damage that comes after
//! it: the log cannot tell the two apart. So it is written only when nothing in those segments is
//! needed any more: when storage has flushed all that the replica had when it was opened, and has
//! passed what the log still holds of it that is void. What it has prepared since stands in
//! segments of this run, which no `Vouch` of this run settles. So a replica that was made or
//! learned in this run is vouched for at once. Until the record is safe, a restarted replica proves
//! nothing and learns again, which is always right.

use pegasus_common::Ballot;
use pegasus_common::Decree;
use pegasus_pacifica::Replica;
use pegasus_pacifica::ReplicaStatus;
use pegasus_pacifica::Standing;

/// What the log says, or does not say yet, about one replica.
#[derive(Clone, Copy, Debug)]
pub(super) struct Belief {
    /// What was prepared when the replica was opened.
    recovered: Decree,
    /// Through here the log held void records then.
    void: Decree,
    entry: Entry,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    /// Nothing is to be said.
    None,
    /// The group counts on the replica, and the log does not say so.
    Due,
}

impl Belief {
    /// A replica was opened.
    pub fn new(machine: &Replica) -> Self {
        Self {
            recovered: machine.prepared(),
            void: machine.void_through(),
            entry: Entry::None,
        }
    }

    /// The group counts on the replica.
    pub fn begin(&mut self) {
        self.entry = Entry::Due;
    }

    /// What storage has to flush. What was dropped from the prepare list since, nobody needs.
    fn needed(self, machine: &Replica) -> Option<Decree> {
        let is_due = self.entry == Entry::Due
            && machine.standing() == Standing::Proven
            && machine.status() != ReplicaStatus::Error;
        is_due.then(|| self.recovered.min(machine.prepared()).max(self.void))
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
        self.entry = Entry::None;
        // Along a log ballots only grow, and a newer one may be on its way into it.
        Some(machine.known_ballot())
    }
}

#[cfg(test)]
mod tests {
    use pegasus_pacifica::DigestAt;
    use pegasus_pacifica::Effects;
    use pegasus_pacifica::Life;
    use pegasus_pacifica::Options;
    use pegasus_pacifica::Recovered;

    use super::*;
    use crate::testing::GPID;
    use crate::testing::server;

    /// A replica that the group counts on, opened with this much.
    fn counted(decree: i64) -> (Replica, Belief) {
        let at = DigestAt {
            decree: Decree(decree),
            digest: 1,
        };
        let recovered = Recovered {
            standing: Standing::Proven,
            ..Recovered::from_checkpoint(Ballot(3), at, 0)
        };
        let options = Options::default();
        let machine = Replica::new(GPID, server(34801), Life(1), options, recovered);
        let mut belief = Belief::new(&machine);
        assert_eq!(belief.take_due(&machine, Decree(decree)), None);
        belief.begin();
        (machine, belief)
    }

    #[test]
    fn the_log_vouches_when_storage_has_flushed_what_earlier_runs_left() {
        let (machine, mut belief) = counted(5);
        assert!(belief.waits_for_flush(&machine));
        assert_eq!(belief.take_due(&machine, Decree(4)), None);
        assert_eq!(belief.take_due(&machine, Decree(5)), Some(Ballot(3)));
        assert!(!belief.waits_for_flush(&machine));
        assert_eq!(belief.take_due(&machine, Decree(5)), None, "once");
    }

    #[test]
    fn the_log_does_not_vouch_for_a_replica_that_has_failed() {
        let (mut machine, mut belief) = counted(5);
        machine.on_apply_failed(&mut Effects::new());
        assert!(!belief.waits_for_flush(&machine));
        assert_eq!(belief.take_due(&machine, Decree(9)), None);
    }
}
