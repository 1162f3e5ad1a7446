//! Any message comes back from its own bytes, and no part of them passes for the whole.

use std::fmt::Debug;

use bytes::{Bytes, BytesMut};
use pegasus_common::{ErrorCode, Gpid, HostPort, RpcAddress};
use pegasus_wire::frame::{
    CallKind, OutgoingRequest, RequestFrame, ResponseFrame, request, response,
};
use pegasus_wire::layer2::{AppInfo, AppStatus, PartitionConfiguration};
use pegasus_wire::meta_admin::{ConfigType, ConfigurationUpdateRequest};
use pegasus_wire::replica_admin::DiskInfo;
use pegasus_wire::replication::{PrepareAck, PrepareRequest};
use pegasus_wire::rrdb::{KeyValue, ScanResponse};
use pegasus_wire::{Message, Reader, TaskCode};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use proptest::sample::select;

fn blob() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..40).prop_map(Bytes::from)
}

fn text() -> impl Strategy<Value = String> {
    vec(any::<char>(), 0..12).prop_map(|letters| letters.into_iter().collect())
}

fn gpid() -> impl Strategy<Value = Gpid> {
    any::<u64>().prop_map(Gpid::from_u64)
}

fn address() -> impl Strategy<Value = RpcAddress> {
    any::<u64>().prop_map(RpcAddress::from_u64)
}

fn host_port() -> impl Strategy<Value = HostPort> {
    ("[a-z.-]{1,12}", any::<u16>()).prop_map(|(host, port)| HostPort { host, port })
}

fn error_code() -> impl Strategy<Value = ErrorCode> {
    select(ErrorCode::ALL)
}

prop_compose! {
    fn scan_response()(
        error in any::<i32>(),
        kvs in vec((blob(), blob(), any::<Option<i32>>()), 0..8),
        context_id in any::<i64>(),
        app_id in any::<i32>(),
        partition_index in any::<i32>(),
        server in text(),
        kv_count in any::<Option<i32>>(),
    ) -> ScanResponse {
        let kvs = kvs
            .into_iter()
            .map(|(key, value, expire_ts_seconds)| KeyValue { key, value, expire_ts_seconds })
            .collect();
        ScanResponse { error, kvs, context_id, app_id, partition_index, server, kv_count }
    }
}

prop_compose! {
    fn partition()(
        pid in gpid(),
        ballot in any::<i64>(),
        max_replica_count in any::<i32>(),
        primary in address(),
        secondaries in vec(address(), 0..4),
        last_drops in vec(address(), 0..4),
        last_committed_decree in any::<i64>(),
        partition_flags in any::<i32>(),
        hp_primary in proptest::option::of(host_port()),
        hp_secondaries in proptest::option::of(vec(host_port(), 0..4)),
    ) -> PartitionConfiguration {
        PartitionConfiguration {
            pid, ballot, max_replica_count, primary, secondaries, last_drops,
            last_committed_decree, partition_flags, hp_primary, hp_secondaries,
            hp_last_drops: None,
        }
    }
}

prop_compose! {
    fn table()(
        status in any::<i32>(),
        app_name in text(),
        envs in btree_map(text(), text(), 0..5),
        is_stateful in any::<bool>(),
        init_partition_count in any::<i32>(),
        duplicating in any::<Option<bool>>(),
    ) -> AppInfo {
        AppInfo {
            status: AppStatus(status),
            app_name,
            envs,
            is_stateful,
            init_partition_count,
            duplicating,
            ..AppInfo::default()
        }
    }
}

prop_compose! {
    fn update()(
        info in table(),
        config in partition(),
        number in any::<i32>(),
        node in address(),
    ) -> ConfigurationUpdateRequest {
        ConfigurationUpdateRequest {
            info, config, r#type: ConfigType(number), node, ..ConfigurationUpdateRequest::default()
        }
    }
}

