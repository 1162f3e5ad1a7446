//! The meta server: it knows the tables, who the members of every partition are, and which replica
//! servers live; it never touches user data.
//!
//! # Code map
//! Pure (no socket, file, clock or thread):
//! - [`core`]: everything of one reign; inputs in, [`effect`]s out.
//! - [`cluster_state`], [`table`], [`partition`], [`stored`]: the durable state and its form in the
//!   store; [`queries`] and [`health`] read it.
//! - [`table_admin`], [`table_request`], [`table_environment`], [`staging`]: how tables come, change
//!   and go; [`partition_birth`], [`placement`]: how their partitions are born.
//! - [`configuration_update`], [`config_sync`], [`failure_detector`], [`reports`],
//!   [`function_level`]: what replica servers say, and what may follow from it.
//! - [`dump`]: the metadata as a text; [`recovery`]: the metadata made again from the replica servers.
//! - [`guardian`], [`drop_list`], [`holdings`], [`loads`]: how partitions are cured.
//! - [`wire_form`]: our types as the wire has them.
//!
//! Driven:
//! - [`server`]: sockets, elections and time; [`service`]: requests to the core; [`driver`]: the
//!   core's effects to store and servers; [`group`], [`group_link`], [`server_list`]: the other meta
//!   servers; [`config`], [`metrics`]: from and for operators; [`dump_file`], [`restore`]: dumps on
//!   disk, and a new store from one.
//!
//! # Invariants
//! - A change is durable in the store before anybody sees it or is told of it.
//! - I3: the members of a partition change only together with its ballot, which grows by one.
//! - I4: a server is declared dead no sooner than one grace period after its last beacon arrived,
//!   or after the reign began; the grace is longer than the lease.
//! - A role is taken away unasked only from a server whose lease is surely over: by the grace, by
//!   its goodbye, or by a new process of it. It is given only to one that is alive.
//! - No answer names as primary a server that is losing the role, or that has not loaded yet.
//! - A partition has at most one change under way, and so has a table.
//! - Table ids are never given twice.

pub mod cluster_state;
pub mod config;
pub mod config_sync;
pub mod configuration_update;
pub mod core;
pub mod driver;
pub mod drop_list;
pub mod dump;
pub mod dump_file;
pub mod effect;
pub mod failure_detector;
pub mod function_level;
pub mod group;
pub mod group_link;
pub mod guardian;
pub mod health;
pub mod holdings;
pub mod loads;
pub mod metrics;
pub mod partition;
pub mod partition_birth;
pub mod placement;
pub mod planted;
pub mod queries;
pub mod recovery;
pub mod reports;
pub mod restore;
pub mod server;
pub mod server_list;
pub mod service;
pub mod staging;
pub mod stored;
pub mod table;
pub mod table_admin;
pub mod table_environment;
pub mod table_request;
pub mod wire_form;

#[cfg(test)]
mod testing;
