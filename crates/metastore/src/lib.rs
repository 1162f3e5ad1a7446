//! Where the meta servers keep their metadata: an ordered key space with multi-key transactions and
//! a fenced leadership.
//!
//! It knows keys, values, versions and epochs, and nothing of tables or partitions. Whoever holds
//! the leadership commits with its [`Epoch`]; a commit with an older one fails in the store,
//! whatever the sender's clock says (design.md section 6).
//!
//! | Implementation | Kept in | For |
//! |---|---|---|
//! | [`EmbeddedStore`] | a log and a base in a directory of each member | `embedded` |
//! | [`MemoryStore`] | memory, shared by the members of a [`MemoryCluster`] | tests |
//!
//! # Invariants
//! - What [`MetadataStore::commit`] acknowledged is durable, and visible to every later read.
//! - A transaction takes effect as a whole or not at all, also across a crash.
//! - Epochs and versions only grow, across restarts too.
//! - At most one member commits at a time: the holder of the largest epoch.

pub mod embedded;
pub mod leadership;
pub mod memory;
pub mod planted;
pub mod store;
pub mod transaction;

mod key_space;

pub use embedded::journal::JournalOptions;
pub use embedded::{EmbeddedStore, ServerStore};
pub use leadership::{Epoch, Leadership};
pub use memory::{CommitFault, MemoryCluster, MemoryStore};
pub use store::{BoxFuture, CommitError, MetadataStore, ScanRange, StoreError};
pub use transaction::{Entry, Operation, Precondition, Transaction, Version};
