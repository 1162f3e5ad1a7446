//! The replica server: hosts many replicas over several data directories, on shards that own them.
//!
//! * [`server`] starts and stops everything; [`config`] is what it is told.
//! * [`load`] gives replicas back what storage and log hold of them; [`disk`] is a data directory,
//!   [`disk_health`] whether it can be used.
//! * [`shard`] is a thread with its replicas, connections and links; [`hosted_replica`] joins one
//!   replica's state machine (`pegasus-pacifica`), storage (`pegasus-engine`) and client writes;
//!   [`reads`] serve from the connection's thread or the [`read_pool`].
//! * `client_rules` is what a table's environments ask of requests and of storage.
//! * [`stub`] decides for the server as a whole: the [`lease`], which configurations replicas hear of,
//!   which have to go. [`control`] carries that out, and makes and closes replicas.
//! * [`learn`] brings replicas here from other servers, and hands them out; [`instance`] tells the lives
//!   of a replica apart, and [`open_storages`] says when the last one has really ended.
//!
//! It never imports the meta server.

mod answers;
mod client_rules;
pub mod config;
mod control;
mod disk;
mod disk_health;
mod engine_events;
pub mod fuzzing;
mod hosted_replica;
mod http;
mod instance;
mod learn;
pub mod lease;
mod load;
mod metrics;
mod node;
mod open_storages;
mod peer_messages;
mod read_pool;
mod reads;
mod router;
pub mod server;
mod shard;
mod storage;
pub mod stub;
#[cfg(test)]
mod testing;
mod write_request;

pub use answers::AnswerSink;
pub use config::ReplicaServerConfig;
pub use hosted_replica::HostedReplica;
pub use hosted_replica::HostingLimits;
pub use hosted_replica::Staged;
pub use router::Readability;
pub use router::ReplicaHandle;
pub use server::ServerError;
pub use storage::ReplicaStorage;
pub use write_request::ArrivedWrite;
pub use write_request::DecodedWrite;
pub use write_request::Requester;
