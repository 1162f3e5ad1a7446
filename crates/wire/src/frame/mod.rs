//! Frames: what a connection carries (wire-protocol.md sections 1 to 3, and 5).
//!
//! A server feeds its receive buffer to [`RequestFrame::split_from`] (or, without taking anything
//! out of the buffer, [`RequestView::parse`]) and answers with the functions of [`response`]. A
//! client writes with [`request::encode`] and reads with [`ResponseFrame::split_from`].

mod cursor;
mod error;
mod header;
mod message_header;
mod name;
mod protocol;
pub mod rdsn;
pub mod request;
pub mod response;

pub use error::FrameError;
pub use name::{MAX_NAME_LEN, RequestName};
pub use protocol::Protocol;
pub use rdsn::RdsnHeader;
pub use request::{CallKind, OutgoingRequest, RequestFrame, RequestHead, RequestView};
pub use response::{ReadResult, ReplyTo, ResponseFrame};
