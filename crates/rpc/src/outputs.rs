//! The connections of one shard and the replies that are staged on them.
//!
//! A reply is encoded straight into its connection's output buffer; [`Outputs::flush`] then sends
//! each buffer with one call at the end of the turn. What the socket does not take is left to the
//! connection's drain task, which waits until it takes more.

use std::cell::RefCell;
use std::io;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::rc::Rc;

use bytes::Buf;
use bytes::BytesMut;
use pegasus_common::ErrorCode;
use pegasus_wire::Message;
use pegasus_wire::TaskCode;
use pegasus_wire::frame::FrameError;
use pegasus_wire::frame::RequestFrame;
use pegasus_wire::frame::response;
use tokio::net::tcp::OwnedWriteHalf;
use tracing::debug;

use crate::connection_signals::ConnectionSignals;
use crate::framing::Framing;
use crate::gate::ConnectionPermit;
use crate::held::HeldAccount;
use crate::held::HeldBytes;
use crate::limits::NetworkLimits;

/// Output buffers that grew past this are given back once they are empty.
const KEPT_BUFFER_BYTES: usize = 64 << 10;
/// A busy turn is flushed early when this many reply bytes are staged.
const FLUSH_EARLY_BYTES: usize = 1 << 20;

/// A connection of this shard. Slots are used again, generations are not: an answer to a connection
/// that has gone finds nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionId {
    slot: u32,
    generation: u32,
}

impl ConnectionId {
    /// No connection: what is sent there goes nowhere.
    pub const NOBODY: Self = Self {
        slot: u32::MAX,
        generation: 0,
    };
}

/// Where the answer to one request goes. Plain data: it may travel to other shards and threads, but
/// only the shard that owns the connection can use it.
#[derive(Clone, Copy, Debug)]
pub struct ReplyTo {
    /// The connection that asked.
    pub connection: ConnectionId,
    /// The client's number for the request.
    pub seqid: i32,
    /// What was asked.
    pub code: TaskCode,
}

impl ReplyTo {
    /// Name and number as the answer's frame repeats them.
    #[must_use]
    pub fn addressing(&self) -> response::ReplyTo {
        response::ReplyTo {
            name: self.code.into(),
            seqid: self.seqid,
        }
    }
}

#[derive(Debug)]
struct Connection {
    peer: SocketAddr,
    writer: OwnedWriteHalf,
    out: BytesMut,
    framing: Framing,
    requests_in_flight: u32,
    /// Listed in `Inner::dirty`.
    is_dirty: bool,
    /// The drain task sends; `flush` leaves the connection alone.
    is_blocked: bool,
    signals: Rc<ConnectionSignals>,
    unsent: HeldAccount,
    /// `out`, as far as sending it has been tried.
    held: HeldBytes,
    _permit: ConnectionPermit,
}

impl Connection {
    fn is_congested(&self, unsent_bytes_max: usize) -> bool {
        self.out.len() > unsent_bytes_max || (!self.out.is_empty() && self.unsent.is_total_over())
    }
}

#[derive(Debug, Default)]
struct Slot {
    generation: u32,
    connection: Option<Connection>,
}

#[derive(Debug, Default)]
struct Inner {
    slots: Vec<Slot>,
    free: Vec<u32>,
    dirty: Vec<u32>,
    staged_bytes: usize,
}

impl Inner {
    fn get(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        let slot = self.slots.get_mut(id.slot as usize)?;
        if slot.generation == id.generation {
            slot.connection.as_mut()
        } else {
            None
        }
    }

    /// Notes that a connection's output has grown from `before`. Returns whether so much is staged
    /// that the turn should be flushed early.
    fn note_appended(&mut self, id: ConnectionId, before: usize) -> bool {
        let Some(connection) = self.get(id) else {
            return false;
        };
        let added = connection.out.len() - before;
        if connection.is_blocked {
            connection.held.set(connection.out.len());
        } else if !connection.is_dirty {
            connection.is_dirty = true;
            self.dirty.push(id.slot);
        }
        self.staged_bytes += added;
        self.staged_bytes >= FLUSH_EARLY_BYTES
    }
}

/// Whether an answer was appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoded {
    /// All of it.
    Complete,
    /// Nothing: it will come from elsewhere.
    Nothing,
}

/// All connections of one shard.
#[derive(Debug)]
pub struct Outputs {
    inner: RefCell<Inner>,
    requests_in_flight_max: u32,
    unsent_reply_bytes_max: usize,
}

/// Whether a request may be dispatched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    Admitted,
    /// The connection has as many unanswered requests as it may have.
    TooManyInFlight,
}

