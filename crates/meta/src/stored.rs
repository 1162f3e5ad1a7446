//! Keys and values in the metadata store.
//!
//! Keys and field names are those of upstream's node tree (meta-server.md sections 4.2 and 4.3), so
//! that tools and people know them, and a store that keeps upstream's layout needs no translation:
//!
//! | Key | Value |
//! |---|---|
//! | `apps/<id>` | the table, JSON |
//! | `apps/<id>/<partition index>` | the partition's configuration, JSON |
//!
//! Ours adds `format_version` (1), and leaves out the host names. A value with a newer version or
//! an unknown field is refused, since writing it back would lose what it says. The records of
//! dropped tables stay, so that the largest id ever given is always known.

use std::collections::BTreeMap;

use bytes::Bytes;
use pegasus_common::{AppId, Ballot, Decree, Gpid, PartitionIndex, RpcAddress};
use pegasus_metastore::Entry;
use serde::{Deserialize, Serialize};

use crate::cluster_state::{ClusterState, PartitionState, TableState};
use crate::partition::PartitionConfiguration;
use crate::table::{Table, TableStatus};

/// The prefix of all keys that a [`ClusterState`] is loaded from.
pub const CATALOGUE_PREFIX: &str = "apps/";

const FORMAT_VERSION: u32 = 1;
const DROPPED_FLAG: i32 = 1;

/// A catalogue that cannot be loaded. The meta server must not start with a part of it.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A key that no version writes.
    #[error("metadata key '{key}' is unknown to this version")]
    UnknownKey {
        /// The key.
        key: String,
    },
    /// A value that is not what its key says.
    #[error("the metadata at '{key}' is malformed: {reason}")]
    Malformed {
        /// The key.
        key: String,
        /// What is wrong.
        reason: String,
    },
    /// A table without one of its partitions, or a partition without its table.
    #[error("the metadata is incomplete: {what} is missing")]
    Missing {
        /// What should be there.
        what: String,
    },
}

/// The key of a table.
#[must_use]
pub fn table_key(id: AppId) -> Bytes {
    Bytes::from(format!("{CATALOGUE_PREFIX}{}", id.0))
}

/// The key of a partition.
#[must_use]
pub fn partition_key(pid: Gpid) -> Bytes {
    let (app, index) = (pid.app_id.0, pid.partition_index.0);
    Bytes::from(format!("{CATALOGUE_PREFIX}{app}/{index}"))
}

