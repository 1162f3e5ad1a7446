//! Connections that send whatever they like, for tests of what servers do about it.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use pegasus_common::Gpid;
use pegasus_wire::frame::RequestHead;

use crate::patient_stream::patient_stream;
use crate::raw_frames::Framing;

/// How long a server may take to answer or to close.
const PATIENCE: Duration = Duration::from_secs(20);

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The server closed it; what it had sent before.
    Closed(Vec<u8>),
    /// It was still open when patience ran out; what the server had sent until then.
    Open(Vec<u8>),
}

/// A connection without any protocol.
#[derive(Debug)]
pub struct RawSocket {
    stream: TcpStream,
}

impl RawSocket {
    /// Connects.
    ///
    /// # Panics
    /// The server does not accept.
    #[must_use]
    pub fn open(address: &str) -> Self {
        let stream = patient_stream(address, PATIENCE);
        Self { stream }
    }

    /// Sends bytes. Returns whether the server has taken them: it may have closed already.
    pub fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// Sends as much as goes without waiting for the server for long; returns how much that was.
    ///
    /// # Panics
    /// The socket is none.
    pub fn send_until_stuck(&mut self, bytes: &[u8], patience: Duration) -> usize {
        self.stream
            .set_write_timeout(Some(patience))
            .expect("a TCP socket");
        let mut sent = 0;
        while sent < bytes.len() {
            match self.stream.write(&bytes[sent..]) {
                Ok(0) | Err(_) => break,
                Ok(count) => sent += count,
            }
        }
        sent
    }

    /// Says that nothing more will be sent.
    pub fn finish_sending(&self) {
        // Closed by the server already: as good.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Reads until the server closes the connection or patience runs out.
    #[must_use]
    pub fn ending(mut self) -> Ending {
        let mut received = Vec::new();
        match self.stream.read_to_end(&mut received) {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Ending::Open(received)
            }
            // An orderly close, or a reset because the server left something unread.
            _ => Ending::Closed(received),
        }
    }

    /// Whether the server has closed the connection by now. Takes nothing from it.
    ///
    /// # Panics
    /// The socket is none.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.stream.set_nonblocking(true).expect("a TCP socket");
        let closed = match self.stream.peek(&mut [0]) {
            Ok(0) => true,
            Ok(_) => false,
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        };
        self.stream.set_nonblocking(false).expect("a TCP socket");
        closed
    }
}

impl RawSocket {
    /// Whether the server closes the connection although it got a request that it knows.
    #[must_use]
    pub fn is_refused(mut self) -> bool {
        self.send(b"GET /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        matches!(self.ending(), Ending::Closed(answer) if answer.is_empty())
    }
}

/// A request frame with a version 0 header, for the partition of an existing table or (0, 0).
#[must_use]
pub fn request_frame(name: &[u8], (table, partition): (i32, i32), args: &[u8]) -> Vec<u8> {
    let gpid = Gpid::new(table, partition);
    let head = RequestHead {
        gpid,
        timeout_ms: 10_000,
        thread_hash: gpid.thread_hash(),
        seqid: 7,
        ..RequestHead::default()
    };
    Framing::Thrift0.frame(name, &head, args)
}

/// Where the length of the body stands in such a frame.
pub const BODY_LENGTH_OFFSET: usize = 16;
/// Where the version of the header stands.
pub const VERSION_OFFSET: usize = 4;
/// Where the body begins: with the version and type of the message.
pub const BODY_OFFSET: usize = 48;
