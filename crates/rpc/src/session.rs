//! An outgoing connection: many callers, one socket, pipelined requests in THFT v0 framing
//! (wire-protocol.md sections 2 and 3).
//!
//! Callers encode their requests into one buffer; one task per connection, the driver, writes
//! everything that has gathered there with one system call and hands each answer to its caller.
//! No time is spent waiting for more requests to gather: they do so while the driver is busy.
//!
//! Everything is bounded: calls in flight, bytes not yet sent, the size of an answer, and the time
//! of a call. A call whose future is dropped costs nothing more; its late answer is ignored.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use pegasus_common::{Gpid, RpcAddress};
use pegasus_wire::frame::{CallKind, OutgoingRequest, request};
use pegasus_wire::{Message, TaskCode};
use tokio::net::TcpStream;

use crate::peer_links::refuse_self_connection;
use crate::session_calls::{CallId, Calls};
use crate::session_driver::Driver;
use crate::session_error::{CallError, CloseReason};
use crate::silence::{self, OUTGOING_SILENCE_MAX};

/// Limits of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionOptions {
    /// How long to wait for the connection.
    pub connect_timeout: Duration,
    /// How long the other machine may leave what was sent unacknowledged. Then the connection ends,
    /// and with it every call that it has. An answer may take longer.
    pub silence_max: Duration,
    /// Calls without an answer. More are refused with [`CallError::Overloaded`].
    pub in_flight_max: usize,
    /// Request bytes that the socket has not taken. More are refused likewise.
    pub unsent_bytes_max: usize,
    /// Bytes of one answer. A longer one ends the connection.
    pub answer_bytes_max: usize,
}

impl Default for SessionOptions {
    /// 1 s, 2 s, 4096 calls, 32 MiB, and 64 MiB: the largest answer that a server makes is a
    /// `multi_get` of 30 MiB and one record.
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(1),
            silence_max: OUTGOING_SILENCE_MAX,
            in_flight_max: 4096,
            unsent_bytes_max: 32 << 20,
            answer_bytes_max: 64 << 20,
        }
    }
}

/// Where a request goes, and how long its caller waits: the routing fields of the frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoutingHeader {
    /// The partition; zero for calls that are not for a replica.
    pub gpid: Gpid,
    /// The hash of the key, or the partition's index for a whole-partition scan.
    pub partition_hash: u64,
    /// The caller's patience. Also sent, in milliseconds.
    pub timeout: Duration,
}

impl RoutingHeader {
    /// For a call to a server rather than to one of its replicas.
    #[must_use]
    pub fn server(timeout: Duration) -> Self {
        Self {
            gpid: Gpid::default(),
            partition_hash: 0,
            timeout,
        }
    }

    fn request(self, code: TaskCode, id: CallId, kind: CallKind) -> OutgoingRequest {
        OutgoingRequest {
            code,
            gpid: self.gpid,
            timeout_ms: u32::try_from(self.timeout.as_millis()).unwrap_or(u32::MAX),
            partition_hash: self.partition_hash,
            is_backup_request: false,
            seqid: id,
            kind,
        }
    }
}

/// The body of an answer that is no refusal.
///
/// It shares the connection's receive buffer, which lives as long as any slice of it: keep a small
/// value for long only as a copy.
#[derive(Clone, Debug)]
pub struct Response {
    /// Who answered.
    pub server: RpcAddress,
    /// The encoded result.
    pub body: Bytes,
}

impl Response {
    /// The result.
    ///
    /// # Errors
    /// [`CallError::MalformedAnswer`].
    pub fn decode<M: Message>(&self) -> Result<M, CallError> {
        pegasus_wire::result::decode(&self.body).map_err(|source| CallError::MalformedAnswer {
            server: self.server,
            source,
        })
    }
}

/// One connection; a clone is another handle to it. It closes when the last handle is dropped and
/// no call is pending.
#[derive(Clone)]
pub struct Session(pub(crate) Arc<Handle>);

/// What all handles and pending calls share. Its end is the connection's end.
pub(crate) struct Handle {
    shared: Arc<Shared>,
}

