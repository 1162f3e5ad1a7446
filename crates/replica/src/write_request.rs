//! A client's write between its arrival and its answer.

use bytes::Bytes;
use bytes::BytesMut;
use pegasus_common::Decree;
use pegasus_common::Gpid;
use pegasus_common::partition_hash;
use pegasus_engine::WriteOperation;
use pegasus_engine::WriteReply;
use pegasus_rpc::ReplyTo;
use pegasus_wire::TaskCode;
use pegasus_wire::argument;
use pegasus_wire::codec::DecodeError;
use pegasus_wire::frame::RequestHead;
use pegasus_wire::frame::response;
use pegasus_wire::rrdb;

use crate::router::ShardIndex;

/// The largest effect that one write may have. With the rest of a mutation before it
/// (`mutation_size_max_bytes`), it must fit a record of the log and a frame to a peer, both 64 MiB.
/// The request alone does not bound it: every record of a `multi_put` repeats the hash key.
pub const EFFECT_BYTES_MAX: usize = 32 << 20;
/// What a record of an effect has besides its keys and value, rounded up.
const RECORD_OVERHEAD_BYTES: usize = 64;

/// Who asked: a connection of this shard or of another one.
#[derive(Clone, Copy, Debug)]
pub struct Requester {
    /// The shard of the connection.
    pub shard: ShardIndex,
    /// The connection and the request on it.
    pub to: ReplyTo,
}

/// A decoded write. Its blobs are slices of the receive buffer.
#[derive(Debug)]
pub enum DecodedWrite {
    /// Store one value.
    Put(rrdb::UpdateRequest),
    /// Delete one raw key.
    Remove(Bytes),
    /// Store several values of one hash key.
    MultiPut(rrdb::MultiPutRequest),
    /// Delete several sort keys of one hash key.
    MultiRemove(rrdb::MultiRemoveRequest),
    /// Add to a number.
    Incr(rrdb::IncrRequest),
    /// Store one value if a condition holds.
    CheckAndSet(rrdb::CheckAndSetRequest),
    /// Change several values if a condition holds.
    CheckAndMutate(rrdb::CheckAndMutateRequest),
}

impl DecodedWrite {
    /// Decodes the argument of a write; `None` for a code that is no write.
    ///
    /// # Errors
    /// The bytes are no such request.
    pub fn decode(code: TaskCode, body: &Bytes) -> Result<Option<Self>, DecodeError> {
        Ok(Some(match code {
            TaskCode::Put => Self::Put(argument::decode(body)?),
            TaskCode::Remove => Self::Remove(argument::decode(body)?),
            TaskCode::MultiPut => Self::MultiPut(argument::decode(body)?),
            TaskCode::MultiRemove => Self::MultiRemove(argument::decode(body)?),
            TaskCode::Incr => Self::Incr(argument::decode(body)?),
            TaskCode::CheckAndSet => Self::CheckAndSet(argument::decode(body)?),
            TaskCode::CheckAndMutate => Self::CheckAndMutate(argument::decode(body)?),
            _ => return Ok(None),
        }))
    }

