//! The Thrift binary protocol, reduced to what Pegasus uses of it (wire-protocol.md section 4).
//!
//! Integers are big-endian. A field is a type byte, an `i16` id and the content; a struct ends with
//! a zero byte. `blob`, `error_code`, `task_code`, `gpid`, `rpc_address` and `host_port` announce
//! themselves as structs but carry raw content without any stop byte, so an unknown field of one of
//! those six types cannot be skipped: new ones must never be added to a message in use.

mod base_types;
mod containers;
mod error;
mod field_type;
mod message;
mod reader;
mod scalars;
mod skip;
mod wire_enum;

pub use error::DecodeError;
pub use field_type::FieldType;
pub use message::{FIELD_HEADER_LEN, Message, STOP_LEN, encode_field_header, encode_stop};
pub use reader::{FieldHeader, Reader};

pub(crate) use base_types::{encode_bytes, encode_bytes_field};
pub(crate) use wire_enum::wire_enum;
