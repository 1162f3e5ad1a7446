//! The replication state machine of one replica: PacificA, as pure code.
//!
//! A [`Replica`] is a plain struct. Each input is a method that takes what happened (a message, a
//! log flush, a configuration from the meta server) and pushes [`Effect`]s: what the driver must do
//! now, in order. It owns no socket, file, clock, thread or random source, and it is `Clone + Eq +
//! Hash`, so the real server, a simulator and an exhaustive explorer drive the same code.
//!
//! | Concept | File |
//! |---|---|
//! | one entry of the replicated log | [`mutation`] |
//! | the entries from the oldest one kept to the newest one prepared | [`prepare_list`] |
//! | membership under one ballot | [`configuration`] |
//! | what the replica is now | [`role`], [`learner`] |
//! | what it hears, says and asks for | [`message`], [`effect`] |
//! | the inputs | [`replica`] |
//! | acting as primary: writes; learners, what they get, when they count; who is stuck | `primary`; [`teaching`], `supply`, `promotion`; `progress` |
//! | following a primary: everyone who does; members; learners | [`follow`]; `secondary`; `learning` |
//! | the way into a higher ballot | [`adoption`] |
//! | what it asks of meta, what meta asks of it | [`reconfiguration`], [`proposal`] |
//! | whether clients are served | [`admission`], [`lease`], [`options`] |
//! | a server without the replica | [`absent`] |
//! | what a log leaves after a crash | [`replay`], [`recovered`] |
//! | same decree, same bytes | [`digest`] |
//! | I1–I8 of the design | `invariants` |
//! | rules that tests leave out on purpose | [`planted`] |
//!
//! # Life of a write
//!
//! `propose` gives it the next decree, sends `Prepare` to every secondary and appends it to the own
//! log. A secondary appends it too and acknowledges when *its* log is safe. When the own log and
//! every secondary have it, the primary commits in decree order: [`Effect::Commit`]. Secondaries
//! hear of the commit point in later prepares and group checks.
//!
//! # Contract of the driver
//!
//! 1. Effects are executed in the order in which they were pushed.
//! 2. The log keeps the order of `Append` and `AppendBallot`; `on_log_safe` and `on_ballot_safe` are
//!    called only for what would survive whatever the table's durability promises.
//! 3. Messages between two replicas arrive in order or not at all; whenever some may have been lost
//!    (a connection was replaced), both ends call `on_peer_connected`. Duplicates, and messages of
//!    older ballots, may arrive at any time.
//! 4. `Commit` is applied in order, in one batch with its decree and digest; then `on_applied`.
//! 5. What is reported to the log as flushed never passes [`Replica::log_release_limit`].
//! 6. The lease is the driver's clock work: it calls `on_lease`, also for a replica that was just
//!    opened, and before it answers a read or accepts a write it checks that the clock holds the lease
//!    in the term of [`Replica::readable_in`].
//! 7. Each opening of a replica has its own [`Life`].
//! 8. A replica that was made in order to learn, or whose storage was replaced by a checkpoint, is
//!    opened as [`Standing::Unproven`] after each restart until [`Effect::Vouch`] is safe in its log.

mod invariants;
mod learning;
mod primary;
mod progress;
mod promotion;
mod secondary;
mod supply;

pub mod absent;
pub mod admission;
pub mod adoption;
pub mod configuration;
pub mod digest;
pub mod effect;
pub mod follow;
pub mod learner;
pub mod lease;
pub mod message;
pub mod mutation;
pub mod options;
pub mod planted;
pub mod prepare_list;
pub mod proposal;
pub mod reconfiguration;
pub mod recovered;
pub mod replay;
pub mod replica;
pub mod role;
pub mod teaching;

pub use absent::AbsentAnswer;
pub use admission::{ReadRefusal, WriteRefusal};
pub use configuration::{Configuration, Membership};
pub use digest::{DigestAt, RollingDigest};
pub use effect::{Effect, Effects};
pub use learner::{CheckpointId, CheckpointOffer, LearnPhase, LearnSignature, LearnerState, Life};
pub use lease::{Lease, LeaseTerm};
pub use message::{
    GroupCheck, GroupCheckReply, LearnOutcome, LearnReply, LearnRequest, Message,
    OfferedCheckpoint, PeerOutcome, PrepareAck,
};
pub use mutation::Mutation;
pub use options::Options;
pub use prepare_list::{HistoryLimits, PrepareList};
pub use proposal::{Proposal, ProposalKind};
pub use reconfiguration::{ConfigurationSource, ReconfigurationKind, ReconfigurationRequest};
pub use recovered::{Recovered, Standing};
pub use replay::{Replay, ReplayError, Replayed};
pub use replica::Replica;
pub use role::{ErrorReason, InactiveReason, PrimaryState, ReplicaStatus, Role, SecondaryState};
