//! Deterministic simulation of whole clusters: many servers in one thread, virtual time, one seed for
//! everything that is left to chance.
//!
//! The code that decides is the product's own: `pegasus-pacifica`, the evaluation of writes, the
//! replica server's `HostedReplica` and `Stub`, the meta server's `MetaCore` with its store. What it
//! acts on is a model that fails in every way that the real thing may: [`network`], [`disk`], clocks
//! ([`time`]). [`client`]s work meanwhile, and [`faults`] happen.
//!
//! | Concept | File |
//! |---|---|
//! | a run: birth, faults, healing, the last reads | [`run`] |
//! | what a run is like, drawn from its seed | [`plan`], [`random`] |
//! | what happens next, and to whom | [`scheduler`], [`surroundings`], [`world`] |
//! | what is sent | [`packet`], [`network`], [`cuts`] |
//! | the processes | [`server`], [`meta_node`], [`client`] |
//! | what clients do | [`workload`], [`data_calls`] |
//! | what must hold | [`checks`], and `pegasus-history` for what clients see |
//! | what happened | [`trace`] |
//! | many seeds | [`campaign`] |
//! | bugs that must be found | [`planted`] |
//! | branches that must be taken | [`reach_marks`] |
//!
//! The same seed gives the same run, event by event; [`trace::Trace::hash`] tells whether it did.

pub mod campaign;
pub mod checks;
pub mod client;
pub mod cuts;
pub mod data_calls;
pub mod disk;
pub mod faults;
pub mod meta_node;
pub mod meta_options;
pub mod network;
pub mod packet;
pub mod plan;
pub mod planted;
pub mod random;
pub mod reach_marks;
pub mod run;
pub mod scheduler;
pub mod server;
pub mod surroundings;
pub mod time;
pub mod trace;
pub mod workload;
pub mod world;
