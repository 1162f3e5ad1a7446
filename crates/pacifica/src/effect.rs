//! What a replica asks of its driver.

use std::sync::Arc;

use pegasus_common::{Ballot, Decree, RpcAddress};

use crate::configuration::Configuration;
use crate::digest::DigestAt;
use crate::learner::{CheckpointOffer, LearnSignature};
use crate::message::Message;
use crate::mutation::Mutation;
use crate::reconfiguration::ReconfigurationRequest;
use crate::role::ReplicaStatus;

/// One thing to do. The driver executes effects in the order in which they were pushed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Append to the log; report with `on_log_safe(ballot, decree)`. Cumulative in append order.
    Append {
        /// What to append.
        mutation: Mutation,
    },
    /// Append the ballot to the log; report with `on_ballot_safe`. Until then the replica does
    /// nothing under it (I3).
    AppendBallot {
        /// The new ballot.
        ballot: Ballot,
    },
    /// Send one message.
    Send {
        /// The receiver.
        to: RpcAddress,
        /// The message.
        message: Message,
    },
    /// Send one message to several peers; encode it once.
    Broadcast {
        /// The receivers, never empty.
        to: Arc<[RpcAddress]>,
        /// The message.
        message: Message,
    },
    /// Apply to storage, in this order, together with decree and digest in the same batch; then
    /// call `on_applied`. At the primary that proposed it, the clients of this decree are answered
    /// after that.
    Commit {
        /// What to apply.
        mutation: Mutation,
        /// The rolling digest through this decree: storage keeps it beside the decree, and
        /// `Recovered` gives it back.
        digest: DigestAt,
    },
    /// The replica is something else now.
    RoleChanged {
        /// What it was.
        from: ReplicaStatus,
        /// What it is.
        to: ReplicaStatus,
        /// The durable ballot.
        ballot: Ballot,
    },
    /// This replica was primary and is no more. Client requests of decrees above `committed` that
    /// wait here must be answered with an error. Their outcome is *unknown*: the next primary may
    /// commit them, so a client must not take the answer as leave to repeat an `incr`.
    RefuseAfter {
        /// The last decree that this replica committed in that role.
        committed: Decree,
    },
    /// Ask the meta server for a new configuration. The driver passes the configuration in the
    /// answer (also in that of a refusal) to `on_configuration` as `ConfigurationSource::Reply`, and
    /// calls `on_reconfiguration_timer` each second or so until the ballot has changed.
    RequestReconfiguration(ReconfigurationRequest),
    /// This replica is listed as a member, but may lack something that it acknowledged (I6), or
    /// certainly lacks something that is committed. It stays inactive until it has learned.
    NeedsLearning {
        /// The configuration that lists it.
        configuration: Configuration,
    },
    /// This primary holds a lease in a term in which meta has not confirmed it: config sync now, and
    /// hand in the answer as `ConfigurationSource::Sync` with the term in which it was asked.
    NeedsConfirmation,
    /// A learner lacks what is no longer in the prepare list. Read committed mutations after `after`,
    /// at most through `through` and of limited size, from the own log (of two records of a decree
    /// the later one), and give them to `supply_mutations`. If the log does not have all of them
    /// from the first on, do as for [`Effect::MakeCheckpoint`]. Repeated from time to time; to be
    /// ignored while work for this signature is under way.
    SupplyLearner {
        /// The learner.
        to: RpcAddress,
        /// Its attempt.
        signature: LearnSignature,
        /// The last decree that it has.
        after: Decree,
        /// The last decree that it can take now.
        through: Decree,
    },
    /// A learner needs a checkpoint, whatever the log has: make one, keep it until the learner is gone
    /// from `Replica::learners`, and call `offer_checkpoint`. Repeated and ignored as the above.
    MakeCheckpoint {
        /// The learner.
        to: RpcAddress,
        /// Its attempt.
        signature: LearnSignature,
    },
    /// This learner needs the checkpoint that its primary offers. Fetch it; then, if
    /// `Replica::fetching` still says so, close this replica, put the checkpoint in the place of its
    /// storage, let the log forget what it has of it, and open a new one with
    /// [`crate::Recovered::from_checkpoint`]; give that `resume_learning`. Or call `on_fetch_failed`.
    FetchCheckpoint {
        /// The primary, whose server has the files.
        from: RpcAddress,
        /// The attempt.
        signature: LearnSignature,
        /// The configuration under which it was offered.
        configuration: Configuration,
        /// What to fetch.
        offer: CheckpointOffer,
    },
    /// What this replica has is the truth from here on, by decision of meta or because the group
    /// counts on it: append that to the log, so that earlier doubts do not return with a restart. The
    /// driver may wait, and should where the record would excuse the log for what it still needs.
    Vouch {
        /// The ballot of the decision.
        ballot: Ballot,
    },
    /// I8 is broken: two replicas disagree about a committed decree. An operator must know.
    DigestMismatch {
        /// The other replica.
        peer: RpcAddress,
        /// The other replica's digest, for a decree that both committed.
        theirs: DigestAt,
    },
}

/// The effects of one or more inputs, in order. The driver keeps one and empties it each turn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    queue: Vec<Effect>,
}

impl Effects {
    /// Nothing to do.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one effect.
    pub fn push(&mut self, effect: Effect) {
        self.queue.push(effect);
    }

    pub(crate) fn send(&mut self, to: RpcAddress, message: Message) {
        self.push(Effect::Send { to, message });
    }

    /// Takes everything out, in order; the allocation stays.
    pub fn drain(&mut self) -> std::vec::Drain<'_, Effect> {
        self.queue.drain(..)
    }

    /// What is waiting.
    pub fn iter(&self) -> std::slice::Iter<'_, Effect> {
        self.queue.iter()
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// How many effects are waiting.
    #[must_use]
    pub fn len(&self) -> usize {
        self.queue.len()
    }
}

impl<'a> IntoIterator for &'a Effects {
    type Item = &'a Effect;
    type IntoIter = std::slice::Iter<'a, Effect>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
