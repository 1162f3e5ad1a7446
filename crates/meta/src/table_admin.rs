//! Creating and dropping tables: which requests are taken, and what is under way
//! (meta-server.md sections 8.4 and 8.5).

use std::collections::BTreeMap;

use pegasus_common::{AppId, ErrorCode};
use pegasus_wire::meta_admin::{
    ConfigurationCreateAppRequest, ConfigurationDropAppRequest, CreateAppOptions,
};

use crate::cluster_state::{ClusterState, Command, TableState};
use crate::effect::RequestToken;
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

/// Requests whose change is not durable yet.
#[derive(Debug, Default)]
pub struct Staging {
    creating: BTreeMap<String, AppId>,
    dropping: BTreeMap<AppId, Drop>,
}

/// A drop that waits for changes under way in the table's partitions, or for the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drop {
    /// Who asked.
    pub reply_to: RequestToken,
    /// The change.
    pub command: Command,
    /// Whether the store has it.
    pub stage: DropStage,
}

/// How far a drop is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropStage {
    /// Partitions of the table have changes under way.
    WaitingForPartitions,
    /// The store makes it durable.
    Committing,
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

/// What to do with a request to drop a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DropVerdict {
    /// Drop the table.
    Drop(AppId, Command),
    /// There is no such table, and that is fine.
    Missing,
    /// Answer this error.
    Refuse(ErrorCode),
}

impl Staging {
    /// Why a table of this name cannot be used now, although it exists or soon will.
    #[must_use]
    pub fn busy(&self, state: &ClusterState, name: &str) -> Option<ErrorCode> {
        if self.creating.contains_key(name) {
            return Some(ErrorCode::BusyCreating);
        }
        let table = state.available_table(name)?;
        self.is_dropping(table.info.id)
            .then_some(ErrorCode::BusyDropping)
    }

    /// Whether the table is being dropped.
    #[must_use]
    pub fn is_dropping(&self, id: AppId) -> bool {
        self.dropping.contains_key(&id)
    }

    /// Notes a creation until [`Staging::created`].
    pub fn begin_create(&mut self, table: &Table) {
        self.creating.insert(table.name.clone(), table.id);
    }

    /// The creation is durable.
    pub fn created(&mut self, name: &str) {
        self.creating.remove(name);
    }

    /// Notes a drop until [`Staging::dropped`].
    pub fn begin_drop(&mut self, id: AppId, drop: Drop) {
        self.dropping.insert(id, drop);
    }

    /// The drop of a table, if there is one.
    pub fn drop_mut(&mut self, id: AppId) -> Option<&mut Drop> {
        self.dropping.get_mut(&id)
    }

    /// The drop is durable.
    pub fn dropped(&mut self, id: AppId) -> Option<Drop> {
        self.dropping.remove(&id)
    }

    fn next_table_id(&self, state: &ClusterState) -> AppId {
        let staged = self.creating.values().max().copied();
        AppId(state.last_table_id().max(staged.unwrap_or_default()).0 + 1)
    }

    /// Judges a request to create a table. The function level was checked before.
    #[must_use]
    pub fn judge_create(
        &self,
        state: &ClusterState,
        rules: &TableRules,
        capacity: Capacity,
        request: &ConfigurationCreateAppRequest,
    ) -> CreateVerdict {
        let (name, options) = (request.app_name.as_str(), &request.options);
        if !is_valid_name(name)
            || options.app_type != APP_TYPE
            || !options.is_stateful
            || !rules.allow_partition_count(options.partition_count)
            || !rules.allow_replica_count(options.replica_count, capacity.alive_nodes)
            || !are_valid_envs(&options.envs)
        {
            return CreateVerdict::Refuse(ErrorCode::InvalidParameters);
        }
        if let Some(busy) = self.busy(state, name) {
            return CreateVerdict::Refuse(busy);
        }
        match state.available_table(name) {
            None => {
                let id = self.next_table_id(state);
                CreateVerdict::Create(new_table(id, name, options, capacity.unix_seconds))
            }
            Some(_) if !options.success_if_exist => CreateVerdict::Refuse(ErrorCode::AppExist),
            Some(table) if is_same_table(table, options) => CreateVerdict::Exists(table.info.id),
            Some(_) => CreateVerdict::Refuse(ErrorCode::InvalidParameters),
        }
    }

