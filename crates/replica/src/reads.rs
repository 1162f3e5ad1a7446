//! Client reads: on the connection's thread while the block cache has what they need, on the read
//! pool otherwise (design.md section 4).

use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use bytes::Bytes;
use bytes::BytesMut;
use pegasus_common::ErrorCode;
use pegasus_common::clock::EpochSeconds;
use pegasus_common::clock::MonotonicMillis;
use pegasus_engine::ReadAt;
use pegasus_engine::ReadOutcome;
use pegasus_engine::ReadTier;
use pegasus_rpc::Encoded;
use pegasus_rpc::HeldAccount;
use pegasus_rpc::Outputs;
use pegasus_rpc::ReplyTo;
use pegasus_wire::TaskCode;
use pegasus_wire::argument;
use pegasus_wire::codec::DecodeError;
use pegasus_wire::frame::RequestHead;
use pegasus_wire::frame::response;
use pegasus_wire::frame::response::ReadResult;
use tracing::debug;
use tracing::warn;

use crate::answers::RemoteAnswer;
use crate::client_rules::Access;
use crate::client_rules::Rejection;
use crate::lease::Lease;
use crate::node::Node;
use crate::router::Readability;
use crate::router::ReplicaHandle;
use crate::router::ShardIndex;
use crate::shard::ShardMessage;

/// Whether a read may be served. Asked again after the read, by the clock of that moment: the lease
/// may have run out meanwhile, were it only because the process was stopped; and one that has come
/// back since says nothing of this replica until the meta server has confirmed it (I4).
///
/// # Errors
/// The answer that it gets instead.
fn admit(handle: &ReplicaHandle, lease: &Lease, is_backup_request: bool) -> Result<(), ErrorCode> {
    match handle.readability() {
        Readability::AllReads(_) | Readability::BackupReads if is_backup_request => Ok(()),
        Readability::AllReads(term) if lease.is_held_in(term, MonotonicMillis::now()) => Ok(()),
        _ => Err(ErrorCode::InvalidState),
    }
}

/// Serves a read, or hands it to the read pool.
pub fn serve(node: &Arc<Node>, shard: ShardIndex, outputs: &Outputs, request: ReadRequest) {
    let ReadRequest { head, to, argument } = request;
    let outcome: Result<_, Rejection> = node.router.with(head.gpid, |handle| {
        let handle = handle.ok_or(ErrorCode::ObjectNotFound)?;
        // Clients do not expect an answer to this one, least of all an error, and it only frees.
        if to.code != TaskCode::ClearScanner {
            handle.rules().admit(Access::Read, head.partition_hash)?;
        }
        admit(handle, &node.lease, head.is_backup_request)?;
        let read = Read {
            handle,
            server: &node.name,
            to,
            argument: &argument,
        };
        match to.code {
            TaskCode::ClearScanner => {
                read.clear_scanner();
                outputs.leave_unanswered(to);
                Ok(None)
            }
            TaskCode::Get | TaskCode::Ttl => {
                let done = outputs.try_answer(to, |out| {
                    let begin = out.len();
                    if read.point(ReadTier::CacheOnly, out) == Done::NeedsDisk {
                        return Encoded::Nothing;
                    }
                    if let Err(error) = admit(handle, &node.lease, head.is_backup_request) {
                        out.truncate(begin);
                        response::encode_error(out, &to.addressing(), error);
                    }
                    Encoded::Complete
                });
                Ok((done == Encoded::Nothing).then(|| Arc::clone(handle)))
            }
            _ => Ok(Some(Arc::clone(handle))),
        }
    });
    match outcome {
        Err(Rejection::Error(error)) => outputs.fail(to, error),
        Err(Rejection::Silence) => outputs.leave_unanswered(to),
        Ok(None) => {}
        Ok(Some(handle)) => {
            let is_backup_request = head.is_backup_request;
            let node_of_job = Arc::clone(node);
            let job = PooledRead {
                node: node_of_job,
                handle,
                shard,
                is_backup_request,
                to,
                unsent: outputs.unsent_replies(to.connection),
                argument,
            };
            if node.read_pool.submit(move || job.run()).is_err() {
                outputs.fail(to, ErrorCode::Busy);
            }
        }
    }
}

/// A client's read as it arrived.
#[derive(Debug)]
pub struct ReadRequest {
    /// Routing.
    pub head: RequestHead,
    /// Who asked for what.
    pub to: ReplyTo,
    /// The argument in its wrapper.
    pub argument: Bytes,
}

/// A read on its way through the pool.
struct PooledRead {
    node: Arc<Node>,
    handle: Arc<ReplicaHandle>,
    shard: ShardIndex,
    is_backup_request: bool,
    to: ReplyTo,
    /// `None`: the connection has ended.
    unsent: Option<HeldAccount>,
    argument: Bytes,
}