impl Outputs {
    /// No connections yet.
    #[must_use]
    pub fn new(limits: &NetworkLimits) -> Rc<Self> {
        Rc::new(Self {
            inner: RefCell::default(),
            requests_in_flight_max: limits.requests_in_flight_max,
            unsent_reply_bytes_max: limits.unsent_reply_bytes_max,
        })
    }

    pub(crate) fn open(
        &self,
        writer: OwnedWriteHalf,
        peer: SocketAddr,
        permit: ConnectionPermit,
        framing: Framing,
    ) -> (ConnectionId, Rc<ConnectionSignals>) {
        let mut inner = self.inner.borrow_mut();
        let slot = inner.free.pop().unwrap_or_else(|| {
            inner.slots.push(Slot::default());
            u32::try_from(inner.slots.len() - 1).expect("connections are limited far below 2^32")
        });
        let signals = Rc::new(ConnectionSignals::default());
        let unsent = permit.unsent_replies();
        let entry = &mut inner.slots[slot as usize];
        entry.connection = Some(Connection {
            peer,
            writer,
            out: BytesMut::new(),
            framing,
            requests_in_flight: 0,
            is_dirty: false,
            is_blocked: false,
            signals: Rc::clone(&signals),
            held: unsent.hold(0),
            unsent,
            _permit: permit,
        });
        (
            ConnectionId {
                slot,
                generation: entry.generation,
            },
            signals,
        )
    }

    /// Forgets the connection; later answers to it are dropped.
    pub(crate) fn close(&self, id: ConnectionId) {
        let mut inner = self.inner.borrow_mut();
        let Some(slot) = inner.slots.get_mut(id.slot as usize) else {
            return;
        };
        if slot.generation != id.generation {
            return;
        }
        if let Some(connection) = slot.connection.take() {
            connection.signals.close();
            slot.generation = slot.generation.wrapping_add(1);
            inner.free.push(id.slot);
        }
    }

    /// Counts one request that awaits an answer.
    pub(crate) fn begin_request(&self, id: ConnectionId) -> Admission {
        match self.inner.borrow_mut().get(id) {
            Some(connection) if connection.requests_in_flight >= self.requests_in_flight_max => {
                Admission::TooManyInFlight
            }
            Some(connection) => {
                connection.requests_in_flight += 1;
                Admission::Admitted
            }
            None => Admission::Admitted,
        }
    }

    /// Answers with a result.
    pub fn reply<M: Message>(&self, to: ReplyTo, message: &M) {
        self.answer(to, |out| {
            response::encode_ok(out, &to.addressing(), message);
        });
    }

    /// Answers with a header error and no body.
    pub fn fail(&self, to: ReplyTo, error: ErrorCode) {
        self.answer(to, |out| {
            response::encode_error(out, &to.addressing(), error);
        });
    }

    /// Answers with a frame that `encode` appends whole.
    pub fn answer(&self, to: ReplyTo, encode: impl FnOnce(&mut BytesMut)) {
        if self.append(to.connection, encode, Counted::Request) {
            self.flush();
        }
    }

    /// Answers with a frame that `encode` appends whole, or not at all.
    pub fn try_answer(
        &self,
        to: ReplyTo,
        encode: impl FnOnce(&mut BytesMut) -> Encoded,
    ) -> Encoded {
        let mut encoded = Encoded::Complete;
        let mut inner = self.inner.borrow_mut();
        let Some(connection) = inner.get(to.connection) else {
            return encoded;
        };
        let before = connection.out.len();
        encoded = connection.framing.encode(&mut connection.out, encode);
        if encoded == Encoded::Nothing {
            debug_assert_eq!(connection.out.len(), before, "nothing was to be appended");
            return encoded;
        }
        connection.requests_in_flight = connection.requests_in_flight.saturating_sub(1);
        let is_much = inner.note_appended(to.connection, before);
        drop(inner);
        if is_much {
            self.flush();
        }
        encoded
    }

    /// The request gets no answer (oneway calls, `clear_scanner`, denied clients).
    pub fn leave_unanswered(&self, to: ReplyTo) {
        if let Some(connection) = self.inner.borrow_mut().get(to.connection) {
            connection.requests_in_flight = connection.requests_in_flight.saturating_sub(1);
            connection.framing.forget(to.seqid);
        }
    }

    /// Splits a request off what a connection has received.
    ///
    /// # Errors
    /// As [`RequestFrame::split_from`].
    pub(crate) fn split_request(
        &self,
        from: ConnectionId,
        received: &mut BytesMut,
        limit: usize,
    ) -> Result<Option<RequestFrame>, FrameError> {
        match self.inner.borrow_mut().get(from) {
            Some(connection) => connection.framing.split_from(received, limit),
            None => Ok(None),
        }
    }

