//! Where the answers of a turn go: to connections of this shard at once, to those of other shards in
//! one batch for each.

use bytes::BytesMut;
use pegasus_common::ErrorCode;
use pegasus_rpc::HeldBytes;
use pegasus_rpc::Outputs;
use pegasus_rpc::ReplyTo;
use pegasus_wire::frame::response;

use crate::router::ShardIndex;
use crate::write_request::Requester;

/// An encoded answer on its way to the shard of its connection.
#[derive(Debug)]
pub struct RemoteAnswer {
    /// The connection and the request on it.
    pub to: ReplyTo,
    /// The whole frame; empty if the request gets no answer.
    pub frame: BytesMut,
    /// Its account with the connection, if it may be large.
    pub held: Option<HeldBytes>,
}

impl RemoteAnswer {
    /// A small answer.
    #[must_use]
    pub fn new(to: ReplyTo, frame: BytesMut) -> Self {
        Self {
            to,
            frame,
            held: None,
        }
    }
}

/// Takes the answers that a replica gives.
pub trait AnswerSink {
    /// Answers with the frame that `encode` appends.
    fn answer(&mut self, requester: Requester, encode: impl FnOnce(&mut BytesMut));

    /// Answers with a header error.
    fn fail(&mut self, requester: Requester, error: ErrorCode) {
        self.answer(requester, |out| {
            response::encode_error(out, &requester.to.addressing(), error);
        });
    }
}

/// The answers of one shard.
#[derive(Debug)]
pub struct Answers<'a> {
    /// The shard that the answering replica is on.
    pub shard: ShardIndex,
    /// Its connections.
    pub outputs: &'a Outputs,
    /// What the turn has for each other shard.
    pub remote: &'a mut [Vec<RemoteAnswer>],
}

impl Answers<'_> {
    /// The request gets no answer.
    pub fn leave_unanswered(&mut self, requester: Requester) {
        if requester.shard == self.shard {
            self.outputs.leave_unanswered(requester.to);
        } else if let Some(batch) = self.remote.get_mut(requester.shard) {
            batch.push(RemoteAnswer::new(requester.to, BytesMut::new()));
        }
    }
}

impl AnswerSink for Answers<'_> {
    fn answer(&mut self, requester: Requester, encode: impl FnOnce(&mut BytesMut)) {
        if requester.shard == self.shard {
            self.outputs.answer(requester.to, encode);
        } else if let Some(batch) = self.remote.get_mut(requester.shard) {
            let mut frame = BytesMut::new();
            encode(&mut frame);
            batch.push(RemoteAnswer::new(requester.to, frame));
        }
    }
}

#[cfg(test)]
mod tests {
    use pegasus_rpc::NetworkLimits;

    use super::*;
    use crate::testing::requester;

    #[test]
    fn answers_for_other_shards_are_batched() {
        let outputs = Outputs::new(&NetworkLimits::default());
        let mut remote = vec![Vec::new(), Vec::new()];
        let mut answers = Answers {
            shard: 0,
            outputs: &outputs,
            remote: &mut remote,
        };
        answers.fail(requester(7), ErrorCode::Busy);
        answers.answer(requester(8), |out| out.extend_from_slice(b"frame"));
        let here = Requester {
            shard: 0,
            ..requester(9)
        };
        answers.fail(here, ErrorCode::Busy);
        answers.leave_unanswered(here);
        answers.leave_unanswered(requester(11));
        let unknown = Requester {
            shard: 9,
            ..requester(10)
        };
        answers.fail(unknown, ErrorCode::Busy);
        assert!(remote[0].is_empty());
        let seqids: Vec<i32> = remote[1].iter().map(|answer| answer.to.seqid).collect();
        assert_eq!(seqids, [7, 8, 11]);
        assert!(remote[1][2].frame.is_empty(), "no answer");
        assert_eq!(&remote[1][1].frame[..], b"frame");
    }
}
