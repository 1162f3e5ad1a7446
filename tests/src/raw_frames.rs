//! Requests in every framing that servers understand, whatever their content.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use bytes::BytesMut;
use pegasus_wire::Message as _;
use pegasus_wire::frame::{CallKind, RequestHead, ResponseFrame, rdsn};
use pegasus_wire::layer2::RequestMeta;

use crate::patient_stream::patient_stream;

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);
const ANSWER_BYTES_MAX: usize = 64 << 20;
const READ_BYTES: usize = 64 << 10;

/// How requests are framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// The header of Go, Python and Node.js.
    Thrift0,
    /// The header of Java.
    Thrift1,
    /// The header of C++.
    Native,
}

impl Framing {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Thrift0, Self::Thrift1, Self::Native];

    /// A whole frame.
    #[must_use]
    pub fn frame(self, name: &[u8], head: &RequestHead, argument: &[u8]) -> Vec<u8> {
        match self {
            Self::Thrift0 => version_0(head, &thrift_body(name, head, argument)),
            Self::Thrift1 => version_1(head, &thrift_body(name, head, argument)),
            Self::Native => {
                let mut frame = BytesMut::new();
                rdsn::encode_request(&mut frame, name, head, argument);
                frame.to_vec()
            }
        }
    }
}

/// The body of a Thrift frame: message header and argument.
fn thrift_body(name: &[u8], head: &RequestHead, argument: &[u8]) -> Vec<u8> {
    let message_type = match head.kind {
        CallKind::Call => 1,
        CallKind::Oneway => 4,
    };
    let mut body = vec![0x80, 0x01, 0x00, message_type];
    body.extend_from_slice(&length_of(name));
    body.extend_from_slice(name);
    body.extend_from_slice(&head.seqid.to_be_bytes());
    body.extend_from_slice(argument);
    body
}

/// A frame with a version 0 header around any body.
#[must_use]
pub fn version_0(head: &RequestHead, body: &[u8]) -> Vec<u8> {
    let gpid = head.gpid;
    let mut frame = b"THFT".to_vec();
    for field in [
        [0; 4],
        48_u32.to_be_bytes(),
        [0; 4],
        length_of(body),
        [0; 4],
        gpid.app_id.0.to_be_bytes(),
        gpid.partition_index.0.to_be_bytes(),
        head.timeout_ms.to_be_bytes(),
        head.thread_hash.to_be_bytes(),
    ] {
        frame.extend_from_slice(&field);
    }
    frame.extend_from_slice(&head.partition_hash.to_be_bytes());
    frame.extend_from_slice(body);
    frame
}

fn version_1(head: &RequestHead, body: &[u8]) -> Vec<u8> {
    let meta = RequestMeta {
        app_id: head.gpid.app_id.0,
        partition_index: head.gpid.partition_index.0,
        client_timeout: i32::try_from(head.timeout_ms).unwrap_or(i32::MAX),
        partition_hash: head.partition_hash.cast_signed(),
        is_backup_request: head.is_backup_request,
    };
    let mut encoded = BytesMut::new();
    meta.encode(&mut encoded);
    let version = 1_u32.to_be_bytes();
    let lengths = [length_of(&encoded), length_of(body)].concat();
    [&b"THFT"[..], &version, &lengths, &encoded, body].concat()
}

fn length_of(bytes: &[u8]) -> [u8; 4] {
    u32::try_from(bytes.len())
        .expect("less than 4 GB")
        .to_be_bytes()
}

/// A connection that sends requests without looking at them.
#[derive(Debug)]
pub struct RawConnection {
    framing: Framing,
    stream: TcpStream,
    received: BytesMut,
}

impl RawConnection {
    /// Connects.
    ///
    /// # Panics
    /// The server does not accept.
    #[must_use]
    pub fn open(address: &str, framing: Framing) -> Self {
        Self {
            framing,
            stream: patient_stream(address, PATIENCE),
            received: BytesMut::new(),
        }
    }

    /// Sends a request and waits for its answer; `None` if the server closes instead.
    ///
    /// # Panics
    /// It does neither, or its answer is no frame.
    pub fn ask(
        &mut self,
        name: &[u8],
        head: &RequestHead,
        argument: &[u8],
    ) -> Option<ResponseFrame> {
        let frame = self.framing.frame(name, head, argument);
        // The server may have closed: then there is no answer either.
        let _ = self.stream.write_all(&frame);
        self.answer()
    }

    /// The next answer; `None` if the server closes instead.
    ///
    /// # Panics
    /// It does neither, or its answer is no frame.
    pub fn answer(&mut self) -> Option<ResponseFrame> {
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let split = match self.framing {
                Framing::Native => rdsn::split_answer_from(&mut self.received, ANSWER_BYTES_MAX),
                _ => ResponseFrame::split_from(&mut self.received, ANSWER_BYTES_MAX),
            };
            if let Some(answer) = split.expect("a frame") {
                return Some(answer);
            }
            match self.stream.read(&mut buffer) {
                Ok(0) => return None,
                Ok(read) => self.received.extend_from_slice(&buffer[..read]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("no answer: {error}"),
            }
        }
    }
}