    /// Judges a request to drop a table.
    #[must_use]
    pub fn judge_drop(
        &self,
        state: &ClusterState,
        rules: &TableRules,
        unix_seconds: i64,
        request: &ConfigurationDropAppRequest,
    ) -> DropVerdict {
        if let Some(busy) = self.busy(state, &request.app_name) {
            return DropVerdict::Refuse(busy);
        }
        let Some(table) = state.available_table(&request.app_name) else {
            return if request.options.success_if_not_exist {
                DropVerdict::Missing
            } else {
                DropVerdict::Refuse(ErrorCode::AppNotExist)
            };
        };
        let asked = request.options.reserve_seconds.filter(|&asked| asked > 0);
        let reserve_seconds = asked.unwrap_or(rules.hold_seconds);
        let id = table.info.id;
        let command = Command::DropTable {
            id,
            drop_second: unix_seconds,
            expire_second: unix_seconds.saturating_add(reserve_seconds),
        };
        DropVerdict::Drop(id, command)
    }
}

impl TableRules {
    fn allow_partition_count(&self, count: i32) -> bool {
        // Clients compute the partition by a modulus, and Go's insists on a power of two.
        count > 0 && count <= self.partition_count_max && count.count_ones() == 1
    }

    fn allow_replica_count(&self, count: i32, alive_nodes: usize) -> bool {
        (self.replica_count_min..=self.replica_count_max).contains(&count)
            && usize::try_from(count).is_ok_and(|count| count <= alive_nodes)
    }
}

/// Names stand in paths, labels and lists of tables, so only plain characters are taken.
fn is_valid_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte);
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(plain)
}

/// At creation upstream looks at these two alone.
fn are_valid_envs(envs: &BTreeMap<String, String>) -> bool {
    envs.iter().all(|(key, value)| match key.as_str() {
        "rocksdb.num_levels" => in_range(value, 1..=10),
        "rocksdb.write_buffer_size" => in_range(value, 16 << 20..=512 << 20),
        _ => true,
    })
}

fn in_range(text: &str, range: std::ops::RangeInclusive<i64>) -> bool {
    text.parse().is_ok_and(|value: i64| range.contains(&value))
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
    use pegasus_wire::meta_admin::DropAppOptions;

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
        let judge = |request| Staging::default().judge_create(&state, &RULES, CAPACITY, &request);
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
            match staging.judge_create(&state, &RULES, CAPACITY, &request) {
                CreateVerdict::Create(table) => {
                    assert_eq!(table.id, AppId(expected));
                    staging.begin_create(&table);
                    let busy = CreateVerdict::Refuse(ErrorCode::BusyCreating);
                    let again = staging.judge_create(&state, &RULES, CAPACITY, &request);
                    assert_eq!(again, busy);
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_drop_keeps_the_data_as_long_as_asked() {
        let state = state_with_table(4, "temp", 8);
        let request = |reserve_seconds| ConfigurationDropAppRequest {
            app_name: "temp".to_owned(),
            options: DropAppOptions {
                reserve_seconds,
                ..DropAppOptions::default()
            },
        };
        let expires = |request| match Staging::default().judge_drop(&state, &RULES, 1_000, &request)
        {
            DropVerdict::Drop(_, Command::DropTable { expire_second, .. }) => expire_second,
            other => panic!("{other:?}"),
        };
        assert_eq!(expires(request(None)), 1_100);
        assert_eq!(expires(request(Some(0))), 1_100);
        assert_eq!(expires(request(Some(7))), 1_007);
    }
}
