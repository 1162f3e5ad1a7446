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
//! | membership under one ballot; changes of it | [`configuration`], [`reconfiguration`] |
//! | what the replica is now | [`role`], [`learner`] |
//! | what it hears, says and asks for | [`message`], [`effect`] |
//! | the inputs | [`replica`], and by role `primary`, `secondary` |
//! | whether clients are served | [`admission`], [`options`] |
//! | what a log leaves after a crash | [`replay`], [`recovered`] |
//! | same decree, same bytes | [`digest`] |
//! | I1–I8 of the design | `invariants` |
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
//! 6. The lease is the driver's clock work: it calls `on_lease`, and checks it before each reply.

mod invariants;
mod primary;
mod secondary;

pub mod admission;
pub mod configuration;
pub mod digest;
pub mod effect;
pub mod learner;
pub mod message;
pub mod mutation;
pub mod options;
pub mod prepare_list;
pub mod reconfiguration;
pub mod recovered;
pub mod replay;
pub mod replica;
pub mod role;

pub use admission::{Lease, ReadRefusal, WriteRefusal};
pub use configuration::{Configuration, Membership};
pub use digest::{DigestAt, RollingDigest};
pub use effect::{Effect, Effects};
pub use message::{GroupCheck, GroupCheckReply, Message, PeerOutcome, PrepareAck};
pub use mutation::Mutation;
pub use options::Options;
pub use prepare_list::{HistoryLimits, PrepareList};
pub use reconfiguration::{ConfigurationSource, ReconfigurationKind, ReconfigurationRequest};
pub use recovered::{Recovered, Standing};
pub use replay::{Replay, ReplayError, Replayed};
pub use replica::Replica;
pub use role::{ErrorReason, InactiveReason, PrimaryState, ReplicaStatus, Role, SecondaryState};
