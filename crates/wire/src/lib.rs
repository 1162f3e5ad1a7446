//! The wire: frames and messages as bytes, and nothing that moves them. No socket, clock or thread.
//!
//! * [`frame`] splits a receive buffer into requests and responses and writes both
//!   (wire-protocol.md sections 1 to 3).
//! * [`codec`] is the Thrift binary encoding with Pegasus's six hand-written types (section 4).
//! * [`rrdb`], [`layer2`] and their neighbours are the messages, generated from `idl/*.thrift` by
//!   `cargo run -p pegasus-idl-generator`; a test fails when they differ from what it makes.
//! * [`argument`] and [`result`] are the one-field wrappers around a message in a frame's body.
//! * [`TaskCode`] is every RPC name that this version speaks.
//!
//! Invariants: decoding never panics, never reads past its input, and never allocates more than a
//! fixed multiple of the bytes that have really arrived; encoding never fails and always writes
//! every field of default requiredness.

pub mod argument;
pub mod codec;
pub mod frame;
#[rustfmt::skip]
mod generated;
pub mod result;
pub mod task_code;

pub use codec::{DecodeError, FieldType, Message, Reader};
pub use generated::{
    command, failure_detector, layer2, meta_admin, metadata, replica_admin, replication, rrdb,
    security,
};
pub use task_code::{TaskCode, TaskKind};
