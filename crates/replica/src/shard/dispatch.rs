//! Where each request and each message of a shard goes.

use std::sync::Arc;

use bytes::Bytes;
use pegasus_common::ErrorCode;
use pegasus_common::clock::EpochSeconds;
use pegasus_pacifica::Standing;
use pegasus_rpc::HttpRequest;
use pegasus_rpc::HttpResponse;
use pegasus_rpc::Request;
use pegasus_rpc::Service;
use pegasus_wire::TaskCode;
use pegasus_wire::argument;
use pegasus_wire::frame::response;
use pegasus_wire::meta_admin::ConfigurationUpdateRequest;
use pegasus_wire::metadata::PartitionStatus;
use pegasus_wire::metadata::ReplicaConfiguration;
use pegasus_wire::metadata::ReplicaInfo;
use pegasus_wire::replication::CreateReplicaRequest;
use pegasus_wire::replication::PeerHello;
use pegasus_wire::replication::QueryReplicaDigestRequest;
use pegasus_wire::replication::QueryReplicaDigestResponse;
use pegasus_wire::task_code::TaskKind;
use tracing::debug;
use tracing::warn;

use super::Shard;
use super::message::ForwardedWrite;
use super::message::ShardMessage;
use crate::answers::RemoteAnswer;
use crate::control::ControlMessage;
use crate::learn::file_service;
use crate::peer_messages;
use crate::reads;
use crate::reads::ReadRequest;
use crate::stub::Instruction;
use crate::write_request::Requester;

impl Service for Shard {
    fn on_request(&self, request: Request) {
        let Request {
            head,
            code,
            argument,
            responder,
        } = request;
        let to = responder.reply_to();
        match code.kind() {
            TaskKind::Read | TaskKind::Write if head.gpid.app_id.0 <= 0 => {
                responder.fail(ErrorCode::HandlerNotFound);
            }
            TaskKind::Read => {
                self.node.metrics.read_requests.increment();
                let read = ReadRequest { head, to, argument };
                reads::serve(&self.node, self.index, &self.outputs, read);
            }
            TaskKind::Write => {
                self.node.metrics.write_requests.increment();
                let requester = Requester {
                    shard: self.index,
                    to,
                };
                let owner = self.node.shard_of(head.gpid);
                if owner == self.index {
                    self.core
                        .borrow_mut()
                        .on_write(head, code, &argument, requester);
                } else {
                    self.node.metrics.forwarded_writes.increment();
                    let write = ForwardedWrite {
                        head,
                        code,
                        argument,
                        requester,
                    };
                    let message = ShardMessage::Write(Box::new(write));
                    self.core.borrow_mut().exits.send_to_shard(owner, message);
                }
            }
            TaskKind::Peer => self.on_server_message(code, &argument, to, responder),
            // A table in the header asks for a handler among the data operations, as upstream has it.
            TaskKind::Admin if head.gpid.app_id.0 <= 0 => {
                self.on_query(code, &argument, to, responder);
            }
            _ => responder.fail(ErrorCode::HandlerNotFound),
        }
    }

    fn on_http(&self, request: &HttpRequest) -> HttpResponse {
        crate::http::answer(&self.node, request)
    }
}

impl Shard {
    /// From other replica servers and from the meta server.
    fn on_server_message(
        &self,
        code: TaskCode,
        body: &Bytes,
        to: pegasus_rpc::ReplyTo,
        responder: pegasus_rpc::Responder,
    ) {
        let result = match code {
            TaskCode::Prepare
            | TaskCode::PrepareAcknowledge
            | TaskCode::GroupCheck
            | TaskCode::GroupCheckReply
            | TaskCode::AddLearner
            | TaskCode::Learn
            | TaskCode::LearnReply
            | TaskCode::CheckpointOffer => self.on_peer_message(code, body),
            TaskCode::ListCheckpoint => match argument::decode(body) {
                Ok(request) => {
                    return responder.reply(&file_service::list(&self.node, &request));
                }
                Err(error) => Err(error.to_string()),
            },
            TaskCode::ReadCheckpoint => match argument::decode(body) {
                Ok(request) => {
                    let requester = Requester {
                        shard: self.index,
                        to,
                    };
                    let node = Arc::clone(&self.node);
                    tokio::task::spawn_local(file_service::read(node, request, requester));
                    return;
                }
                Err(error) => Err(error.to_string()),
            },
            TaskCode::PeerHello => self.on_hello(body),
            TaskCode::ConfigProposal => self.on_proposal(body),
            TaskCode::RemoveReplica => self.on_removal(body),
            TaskCode::CreateReplica => match argument::decode::<CreateReplicaRequest>(body) {
                Ok(request) => {
                    let requester = Requester {
                        shard: self.index,
                        to,
                    };
                    let request = Box::new(request);
                    let message = ControlMessage::CreateReplica { request, requester };
                    self.core.borrow_mut().exits.tell_control(message);
                    return;
                }
                Err(error) => Err(error.to_string()),
            },
            _ => return responder.fail(ErrorCode::HandlerNotFound),
        };
        match result {
            Ok(()) => responder.leave_unanswered(),
            Err(problem) => {
                warn!(%code, problem, "malformed message of another server ignored");
                responder.fail(ErrorCode::InvalidData);
            }
        }
    }