/// What the handles and the driver share.
pub(crate) struct Shared {
    pub(crate) server: RpcAddress,
    pub(crate) calls: Mutex<Calls>,
}

impl Session {
    /// Connects to `server`. The connection's driver is spawned on the present tokio runtime.
    ///
    /// # Errors
    /// [`CallError::Connect`], also after [`SessionOptions::connect_timeout`].
    pub async fn connect(server: RpcAddress, options: SessionOptions) -> Result<Self, CallError> {
        let fail = |reason: &str| CallError::Connect {
            server,
            reason: reason.into(),
        };
        let address = server
            .to_socket_addr()
            .ok_or_else(|| fail("not an address"))?;
        let connecting = tokio::time::timeout(options.connect_timeout, TcpStream::connect(address));
        let stream = match connecting.await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(fail(&error.to_string())),
            Err(_) => return Err(fail("timed out")),
        };
        refuse_self_connection(&stream).map_err(|error| fail(&error.to_string()))?;
        silence::prepare(&stream, options.silence_max).map_err(|error| fail(&error.to_string()))?;
        let shared = Arc::new(Shared {
            server,
            calls: Mutex::new(Calls::new(server, options)),
        });
        tokio::spawn(Driver::new(stream, shared.clone(), options));
        Ok(Self(Arc::new(Handle { shared })))
    }

    /// Whom this connection leads to.
    #[must_use]
    pub fn server(&self) -> RpcAddress {
        self.0.shared.server
    }

    /// Whether it has ended; every further call fails.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.shared.calls.lock().is_closed()
    }

    /// Sends a request. It is queued when this returns; the future is for the answer and may be
    /// dropped at any time (the request may then still be executed).
    pub fn call<M: Message>(&self, code: TaskCode, header: RoutingHeader, argument: &M) -> Call {
        let started = self.0.shared.calls.lock().start(header.timeout, |id, out| {
            request::encode(out, &header.request(code, id, CallKind::Call), argument);
        });
        Call(match started {
            Ok((id, driver)) => {
                wake(driver);
                CallState::Pending(self.0.clone(), id)
            }
            Err(error) => CallState::Failed(error),
        })
    }

    /// Sends a request that has no answer. Success means that it is queued, not that it arrives.
    ///
    /// # Errors
    /// When the session is closed or too much is unsent.
    pub fn send_oneway<M: Message>(
        &self,
        code: TaskCode,
        header: RoutingHeader,
        argument: &M,
    ) -> Result<(), CallError> {
        let driver = self.0.shared.calls.lock().start_oneway(|id, out| {
            request::encode(out, &header.request(code, id, CallKind::Oneway), argument);
        })?;
        wake(driver);
        Ok(())
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session({})", self.server())
    }
}

impl Handle {
    pub(crate) fn is_closed(&self) -> bool {
        self.shared.calls.lock().is_closed()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.close(&CloseReason::ClosedHere);
    }
}

impl Shared {
    /// Ends the connection and wakes everybody who waits for it.
    pub(crate) fn close(&self, reason: &CloseReason) {
        let mut wakers = Vec::new();
        self.calls.lock().close(reason, &mut wakers);
        wakers.into_iter().for_each(Waker::wake);
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// Waits for the answer of one call, at most for its timeout. Cancel safe.
#[must_use = "the answer is lost otherwise; use send_oneway where there is none"]
pub struct Call(CallState);

enum CallState {
    Pending(Arc<Handle>, CallId),
    Failed(CallError),
    Finished,
}

impl Future for Call {
    type Output = Result<Response, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let CallState::Pending(handle, id) = &self.0 {
            let polled = handle.shared.calls.lock().poll_answer(*id, cx);
            if polled.is_ready() {
                self.0 = CallState::Finished;
            }
            return polled;
        }
        match std::mem::replace(&mut self.0, CallState::Finished) {
            CallState::Failed(error) => Poll::Ready(Err(error)),
            _ => unreachable!("a finished call is not polled again"),
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if let CallState::Pending(handle, id) = &self.0 {
            handle.shared.calls.lock().forget(*id);
        }
    }
}
