//! The Rust client: tables of a Pegasus cluster, and its administration.
//!
//! ```no_run
//! # async fn example() -> Result<(), pegasus_client::ClientError> {
//! use pegasus_client::{ClientOptions, Cluster};
//!
//! let cluster = Cluster::connect("127.0.0.1:34601", ClientOptions::new()).await?;
//! let table = cluster.table("temp").await?;
//! table.set(b"user1", b"name", "Ada").await?;
//! assert_eq!(table.get(b"user1", b"name").await?.as_deref(), Some(&b"Ada"[..]));
//! # Ok(())
//! # }
//! ```
//!
//! * [`Cluster`] is the entry; [`Table`] has every data operation; [`Scanner`] walks over records;
//!   [`Admin`] creates, drops and lists tables.
//! * One connection serves all tasks of a cluster handle; requests are pipelined. Operations find
//!   the primary of a key in a routing table that is read without a lock.
//! * A failed attempt is repeated until the operation's deadline where that can help
//!   (wire-protocol.md section 8.2); writes that must not happen twice are never repeated once they
//!   may have been executed.
//!
//! Everything needs a tokio runtime with I/O and time; any kind will do.

mod admin;
mod admin_calls;
mod atomic;
mod batch;
mod cluster;
mod curing;
mod del_range;
mod error;
mod meta_client;
mod meta_list;
mod meta_members;
mod multi;
mod operation;
mod options;
mod point;
mod retry;
mod routing;
mod scan;
mod scan_stream;
mod table;
mod table_changes;

pub use admin::{Admin, CreateTable, IfExists, IfMissing, Node};
pub use atomic::{
    Check, CheckKind, CheckOutcome, CheckedValue, Mutation, ReturnValue, SetValue, Verdict,
};
pub use batch::{NewRecord, RecordKey};
pub use cluster::Cluster;
pub use curing::{Change, Urgency};
pub use error::{ClientError, TableProblem, WriteFate};
pub use multi::{Completeness, MultiGetResult, SortKeyValue};
pub use operation::Answered;
pub use options::{
    Bound, ClientOptions, Direction, Filter, IncrTtl, MultiGetOptions, ScanOptions, Ttl, Values,
    WriteRepetition,
};
pub use pegasus_wire::layer2::{AppInfo, AppStatus};
pub use pegasus_wire::meta_admin::{
    ConfigType, DddPartitionInfo, MetaFunctionLevel, MetaMember, MetaMemberStanding, NodeStatus,
};
pub use point::TimeToLive;
pub use routing::{PartitionMembers, Partitions};
pub use scan::{Record, Scanner};
pub use scan_stream::ScanStream;
pub use table::Table;
pub use table_changes::{AtomicOperations, EnvFamily};