    fn on_peer_message(&self, code: TaskCode, body: &Bytes) -> Result<(), String> {
        let message = peer_messages::decode(code, body).map_err(|error| error.to_string())?;
        let owner = self.node.shard_of(message.gpid);
        let mut core = self.core.borrow_mut();
        if owner == self.index {
            core.on_peer_message(message);
        } else {
            core.exits
                .send_to_shard(owner, ShardMessage::Peer(Box::new(message)));
        }
        Ok(())
    }

    /// A link of another server to this one is new: what it carried before may be lost, and that
    /// server can be reached now. All shards may have replicas that it concerns.
    fn on_hello(&self, body: &Bytes) -> Result<(), String> {
        let hello: PeerHello = argument::decode(body).map_err(|error| error.to_string())?;
        debug!(peer = %hello.node, shard = hello.shard, "a server has connected");
        for shard in &self.node.shards {
            shard.send(ShardMessage::PeerConnected(hello.node));
        }
        Ok(())
    }

    fn on_proposal(&self, body: &Bytes) -> Result<(), String> {
        let update: ConfigurationUpdateRequest =
            argument::decode(body).map_err(|error| error.to_string())?;
        let gpid = update.config.pid;
        let instruction =
            Instruction::of_proposal(&update).map_err(|problem| format!("{gpid}: {problem}"))?;
        if self.node.router.find(gpid).is_none() {
            let message = ControlMessage::ProposalForAbsent(Box::new(update));
            self.core.borrow_mut().exits.tell_control(message);
            return Ok(());
        }
        let message = ShardMessage::instruct(gpid, Box::new(update.info), instruction);
        self.node.send_to_owner(gpid, message);
        Ok(())
    }

    /// The primary of a group has removed this server's replica from it. The meta server's word
    /// decides what becomes of the replica, so it is asked.
    fn on_removal(&self, body: &Bytes) -> Result<(), String> {
        let removed: ReplicaConfiguration =
            argument::decode(body).map_err(|error| error.to_string())?;
        let message = ControlMessage::Removed(removed.pid);
        self.core.borrow_mut().exits.tell_control(message);
        Ok(())
    }

    /// What tools ask.
    fn on_query(
        &self,
        code: TaskCode,
        body: &Bytes,
        to: pegasus_rpc::ReplyTo,
        responder: pegasus_rpc::Responder,
    ) {
        let requester = Requester {
            shard: self.index,
            to,
        };
        match code {
            TaskCode::QueryReplicaInfo => {
                let message = ControlMessage::QueryReplicaInfo { requester };
                self.core.borrow_mut().exits.tell_control(message);
            }
            TaskCode::QueryAppInfo => {
                let message = ControlMessage::QueryAppInfo { requester };
                self.core.borrow_mut().exits.tell_control(message);
            }
            TaskCode::QueryReplicaDigest => match argument::decode(body) {
                Ok(request) => self.query_digest(&request, requester, responder),
                Err(_) => responder.fail(ErrorCode::InvalidData),
            },
            _ => responder.fail(ErrorCode::HandlerNotFound),
        }
    }

