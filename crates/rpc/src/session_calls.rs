//! The calls in flight on one connection: what waits to be sent, who waits for which answer, and
//! until when. Plain state without I/O, guarded by one short lock of the session.

use std::collections::HashMap;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::BytesMut;
use foldhash::fast::FixedState;
use pegasus_common::RpcAddress;
use tokio::time::Instant;

use crate::session::{Response, SessionOptions};
use crate::session_error::{CallError, CloseReason, RequestFate};

/// Identifies a call on its connection; the sequence id on the wire. Unique for 2^31 calls, so that
/// a late answer to a forgotten call meets nobody.
pub(crate) type CallId = i32;

/// Buffers that grew beyond this for a large request are given back afterwards.
const KEPT_BUFFER_BYTES: usize = 1 << 20;

pub(crate) struct Calls {
    server: RpcAddress,
    options: SessionOptions,
    pending: HashMap<CallId, Pending, FixedState>,
    last_id: CallId,
    /// Encoded requests that the driver has not taken yet.
    outgoing: BytesMut,
    /// Position in the connection's byte stream: the end of `outgoing`.
    queued: u64,
    /// Position in the connection's byte stream: what the kernel has taken.
    written: u64,
    /// No pending call is due before this.
    earliest: Option<Instant>,
    /// Wakes the connection's driver; absent while it is already on its way.
    driver: Option<Waker>,
    closed: Option<CloseReason>,
}

struct Pending {
    deadline: Instant,
    timeout: Duration,
    /// Where the request ends in the byte stream.
    end: u64,
    state: PendingState,
}

enum PendingState {
    Waiting(Option<Waker>),
    Done(Result<Response, CallError>),
}

impl Calls {
    pub(crate) fn new(server: RpcAddress, options: SessionOptions) -> Self {
        Self {
            server,
            options,
            pending: HashMap::default(),
            last_id: 0,
            outgoing: BytesMut::new(),
            queued: 0,
            written: 0,
            earliest: None,
            driver: None,
            closed: None,
        }
    }

    /// Queues a request and the wait for its answer. The driver's waker, if it sleeps, is for the
    /// caller to wake once the lock is free.
    pub(crate) fn start(
        &mut self,
        timeout: Duration,
        encode: impl FnOnce(CallId, &mut BytesMut),
    ) -> Result<(CallId, Option<Waker>), CallError> {
        self.check_room()?;
        if self.pending.len() >= self.options.in_flight_max {
            return Err(self.overloaded(self.options.in_flight_max));
        }
        let id = self.next_id();
        let end = self.queue(id, encode);
        let deadline = Instant::now() + timeout;
        let pending = Pending {
            deadline,
            timeout,
            end,
            state: PendingState::Waiting(None),
        };
        self.pending.insert(id, pending);
        self.earliest = Some(self.earliest.map_or(deadline, |at| at.min(deadline)));
        Ok((id, self.driver.take()))
    }

    /// Queues a request whose answer nobody waits for.
    pub(crate) fn start_oneway(
        &mut self,
        encode: impl FnOnce(CallId, &mut BytesMut),
    ) -> Result<Option<Waker>, CallError> {
        self.check_room()?;
        let id = self.next_id();
        self.queue(id, encode);
        Ok(self.driver.take())
    }

    fn check_room(&self) -> Result<(), CallError> {
        if let Some(reason) = &self.closed {
            return Err(CallError::ConnectionLost {
                server: self.server,
                fate: RequestFate::NotSent,
                reason: reason.clone(),
            });
        }
        if self.outgoing.len() >= self.options.unsent_bytes_max {
            return Err(self.overloaded(self.options.unsent_bytes_max));
        }
        Ok(())
    }

    fn overloaded(&self, limit: usize) -> CallError {
        CallError::Overloaded {
            server: self.server,
            limit,
        }
    }

    fn next_id(&mut self) -> CallId {
        self.last_id = self.last_id.checked_add(1).unwrap_or(1);
        self.last_id
    }

    fn queue(&mut self, id: CallId, encode: impl FnOnce(CallId, &mut BytesMut)) -> u64 {
        let before = self.outgoing.len();
        encode(id, &mut self.outgoing);
        self.queued += (self.outgoing.len() - before) as u64;
        self.queued
    }

