//! One connection that sends what the transcript says, sense or nonsense. An encoder of its own: a
//! mistake in the project's framing must not cancel itself out here.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use super::record::{Record, bytes_of_hex};

/// A server's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A response frame.
    Response {
        /// Error name in the frame's header.
        error: String,
        /// RPC name.
        name: String,
        /// What follows the message header.
        body: Vec<u8>,
    },
    /// Nothing within the time limit.
    Silence,
    /// The server closed the connection.
    Closed,
}

/// A connection to one server, one request at a time.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    last_sequence: u32,
}

/// Larger answers than any in the transcript are a mistake.
const RESPONSE_BYTES_MAX: usize = 64 << 20;

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// The server does not accept.
    pub fn open(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            last_sequence: 0,
        })
    }

    /// Sends a record's request with the given argument and waits for the answer to it.
    ///
    /// # Errors
    /// The connection fails otherwise than by an orderly close.
    ///
    /// # Panics
    /// The answer is no frame, or is meant for another request.
    pub fn exchange(
        &mut self,
        record: &Record,
        table_id: i32,
        args: &[u8],
        patience: Duration,
    ) -> io::Result<Answer> {
        self.last_sequence += 1;
        let frame = request_frame(record, table_id, args, self.last_sequence);
        self.stream.set_read_timeout(Some(patience))?;
        self.stream.write_all(&frame)?;
        let mut length = [0; 4];
        match self.stream.read_exact(&mut length) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Ok(Answer::Closed);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Answer::Silence),
            Err(error) => return Err(error),
        }
        let length = u32::from_be_bytes(length) as usize;
        assert!(
            (4..=RESPONSE_BYTES_MAX).contains(&length),
            "a response of {length} bytes"
        );
        let mut frame = vec![0; length - 4];
        self.stream.read_exact(&mut frame)?;
        Ok(read_response(&frame, self.last_sequence))
    }
}

fn request_frame(record: &Record, table_id: i32, args: &[u8], sequence: u32) -> Vec<u8> {
    let app_id = if record.app_id_is_table {
        table_id
    } else {
        record.app_id
    };
    let mut body = vec![0x80, 0x01, 0x00, record.mtype];
    put_string(&mut body, &record.code);
    body.extend_from_slice(&sequence.to_be_bytes());
    body.extend_from_slice(args);

    let mut frame = b"THFT".to_vec();
    let mut put = |bytes: &[u8]| frame.extend_from_slice(bytes);
    let body_length = u32::try_from(body.len()).expect("a request below 4 GB");
    if let Some(meta) = &record.meta_hex {
        let meta = meta_for_table(bytes_of_hex(meta), record, app_id);
        put(&1_u32.to_be_bytes());
        put(&u32::try_from(meta.len())
            .expect("a short struct")
            .to_be_bytes());
        put(&body_length.to_be_bytes());
        put(&meta);
    } else {
        let is_thread_hash_wrong = record.case == "thread hash 0";
        let thread_hash = match is_thread_hash_wrong {
            true => 0,
            false => app_id.wrapping_mul(7919).wrapping_add(record.pidx),
        };
        let hash: u64 = record.hash.parse().expect("a partition hash");
        put(&0_u32.to_be_bytes());
        put(&48_u32.to_be_bytes());
        put(&0_u32.to_be_bytes());
        put(&body_length.to_be_bytes());
        put(&0_u32.to_be_bytes());
        put(&app_id.to_be_bytes());
        put(&record.pidx.to_be_bytes());
        put(&record.timeout_ms.to_be_bytes());
        put(&thread_hash.to_be_bytes());
        put(&hash.to_be_bytes());
    }
    frame.extend_from_slice(&body);
    frame
}

/// The table's number is the first field of the meta struct, an i32.
fn meta_for_table(mut meta: Vec<u8>, record: &Record, app_id: i32) -> Vec<u8> {
    if record.app_id_is_table && meta.starts_with(&[8, 0, 1]) {
        meta[3..7].copy_from_slice(&app_id.to_be_bytes());
    }
    meta
}

fn put_string(out: &mut Vec<u8>, text: &str) {
    let length = u32::try_from(text.len()).expect("a short text");
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

fn read_response(frame: &[u8], sequence: u32) -> Answer {
    let (error, rest) = take_string(frame);
    let (version, rest) = take_u32(rest);
    assert_eq!(version, 0x8001_0002, "the message type of a reply");
    let (name, rest) = take_string(rest);
    let (answered, body) = take_u32(rest);
    assert_eq!(answered, sequence, "the answer belongs to another request");
    Answer::Response {
        error,
        name,
        body: body.to_vec(),
    }
}

fn take_u32(bytes: &[u8]) -> (u32, &[u8]) {
    let (number, rest) = bytes.split_first_chunk().expect("a whole frame");
    (u32::from_be_bytes(*number), rest)
}

fn take_string(bytes: &[u8]) -> (String, &[u8]) {
    let (length, rest) = take_u32(bytes);
    let (text, rest) = rest.split_at(length as usize);
    (String::from_utf8(text.to_vec()).expect("a name"), rest)
}
