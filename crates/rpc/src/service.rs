//! What a server does with what arrives: the seam between sockets and state.

use std::rc::Rc;

use bytes::Bytes;
use pegasus_common::ErrorCode;
use pegasus_wire::Message;
use pegasus_wire::TaskCode;
use pegasus_wire::frame::RequestHead;

use crate::http::HttpRequest;
use crate::http::HttpResponse;
use crate::outputs::Outputs;
use crate::outputs::ReplyTo;

/// A complete request whose name is known.
#[derive(Debug)]
pub struct Request {
    /// Routing and numbering.
    pub head: RequestHead,
    /// What is asked.
    pub code: TaskCode,
    /// The argument in its wrapper: a slice of the receive buffer.
    pub argument: Bytes,
    /// Answers the request, now or later.
    pub responder: Responder,
}

/// The right to answer one request.
#[derive(Clone, Debug)]
pub struct Responder {
    to: ReplyTo,
    outputs: Rc<Outputs>,
}

impl Responder {
    pub(crate) fn new(to: ReplyTo, outputs: Rc<Outputs>) -> Self {
        Self { to, outputs }
    }

    /// Where the answer goes, for answers that are made by others.
    #[must_use]
    pub fn reply_to(&self) -> ReplyTo {
        self.to
    }

    /// Answers with a result.
    pub fn reply<M: Message>(self, message: &M) {
        self.outputs.reply(self.to, message);
    }

    /// Answers with a header error and no body.
    pub fn fail(self, error: ErrorCode) {
        self.outputs.fail(self.to, error);
    }

    /// Gives no answer.
    pub fn leave_unanswered(self) {
        self.outputs.leave_unanswered(self.to);
    }
}

/// A server's reaction to requests. Called on the thread of the connection's shard; must not block.
pub trait Service: 'static {
    /// A request arrived. Requests of one connection are delivered in order; answers may be given in
    /// any order.
    fn on_request(&self, request: Request);

    /// An HTTP request arrived.
    fn on_http(&self, request: &HttpRequest) -> HttpResponse;
}
