//! What a connection has received, until it is a request: how much of one it may hold, and how long it
//! may take for the first.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt;
use tokio::time::Instant;
use tokio::time::timeout_at;
use tracing::debug;
use tracing::warn;

use crate::gate::ConnectionGate;
use crate::gate::ConnectionPermit;
use crate::held::HeldBytes;
use crate::limits::NetworkLimits;
use crate::turn::reader_waits;

/// Room made before each read.
const READ_BYTES: usize = 16 << 10;
/// A receive buffer in which a larger request has come is given back.
const KEPT_BUFFER_BYTES: usize = 256 << 10;
/// Parts of a request that are no larger do not count: clients write as much at once.
const UNCOUNTED_PART_BYTES: usize = 64 << 10;
/// What a connection may hold of a request even if all together hold too much. Writes of clients are
/// smaller (`max_allowed_write_size`).
const GRANTED_PART_BYTES: usize = 2 << 20;

/// What a connection has received and not understood yet.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) peer: SocketAddr,
    pub(crate) buffer: BytesMut,
    /// `buffer`, if it is large.
    partial: HeldBytes,
    /// Until the first request.
    patience: Option<Patience>,
}

impl Input {
    /// Nothing yet.
    pub(crate) fn of(peer: SocketAddr, permit: &ConnectionPermit, limits: &NetworkLimits) -> Self {
        Self {
            peer,
            buffer: BytesMut::with_capacity(READ_BYTES),
            partial: permit.partial_request().hold(0),
            patience: Some(Patience::begin(limits, permit.gate())),
        }
    }

    /// A request with a body of this length was taken out.
    pub(crate) fn took(&mut self, body_len: usize) {
        self.patience = None;
        if body_len > KEPT_BUFFER_BYTES {
            // What is left would keep the memory of what is gone.
            self.buffer = BytesMut::from(&self.buffer[..]);
        }
    }

    /// Reads more of a request; nothing at the connection's end, and when it must end.
    pub(crate) async fn read(
        &mut self,
        reader: &mut (impl AsyncRead + Unpin),
    ) -> io::Result<usize> {
        let part_bytes = match self.buffer.len() {
            little if little <= UNCOUNTED_PART_BYTES => 0,
            much => much,
        };
        self.partial.set(part_bytes);
        if part_bytes > GRANTED_PART_BYTES && self.partial.is_total_over() {
            warn!(peer = %self.peer, part_bytes,
                "connection closed: all connections together hold too much of unfinished requests");
            return Ok(0);
        }
        reader_waits();
        self.buffer.reserve(READ_BYTES);
        match &mut self.patience {
            Some(patience) => patience.read(reader, &mut self.buffer).await,
            None => reader.read_buf(&mut self.buffer).await,
        }
    }
}

/// How long a connection may be without a request where it is in the way of others.
#[derive(Debug)]
struct Patience {
    gate: Arc<ConnectionGate>,
    limit: Duration,
    deadline: Instant,
}

impl Patience {
    fn begin(limits: &NetworkLimits, gate: Arc<ConnectionGate>) -> Self {
        let limit = limits.first_request_patience;
        Self {
            gate,
            limit,
            deadline: Instant::now() + limit,
        }
    }

    /// Reads more; nothing at the connection's end, and when patience has.
    async fn read(
        &mut self,
        reader: &mut (impl AsyncRead + Unpin),
        buffer: &mut BytesMut,
    ) -> io::Result<usize> {
        loop {
            match timeout_at(self.deadline, reader.read_buf(buffer)).await {
                Ok(result) => return result,
                Err(_) if self.gate.is_room_short() => {
                    debug!("connection closed: it has sent no request, and room is short");
                    return Ok(0);
                }
                Err(_) => self.deadline = Instant::now() + self.limit,
            }
        }
    }
}