    /// The form that the engine evaluates.
    #[must_use]
    pub fn operation(&self) -> WriteOperation<'_> {
        match self {
            Self::Put(request) => WriteOperation::Put(request),
            Self::Remove(raw_key) => WriteOperation::Remove(raw_key),
            Self::MultiPut(request) => WriteOperation::MultiPut(request),
            Self::MultiRemove(request) => WriteOperation::MultiRemove(request),
            Self::Incr(request) => WriteOperation::Incr(request),
            Self::CheckAndSet(request) => WriteOperation::CheckAndSet(request),
            Self::CheckAndMutate(request) => WriteOperation::CheckAndMutate(request),
        }
    }

    /// No less than the bytes that the effect of this write takes.
    #[must_use]
    pub fn effect_bytes_max(&self) -> usize {
        let records = |count: usize, hash_key: &Bytes, rest: usize| {
            count
                .saturating_mul(hash_key.len() + RECORD_OVERHEAD_BYTES)
                .saturating_add(rest)
        };
        match self {
            Self::Put(request) => records(1, &request.key, request.value.len()),
            Self::Remove(raw_key) => records(1, raw_key, 0),
            Self::Incr(request) => records(1, &request.key, 0),
            Self::MultiPut(request) => {
                let pairs = request.kvs.iter();
                let rest = pairs.map(|pair| pair.key.len() + pair.value.len()).sum();
                records(request.kvs.len(), &request.hash_key, rest)
            }
            Self::MultiRemove(request) => {
                let rest = request.sort_keys.iter().map(Bytes::len).sum();
                records(request.sort_keys.len(), &request.hash_key, rest)
            }
            Self::CheckAndSet(request) => {
                let rest = request.set_sort_key.len().max(request.check_sort_key.len());
                records(1, &request.hash_key, rest + request.set_value.len())
            }
            Self::CheckAndMutate(request) => {
                let changes = request.mutate_list.iter();
                let rest = changes
                    .map(|change| change.sort_key.len() + change.value.len())
                    .sum();
                records(request.mutate_list.len(), &request.hash_key, rest)
            }
        }
    }

    /// Whether the hashes that the client sent are those of the key and of the partition: a client that
    /// computes them otherwise would write to partitions in which nobody looks. Upstream aborts the
    /// server over it. A partition hash of 0 was not computed; other operations are not checked
    /// upstream either.
    #[must_use]
    pub fn hashes_fit(&self, head: &RequestHead) -> bool {
        let raw_key = match self {
            Self::Put(request) => &request.key,
            Self::Remove(raw_key) => raw_key,
            _ => return true,
        };
        let sent = head.partition_hash;
        // A malformed key is the evaluation's matter: it answers a storage error.
        let is_of_key = |hash| hash == sent;
        sent == 0
            || (head.thread_hash == head.gpid.thread_hash()
                && partition_hash::of_raw_key(raw_key).map_or(true, is_of_key))
    }
}

/// A write that has arrived and is not evaluated yet.
#[derive(Debug)]
pub struct ArrivedWrite {
    /// What to do.
    pub write: DecodedWrite,
    /// Who asked.
    pub requester: Requester,
}

/// A write that is evaluated: the answer is known and waits for its decree.
#[derive(Debug)]
pub struct EvaluatedWrite {
    /// Who asked.
    pub requester: Requester,
    /// What they will be told.
    pub reply: WriteReply,
}

/// Encodes answers of one replica. It keeps one message of the most frequent kind, so that an answer
/// allocates nothing.
#[derive(Debug)]
pub struct ReplyEncoder {
    update: rrdb::UpdateResponse,
}

impl ReplyEncoder {
    /// For the replica of `gpid` on the server that clients know as `server`.
    #[must_use]
    pub fn new(gpid: Gpid, server: &str) -> Self {
        Self {
            update: rrdb::UpdateResponse {
                app_id: gpid.app_id.0,
                partition_index: gpid.partition_index.0,
                server: server.to_owned(),
                ..rrdb::UpdateResponse::default()
            },
        }
    }

    /// Appends the whole frame that answers a write.
    pub fn encode(&mut self, out: &mut BytesMut, to: ReplyTo, decree: Decree, reply: &WriteReply) {
        /// Encodes an answer of another kind with what every answer says of its replica.
        macro_rules! answer {
            ($kind:ident { $($field:ident: $value:expr),* }) => {{
                let response = rrdb::$kind {
                    $($field: $value,)*
                    error: reply.status().code(),
                    app_id: self.update.app_id,
                    partition_index: self.update.partition_index,
                    decree: decree.0,
                    server: self.update.server.clone(),
                };
                response::encode_ok(out, &to.addressing(), &response);
            }};
        }
        /// The same for the two check operations, whose answers differ in their name alone.
        macro_rules! check_answer {
            ($kind:ident, $check:expr) => {
                answer!($kind {
                    check_value_returned: $check.check_value_returned,
                    check_value_exist: $check.check_value_exist,
                    check_value: $check.check_value.clone()
                })
            };
        }
        match reply {
            WriteReply::Update { status } => {
                self.update.error = status.code();
                self.update.decree = decree.0;
                response::encode_ok(out, &to.addressing(), &self.update);
            }
            WriteReply::MultiRemove { count, .. } => {
                answer!(MultiRemoveResponse { count: *count });
            }
            WriteReply::Incr { new_value, .. } => {
                answer!(IncrResponse {
                    new_value: *new_value
                });
            }
            WriteReply::CheckAndSet(check) => check_answer!(CheckAndSetResponse, check),
            WriteReply::CheckAndMutate(check) => check_answer!(CheckAndMutateResponse, check),
        }
    }
}

#[cfg(test)]
mod tests {
    use pegasus_common::StorageStatus;
    use pegasus_engine::CheckReply;
    use pegasus_wire::Message;
    use pegasus_wire::frame::ResponseFrame;