    /// Appends a frame that answers no counted request.
    pub(crate) fn send(&self, to: ConnectionId, encode: impl FnOnce(&mut BytesMut)) {
        if self.append(to, encode, Counted::Nothing) {
            self.flush();
        }
    }

    /// Returns whether so much is staged that the turn should be flushed early.
    fn append(
        &self,
        to: ConnectionId,
        encode: impl FnOnce(&mut BytesMut),
        counted: Counted,
    ) -> bool {
        let mut inner = self.inner.borrow_mut();
        let Some(connection) = inner.get(to) else {
            return false;
        };
        if counted == Counted::Request {
            connection.requests_in_flight = connection.requests_in_flight.saturating_sub(1);
        }
        let before = connection.out.len();
        connection.framing.encode(&mut connection.out, encode);
        inner.note_appended(to, before)
    }

    /// Whether so many reply bytes wait that the connection must not be read for now.
    pub(crate) fn is_congested(&self, id: ConnectionId) -> bool {
        let max = self.unsent_reply_bytes_max;
        self.inner
            .borrow_mut()
            .get(id)
            .is_some_and(|connection| connection.is_congested(max))
    }

    /// What the client of a connection has been answered and has not taken, for those who make large
    /// answers elsewhere.
    #[must_use]
    pub fn unsent_replies(&self, id: ConnectionId) -> Option<HeldAccount> {
        let mut inner = self.inner.borrow_mut();
        inner.get(id).map(|connection| connection.unsent.clone())
    }

    /// Sends what is staged: one system call for each connection with replies.
    pub fn flush(&self) {
        let mut inner = self.inner.borrow_mut();
        let inner = &mut *inner;
        inner.staged_bytes = 0;
        for slot in inner.dirty.drain(..) {
            let Some(connection) = inner.slots[slot as usize].connection.as_mut() else {
                continue;
            };
            connection.is_dirty = false;
            match write_some(connection) {
                // The reader may wait although the socket never blocked.
                Ok(()) if connection.out.is_empty() => connection.signals.wake_reader(),
                Ok(()) => {
                    connection.is_blocked = true;
                    connection.signals.blocked.notify_one();
                }
                Err(error) => {
                    debug!(peer = %connection.peer, %error, "connection lost while sending");
                    connection.signals.close();
                }
            }
        }
    }

    /// Sends more of a blocked connection's output. Returns whether some is left.
    pub(crate) fn drain(&self, id: ConnectionId) -> io::Result<bool> {
        let max = self.unsent_reply_bytes_max;
        let mut inner = self.inner.borrow_mut();
        let Some(connection) = inner.get(id) else {
            return Ok(false);
        };
        write_some(connection)?;
        if !connection.is_congested(max) {
            connection.signals.wake_reader();
        }
        connection.is_blocked = !connection.out.is_empty();
        Ok(connection.is_blocked)
    }

    /// Runs until the connection ends: whenever the socket blocked, waits until it takes more.
    pub(crate) async fn run_drain(&self, id: ConnectionId, signals: &ConnectionSignals) {
        loop {
            signals.blocked.notified().await;
            loop {
                if signals.is_closed() {
                    return;
                }
                if !self.wait_writable(id).await {
                    return;
                }
                match self.drain(id) {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(_) => {
                        signals.close();
                        return;
                    }
                }
            }
        }
    }

    /// `false` when the connection is gone.
    async fn wait_writable(&self, id: ConnectionId) -> bool {
        std::future::poll_fn(|context| {
            let mut inner = self.inner.borrow_mut();
            let Some(connection) = inner.get(id) else {
                return std::task::Poll::Ready(false);
            };
            connection
                .writer
                .as_ref()
                .poll_write_ready(context)
                .map(|ready| ready.is_ok())
        })
        .await
    }

    /// How many connections this shard has.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        let inner = self.inner.borrow();
        inner.slots.len() - inner.free.len()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Counted {
    Request,
    Nothing,
}

/// Writes until the output is empty or the socket takes no more.
fn write_some(connection: &mut Connection) -> io::Result<()> {
    let result = write_out(&connection.writer, &mut connection.out);
    connection.held.set(connection.out.len());
    result
}

fn write_out(writer: &OwnedWriteHalf, out: &mut BytesMut) -> io::Result<()> {
    while !out.is_empty() {
        match writer.try_write(out) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) if written == out.len() => {
                if out.capacity() > KEPT_BUFFER_BYTES {
                    *out = BytesMut::new();
                } else {
                    out.clear();
                }
            }
            Ok(written) => out.advance(written),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