    /// Reads the whole replica, so it goes to the read pool.
    fn query_digest(
        &self,
        request: &QueryReplicaDigestRequest,
        requester: Requester,
        responder: pegasus_rpc::Responder,
    ) {
        let Some(handle) = self.node.router.find(request.pid) else {
            return responder.fail(ErrorCode::ObjectNotFound);
        };
        let node = Arc::clone(&self.node);
        let job = move || {
            let decree = handle.engine.applied().decree;
            let response = match handle.engine.digest_of_all(EpochSeconds::now().0) {
                Ok(digest) => QueryReplicaDigestResponse {
                    err: ErrorCode::Ok,
                    decree: decree.0,
                    digest: digest.digest.cast_signed(),
                    record_count: i64::try_from(digest.record_count).unwrap_or(i64::MAX),
                },
                Err(error) => {
                    warn!(gpid = %handle.gpid, ?error, "digest of a replica failed");
                    let err = ErrorCode::LocalAppFailure;
                    QueryReplicaDigestResponse {
                        err,
                        ..QueryReplicaDigestResponse::default()
                    }
                }
            };
            let mut frame = bytes::BytesMut::new();
            response::encode_ok(&mut frame, &requester.to.addressing(), &response);
            let answer = RemoteAnswer::new(requester.to, frame);
            node.shards[requester.shard].send(ShardMessage::Answer(answer));
        };
        if self.node.read_pool.submit(job).is_err() {
            responder.fail(ErrorCode::Busy);
        }
    }

    /// From other threads.
    pub(super) fn on_message(&self, message: ShardMessage) {
        let mut core = self.core.borrow_mut();
        match message {
            ShardMessage::LogSafe { disk, ticket } => core.on_log_safe(disk, ticket),
            ShardMessage::LogFailed { disk, reason } => core.on_log_failed(disk, &reason),
            ShardMessage::LogPinned(gpids) => core.on_log_pinned(&gpids),
            ShardMessage::Answer(RemoteAnswer { to, frame, held }) => {
                drop(held);
                if frame.is_empty() {
                    return self.outputs.leave_unanswered(to);
                }
                self.outputs.answer(to, |out| out.extend_from_slice(&frame));
            }
            ShardMessage::Write(write) => {
                let ForwardedWrite {
                    head,
                    code,
                    argument,
                    requester,
                } = *write;
                core.on_write(head, code, &argument, requester);
            }
            ShardMessage::Peer(message) => core.on_peer_message(*message),
            ShardMessage::PeerConnected(peer) => {
                core.exits.links.reach(peer);
                core.on_peer_connected(peer);
            }
            ShardMessage::KeyCached(instance) => core.on_key_cached(instance),
            ShardMessage::Flushed(instance, decree) => core.on_flushed(instance, decree),
            ShardMessage::Learn(event) => core.on_learn_event(event),
            ShardMessage::StallChanged(instance, state) => {
                warn!(gpid = %instance.gpid, ?state, "storage changed how it takes writes");
                core.retry_backlog();
            }
            ShardMessage::StorageFailed(instance, failure) => {
                warn!(gpid = %instance.gpid, ?failure, "storage failed");
                core.on_storage_failed(instance);
            }
            ShardMessage::Install(replica) => core.install(replica),
            ShardMessage::Begin(replica) => core.begin(replica),
            ShardMessage::Configuration {
                gpid,
                configuration,
                app,
                source,
            } => {
                core.on_configuration(gpid, &configuration, *app, source);
            }
            ShardMessage::Proposal {
                gpid,
                proposal,
                app,
            } => core.on_proposal(gpid, &proposal, *app),
            ShardMessage::LeaseChanged => core.check_lease(),
            ShardMessage::StepDown(replica) => core.step_down(replica),
            ShardMessage::PutAside(replica) => core.put_aside(replica),
            ShardMessage::Report(wanted) => {
                let replicas = core.replicas.values();
                let infos = replicas
                    .map(|replica| replica_info(replica, &self.node))
                    .chain(core.learning.reports().cloned())
                    .collect();
                let _ = wanted.send(infos);
            }
            ShardMessage::DescribeTables(wanted) => {
                let _ = wanted.send(core.tables());
            }
            // Both are handled where messages are received.
            ShardMessage::Connection(_) | ShardMessage::Stop(_) => {}
        }
    }
}

/// What the meta server hears of a replica.
pub(super) fn replica_info(
    replica: &crate::hosted_replica::HostedReplica,
    node: &crate::node::Node,
) -> ReplicaInfo {
    let machine = &replica.machine;
    ReplicaInfo {
        pid: replica.gpid(),
        ballot: machine.ballot().0,
        status: PartitionStatus(machine.status().code()),
        last_committed_decree: machine.committed().0,
        last_prepared_decree: machine.prepared().0,
        last_durable_decree: machine.durable().0,
        app_type: "pegasus".to_owned(),
        disk_tag: node.disks[replica.disk].tag.clone(),
        is_proven: Some(machine.standing() == Standing::Proven),
        ..ReplicaInfo::default()
    }
}
