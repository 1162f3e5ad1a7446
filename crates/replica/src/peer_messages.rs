//! Replication messages between their wire form and the state machine's.

use bytes::Bytes;
use bytes::BytesMut;
use pegasus_common::Ballot;
use pegasus_common::Decree;
use pegasus_common::Gpid;
use pegasus_common::RpcAddress;
use pegasus_pacifica::Configuration;
use pegasus_pacifica::DigestAt;
use pegasus_pacifica::GroupCheck;
use pegasus_pacifica::GroupCheckReply;
use pegasus_pacifica::Message;
use pegasus_pacifica::Mutation;
use pegasus_pacifica::PeerOutcome;
use pegasus_pacifica::PrepareAck;
use pegasus_pacifica::ReplicaStatus;
use pegasus_wire::TaskCode;
use pegasus_wire::argument;
use pegasus_wire::codec::DecodeError;
use pegasus_wire::frame::CallKind;
use pegasus_wire::frame::OutgoingRequest;
use pegasus_wire::frame::request;
use pegasus_wire::layer2::AppInfo;
use pegasus_wire::layer2::PartitionConfiguration;
use pegasus_wire::metadata::PartitionStatus;
use pegasus_wire::replication as wire;

/// A message from another replica server, with its partition and sender.
#[derive(Debug)]
pub struct PeerMessage {
    /// Which partition.
    pub gpid: Gpid,
    /// The server that sent it.
    pub from: RpcAddress,
    /// What it says.
    pub message: Message,
}

/// The configuration of a wire message, if it is one that a replica can work with.
#[must_use]
pub fn configuration_of(wire: &PartitionConfiguration) -> Option<Configuration> {
    let configuration = Configuration {
        ballot: Ballot(wire.ballot),
        max_replica_count: u32::try_from(wire.max_replica_count).ok()?,
        primary: wire.primary.valid(),
        secondaries: wire
            .secondaries
            .iter()
            .filter_map(|address| address.valid())
            .collect(),
    };
    configuration.is_well_formed().then_some(configuration)
}

/// The wire form of a configuration.
#[must_use]
pub fn wire_configuration(
    gpid: Gpid,
    configuration: &Configuration,
    last_committed: Decree,
) -> PartitionConfiguration {
    PartitionConfiguration {
        pid: gpid,
        ballot: configuration.ballot.0,
        max_replica_count: i32::try_from(configuration.max_replica_count).unwrap_or(i32::MAX),
        primary: configuration.primary.unwrap_or(RpcAddress::INVALID),
        secondaries: configuration.secondaries.clone(),
        last_committed_decree: last_committed.0,
        ..PartitionConfiguration::default()
    }
}

