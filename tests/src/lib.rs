//! Black-box tests against the real binary: [`Onebox`] runs a whole cluster of real processes in a
//! private directory on free ports. The tests themselves are in `tests/tests/`.
//!
//! This crate knows the servers only from outside: their command line, their files and their ports.

mod client_runtime;
mod crash_load;
mod environment;
pub mod golden;
pub mod http_page;
pub mod membership;
mod onebox;
mod patient_stream;
mod random_inputs;
mod random_operations;
pub mod raw_frames;
pub mod raw_socket;
mod replica_digests;
pub mod resources;
pub mod rrdb_connection;
mod table_model;

pub use client_runtime::client_runtime;
pub use crash_load::CrashLoad;
pub use environment::{binary, checkout, number_from_env, shared_directory};
pub use onebox::{Node, Onebox, OneboxOptions, print_log_ends};
pub use random_operations::RandomOperations;
pub use replica_digests::{settled_digest, wait_until_identical};
