//! From the wire to the state machine.

use bytes::Bytes;
use pegasus_common::Ballot;
use pegasus_common::Decree;
use pegasus_common::Gpid;
use pegasus_pacifica::CheckpointId;
use pegasus_pacifica::CheckpointOffer;
use pegasus_pacifica::DigestAt;
use pegasus_pacifica::GroupCheck;
use pegasus_pacifica::GroupCheckReply;
use pegasus_pacifica::LearnOutcome;
use pegasus_pacifica::LearnReply;
use pegasus_pacifica::LearnRequest;
use pegasus_pacifica::LearnSignature;
use pegasus_pacifica::Life;
use pegasus_pacifica::Message;
use pegasus_pacifica::Mutation;
use pegasus_pacifica::OfferedCheckpoint;
use pegasus_pacifica::PeerOutcome;
use pegasus_pacifica::PrepareAck;
use pegasus_pacifica::ReplicaStatus;
use pegasus_wire::TaskCode;
use pegasus_wire::argument;
use pegasus_wire::codec::DecodeError;
use pegasus_wire::replication as wire;

use super::PeerMessage;
use super::configuration_of;

/// Decodes a message from another replica server; a mutation's checksum is verified here, once.
///
/// # Errors
/// The bytes are no such message, or say something that no replica can mean.
pub fn decode(code: TaskCode, body: &Bytes) -> Result<PeerMessage, PeerMessageError> {
    match code {
        TaskCode::Prepare => decode_prepare(argument::decode(body)?),
        TaskCode::PrepareAcknowledge => Ok(decode_ack(&argument::decode(body)?)),
        TaskCode::GroupCheck | TaskCode::AddLearner => decode_group_check(argument::decode(body)?),
        TaskCode::GroupCheckReply => decode_group_check_reply(&argument::decode(body)?),
        TaskCode::Learn => Ok(decode_learn(&argument::decode(body)?)),
        TaskCode::LearnReply => decode_learn_reply(&argument::decode(body)?),
        TaskCode::CheckpointOffer => Ok(decode_checkpoint_offer(&argument::decode(body)?)),
        _ => Err(PeerMessageError::NotAPeerMessage(code.name())),
    }
}

/// A peer sent something that is no message.
#[derive(Debug, thiserror::Error)]
pub enum PeerMessageError {
    /// The encoding is broken.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The name is that of another kind of request.
    #[error("{0} is no message between replicas")]
    NotAPeerMessage(&'static str),
    /// A field has a value that makes no sense.
    #[error("partition {gpid}: {reason}")]
    Nonsense {
        /// Which partition.
        gpid: Gpid,
        /// What makes no sense.
        reason: &'static str,
    },
}

fn decode_prepare(wire: wire::PrepareRequest) -> Result<PeerMessage, PeerMessageError> {
    let mutation = Mutation {
        ballot: Ballot(wire.ballot),
        decree: Decree(wire.decree),
        timestamp_us: wire.timestamp_us,
        last_committed: Decree(wire.last_committed_decree),
        checksum: wire.checksum.cast_unsigned(),
        payload: wire.payload,
    };
    if !mutation.is_intact() {
        return Err(PeerMessageError::Nonsense {
            gpid: wire.pid,
            reason: "the mutation's checksum or numbers are wrong",
        });
    }
    let message = Message::Prepare { mutation };
    Ok(PeerMessage::new(wire.pid, wire.from, message))
}

fn decode_ack(wire: &wire::PrepareAck) -> PeerMessage {
    let ack = PrepareAck {
        ballot: Ballot(wire.ballot),
        decree: Decree(wire.decree),
        outcome: PeerOutcome::from_error_code(wire.err),
        last_committed: Decree(wire.last_committed_decree),
        learner: wire.learner_signature.map(LearnSignature),
    };
    PeerMessage::new(wire.pid, wire.from, Message::PrepareAck(ack))
}

fn decode_group_check(wire: wire::GroupCheckRequest) -> Result<PeerMessage, PeerMessageError> {
    let gpid = wire.config.pid;
    let configuration = configuration_of(&wire.config).ok_or(PeerMessageError::Nonsense {
        gpid,
        reason: "the configuration names a server twice or has a negative number",
    })?;
    let check = GroupCheck {
        configuration,
        last_committed: Decree(wire.last_committed_decree),
        last_prepared: Decree(wire.last_prepared_decree),
        digest: digest(wire.digest_decree, wire.digest),
        learner: wire.learner_signature.map(LearnSignature),
    };
    Ok(PeerMessage {
        app: Some(Box::new(wire.app)),
        ..PeerMessage::new(gpid, wire.from, Message::GroupCheck(check))
    })
}

fn decode_group_check_reply(
    wire: &wire::GroupCheckResponse,
) -> Result<PeerMessage, PeerMessageError> {
    let status = ReplicaStatus::from_code(wire.status.0).ok_or(PeerMessageError::Nonsense {
        gpid: wire.pid,
        reason: "the status is none that a replica can have",
    })?;
    let reply = GroupCheckReply {
        ballot: Ballot(wire.ballot),
        outcome: PeerOutcome::from_error_code(wire.err),
        status,
        last_committed: Decree(wire.last_committed_decree),
        last_prepared: Decree(wire.last_prepared_decree),
        digest: digest(wire.digest_decree, wire.digest),
        learner: wire.learner_signature.map(LearnSignature),
    };
    let message = Message::GroupCheckReply(reply);
    Ok(PeerMessage::new(wire.pid, wire.from, message))
}

fn decode_learn(wire: &wire::LearnRequest) -> PeerMessage {
    let request = LearnRequest {
        ballot: Ballot(wire.ballot),
        signature: LearnSignature(wire.signature),
        life: Life(wire.life.cast_unsigned()),
        has: digest(wire.has_decree, wire.has_digest),
    };
    PeerMessage::new(wire.pid, wire.from, Message::Learn(request))
}

fn decode_learn_reply(wire: &wire::LearnResponse) -> Result<PeerMessage, PeerMessageError> {
    let outcome = LearnOutcome::from_error_code(wire.err).ok_or(PeerMessageError::Nonsense {
        gpid: wire.pid,
        reason: "the outcome is none that an attempt to learn can have",
    })?;
    let reply = LearnReply {
        ballot: Ballot(wire.ballot),
        signature: LearnSignature(wire.signature),
        life: Life(wire.life.cast_unsigned()),
        outcome,
    };
    let message = Message::LearnReply(reply);
    Ok(PeerMessage::new(wire.pid, wire.from, message))
}

fn decode_checkpoint_offer(wire: &wire::CheckpointOffer) -> PeerMessage {
    let offered = OfferedCheckpoint {
        ballot: Ballot(wire.ballot),
        signature: LearnSignature(wire.signature),
        offer: CheckpointOffer {
            id: CheckpointId(wire.checkpoint_id),
            at: digest(wire.decree, wire.digest),
        },
    };
    PeerMessage::new(wire.pid, wire.from, Message::CheckpointOffer(offered))
}

fn digest(decree: i64, digest: i64) -> DigestAt {
    DigestAt {
        decree: Decree(decree),
        digest: digest.cast_unsigned(),
    }
}
