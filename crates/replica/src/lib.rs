//! The replica server: hosts many replicas over several data directories, on shards that own them.
//!
//! * [`server`] starts and stops everything; [`config`] is what it is told.
//! * [`load`] gives replicas back what storage and log hold of them; [`disk`] is a data directory.
//! * [`shard`] is a thread with its replicas, connections and links; [`hosted_replica`] joins one
//!   replica's state machine (`pegasus-pacifica`), storage (`pegasus-engine`) and client writes;
//!   [`reads`] serve from the connection's thread or the [`read_pool`].
//! * [`control`] keeps the [`lease`], exchanges configurations with the meta server, makes and closes
//!   replicas.
//!
//! It never imports the meta server.

mod answers;
pub mod config;
mod control;
mod disk;
mod engine_events;
mod hosted_replica;
mod http;
mod lease;
mod load;
mod metrics;
mod node;
mod peer_messages;
mod read_pool;
mod reads;
mod router;
pub mod server;
mod shard;
#[cfg(test)]
mod testing;
mod write_request;

pub use config::ReplicaServerConfig;
pub use server::ServerError;
