//! Black-box tests against the real binary: [`Onebox`] runs a whole cluster of real processes in a
//! private directory on free ports. The tests themselves are in `tests/tests/`.
//!
//! This crate knows the servers only from outside: their command line, their files and their ports.

pub mod golden;
mod onebox;

pub use onebox::{Node, Onebox, OneboxOptions, checkout, shared_directory};
