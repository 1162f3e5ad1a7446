use std::net::Ipv4Addr;

use bytes::Bytes;
use bytes::BytesMut;
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
use pegasus_pacifica::Mutation;
use pegasus_pacifica::OfferedCheckpoint;
use pegasus_pacifica::PeerOutcome;
use pegasus_pacifica::PrepareAck;
use pegasus_pacifica::ReplicaStatus;
use pegasus_wire::TaskCode;
use pegasus_wire::frame::CallKind;
use pegasus_wire::frame::RequestFrame;

use super::decode::PeerMessageError;
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

fn group_check(digest: DigestAt, learner: Option<LearnSignature>) -> GroupCheck {
    GroupCheck {
        configuration: configuration(),
        last_committed: Decree(6),
        last_prepared: Decree(7),
        digest,
        learner,
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
            learner: Some(LearnSignature(9)),
        }),
        Message::GroupCheck(group_check(digest, None)),
        Message::GroupCheck(group_check(digest, Some(LearnSignature(9)))),
        Message::GroupCheckReply(GroupCheckReply {
            ballot: Ballot(3),
            outcome: PeerOutcome::NeedsLearning,
            status: ReplicaStatus::Inactive,
            last_committed: Decree(6),
            last_prepared: Decree(7),
            digest,
            learner: None,
        }),
        Message::Learn(LearnRequest {
            ballot: Ballot(3),
            signature: LearnSignature(9),
            life: Life(u64::MAX),
            has: digest,
        }),
        Message::LearnReply(LearnReply {
            ballot: Ballot(3),
            signature: LearnSignature(9),
            life: Life(5),
            outcome: LearnOutcome::StartOver,
        }),
        Message::CheckpointOffer(OfferedCheckpoint {
            ballot: Ballot(3),
            signature: LearnSignature(9),
            offer: CheckpointOffer {
                id: CheckpointId(11),
                at: digest,
            },
        }),
    ];
    for message in messages {
        let frame = sent(&message);
        assert_eq!(frame.head.gpid, GPID);
        assert_eq!(frame.head.kind, CallKind::Oneway);
        let arrived = received(&frame).unwrap();
        assert_eq!((arrived.gpid, arrived.from), (GPID, server(1)));
        assert_eq!(arrived.message, message);
        let tells_table = matches!(message, Message::GroupCheck(_));
        assert_eq!(arrived.app.is_some(), tells_table);
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
        TaskCode::AddLearner,
        TaskCode::Learn,
        TaskCode::LearnReply,
        TaskCode::CheckpointOffer,
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
