// Made by pegasus-idl-generator from idl/; do not edit.

//! The messages of `idl/`, one module per file.

pub mod command;
pub mod failure_detector;
pub mod layer2;
pub mod meta_admin;
pub mod metadata;
pub mod replica_admin;
pub mod replication;
pub mod rrdb;
pub mod security;