    /// The caller's turn: its answer, or its waker is kept.
    pub(crate) fn poll_answer(
        &mut self,
        id: CallId,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response, CallError>> {
        use std::collections::hash_map::Entry;
        let Entry::Occupied(mut entry) = self.pending.entry(id) else {
            unreachable!(
                "a call is forgotten only by its own future, which then never polls again"
            );
        };
        if let PendingState::Waiting(waker) = &mut entry.get_mut().state {
            match waker {
                Some(waker) => waker.clone_from(cx.waker()),
                None => *waker = Some(cx.waker().clone()),
            }
            return Poll::Pending;
        }
        match entry.remove().state {
            PendingState::Done(result) => Poll::Ready(result),
            PendingState::Waiting(_) => unreachable!("returned above"),
        }
    }

    /// The caller gave up; a late answer will be ignored.
    pub(crate) fn forget(&mut self, id: CallId) {
        self.pending.remove(&id);
    }

    /// An answer has arrived. Its caller's waker, if one waits.
    pub(crate) fn answer(
        &mut self,
        id: CallId,
        result: Result<Response, CallError>,
    ) -> Option<Waker> {
        self.pending.get_mut(&id)?.finish(result)
    }

    /// The driver takes what waits to be sent, leaving an empty buffer; or it goes to sleep.
    pub(crate) fn take_outgoing(&mut self, into: &mut BytesMut, cx: &mut Context<'_>) {
        if self.outgoing.is_empty() {
            self.sleep(cx);
            return;
        }
        if into.capacity() > KEPT_BUFFER_BYTES {
            *into = BytesMut::new();
        }
        std::mem::swap(&mut self.outgoing, into);
    }

    /// The driver sleeps and wants to know of the next request.
    pub(crate) fn sleep(&mut self, cx: &mut Context<'_>) {
        match &mut self.driver {
            Some(waker) => waker.clone_from(cx.waker()),
            None => self.driver = Some(cx.waker().clone()),
        }
    }

    /// The kernel took `bytes` more.
    pub(crate) fn note_written(&mut self, bytes: usize) {
        self.written += bytes as u64;
    }

    /// When the next call is due at the earliest.
    pub(crate) fn earliest(&self) -> Option<Instant> {
        self.earliest
    }

    /// Fails the calls that are due. Their callers' wakers are added to `wakers`.
    pub(crate) fn expire(&mut self, now: Instant, wakers: &mut Vec<Waker>) {
        if self.earliest.is_none_or(|at| at > now) {
            return;
        }
        let mut next: Option<Instant> = None;
        for pending in self.pending.values_mut() {
            if matches!(pending.state, PendingState::Done(_)) {
                continue;
            }
            if pending.deadline > now {
                next = Some(next.map_or(pending.deadline, |at| at.min(pending.deadline)));
                continue;
            }
            let error = CallError::Timeout {
                server: self.server,
                fate: pending.fate(self.written),
                timeout: pending.timeout,
            };
            wakers.extend(pending.finish(Err(error)));
        }
        self.earliest = next;
    }

    /// Ends everything: pending calls fail, and new ones are refused. The first reason stays.
    pub(crate) fn close(&mut self, reason: &CloseReason, wakers: &mut Vec<Waker>) {
        if self.closed.is_some() {
            return;
        }
        self.closed = Some(reason.clone());
        self.outgoing = BytesMut::new();
        for pending in self.pending.values_mut() {
            let error = CallError::ConnectionLost {
                server: self.server,
                fate: pending.fate(self.written),
                reason: reason.clone(),
            };
            wakers.extend(pending.finish(Err(error)));
        }
        wakers.extend(self.driver.take());
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.is_some()
    }
}

impl Pending {
    /// An answer or a failure; the first one counts.
    fn finish(&mut self, result: Result<Response, CallError>) -> Option<Waker> {
        match &mut self.state {
            PendingState::Done(_) => None,
            PendingState::Waiting(waker) => {
                let waker = waker.take();
                self.state = PendingState::Done(result);
                waker
            }
        }
    }

    fn fate(&self, written: u64) -> RequestFate {
        if written < self.end {
            RequestFate::NotSent
        } else {
            RequestFate::MayHaveArrived
        }
    }
}