/// Decodes a message from another replica server; a mutation's checksum is verified here, once.
///
/// # Errors
/// The bytes are no such message, or say something that no replica can mean.
pub fn decode(code: TaskCode, body: &Bytes) -> Result<PeerMessage, PeerMessageError> {
    match code {
        TaskCode::Prepare => decode_prepare(argument::decode(body)?),
        TaskCode::PrepareAcknowledge => Ok(decode_ack(&argument::decode(body)?)),
        TaskCode::GroupCheck => decode_group_check(&argument::decode(body)?),
        TaskCode::GroupCheckReply => decode_group_check_reply(&argument::decode(body)?),
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
    Ok(PeerMessage {
        gpid: wire.pid,
        from: wire.from,
        message: Message::Prepare { mutation },
    })
}

fn decode_ack(wire: &wire::PrepareAck) -> PeerMessage {
    let ack = PrepareAck {
        ballot: Ballot(wire.ballot),
        decree: Decree(wire.decree),
        outcome: PeerOutcome::from_error_code(wire.err),
        last_committed: Decree(wire.last_committed_decree),
    };
    PeerMessage {
        gpid: wire.pid,
        from: wire.from,
        message: Message::PrepareAck(ack),
    }
}

fn decode_group_check(wire: &wire::GroupCheckRequest) -> Result<PeerMessage, PeerMessageError> {
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
    };
    Ok(PeerMessage {
        gpid,
        from: wire.from,
        message: Message::GroupCheck(check),
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
    };
    Ok(PeerMessage {
        gpid: wire.pid,
        from: wire.from,
        message: Message::GroupCheckReply(reply),
    })
}

fn digest(decree: i64, digest: i64) -> DigestAt {
    DigestAt {
        decree: Decree(decree),
        digest: digest.cast_unsigned(),
    }
}

/// Encodes a message as a complete oneway frame.
#[must_use]
pub fn encode(gpid: Gpid, from: RpcAddress, app: &AppInfo, message: &Message) -> Bytes {
    match message {
        Message::Prepare { mutation } => oneway(
            TaskCode::Prepare,
            gpid,
            &wire::PrepareRequest {
                pid: gpid,
                ballot: mutation.ballot.0,
                decree: mutation.decree.0,
                timestamp_us: mutation.timestamp_us,
                last_committed_decree: mutation.last_committed.0,
                checksum: mutation.checksum.cast_signed(),
                payload: mutation.payload.clone(),
                from,
            },
        ),
        Message::PrepareAck(ack) => oneway(
            TaskCode::PrepareAcknowledge,
            gpid,
            &wire::PrepareAck {
                pid: gpid,
                ballot: ack.ballot.0,
                decree: ack.decree.0,
                err: ack.outcome.error_code(),
                last_committed_decree: ack.last_committed.0,
                from,
            },
        ),
        Message::GroupCheck(check) => oneway(
            TaskCode::GroupCheck,
            gpid,
            &wire::GroupCheckRequest {
                app: app.clone(),
                config: wire_configuration(gpid, &check.configuration, check.last_committed),
                last_committed_decree: check.last_committed.0,
                last_prepared_decree: check.last_prepared.0,
                digest_decree: check.digest.decree.0,
                digest: check.digest.digest.cast_signed(),
                from,
            },
        ),
        Message::GroupCheckReply(reply) => oneway(
            TaskCode::GroupCheckReply,
            gpid,
            &wire::GroupCheckResponse {
                pid: gpid,
                err: reply.outcome.error_code(),
                ballot: reply.ballot.0,
                status: PartitionStatus(reply.status.code()),
                last_committed_decree: reply.last_committed.0,
                last_prepared_decree: reply.last_prepared.0,
                digest_decree: reply.digest.decree.0,
                digest: reply.digest.digest.cast_signed(),
                from,
            },
        ),
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

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use pegasus_wire::frame::RequestFrame;

    use super::*;

    const GPID: Gpid = Gpid::new(2, 5);

    fn server(port: u16) -> RpcAddress {
        RpcAddress::from_v4(std::net::SocketAddrV4::new(Ipv4Addr::LOCALHOST, port))
    }

    fn mutation(payload: &'static [u8]) -> Mutation {
        Mutation {
            ballot: Ballot(3),
            decree: Decree(7),
            timestamp_us: 1_000,
            last_committed: Decree(6),
            checksum: Mutation::checksum_of(payload),
            payload: Bytes::from_static(payload),
        }
    }

    fn configuration() -> Configuration {
        Configuration {
            ballot: Ballot(3),
            max_replica_count: 3,
            primary: Some(server(1)),
            secondaries: vec![server(2), server(3)],
        }
    }

    fn sent(message: &Message) -> RequestFrame {
        let app = AppInfo::default();
        let mut frame = BytesMut::from(&encode(GPID, server(1), &app, message)[..]);
        let request = RequestFrame::split_from(&mut frame, 1 << 20).unwrap();
        assert!(frame.is_empty());
        request.expect("a whole frame")
    }

    fn received(frame: &RequestFrame) -> Result<PeerMessage, PeerMessageError> {
        decode(frame.name.code().expect("a known name"), &frame.argument)
    }

    #[test]
    fn every_message_arrives_as_it_was_sent() {
        let digest = DigestAt {
            decree: Decree(6),
            digest: u64::MAX,
        };
        let messages = [
            Message::Prepare {
                mutation: mutation(b"effect"),
            },
            Message::Prepare {
                mutation: mutation(b""),
            },
            Message::PrepareAck(PrepareAck {
                ballot: Ballot(3),
                decree: Decree(7),
                outcome: PeerOutcome::Gap,
                last_committed: Decree(6),
            }),
            Message::GroupCheck(GroupCheck {
                configuration: configuration(),
                last_committed: Decree(6),
                last_prepared: Decree(7),
                digest,
            }),
            Message::GroupCheckReply(GroupCheckReply {
                ballot: Ballot(3),
                outcome: PeerOutcome::NeedsLearning,
                status: ReplicaStatus::Inactive,
                last_committed: Decree(6),
                last_prepared: Decree(7),
                digest,
            }),
        ];
        for message in messages {
            let frame = sent(&message);
            assert_eq!(frame.head.gpid, GPID);
            assert_eq!(frame.head.kind, CallKind::Oneway);
            let arrived = received(&frame).unwrap();
            assert_eq!((arrived.gpid, arrived.from), (GPID, server(1)));
            assert_eq!(arrived.message, message);
        }
    }

    #[test]
    fn a_mutation_that_changed_on_its_way_is_refused() {
        let mut mutation = mutation(b"effect");
        mutation.payload = Bytes::from_static(b"defect");
        let frame = sent(&Message::Prepare { mutation });
        assert!(matches!(
            received(&frame),
            Err(PeerMessageError::Nonsense { gpid: GPID, .. })
        ));
    }

    #[test]
    fn what_is_no_message_is_refused() {
        let body = Bytes::from_static(&[0xff; 8]);
        for code in [
            TaskCode::Prepare,
            TaskCode::PrepareAcknowledge,
            TaskCode::GroupCheck,
            TaskCode::GroupCheckReply,
        ] {
            let refused = decode(code, &body);
            assert!(
                matches!(refused, Err(PeerMessageError::Decode(_))),
                "{code}"
            );
        }
        assert!(matches!(
            decode(TaskCode::Put, &body),
            Err(PeerMessageError::NotAPeerMessage(_))
        ));
    }

    #[test]
    fn configurations_that_make_no_sense_are_none() {
        let wire = wire_configuration(GPID, &configuration(), Decree(6));
        assert_eq!(configuration_of(&wire), Some(configuration()));
        let mut twice = wire.clone();
        twice.secondaries.push(server(1));
        assert_eq!(configuration_of(&twice), None);
        let negative = PartitionConfiguration {
            max_replica_count: -1,
            ..wire
        };
        assert_eq!(configuration_of(&negative), None);
    }
}
