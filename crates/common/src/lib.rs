//! The vocabulary that every other crate speaks: identifiers, ballots and decrees, addresses, error
//! codes, keys and values, table environments; and the plumbing that every server shares:
//! configuration, metrics, logging, clocks, and what one process takes over from the last. It knows
//! no socket and no protocol.

pub mod address;
pub mod clock;
pub mod config;
pub mod directory_lock;
pub mod durable_file;
pub mod error_code;
pub mod ids;
pub mod key;
pub mod logging;
pub mod metrics;
pub mod partition_hash;
pub mod predecessor;
pub mod reach;
pub mod room;
pub mod storage_status;
pub mod table_env;
pub mod value;

#[cfg(test)]
mod vectors;

pub use address::{HostPort, RpcAddress};
pub use error_code::ErrorCode;
pub use ids::{AppId, Ballot, Decree, Gpid, PartitionIndex};
pub use room::Room;
pub use storage_status::StorageStatus;
