//! [`RrdbConnection`]: a connection on which typed requests go to one partition, one after the other.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use bytes::BytesMut;
use pegasus_common::{ErrorCode, Gpid};
use pegasus_wire::frame::request::{self, OutgoingRequest};
use pegasus_wire::frame::response::ResponseFrame;
use pegasus_wire::{Message, TaskCode};

use crate::patient_stream::patient_stream;

const PATIENCE: Duration = Duration::from_secs(60);
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// A connection to the primary of a partition.
#[derive(Debug)]
pub struct RrdbConnection {
    stream: TcpStream,
    gpid: Gpid,
    received: BytesMut,
    last_seqid: i32,
}

impl RrdbConnection {
    /// Connects.
    ///
    /// # Panics
    /// The server does not accept.
    #[must_use]
    pub fn open(address: &str, gpid: Gpid) -> Self {
        Self {
            stream: patient_stream(address, PATIENCE),
            gpid,
            received: BytesMut::new(),
            last_seqid: 0,
        }
    }

    /// Sends a request that nobody answers.
    ///
    /// # Panics
    /// The server has closed the connection.
    pub fn send<M: Message>(&mut self, code: TaskCode, argument: &M) {
        self.last_seqid += 1;
        let header = OutgoingRequest {
            gpid: self.gpid,
            ..OutgoingRequest::to_process(code, self.last_seqid, 60_000)
        };
        let mut frame = BytesMut::new();
        request::encode(&mut frame, &header, argument);
        let sent = self.stream.write_all(&frame);
        sent.unwrap_or_else(|error| panic!("{code:?} cannot be sent: {error}"));
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Panics
    /// There is none, it is refused, or it is no such message.
    #[must_use]
    pub fn ask<R: Message>(&mut self, code: TaskCode, argument: &impl Message) -> R {
        self.send(code, argument);
        let answer = self.receive();
        assert_eq!(answer.error, ErrorCode::Ok, "{code:?}");
        assert_eq!((answer.code, answer.seqid), (Some(code), self.last_seqid));
        let decoded = answer.decode();
        decoded.unwrap_or_else(|error| panic!("the answer to {code:?}: {error}"))
    }

    fn receive(&mut self) -> ResponseFrame {
        loop {
            let frame = ResponseFrame::split_from(&mut self.received, ANSWER_BYTES_MAX);
            if let Some(frame) = frame.unwrap_or_else(|error| panic!("a malformed answer: {error}"))
            {
                return frame;
            }
            let mut bytes = [0; 64 << 10];
            let count = self.stream.read(&mut bytes);
            let count = count.unwrap_or_else(|error| panic!("no answer: {error}"));
            assert!(count > 0, "the server closed the connection");
            self.received.extend_from_slice(&bytes[..count]);
        }
    }
}