prop_compose! {
    fn disk()(
        tag in text(),
        disk_capacity_mb in any::<i64>(),
        holding_primary_replicas in btree_map(any::<i32>(), btree_set(gpid(), 0..4), 0..4),
    ) -> DiskInfo {
        DiskInfo { tag, disk_capacity_mb, holding_primary_replicas, ..DiskInfo::default() }
    }
}

prop_compose! {
    fn prepare()(
        pid in gpid(),
        numbers in any::<[i64; 4]>(),
        checksum in any::<i32>(),
        payload in blob(),
        from in address(),
    ) -> PrepareRequest {
        let [ballot, decree, timestamp_us, last_committed_decree] = numbers;
        PrepareRequest {
            pid, ballot, decree, timestamp_us, last_committed_decree, checksum, payload, from,
        }
    }
}

prop_compose! {
    fn acknowledgement()(
        pid in gpid(),
        numbers in any::<[i64; 3]>(),
        err in error_code(),
        from in address(),
    ) -> PrepareAck {
        let [ballot, decree, last_committed_decree] = numbers;
        let learner_signature = (ballot % 2 == 0).then_some(decree);
        PrepareAck { pid, ballot, decree, err, last_committed_decree, from, learner_signature }
    }
}

fn check<M: Message + PartialEq + Debug>(message: &M) {
    let mut encoded = BytesMut::new();
    message.encode(&mut encoded);
    assert_eq!(encoded.len(), message.encoded_len_hint());
    let encoded = encoded.freeze();
    let mut reader = Reader::new(&encoded);
    assert_eq!(M::decode(&mut reader).as_ref(), Ok(message));
    assert_eq!(reader.remaining(), 0);
    for cut in 0..encoded.len() {
        assert!(
            M::decode(&mut Reader::borrowed(&encoded[..cut])).is_err(),
            "cut at {cut}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn messages_come_back(
        scan in scan_response(),
        update in update(),
        disk in disk(),
        prepare in prepare(),
        acknowledgement in acknowledgement(),
    ) {
        check(&scan);
        check(&update);
        check(&disk);
        check(&prepare);
        check(&acknowledgement);
    }

    #[test]
    fn frames_come_back(
        code in select(TaskCode::ALL),
        gpid in gpid(),
        timeout_ms in 0..=i32::MAX.cast_unsigned(),
        partition_hash in any::<u64>(),
        is_backup_request in any::<bool>(),
        seqid in any::<i32>(),
        kind in select(&[CallKind::Call, CallKind::Oneway][..]),
        argument in blob(),
        error in error_code(),
    ) {
        let outgoing = OutgoingRequest {
            code, gpid, timeout_ms, partition_hash, is_backup_request, seqid, kind,
        };
        let mut wire = BytesMut::new();
        request::encode(&mut wire, &outgoing, &argument);
        let limit = wire.len();
        let frame = RequestFrame::split_from(&mut wire, limit).unwrap().unwrap();
        prop_assert!(wire.is_empty());
        prop_assert_eq!(frame.name.code(), Some(code));
        let head = frame.head;
        prop_assert_eq!((head.gpid, head.timeout_ms), (gpid, timeout_ms));
        prop_assert_eq!((head.partition_hash, head.seqid), (partition_hash, seqid));
        prop_assert_eq!((head.is_backup_request, head.kind), (is_backup_request, kind));
        prop_assert_eq!(head.thread_hash, gpid.thread_hash());
        prop_assert_eq!(frame.decode::<Bytes>(), Ok(argument.clone()));

        response::encode_with_body(&mut wire, &frame.reply_to(), error, &argument);
        let limit = wire.len();
        let answer = ResponseFrame::split_from(&mut wire, limit).unwrap().unwrap();
        prop_assert_eq!((answer.code, answer.seqid), (Some(code), seqid));
        prop_assert!(answer.error == error || answer.error == error.for_clients());
        prop_assert_eq!(answer.decode::<Bytes>(), Ok(argument));
    }
}