impl PooledRead {
    fn run(self) {
        let Some(unsent) = &self.unsent else {
            return;
        };
        let mut frame = BytesMut::new();
        if unsent.admits() {
            self.read(&mut frame);
        } else {
            // Its client takes no answers, or too many do not.
            self.node.metrics.unsent_refused.increment();
            response::encode_error(&mut frame, &self.to.addressing(), ErrorCode::Busy);
        }
        let answer = RemoteAnswer {
            held: Some(unsent.hold(frame.len())),
            to: self.to,
            frame,
        };
        self.node.shards[self.shard].send(ShardMessage::Answer(answer));
    }

    fn read(&self, frame: &mut BytesMut) {
        let read = Read {
            handle: &self.handle,
            server: &self.node.name,
            to: self.to,
            argument: &self.argument,
        };
        let began = Instant::now();
        read.any(frame);
        self.note_if_slow(began.elapsed(), frame.len());
        if let Err(error) = admit(&self.handle, &self.node.lease, self.is_backup_request) {
            frame.clear();
            response::encode_error(frame, &self.to.addressing(), error);
        }
    }

    /// Reads from the block cache alone, on the connection's thread, are never slow and not looked
    /// at. The line names no key: those are the users' data.
    fn note_if_slow(&self, took: Duration, answer_bytes: usize) {
        let of_server = self.node.config.storage.slow_query_threshold();
        let threshold = self.handle.rules().slow_query.unwrap_or(of_server);
        if took < threshold {
            return;
        }
        self.node.metrics.abnormal_reads.increment();
        let (took_us, threshold_us) = (took.as_micros(), threshold.as_micros());
        warn!(gpid = %self.handle.gpid, code = %self.to.code, took_us, threshold_us, answer_bytes,
            "slow read");
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Done {
    Answered,
    NeedsDisk,
}

/// One read, ready to be executed on any thread.
struct Read<'a> {
    handle: &'a ReplicaHandle,
    server: &'a str,
    to: ReplyTo,
    argument: &'a Bytes,
}

/// Fills in what every answer says of its replica.
macro_rules! identified {
    ($read:expr, $response:expr) => {{
        let mut response = $response;
        response.app_id = $read.handle.gpid.app_id.0;
        response.partition_index = $read.handle.gpid.partition_index.0;
        response.server = $read.server.to_owned();
        response
    }};
}

impl Read<'_> {
    /// `get` and `ttl`. Appends nothing if the disk is needed.
    fn point(&self, tier: ReadTier, out: &mut BytesMut) -> Done {
        let Ok(raw_key) = argument::blob(self.argument) else {
            return self.malformed(out);
        };
        let at = ReadAt {
            now_epoch_s: EpochSeconds::now().0,
            tier,
        };
        let to = self.to.addressing();
        if self.to.code == TaskCode::Ttl {
            let ReadOutcome::Done(ttl) = self.handle.engine.ttl(raw_key, at) else {
                return Done::NeedsDisk;
            };
            response::encode_ok(out, &to, &identified!(self, ttl));
            return Done::Answered;
        }
        let ReadOutcome::Done(found) = self.handle.engine.get(raw_key, at) else {
            return Done::NeedsDisk;
        };
        let result = ReadResult {
            error: found.status().code(),
            value: found.user_data(),
            app_id: self.handle.gpid.app_id.0,
            partition_index: self.handle.gpid.partition_index.0,
            server: self.server,
        };
        response::encode_read(out, &to, &result);
        Done::Answered
    }

    /// Every read but `clear_scanner`; may wait for the disk.
    fn any(&self, out: &mut BytesMut) {
        if matches!(self.to.code, TaskCode::Get | TaskCode::Ttl) {
            self.point(ReadTier::All, out);
            return;
        }
        if let Err(error) = self.range(out) {
            debug!(%error, code = %self.to.code, "malformed read request");
            self.malformed(out);
        }
    }

    fn range(&self, out: &mut BytesMut) -> Result<(), DecodeError> {
        let engine = &self.handle.engine;
        let at = ReadAt {
            now_epoch_s: EpochSeconds::now().0,
            tier: ReadTier::All,
        };
        let to = self.to.addressing();
        match self.to.code {
            TaskCode::MultiGet => {
                if let ReadOutcome::Done(found) =
                    engine.multi_get(&argument::decode(self.argument)?, at)
                {
                    response::encode_ok(out, &to, &identified!(self, found));
                }
            }
            TaskCode::BatchGet => {
                if let ReadOutcome::Done(found) =
                    engine.batch_get(&argument::decode(self.argument)?, at)
                {
                    response::encode_ok(out, &to, &identified!(self, found));
                }
            }
            TaskCode::SortkeyCount => {
                if let ReadOutcome::Done(found) =
                    engine.sortkey_count(argument::blob(self.argument)?, at)
                {
                    response::encode_ok(out, &to, &identified!(self, found));
                }
            }
            TaskCode::GetScanner => {
                let request = argument::decode(self.argument)?;
                let found = engine.get_scanner(&request, at.now_epoch_s, Instant::now());
                response::encode_ok(out, &to, &identified!(self, found));
            }
            TaskCode::Scan => {
                let request = argument::decode(self.argument)?;
                let found = engine.scan(&request, at.now_epoch_s, Instant::now());
                response::encode_ok(out, &to, &identified!(self, found));
            }
            _ => response::encode_error(out, &to, ErrorCode::HandlerNotFound),
        }
        Ok(())
    }

