//! Messages as the recordings describe them in JSON, to compare decoded ones with: this is what
//! proves that ids and names belong together.

use std::collections::BTreeMap;
use std::fmt::Debug;

use bytes::{Bytes, BytesMut};
use pegasus_common::{ErrorCode, Gpid, HostPort, RpcAddress};
use pegasus_wire::{Message, Reader, argument, layer2, meta_admin, rrdb, security};
use serde_json::Value;

use crate::recorded::unhex;

/// A value that JSON can describe. Null describes a missing field.
pub trait Expected: Sized {
    fn expected(json: &Value) -> Self;
}

impl Expected for i32 {
    fn expected(json: &Value) -> Self {
        json.as_i64()
            .map_or(0, |number| Self::try_from(number).unwrap())
    }
}

impl Expected for i64 {
    fn expected(json: &Value) -> Self {
        json.as_i64().unwrap_or(0)
    }
}

impl Expected for bool {
    fn expected(json: &Value) -> Self {
        json.as_bool().unwrap_or(false)
    }
}

impl Expected for String {
    fn expected(json: &Value) -> Self {
        json.as_str().unwrap_or("").to_owned()
    }
}

/// `x:` and hexadecimal.
impl Expected for Bytes {
    fn expected(json: &Value) -> Self {
        json.as_str()
            .map_or_else(Self::new, |text| unhex(text.strip_prefix("x:").unwrap()))
    }
}

impl Expected for ErrorCode {
    fn expected(json: &Value) -> Self {
        json.as_str().map_or(Self::Ok, |name| name.parse().unwrap())
    }
}

impl Expected for Gpid {
    fn expected(json: &Value) -> Self {
        Self::new(i32::expected(&json[0]), i32::expected(&json[1]))
    }
}

impl Expected for RpcAddress {
    fn expected(json: &Value) -> Self {
        Self::from_u64(json.as_u64().unwrap_or(0))
    }
}

impl Expected for HostPort {
    fn expected(json: &Value) -> Self {
        let port = u16::try_from(json[1].as_u64().unwrap_or(0)).unwrap();
        Self {
            host: String::expected(&json[0]),
            port,
        }
    }
}

impl<T: Expected> Expected for Option<T> {
    fn expected(json: &Value) -> Self {
        (!json.is_null()).then(|| T::expected(json))
    }
}

impl<T: Expected> Expected for Vec<T> {
    fn expected(json: &Value) -> Self {
        json.as_array()
            .map_or_else(Self::new, |list| list.iter().map(T::expected).collect())
    }
}

impl Expected for BTreeMap<String, String> {
    fn expected(json: &Value) -> Self {
        let entries = json.as_object().into_iter().flatten();
        entries
            .map(|(key, value)| (key.clone(), String::expected(value)))
            .collect()
    }
}

macro_rules! expected_enums {
    ($($name:ty),* $(,)?) => {
        $(impl Expected for $name {
            fn expected(json: &Value) -> Self {
                Self(i32::expected(json))
            }
        })*
    };
}

expected_enums!(
    layer2::AppStatus,
    meta_admin::AppEnvOperation,
    meta_admin::NodeStatus,
    meta_admin::PatternMatchType,
    rrdb::CasCheckType,
    rrdb::FilterType,
    rrdb::MutateOperation,
    rrdb::UpdateType,
    security::NegotiationStatus,
);

macro_rules! expected_structs {
    ($($module:ident::$name:ident { $($field:ident),* $(,)? })*) => {
        $(impl Expected for $module::$name {
            fn expected(_json: &Value) -> Self {
                Self {
                    $($field: {
                        let name = stringify!($field);
                        Expected::expected(&_json[name.strip_prefix("r#").unwrap_or(name)])
                    },)*
                }
            }
        })*

        /// What to do with a message, by the name of its type in the IDL (upper camel case).
        pub fn check_message(type_name: &str, bytes: &Bytes, json: Option<&Value>) {
            match type_name {
                $(stringify!($name) => check::<$module::$name>(bytes, json),)*
                "Blob" => check::<Bytes>(bytes, json),
                "I64" => check::<i64>(bytes, json),
                other => panic!("no message {other}"),
            }
        }

        /// Whether the bytes are a wrapper around a message of the type of this name.
        pub fn is_message(type_name: &str, bytes: &Bytes) -> bool {
            match type_name {
                $(stringify!($name) => argument::decode::<$module::$name>(bytes).is_ok(),)*
                "Blob" => argument::decode::<Bytes>(bytes).is_ok(),
                "I64" => argument::decode::<i64>(bytes).is_ok(),
                other => panic!("no message {other}"),
            }
        }
    };
}

