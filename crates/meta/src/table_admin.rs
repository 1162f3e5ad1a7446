//! Creating tables: the limits, and which requests are taken (meta-server.md section 8.4). Requests
//! about tables that exist are in [`crate::table_request`].

use pegasus_common::table_env;
use pegasus_common::{AppId, ErrorCode};
use pegasus_wire::meta_admin::{ConfigurationCreateAppRequest, CreateAppOptions};

use crate::cluster_state::{ClusterState, TableState};
use crate::staging::Staging;
use crate::table::{Table, TableStatus};

/// The only storage that exists.
const APP_TYPE: &str = "pegasus";
const NAME_BYTES_MAX: usize = 256;

/// Limits on tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableRules {
    /// Fewest replicas that a table may ask for.
    pub replica_count_min: i32,
    /// Most replicas that a table may ask for.
    pub replica_count_max: i32,
    /// Most partitions that a table may have.
    pub partition_count_max: i32,
    /// How long a dropped table can be recalled if the request does not say.
    pub hold_seconds: i64,
}

/// What the servers can take now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Living replica servers.
    pub alive_nodes: usize,
    /// Unix time.
    pub unix_seconds: i64,
}

/// What to do with a request to create a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CreateVerdict {
    /// Make this table.
    Create(Table),
    /// The same table is there, and that is fine.
    Exists(AppId),
    /// Answer this error.
    Refuse(ErrorCode),
}

impl TableRules {
    /// Judges a request to create a table. The function level was checked before.
    #[must_use]
    pub fn judge_create(
        &self,
        state: &ClusterState,
        staging: &Staging,
        capacity: Capacity,
        request: &ConfigurationCreateAppRequest,
    ) -> CreateVerdict {
        let (name, options) = (request.app_name.as_str(), &request.options);
        if !is_valid_name(name)
            || options.app_type != APP_TYPE
            || !options.is_stateful
            || !self.allow_partition_count(options.partition_count)
            || !self.allow_replica_count(options.replica_count, capacity.alive_nodes)
            || table_env::check_at_creation(&options.envs).is_err()
        {
            return CreateVerdict::Refuse(ErrorCode::InvalidParameters);
        }
        if let Some(busy) = staging.busy(state, name) {
            return CreateVerdict::Refuse(busy);
        }
        match state.available_table(name) {
            None => {
                let id = staging.next_table_id(state);
                CreateVerdict::Create(new_table(id, name, options, capacity.unix_seconds))
            }
            Some(_) if !options.success_if_exist => CreateVerdict::Refuse(ErrorCode::AppExist),
            Some(table) if is_same_table(table, options) => CreateVerdict::Exists(table.info.id),
            Some(_) => CreateVerdict::Refuse(ErrorCode::InvalidParameters),
        }
    }

    fn allow_partition_count(&self, count: i32) -> bool {
        // Clients compute the partition by a modulus, and Go's insists on a power of two.
        count > 0 && count <= self.partition_count_max && count.count_ones() == 1
    }

    /// Whether a table may have so many replicas, while so many servers are alive.
    #[must_use]
    pub fn allow_replica_count(&self, count: i32, alive_nodes: usize) -> bool {
        (self.replica_count_min..=self.replica_count_max).contains(&count)
            && usize::try_from(count).is_ok_and(|count| count <= alive_nodes)
    }
}

/// Whether a table may have this name. Names stand in paths, labels and lists of tables, so only
/// plain characters are taken.
#[must_use]
pub fn is_valid_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte);
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(plain)
}

fn new_table(id: AppId, name: &str, options: &CreateAppOptions, unix_seconds: i64) -> Table {
    Table {
        id,
        name: name.to_owned(),
        app_type: options.app_type.clone(),
        status: TableStatus::Available,
        partition_count: options.partition_count,
        init_partition_count: options.partition_count,
        envs: options.envs.clone(),
        // There is no other kind, whatever the request says.
        is_stateful: true,
        max_replica_count: options.replica_count,
        create_second: unix_seconds,
        drop_second: 0,
        expire_second: 0,
        atomic_idempotent: options.atomic_idempotent.unwrap_or(false),
    }
}

fn is_same_table(table: &TableState, options: &CreateAppOptions) -> bool {
    let info = &table.info;
    info.partition_count == options.partition_count
        && info.max_replica_count == options.replica_count
        && info.app_type == options.app_type
        && info.envs == options.envs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::state_with_table;

    const RULES: TableRules = TableRules {
        replica_count_min: 1,
        replica_count_max: 5,
        partition_count_max: 1024,
        hold_seconds: 100,
    };
    const CAPACITY: Capacity = Capacity {
        alive_nodes: 3,
        unix_seconds: 1_000,
    };

    fn create(name: &str, partitions: i32, replicas: i32) -> ConfigurationCreateAppRequest {
        ConfigurationCreateAppRequest {
            app_name: name.to_owned(),
            options: CreateAppOptions {
                partition_count: partitions,
                replica_count: replicas,
                app_type: "pegasus".to_owned(),
                is_stateful: true,
                ..CreateAppOptions::default()
            },
        }
    }

    #[test]
    fn bad_parameters_are_refused() {
        let state = ClusterState::default();
        let staging = Staging::default();
        let judge = |request| RULES.judge_create(&state, &staging, CAPACITY, &request);
        let refused = CreateVerdict::Refuse(ErrorCode::InvalidParameters);
        let long = "x".repeat(257);
        for name in ["", "a b", "ä", "a/b", long.as_str()] {
            assert_eq!(judge(create(name, 8, 3)), refused, "{name}");
        }
        for partitions in [0, -1, 3, 2048] {
            assert_eq!(judge(create("t", partitions, 3)), refused, "{partitions}");
        }
        for replicas in [0, 4, 6] {
            assert_eq!(judge(create("t", 8, replicas)), refused, "{replicas}");
        }
        let mut other_type = create("t", 8, 3);
        other_type.options.app_type = "rocksdb".to_owned();
        assert_eq!(judge(other_type), refused);
        let mut stateless = create("t", 8, 3);
        stateless.options.is_stateful = false;
        assert_eq!(judge(stateless), refused);
        let mut bad_env = create("t", 8, 3);
        let env = ("rocksdb.num_levels".to_owned(), "x".to_owned());
        bad_env.options.envs.extend([env]);
        assert_eq!(judge(bad_env), refused);
    }

    #[test]
    fn ids_grow_over_everything_there_ever_was_or_is_under_way() {
        let state = state_with_table(4, "temp", 8);
        let mut staging = Staging::default();
        for expected in [5, 6] {
            let request = create(&format!("t{expected}"), 8, 3);
            match RULES.judge_create(&state, &staging, CAPACITY, &request) {
                CreateVerdict::Create(table) => {
                    assert_eq!(table.id, AppId(expected));
                    staging.claim(&table.name, table.id);
                    let busy = CreateVerdict::Refuse(ErrorCode::BusyCreating);
                    let again = RULES.judge_create(&state, &staging, CAPACITY, &request);
                    assert_eq!(again, busy);
                }
                other => panic!("{other:?}"),
            }
        }
    }
}