    use super::*;
    use crate::testing::put;
    use crate::testing::requester;

    fn argument<M: Message>(argument: &M) -> Bytes {
        let mut out = BytesMut::new();
        pegasus_wire::argument::encode(argument, &mut out);
        out.freeze()
    }

    #[test]
    fn only_writes_are_decoded() {
        let body = argument(&rrdb::UpdateRequest::default());
        let decoded = DecodedWrite::decode(TaskCode::Put, &body).unwrap();
        assert!(matches!(decoded, Some(DecodedWrite::Put(_))));
        assert!(
            DecodedWrite::decode(TaskCode::Get, &body)
                .unwrap()
                .is_none()
        );
        let cut = body.slice(..body.len() - 2);
        assert!(DecodedWrite::decode(TaskCode::Put, &cut).is_err());
    }

    #[test]
    fn hashes_of_another_key_or_partition_do_not_fit() {
        let gpid = Gpid::new(2, 3);
        let head = |partition_hash| RequestHead {
            gpid,
            thread_hash: gpid.thread_hash(),
            partition_hash,
            ..RequestHead::default()
        };
        let write = put(b"hash", b"");
        let hash = partition_hash::of_raw_key(&crate::testing::raw_key(b"hash")).unwrap();
        assert!(write.hashes_fit(&head(hash)));
        assert!(!write.hashes_fit(&head(hash ^ 1)));
        let elsewhere = |partition_hash| RequestHead {
            thread_hash: 7,
            ..head(partition_hash)
        };
        assert!(!write.hashes_fit(&elsewhere(hash)));
        assert!(write.hashes_fit(&elsewhere(0)), "not computed");
        let malformed = DecodedWrite::Remove(Bytes::from_static(&[1]));
        assert!(malformed.hashes_fit(&head(7)), "left to the evaluation");
    }

    #[test]
    fn a_small_request_can_have_a_large_effect() {
        let pair = rrdb::KeyValue {
            key: Bytes::from_static(b"k"),
            ..rrdb::KeyValue::default()
        };
        let request = |count| {
            DecodedWrite::MultiPut(rrdb::MultiPutRequest {
                hash_key: vec![b'h'; 60_000].into(),
                kvs: vec![pair.clone(); count],
                ..rrdb::MultiPutRequest::default()
            })
        };
        assert!(request(500).effect_bytes_max() < EFFECT_BYTES_MAX);
        assert!(request(600).effect_bytes_max() > EFFECT_BYTES_MAX);
    }

    #[test]
    fn answers_say_who_gave_them() {
        let mut encoder = ReplyEncoder::new(Gpid::new(2, 3), "server");
        let check = CheckReply {
            status: StorageStatus::TryAgain,
            check_value_returned: true,
            check_value_exist: true,
            check_value: Bytes::from_static(b"now"),
        };
        let mut frame = |reply| {
            let mut out = BytesMut::new();
            encoder.encode(&mut out, requester(5).to, Decree(9), &reply);
            let frame = ResponseFrame::split_from(&mut out, 1 << 20).unwrap();
            frame.expect("a whole frame")
        };
        let status = StorageStatus::Ok;
        let update: rrdb::UpdateResponse = frame(WriteReply::Update { status }).decode().unwrap();
        let expected = rrdb::UpdateResponse {
            error: 0,
            app_id: 2,
            partition_index: 3,
            decree: 9,
            server: "server".to_owned(),
        };
        assert_eq!(update, expected);
        let removed = WriteReply::MultiRemove { status, count: 4 };
        let removed: rrdb::MultiRemoveResponse = frame(removed).decode().unwrap();
        assert_eq!((removed.count, removed.decree), (4, 9));
        let new_value = -1;
        let incr: rrdb::IncrResponse = frame(WriteReply::Incr { status, new_value })
            .decode()
            .unwrap();
        assert_eq!((incr.new_value, incr.partition_index), (-1, 3));
        let set: rrdb::CheckAndSetResponse = frame(WriteReply::CheckAndSet(check.clone()))
            .decode()
            .unwrap();
        assert_eq!(
            (set.error, &set.check_value[..]),
            (check.status.code(), &b"now"[..])
        );
        let mutate: rrdb::CheckAndMutateResponse =
            frame(WriteReply::CheckAndMutate(check)).decode().unwrap();
        assert_eq!((mutate.app_id, &mutate.server[..]), (2, "server"));
    }
}
