//! Every message of the wire, with what must hold for each.

use std::fmt::Debug;

use bytes::{Bytes, BytesMut};
use pegasus_wire::{DecodeError, Message, Reader, argument, result};
use pegasus_wire::{
    command, failure_detector, layer2, meta_admin, metadata, replica_admin, replication, rrdb,
    security,
};

/// One type of message.
#[derive(Clone, Copy, Debug)]
pub struct MessageKind {
    /// Its name in the generated code.
    pub name: &'static str,
    /// Reads bytes as an argument of this type; panics where a rule is broken.
    pub check: fn(&Bytes),
    /// An argument with the default value.
    pub sample: fn() -> Bytes,
}

macro_rules! message_kinds {
    ($($module:ident: $($name:ident)*;)*) => {
        /// All types; a test compares them with the generated code.
        pub const MESSAGES: &[MessageKind] = &[$($(MessageKind {
            name: stringify!($name),
            check: check::<$module::$name>,
            sample: || encoded(&$module::$name::default()),
        },)*)*];
    };
}

message_kinds! {
    command: Command;
    failure_detector: BeaconMsg BeaconAck;
    layer2: PartitionConfiguration QueryCfgRequest QueryCfgResponse RequestMeta AppInfo;
    meta_admin:
        ConfigurationUpdateRequest ConfigurationUpdateResponse ReplicaServerInfo
        ConfigurationQueryByNodeRequest ConfigurationQueryByNodeResponse
        ConfigurationRecoveryRequest ConfigurationRecoveryResponse CreateAppOptions
        ConfigurationCreateAppRequest ConfigurationCreateAppResponse DropAppOptions
        ConfigurationDropAppRequest ConfigurationDropAppResponse ConfigurationRenameAppRequest
        ConfigurationRenameAppResponse ConfigurationRecallAppRequest
        ConfigurationRecallAppResponse ConfigurationListAppsRequest
        ConfigurationListAppsResponse QueryAppInfoRequest QueryAppInfoResponse
        ConfigurationUpdateAppEnvRequest ConfigurationUpdateAppEnvResponse
        StartAppManualCompactRequest StartAppManualCompactResponse QueryAppManualCompactRequest
        QueryAppManualCompactResponse NodeInfo ConfigurationListNodesRequest
        ConfigurationListNodesResponse ConfigurationClusterInfoRequest
        ConfigurationClusterInfoResponse ConfigurationMetaControlRequest
        ConfigurationMetaControlResponse ConfigurationProposalAction
        ConfigurationBalancerRequest ConfigurationBalancerResponse DddDiagnoseRequest
        DddNodeInfo DddPartitionInfo DddDiagnoseResponse ConfigurationGetMaxReplicaCountRequest
        ConfigurationGetMaxReplicaCountResponse ConfigurationSetMaxReplicaCountRequest
        ConfigurationSetMaxReplicaCountResponse ConfigurationGetAtomicIdempotentRequest
        ConfigurationGetAtomicIdempotentResponse ConfigurationSetAtomicIdempotentRequest
        ConfigurationSetAtomicIdempotentResponse MetaMember MetaMembersRequest
        MetaMembersResponse MetaDumpRequest MetaDumpResponse;
    metadata: FileMeta ReplicaConfiguration ReplicaInfo;
    replica_admin: QueryReplicaInfoRequest QueryReplicaInfoResponse DiskInfo QueryDiskInfoRequest
        QueryDiskInfoResponse;
    replication:
        PeerHello PrepareRequest PrepareAck GroupCheckRequest GroupCheckResponse LearnRequest
        LearnResponse CheckpointOffer ListCheckpointRequest CheckpointFile
        ListCheckpointResponse ReadCheckpointRequest ReadCheckpointResponse CreateReplicaRequest
        CreateReplicaResponse QueryReplicaDigestRequest QueryReplicaDigestResponse;
    rrdb:
        UpdateRequest UpdateResponse ReadResponse TtlResponse CountResponse KeyValue
        MultiPutRequest MultiRemoveRequest MultiRemoveResponse MultiGetRequest MultiGetResponse
        FullKey BatchGetRequest FullData BatchGetResponse IncrRequest IncrResponse
        CheckAndSetRequest CheckAndSetResponse Mutate CheckAndMutateRequest
        CheckAndMutateResponse GetScannerRequest ScanRequest ScanResponse;
    security: NegotiationRequest NegotiationResponse;
}

/// A message as an argument.
pub fn encoded<M: Message>(message: &M) -> Bytes {
    let mut out = BytesMut::new();
    argument::encode(message, &mut out);
    out.freeze()
}

fn check<M: Message + Debug>(body: &Bytes) {
    let decoded = argument::decode::<M>(body);
    let as_result = result::decode::<M>(body);
    assert_eq!(
        decoded.is_ok(),
        as_result.is_ok(),
        "one wrapper, two readers"
    );
    let Ok(message) = decoded else {
        return;
    };
    let first = encoded(&message);
    assert_eq!(
        first.len(),
        argument::encoded_len_hint(&message),
        "{message:?}"
    );
    match argument::decode::<M>(&first) {
        // Bytes that are skipped allow more memory than the message itself does.
        Err(DecodeError::TooManyElements) => {}
        Err(error) => panic!("{error}: {message:?}"),
        // Encodings are compared: a number that is none is not equal to itself.
        Ok(again) => assert_eq!(encoded(&again), first, "{message:?}"),
    }
    // A reader of borrowed bytes copies where the other shares.
    let content = first.slice(pegasus_wire::codec::FIELD_HEADER_LEN..);
    if let Ok(copied) = M::decode(&mut Reader::borrowed(&content)) {
        assert_eq!(encoded(&copied), first, "{message:?}");
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_generated_message_is_listed() {
        let generated = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/wire/src/generated");
        let mut names = BTreeSet::new();
        for file in fs::read_dir(generated).unwrap() {
            let text = fs::read_to_string(file.unwrap().path()).unwrap();
            for line in text.lines() {
                let name = line.strip_prefix("impl Message for ");
                names.extend(
                    name.and_then(|rest| rest.split(' ').next())
                        .map(str::to_owned),
                );
            }
        }
        let listed: BTreeSet<String> = MESSAGES.iter().map(|kind| kind.name.to_owned()).collect();
        assert_eq!(listed, names);
    }
}
