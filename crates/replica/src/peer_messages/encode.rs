//! From the state machine to the wire.

use bytes::Bytes;
use bytes::BytesMut;
use pegasus_common::Gpid;
use pegasus_common::RpcAddress;
use pegasus_pacifica::GroupCheck;
use pegasus_pacifica::GroupCheckReply;
use pegasus_pacifica::Message;
use pegasus_pacifica::Mutation;
use pegasus_pacifica::PrepareAck;
use pegasus_wire::TaskCode;
use pegasus_wire::frame::CallKind;
use pegasus_wire::frame::OutgoingRequest;
use pegasus_wire::frame::request;
use pegasus_wire::layer2::AppInfo;
use pegasus_wire::metadata::PartitionStatus;
use pegasus_wire::replication as wire;

use super::wire_configuration;

/// Encodes a message as a complete oneway frame.
#[must_use]
pub fn encode(gpid: Gpid, from: RpcAddress, app: &AppInfo, message: &Message) -> Bytes {
    match message {
        Message::Prepare { mutation } => {
            let wire = wire_prepare(gpid, from, mutation);
            oneway(TaskCode::Prepare, gpid, &wire)
        }
        Message::PrepareAck(ack) => {
            let wire = wire_ack(gpid, from, ack);
            oneway(TaskCode::PrepareAcknowledge, gpid, &wire)
        }
        Message::GroupCheck(check) => {
            let code = match check.learner {
                Some(_) => TaskCode::AddLearner,
                None => TaskCode::GroupCheck,
            };
            oneway(code, gpid, &wire_group_check(gpid, from, app, check))
        }
        Message::GroupCheckReply(reply) => {
            let wire = wire_group_check_reply(gpid, from, reply);
            oneway(TaskCode::GroupCheckReply, gpid, &wire)
        }
        Message::Learn(request) => {
            let wire = wire::LearnRequest {
                pid: gpid,
                ballot: request.ballot.0,
                signature: request.signature.0,
                has_decree: request.has.decree.0,
                has_digest: request.has.digest.cast_signed(),
                from,
                life: request.life.0.cast_signed(),
            };
            oneway(TaskCode::Learn, gpid, &wire)
        }
        Message::LearnReply(reply) => {
            let wire = wire::LearnResponse {
                pid: gpid,
                ballot: reply.ballot.0,
                signature: reply.signature.0,
                err: reply.outcome.error_code(),
                from,
                life: reply.life.0.cast_signed(),
            };
            oneway(TaskCode::LearnReply, gpid, &wire)
        }
        Message::CheckpointOffer(offered) => {
            let wire = wire::CheckpointOffer {
                pid: gpid,
                ballot: offered.ballot.0,
                signature: offered.signature.0,
                checkpoint_id: offered.offer.id.0,
                decree: offered.offer.at.decree.0,
                digest: offered.offer.at.digest.cast_signed(),
                from,
            };
            oneway(TaskCode::CheckpointOffer, gpid, &wire)
        }
    }
}

fn wire_prepare(gpid: Gpid, from: RpcAddress, mutation: &Mutation) -> wire::PrepareRequest {
    wire::PrepareRequest {
        pid: gpid,
        ballot: mutation.ballot.0,
        decree: mutation.decree.0,
        timestamp_us: mutation.timestamp_us,
        last_committed_decree: mutation.last_committed.0,
        checksum: mutation.checksum.cast_signed(),
        payload: mutation.payload.clone(),
        from,
    }
}

fn wire_ack(gpid: Gpid, from: RpcAddress, ack: &PrepareAck) -> wire::PrepareAck {
    wire::PrepareAck {
        pid: gpid,
        ballot: ack.ballot.0,
        decree: ack.decree.0,
        err: ack.outcome.error_code(),
        last_committed_decree: ack.last_committed.0,
        from,
        learner_signature: ack.learner.map(|signature| signature.0),
    }
}

fn wire_group_check(
    gpid: Gpid,
    from: RpcAddress,
    app: &AppInfo,
    check: &GroupCheck,
) -> wire::GroupCheckRequest {
    wire::GroupCheckRequest {
        app: app.clone(),
        config: wire_configuration(gpid, &check.configuration, check.last_committed),
        last_committed_decree: check.last_committed.0,
        last_prepared_decree: check.last_prepared.0,
        digest_decree: check.digest.decree.0,
        digest: check.digest.digest.cast_signed(),
        from,
        learner_signature: check.learner.map(|signature| signature.0),
    }
}

fn wire_group_check_reply(
    gpid: Gpid,
    from: RpcAddress,
    reply: &GroupCheckReply,
) -> wire::GroupCheckResponse {
    wire::GroupCheckResponse {
        pid: gpid,
        err: reply.outcome.error_code(),
        ballot: reply.ballot.0,
        status: PartitionStatus(reply.status.code()),
        last_committed_decree: reply.last_committed.0,
        last_prepared_decree: reply.last_prepared.0,
        digest_decree: reply.digest.decree.0,
        digest: reply.digest.digest.cast_signed(),
        from,
        learner_signature: reply.learner.map(|signature| signature.0),
    }
}

/// The first frame of a link between shards.
#[must_use]
pub fn hello(from: RpcAddress, shard: usize) -> Bytes {
    let hello = wire::PeerHello {
        node: from,
        shard: i32::try_from(shard).unwrap_or(i32::MAX),
    };
    oneway(TaskCode::PeerHello, Gpid::default(), &hello)
}

fn oneway<M: pegasus_wire::Message>(code: TaskCode, gpid: Gpid, message: &M) -> Bytes {
    let mut out = BytesMut::new();
    let kind = CallKind::Oneway;
    let head = OutgoingRequest {
        gpid,
        kind,
        ..OutgoingRequest::to_process(code, 0, 0)
    };
    request::encode(&mut out, &head, message);
    out.freeze()
}
