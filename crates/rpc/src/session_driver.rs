//! The task behind a session: the only one that touches its socket.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use bytes::BytesMut;
use pegasus_common::ErrorCode;
use pegasus_wire::frame::ResponseFrame;
use tokio::io::{AsyncReadExt, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::session::{Response, SessionOptions, Shared};
use crate::session_calls::CallId;
use crate::session_error::{CallError, CloseReason};

/// Space for at least this much is there before each read.
const READ_SPACE_MIN: usize = 4 << 10;
/// The receive buffer is allocated in pieces of this size; a value that a caller keeps holds its
/// piece.
const READ_BUFFER_BYTES: usize = 32 << 10;
/// Reads in one turn, before other tasks get theirs.
const READS_PER_TURN: usize = 16;

pub(crate) struct Driver {
    stream: TcpStream,
    shared: Arc<Shared>,
    options: SessionOptions,
    received: BytesMut,
    sending: BytesMut,
    /// Armed for the time at which the next call may be due.
    timer: Option<Pin<Box<Sleep>>>,
    /// Reused between turns.
    answers: Vec<(CallId, Result<Response, CallError>)>,
    wakers: Vec<Waker>,
}

impl Driver {
    pub(crate) fn new(stream: TcpStream, shared: Arc<Shared>, options: SessionOptions) -> Self {
        Self {
            stream,
            shared,
            options,
            received: BytesMut::new(),
            sending: BytesMut::new(),
            timer: None,
            answers: Vec::new(),
            wakers: Vec::new(),
        }
    }

    /// Reads, writes and looks at the clock until nothing is left to do. Ready when the connection
    /// has ended.
    fn turn(&mut self, cx: &mut Context<'_>) -> Poll<CloseReason> {
        if let Poll::Ready(reason) = self.receive(cx) {
            return Poll::Ready(reason);
        }
        if let Poll::Ready(Err(error)) = self.send(cx) {
            return Poll::Ready(CloseReason::Socket(Arc::new(error)));
        }
        self.expire(cx)
    }

    /// Takes what has arrived and wakes the callers.
    fn receive(&mut self, cx: &mut Context<'_>) -> Poll<CloseReason> {
        for _ in 0..READS_PER_TURN {
            if self.received.capacity() - self.received.len() < READ_SPACE_MIN {
                // Never by the length that a frame claims, only by what has arrived.
                self.received
                    .reserve(READ_BUFFER_BYTES.max(self.received.len()));
            }
            match ready!(pin!(self.stream.read_buf(&mut self.received)).poll(cx)) {
                Ok(0) => return Poll::Ready(CloseReason::ClosedByPeer),
                Ok(_) => {}
                Err(error) => return Poll::Ready(CloseReason::Socket(Arc::new(error))),
            }
            if let Err(reason) = self.deliver() {
                return Poll::Ready(reason);
            }
        }
        // More may be there; the others first.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Hands every complete answer in the buffer to its caller, under one lock.
    fn deliver(&mut self) -> Result<(), CloseReason> {
        let server = self.shared.server;
        let broken = loop {
            match ResponseFrame::split_from(&mut self.received, self.options.answer_bytes_max) {
                Ok(Some(frame)) => {
                    let result = match frame.error {
                        ErrorCode::Ok => Ok(Response {
                            server,
                            body: frame.body,
                        }),
                        code => Err(CallError::Refused { server, code }),
                    };
                    self.answers.push((frame.seqid, result));
                }
                Ok(None) => break None,
                Err(error) => break Some(CloseReason::BrokenFrame(error.to_string().into())),
            }
        };
        if !self.answers.is_empty() {
            let mut calls = self.shared.calls.lock();
            for (id, result) in self.answers.drain(..) {
                self.wakers.extend(calls.answer(id, result));
            }
        }
        self.wakers.drain(..).for_each(Waker::wake);
        broken.map_or(Ok(()), Err)
    }

    /// Writes what callers have queued; pending once nothing is left or the socket is full.
    fn send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            if self.sending.is_empty() {
                self.sending.clear();
                let mut calls = self.shared.calls.lock();
                calls.take_outgoing(&mut self.sending, cx);
                if self.sending.is_empty() {
                    return Poll::Pending;
                }
            }
            let written = match Pin::new(&mut self.stream).poll_write(cx, &self.sending) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(written)) => written,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    // A new call may be due before the timer that is armed.
                    self.shared.calls.lock().sleep(cx);
                    return Poll::Pending;
                }
            };
            self.shared.calls.lock().note_written(written);
            if written == self.sending.len() {
                self.sending.clear();
            } else {
                bytes::Buf::advance(&mut self.sending, written);
            }
        }
    }

    /// Fails the calls that are due, and arms the timer for the next.
    fn expire(&mut self, cx: &mut Context<'_>) -> Poll<CloseReason> {
        loop {
            let (earliest, closed) = {
                let calls = self.shared.calls.lock();
                (calls.earliest(), calls.is_closed())
            };
            if closed {
                return Poll::Ready(CloseReason::ClosedHere);
            }
            let Some(at) = earliest else {
                return Poll::Pending;
            };
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(at)));
            if timer.deadline() != at {
                timer.as_mut().reset(at);
            }
            ready!(timer.as_mut().poll(cx));
            let mut calls = self.shared.calls.lock();
            calls.expire(Instant::now(), &mut self.wakers);
            drop(calls);
            self.wakers.drain(..).for_each(Waker::wake);
        }
    }
}

impl Future for Driver {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let reason = ready!(self.turn(cx));
        self.shared.close(&reason);
        Poll::Ready(())
    }
}

impl Drop for Driver {
    /// The runtime may end before the session's users do.
    fn drop(&mut self) {
        self.shared.close(&CloseReason::ClosedHere);
    }
}