    fn clear_scanner(&self) {
        match argument::decode::<i64>(self.argument) {
            Ok(context_id) => self.handle.engine.clear_scanner(context_id),
            Err(error) => debug!(%error, "clear_scanner without a context id"),
        }
    }

    fn malformed(&self, out: &mut BytesMut) -> Done {
        response::encode_error(out, &self.to.addressing(), ErrorCode::InvalidData);
        Done::Answered
    }
}

#[cfg(test)]
mod tests {
    use pegasus_common::StorageStatus;
    use pegasus_pacifica::LeaseTerm;
    use pegasus_rpc::ConnectionId;
    use pegasus_wire::frame::ResponseFrame;
    use pegasus_wire::rrdb::MultiGetRequest;
    use pegasus_wire::rrdb::MultiGetResponse;
    use pegasus_wire::rrdb::ReadResponse;

    use super::*;
    use crate::lease::Extension;
    use crate::testing::Lone;
    use crate::testing::SERVER;
    use crate::testing::put;
    use crate::testing::raw_key;

    fn with_record() -> Lone {
        let mut lone = Lone::new();
        lone.write(1, put(b"a", b"value"));
        lone.end_turn();
        lone.log_one();
        lone
    }

    fn encoded<M: pegasus_wire::Message>(message: &M) -> Bytes {
        let mut out = BytesMut::new();
        argument::encode(message, &mut out);
        out.freeze()
    }

    fn read(lone: &Lone, code: TaskCode, argument: &Bytes) -> ResponseFrame {
        let read = Read {
            handle: &lone.replica.handle,
            server: SERVER,
            to: ReplyTo {
                connection: ConnectionId::NOBODY,
                seqid: 3,
                code,
            },
            argument,
        };
        let mut out = BytesMut::new();
        read.any(&mut out);
        let frame = ResponseFrame::split_from(&mut out, 1 << 20).unwrap();
        frame.expect("every read is answered")
    }

    #[test]
    fn reads_need_a_primary_with_its_lease_unless_marked_as_backup_reads() {
        let lone = with_record();
        let handle = &lone.replica.handle;
        let lease = Lease::new(Duration::from_secs(3_600));
        let refused = Err(ErrorCode::InvalidState);
        let Readability::AllReads(term) = handle.readability() else {
            panic!("a confirmed primary");
        };
        assert_eq!(admit(handle, &lease, false), refused);
        assert_eq!(admit(handle, &lease, true), Ok(()));
        let now = MonotonicMillis::now();
        assert_eq!(lease.extend(now, now), Extension::Began(term));
        assert_eq!(admit(handle, &lease, false), Ok(()));
        handle.publish(Readability::AllReads(LeaseTerm(term.0 + 1)));
        assert_eq!(
            admit(handle, &lease, false),
            refused,
            "confirmed in another term"
        );
        handle.publish(Readability::BackupReads);
        assert_eq!(admit(handle, &lease, false), refused);
        assert_eq!(admit(handle, &lease, true), Ok(()));
        handle.publish(Readability::Closed);
        assert_eq!(admit(handle, &lease, true), refused);
    }

    #[test]
    fn a_value_is_found_and_says_who_has_it() {
        let lone = with_record();
        let frame = read(&lone, TaskCode::Get, &encoded(&raw_key(b"a")));
        let found: ReadResponse = frame.decode().unwrap();
        assert_eq!((found.error, &found.value[..]), (0, &b"value"[..]));
        assert_eq!(
            (found.app_id, found.partition_index, &found.server[..]),
            (2, 0, SERVER)
        );
        let frame = read(&lone, TaskCode::Get, &encoded(&raw_key(b"b")));
        let missing: ReadResponse = frame.decode().unwrap();
        assert_eq!(missing.error, StorageStatus::NotFound.code());
    }

    #[test]
    fn ranges_are_read_and_say_who_has_them() {
        let lone = with_record();
        let request = MultiGetRequest {
            hash_key: Bytes::from_static(b"a"),
            max_kv_count: 10,
            start_inclusive: true,
            ..MultiGetRequest::default()
        };
        let frame = read(&lone, TaskCode::MultiGet, &encoded(&request));
        let found: MultiGetResponse = frame.decode().unwrap();
        assert_eq!((found.kvs.len(), &found.server[..]), (1, SERVER));
    }

    #[test]
    fn malformed_reads_are_answered_with_an_error() {
        let lone = with_record();
        let codes = [
            TaskCode::Get,
            TaskCode::Ttl,
            TaskCode::MultiGet,
            TaskCode::SortkeyCount,
            TaskCode::Scan,
        ];
        for code in codes {
            let frame = read(&lone, code, &Bytes::from_static(&[0xff]));
            assert_eq!(frame.error, ErrorCode::InvalidData, "{code}");
        }
        let frame = read(&lone, TaskCode::Put, &Bytes::new());
        assert_eq!(frame.error, ErrorCode::HandlerNotFound);
    }
}