#[derive(Clone, Copy, Serialize, Deserialize)]
enum StoredStatus {
    #[serde(rename = "app_status::AS_AVAILABLE")]
    Available,
    #[serde(rename = "app_status::AS_DROPPED")]
    Dropped,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredTable {
    format_version: u32,
    status: StoredStatus,
    app_type: String,
    app_name: String,
    app_id: i32,
    partition_count: i32,
    envs: BTreeMap<String, String>,
    is_stateful: u8,
    max_replica_count: i32,
    expire_second: i64,
    create_second: i64,
    drop_second: i64,
    init_partition_count: i32,
    atomic_idempotent: u8,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredPartition {
    format_version: u32,
    pid: String,
    ballot: i64,
    max_replica_count: i32,
    primary: String,
    secondaries: Vec<String>,
    last_drops: Vec<String>,
    #[serde(default, skip_serializing_if = "is_zero")]
    complete_drops: usize,
    last_committed_decree: i64,
    partition_flags: i32,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's form")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// The value of a table.
#[must_use]
pub fn table_value(table: &Table) -> Bytes {
    let stored = StoredTable {
        format_version: FORMAT_VERSION,
        status: match table.status {
            TableStatus::Available => StoredStatus::Available,
            TableStatus::Dropped => StoredStatus::Dropped,
        },
        app_type: table.app_type.clone(),
        app_name: table.name.clone(),
        app_id: table.id.0,
        partition_count: table.partition_count,
        envs: table.envs.clone(),
        is_stateful: u8::from(table.is_stateful),
        max_replica_count: table.max_replica_count,
        expire_second: table.expire_second,
        create_second: table.create_second,
        drop_second: table.drop_second,
        init_partition_count: table.init_partition_count,
        atomic_idempotent: u8::from(table.atomic_idempotent),
    };
    to_json(&stored)
}

/// The value of a partition.
#[must_use]
pub fn partition_value(configuration: &PartitionConfiguration) -> Bytes {
    let texts = |nodes: &[RpcAddress]| nodes.iter().map(RpcAddress::to_string).collect();
    let stored = StoredPartition {
        format_version: FORMAT_VERSION,
        pid: configuration.pid.to_string(),
        ballot: configuration.ballot.0,
        max_replica_count: configuration.max_replica_count,
        primary: configuration.primary.unwrap_or_default().to_string(),
        secondaries: texts(&configuration.secondaries),
        last_drops: texts(&configuration.last_drops),
        complete_drops: configuration.complete_drops,
        last_committed_decree: configuration.last_committed.0,
        partition_flags: i32::from(configuration.is_dropped) * DROPPED_FLAG,
    };
    to_json(&stored)
}

fn to_json(stored: &impl Serialize) -> Bytes {
    let json = serde_json::to_vec(stored);
    Bytes::from(json.expect("strings, numbers and string-keyed maps always have a JSON form"))
}

/// Every key and value of a state.
pub fn entries(state: &ClusterState) -> impl Iterator<Item = (Bytes, Bytes)> + '_ {
    state.tables().flat_map(|table| {
        let attributes = (table_key(table.info.id), table_value(&table.info));
        let partitions = table.partitions.iter().map(|partition| {
            let configuration = &partition.configuration;
            (
                partition_key(configuration.pid),
                partition_value(configuration),
            )
        });
        std::iter::once(attributes).chain(partitions)
    })
}

/// Builds the state from everything under [`CATALOGUE_PREFIX`].
///
/// # Errors
/// Any record that is unknown, malformed or missing: a meta server that went on without it would
/// give its data away.
pub fn load(entries: &[Entry]) -> Result<ClusterState, LoadError> {
    let mut tables = BTreeMap::new();
    let mut partitions: BTreeMap<AppId, BTreeMap<i32, PartitionState>> = BTreeMap::new();
    for entry in entries {
        let key = String::from_utf8_lossy(&entry.key).into_owned();
        match parse_key(&key) {
            Some(Key::Table(id)) => {
                tables.insert(id, (read_table(&key, id, &entry.value)?, entry.version));
            }
            Some(Key::Partition(pid)) => {
                let partition = PartitionState {
                    configuration: read_partition(&key, pid, &entry.value)?,
                    version: entry.version,
                };
                let of_table = partitions.entry(pid.app_id).or_default();
                of_table.insert(pid.partition_index.0, partition);
            }
            None => return Err(LoadError::UnknownKey { key }),
        }
    }
    let mut state = ClusterState::default();
    for (id, (info, version)) in tables {
        let of_table = partitions.remove(&id).unwrap_or_default();
        let partitions = complete(&info, of_table)?;
        state.insert(TableState {
            info,
            version,
            partitions,
        });
    }
    match partitions.keys().next() {
        Some(id) => Err(LoadError::Missing {
            what: format!("the table of the partitions of {}", id.0),
        }),
        None => Ok(state),
    }
}

/// Checks that the indices are exactly `0..partition_count`.
fn complete(
    info: &Table,
    of_table: BTreeMap<i32, PartitionState>,
) -> Result<Vec<PartitionState>, LoadError> {
    let expected = 0..info.partition_count;
    match expected.clone().find(|index| !of_table.contains_key(index)) {
        Some(index) => Err(LoadError::Missing {
            what: format!("partition {}.{index} of table '{}'", info.id.0, info.name),
        }),
        None if of_table.len() > expected.len() => Err(LoadError::Malformed {
            key: String::from_utf8_lossy(&table_key(info.id)).into_owned(),
            reason: format!(
                "it has {} partitions, {} are there",
                info.partition_count,
                of_table.len()
            ),
        }),
        None => Ok(of_table.into_values().collect()),
    }
}

enum Key {
    Table(AppId),
    Partition(Gpid),
}

fn parse_key(key: &str) -> Option<Key> {
    let path = key.strip_prefix(CATALOGUE_PREFIX)?;
    match path.split_once('/') {
        None => path.parse().ok().map(|id| Key::Table(AppId(id))),
        Some((id, index)) => Some(Key::Partition(Gpid {
            app_id: AppId(id.parse().ok()?),
            partition_index: PartitionIndex(index.parse().ok()?),
        })),
    }
}

/// Whether a key is one of a table, not of a partition.
#[must_use]
pub fn is_table_key(key: &str) -> bool {
    matches!(parse_key(key), Some(Key::Table(_)))
}

fn read_json<'a, T: Deserialize<'a>>(key: &str, value: &'a [u8]) -> Result<T, LoadError> {
    serde_json::from_slice(value).map_err(|error| malformed(key, &error.to_string()))
}

fn malformed(key: &str, reason: &str) -> LoadError {
    LoadError::Malformed {
        key: key.to_owned(),
        reason: reason.to_owned(),
    }
}

fn check_version(key: &str, version: u32) -> Result<(), LoadError> {
    if version == FORMAT_VERSION {
        Ok(())
    } else {
        let reason = format!("format version {version}, this version knows {FORMAT_VERSION}");
        Err(malformed(key, &reason))
    }
}

fn read_table(key: &str, id: AppId, value: &[u8]) -> Result<Table, LoadError> {
    let stored: StoredTable = read_json(key, value)?;
    check_version(key, stored.format_version)?;
    if stored.app_id != id.0 {
        return Err(malformed(key, "the table's id is not the one of the key"));
    }
    Ok(Table {
        id,
        name: stored.app_name,
        app_type: stored.app_type,
        status: match stored.status {
            StoredStatus::Available => TableStatus::Available,
            StoredStatus::Dropped => TableStatus::Dropped,
        },
        partition_count: stored.partition_count,
        init_partition_count: stored.init_partition_count,
        envs: stored.envs,
        is_stateful: stored.is_stateful != 0,
        max_replica_count: stored.max_replica_count,
        create_second: stored.create_second,
        drop_second: stored.drop_second,
        expire_second: stored.expire_second,
        atomic_idempotent: stored.atomic_idempotent != 0,
    })
}

fn read_partition(key: &str, pid: Gpid, value: &[u8]) -> Result<PartitionConfiguration, LoadError> {
    let stored: StoredPartition = read_json(key, value)?;
    check_version(key, stored.format_version)?;
    if stored.pid != pid.to_string() {
        return Err(malformed(key, "the partition is not the one of the key"));
    }
    let configuration = PartitionConfiguration {
        pid,
        ballot: Ballot(stored.ballot),
        max_replica_count: stored.max_replica_count,
        primary: if stored.primary == RpcAddress::INVALID.to_string() {
            None
        } else {
            Some(read_address(key, &stored.primary)?)
        },
        secondaries: read_addresses(key, &stored.secondaries)?,
        last_drops: read_addresses(key, &stored.last_drops)?,
        complete_drops: stored.complete_drops,
        last_committed: Decree(stored.last_committed_decree),
        is_dropped: stored.partition_flags & DROPPED_FLAG != 0,
    };
    match configuration.check() {
        Ok(()) => Ok(configuration),
        Err(reason) => Err(malformed(key, reason)),
    }
}

fn read_addresses(key: &str, texts: &[String]) -> Result<Vec<RpcAddress>, LoadError> {
    texts.iter().map(|text| read_address(key, text)).collect()
}

fn read_address(key: &str, text: &str) -> Result<RpcAddress, LoadError> {
    text.parse()
        .map_err(|error: pegasus_common::address::ParseAddressError| {
            malformed(key, &error.to_string())
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster_state::Command;
    use crate::testing::{node, state_with_table, table};
    use pegasus_metastore::{Operation, Version};

    /// What a store holds after `command`.
    fn entries(state: &ClusterState, command: &Command, version: u64) -> Vec<Entry> {
        let operations = state.transaction(command).operations;
        operations
            .into_iter()
            .map(|operation| match operation {
                Operation::Put { key, value } => Entry {
                    key,
                    value,
                    version: Version(version),
                },
                Operation::Delete { key } => panic!("{key:?} is deleted"),
            })
            .collect()
    }

    #[test]
    fn a_created_table_loads_back() {
        let create = Command::CreateTable(table(2, "temp", 16));
        let entries = entries(&ClusterState::default(), &create, 1);
        assert_eq!(entries.len(), 17);
        assert_eq!(load(&entries).unwrap(), state_with_table(2, "temp", 16));
    }

    #[test]
    fn partitions_have_upstreams_fields() {
        let mut configuration =
            PartitionConfiguration::unborn(Gpid::new(2, 0), 3).born(node(1), vec![node(2)]);
        configuration.remember_drop(node(3));
        let value = partition_value(&configuration);
        let expected = r#"{"format_version":1,"pid":"2.0","ballot":1,"max_replica_count":3,"primary":"127.0.0.1:34801","secondaries":["127.0.0.1:34802"],"last_drops":["127.0.0.1:34803"],"last_committed_decree":0,"partition_flags":0}"#;
        assert_eq!(value, expected);
        let read = read_partition("apps/2/0", Gpid::new(2, 0), &value).unwrap();
        assert_eq!(read, configuration);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let create = Command::CreateTable(table(2, "temp", 2));
        let good = entries(&ClusterState::default(), &create, 1);
        let refusal = |change: &dyn Fn(&mut Vec<Entry>)| {
            let mut entries = good.clone();
            change(&mut entries);
            load(&entries).unwrap_err().to_string()
        };
        assert!(refusal(&|all| drop(all.pop())).contains("partition 2.1"));
        assert!(refusal(&|all| drop(all.remove(0))).contains("the table of"));
        assert!(refusal(&|all| all[0].key = "apps/x".into()).contains("'apps/x'"));
        let replace = |index: usize, from: &'static str, to: &'static str| {
            refusal(&move |all| {
                let text = String::from_utf8(all[index].value.to_vec()).unwrap();
                all[index].value = text.replace(from, to).into();
            })
        };
        assert!(replace(0, "\"format_version\":1", "\"format_version\":2").contains("version 2"));
        assert!(replace(0, "\"envs\"", "\"news\"").contains("unknown field"));
        assert!(replace(1, "\"pid\":\"2.0\"", "\"pid\":\"2.1\"").contains("key"));
        assert!(replace(1, "\"ballot\":0", "\"ballot\":-4").contains("negative"));
    }
}
