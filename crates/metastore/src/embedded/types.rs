//! The types that the group's consensus works with: members, commands, log entries.

use std::cmp::Ordering;
use std::fmt;
use std::marker::PhantomData;

use openraft::impls::{BoxedErrorSource, InlineBatch, OneshotResponder, leader_id_std};
use openraft::vote::RaftLeaderId;
use openraft::{AsyncRuntime, BasicNode, EntryPayload, OptionalSend, RaftTypeConfig};
use serde::{Deserialize, Serialize};

use crate::leadership::Epoch;
use crate::store::CommitError;
use crate::transaction::{Transaction, Version};

/// Names a member's memory: a random number, made with its directory and kept in it.
///
/// It is not the address: a member that has lost its directory has also lost its promises to others,
/// so it must come back as somebody else.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct MemberId(pub u64);

impl MemberId {
    /// A new member's id.
    #[must_use]
    pub fn random() -> Self {
        Self(rand::random())
    }
}

impl From<u64> for MemberId {
    fn from(id: u64) -> Self {
        Self(id)
    }
}

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// What an entry of the group's log asks of the state machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// The leader of the entry's term begins a reign: earlier epochs are refused from here on.
    Reign,
    /// The reign of this epoch ends.
    Resign {
        /// The epoch.
        epoch: Epoch,
    },
    /// A transaction of this reign.
    Commit {
        /// The reign's epoch.
        epoch: Epoch,
        /// What changes.
        transaction: Transaction,
    },
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reign => f.write_str("begin a reign"),
            Self::Resign { epoch } => write!(f, "end the reign of epoch {epoch}"),
            Self::Commit { epoch, transaction } => {
                let operations = transaction.operations.len();
                write!(f, "{operations} operations in epoch {epoch}")
            }
        }
    }
}

/// What became of a [`Command`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Of an entry that carries no command.
    Nothing,
    /// A reign began.
    Reign(Epoch),
    /// A reign ended, or had ended before.
    Resigned,
    /// A transaction took effect, or was refused.
    Commit(Result<Version, CommitError>),
}

/// The type parameters of the consensus, for one asynchronous runtime: the servers' or the
/// simulator's.
pub struct GroupTypes<R>(PhantomData<fn() -> R>);

impl<R> fmt::Debug for GroupTypes<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GroupTypes")
    }
}

impl<R> Clone for GroupTypes<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for GroupTypes<R> {}

impl<R> Default for GroupTypes<R> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<R> PartialEq for GroupTypes<R> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<R> Eq for GroupTypes<R> {}

impl<R> PartialOrd for GroupTypes<R> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<R> Ord for GroupTypes<R> {
    fn cmp(&self, _: &Self) -> Ordering {
        Ordering::Equal
    }
}

/// A term and who wants to lead, or leads, in it; one leader per term.
pub type LeaderId = leader_id_std::LeaderId<u64, MemberId>;
/// What remains of it in the log: the term.
pub type CommittedLeaderId = <LeaderId as RaftLeaderId>::Committed;
/// A member's promise.
pub type Vote = openraft::impls::Vote<LeaderId>;
/// Names an entry of the log: term and index.
pub type LogId = openraft::LogId<CommittedLeaderId>;
/// What an entry carries.
pub type Payload = EntryPayload<Command, MemberId, BasicNode>;
/// An entry of the log.
pub type Entry = openraft::Entry<CommittedLeaderId, Payload>;
/// Who is a member, and by which entry.
pub type StoredMembership = openraft::StoredMembership<CommittedLeaderId, MemberId, BasicNode>;
/// What a snapshot covers.
pub type SnapshotMeta = openraft::SnapshotMeta<CommittedLeaderId, MemberId, BasicNode>;

impl<R: AsyncRuntime> RaftTypeConfig for GroupTypes<R> {
    type D = Command;
    type R = Outcome;
    type NodeId = MemberId;
    type Node = BasicNode;
    type Term = u64;
    type LeaderId = LeaderId;
    type Vote = Vote;
    type Payload = Payload;
    type Entry = Entry;
    type AsyncRuntime = R;
    type Responder<T>
        = OneshotResponder<Self, T>
    where
        T: OptionalSend + 'static;
    type Batch<T>
        = InlineBatch<T>
    where
        T: OptionalSend + 'static;
    type ErrorSource = BoxedErrorSource;
}
