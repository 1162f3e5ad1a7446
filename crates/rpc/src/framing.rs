//! How the requests and answers of a connection are framed.
//!
//! Services and the rest of this crate know Thrift frames only. A native connection
//! ([`pegasus_wire::frame::rdsn`]) numbers its requests itself, keeps their headers until they are
//! answered, and turns each answer into a native one.

use std::collections::BTreeMap;

use bytes::BytesMut;
use pegasus_common::RpcAddress;
use pegasus_wire::frame::FrameError;
use pegasus_wire::frame::RdsnHeader;
use pegasus_wire::frame::RequestFrame;
use pegasus_wire::frame::ResponseFrame;
use pegasus_wire::frame::rdsn;
use tracing::error;

/// The framing of one connection.
#[derive(Debug)]
pub(crate) enum Framing {
    /// As services write it.
    Thrift,
    /// As upstream's C++ programs write it.
    Native(Box<NativeCalls>),
}

/// The requests of a native connection that wait for their answers. As many as a connection may have.
#[derive(Debug)]
pub(crate) struct NativeCalls {
    /// Who answers.
    me: RpcAddress,
    last_seqid: i32,
    waiting: BTreeMap<i32, RdsnHeader>,
    /// The answer that is being turned into a native one.
    answer: BytesMut,
}

impl Framing {
    /// A native connection to the server at `me`.
    pub(crate) fn native(me: RpcAddress) -> Self {
        Self::Native(Box::new(NativeCalls {
            me,
            last_seqid: 0,
            waiting: BTreeMap::new(),
            answer: BytesMut::new(),
        }))
    }

    /// Splits a request off what was received, as [`RequestFrame::split_from`].
    pub(crate) fn split_from(
        &mut self,
        received: &mut BytesMut,
        limit: usize,
    ) -> Result<Option<RequestFrame>, FrameError> {
        let Self::Native(calls) = self else {
            return RequestFrame::split_from(received, limit);
        };
        let seqid = calls.last_seqid.wrapping_add(1);
        let Some((request, header)) = rdsn::split_from(received, limit, seqid)? else {
            return Ok(None);
        };
        calls.last_seqid = seqid;
        calls.waiting.insert(seqid, header);
        Ok(Some(request))
    }

    /// Appends the answer that `encode` appends as a whole Thrift frame.
    pub(crate) fn encode<R>(
        &mut self,
        out: &mut BytesMut,
        encode: impl FnOnce(&mut BytesMut) -> R,
    ) -> R {
        match self {
            Self::Thrift => encode(out),
            Self::Native(calls) => {
                let result = encode(&mut calls.answer);
                if !calls.answer.is_empty() {
                    calls.translate(out);
                }
                result
            }
        }
    }

    /// The request gets no answer.
    pub(crate) fn forget(&mut self, seqid: i32) {
        if let Self::Native(calls) = self {
            calls.waiting.remove(&seqid);
        }
    }
}

impl NativeCalls {
    fn translate(&mut self, out: &mut BytesMut) {
        let limit = self.answer.len();
        let answer = ResponseFrame::split_from(&mut self.answer, limit);
        self.answer.clear();
        let Ok(Some(answer)) = answer else {
            return error!(?answer, "an answer of this server is malformed: not sent");
        };
        if let Some(header) = self.waiting.remove(&answer.seqid) {
            header.encode_answer(out, self.me, &answer);
        }
    }
}