expected_structs! {
    rrdb::UpdateRequest {
        key, value, expire_ts_seconds, r#type, check_value_returned, check_value_exist, check_value
    }
    rrdb::UpdateResponse { error, app_id, partition_index, decree, server }
    rrdb::ReadResponse { error, value, app_id, partition_index, server }
    rrdb::TtlResponse { error, ttl_seconds, app_id, partition_index, server }
    rrdb::CountResponse { error, count, app_id, partition_index, server }
    rrdb::KeyValue { key, value, expire_ts_seconds }
    rrdb::MultiPutRequest { hash_key, kvs, expire_ts_seconds }
    rrdb::MultiRemoveRequest { hash_key, sort_keys, max_count }
    rrdb::MultiRemoveResponse { error, count, app_id, partition_index, decree, server }
    rrdb::MultiGetRequest {
        hash_key, sort_keys, max_kv_count, max_kv_size, no_value, start_sortkey, stop_sortkey,
        start_inclusive, stop_inclusive, sort_key_filter_type, sort_key_filter_pattern, reverse
    }
    rrdb::MultiGetResponse { error, kvs, app_id, partition_index, server }
    rrdb::FullKey { hash_key, sort_key }
    rrdb::BatchGetRequest { keys }
    rrdb::FullData { hash_key, sort_key, value }
    rrdb::BatchGetResponse { error, data, app_id, partition_index, server }
    rrdb::IncrRequest { key, increment, expire_ts_seconds }
    rrdb::IncrResponse { error, new_value, app_id, partition_index, decree, server }
    rrdb::CheckAndSetRequest {
        hash_key, check_sort_key, check_type, check_operand, set_diff_sort_key, set_sort_key,
        set_value, set_expire_ts_seconds, return_check_value
    }
    rrdb::CheckAndSetResponse {
        error, check_value_returned, check_value_exist, check_value, app_id, partition_index,
        decree, server
    }
    rrdb::Mutate { operation, sort_key, value, set_expire_ts_seconds }
    rrdb::CheckAndMutateRequest {
        hash_key, check_sort_key, check_type, check_operand, mutate_list, return_check_value
    }
    rrdb::CheckAndMutateResponse {
        error, check_value_returned, check_value_exist, check_value, app_id, partition_index,
        decree, server
    }
    rrdb::GetScannerRequest {
        start_key, stop_key, start_inclusive, stop_inclusive, batch_size, no_value,
        hash_key_filter_type, hash_key_filter_pattern, sort_key_filter_type,
        sort_key_filter_pattern, validate_partition_hash, return_expire_ts, full_scan,
        only_return_count
    }
    rrdb::ScanRequest { context_id }
    rrdb::ScanResponse { error, kvs, context_id, app_id, partition_index, server, kv_count }
    layer2::PartitionConfiguration {
        pid, ballot, max_replica_count, primary, secondaries, last_drops, last_committed_decree,
        partition_flags, hp_primary, hp_secondaries, hp_last_drops
    }
    layer2::QueryCfgRequest { app_name, partition_indices }
    layer2::QueryCfgResponse { err, app_id, partition_count, is_stateful, partitions }
    layer2::AppInfo {
        status, app_type, app_name, app_id, partition_count, envs, is_stateful, max_replica_count,
        expire_second, create_second, drop_second, duplicating, init_partition_count,
        is_bulk_loading, atomic_idempotent
    }
    meta_admin::CreateAppOptions {
        partition_count, replica_count, success_if_exist, app_type, is_stateful, envs,
        atomic_idempotent
    }
    meta_admin::ConfigurationCreateAppRequest { app_name, options }
    meta_admin::ConfigurationCreateAppResponse { err, appid }
    meta_admin::DropAppOptions { success_if_not_exist, reserve_seconds }
    meta_admin::ConfigurationDropAppRequest { app_name, options }
    meta_admin::ConfigurationDropAppResponse { err }
    meta_admin::ConfigurationRenameAppRequest { old_app_name, new_app_name }
    meta_admin::ConfigurationRenameAppResponse { err, hint_message }
    meta_admin::ConfigurationRecallAppRequest { app_id, new_app_name }
    meta_admin::ConfigurationRecallAppResponse { err, info }
    meta_admin::ConfigurationListAppsRequest { status, app_name_pattern, match_type }
    meta_admin::ConfigurationListAppsResponse { err, infos, hint_message }
    meta_admin::ConfigurationUpdateAppEnvRequest { app_name, op, keys, values, clear_prefix }
    meta_admin::ConfigurationUpdateAppEnvResponse { err, hint_message }
    meta_admin::NodeInfo { status, node, hp_node }
    meta_admin::ConfigurationListNodesRequest { status }
    meta_admin::ConfigurationListNodesResponse { err, infos }
    meta_admin::ConfigurationClusterInfoRequest {}
    meta_admin::ConfigurationClusterInfoResponse { err, keys, values }
    security::NegotiationRequest { status, msg }
    security::NegotiationResponse { status, msg }
}

/// The wrapper's field holds what `json` describes, and is written again as the same bytes.
fn check<M: Message + Expected + PartialEq + Debug>(wrapped: &Bytes, json: Option<&Value>) {
    let message: M = argument::decode(wrapped).unwrap();
    if let Some(json) = json {
        assert_eq!(message, M::expected(json));
    }
    let mut again = BytesMut::new();
    message.encode(&mut again);
    assert_eq!(again.len(), message.encoded_len_hint(), "{message:?}");
    let decoded = M::decode(&mut Reader::new(&again.clone().freeze()));
    assert_eq!(decoded.as_ref(), Ok(&message));
    // Three bytes of field header before, one stop byte after.
    if json.is_some() {
        assert_eq!(again, wrapped[3..wrapped.len() - 1], "{message:?}");
    }
}

/// `read_response` becomes `ReadResponse`.
pub fn camel_case(idl_name: &str) -> String {
    idl_name
        .split('_')
        .map(|word| word[..1].to_uppercase() + &word[1..])
        .collect()
}
