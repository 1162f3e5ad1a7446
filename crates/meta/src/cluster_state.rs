//! [`ClusterState`]: the tables and their partitions, exactly as they are durable.
//!
//! A change goes: [`Command`] → [`ClusterState::transaction`] → the store makes it durable →
//! [`ClusterState::apply`]. Nobody sees a change before it is durable.

use std::collections::BTreeMap;

use pegasus_common::{AppId, Gpid, PartitionIndex};
use pegasus_metastore::{Transaction, Version};

use crate::holdings::Holdings;
use crate::partition::PartitionConfiguration;
use crate::stored;
use crate::table::{Table, TableStatus};

/// One change of the cluster's durable state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// A new table with all its partitions, which have no members yet.
    CreateTable(Table),
    /// Takes a table out of service; its replicas stay until it expires.
    DropTable {
        /// The table.
        id: AppId,
        /// Unix time of the drop.
        drop_second: i64,
        /// Unix time from which the replicas may go.
        expire_second: i64,
    },
    /// The next configuration of one partition; its ballot is the present one plus one.
    Reconfigure(PartitionConfiguration),
}

/// A table with its partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableState {
    /// The attributes.
    pub info: Table,
    /// The commit that wrote the attributes.
    pub version: Version,
    /// All partitions, by index.
    pub partitions: Vec<PartitionState>,
}

/// A partition with the version of its record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionState {
    /// Members and ballot.
    pub configuration: PartitionConfiguration,
    /// The commit that wrote the configuration.
    pub version: Version,
}

/// All tables, available and dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterState {
    tables: BTreeMap<AppId, TableState>,
    available: BTreeMap<String, AppId>,
    holdings: Holdings,
}

impl ClusterState {
    pub(crate) fn insert(&mut self, table: TableState) {
        if table.info.status == TableStatus::Available {
            self.available
                .insert(table.info.name.clone(), table.info.id);
        }
        for partition in &table.partitions {
            self.holdings.enter(&partition.configuration);
        }
        self.tables.insert(table.info.id, table);
    }

    /// All tables by id, dropped ones too.
    pub fn tables(&self) -> impl Iterator<Item = &TableState> {
        self.tables.values()
    }

    /// The available tables by id.
    pub fn available_tables(&self) -> impl Iterator<Item = &TableState> {
        self.tables()
            .filter(|table| table.info.status == TableStatus::Available)
    }

    /// A table, dropped or not.
    #[must_use]
    pub fn table(&self, id: AppId) -> Option<&TableState> {
        self.tables.get(&id)
    }

    /// The available table of a name.
    #[must_use]
    pub fn available_table(&self, name: &str) -> Option<&TableState> {
        self.table(*self.available.get(name)?)
    }

    /// A partition of a table, dropped or not.
    #[must_use]
    pub fn partition(&self, pid: Gpid) -> Option<&PartitionState> {
        let index = usize::try_from(pid.partition_index.0).ok()?;
        self.table(pid.app_id)?.partitions.get(index)
    }

    /// The partitions of each server.
    #[must_use]
    pub const fn holdings(&self) -> &Holdings {
        &self.holdings
    }

    /// The largest id that any table has or had, zero without tables. Dropped tables stay in the
    /// catalogue for good, so an id is never given twice.
    #[must_use]
    pub fn last_table_id(&self) -> AppId {
        self.tables.keys().next_back().copied().unwrap_or_default()
    }

    /// What makes `command` durable. It is guarded: the store refuses it if any record that it is
    /// based on has changed meanwhile.
    #[must_use]
    pub fn transaction(&self, command: &Command) -> Transaction {
        match command {
            Command::CreateTable(table) => {
                let create = Transaction::new()
                    .create(stored::table_key(table.id), stored::table_value(table));
                unborn_partitions(table).fold(create, |transaction, partition| {
                    let value = stored::partition_value(&partition);
                    transaction.create(stored::partition_key(partition.pid), value)
                })
            }
            Command::DropTable {
                id,
                drop_second,
                expire_second,
            } => match self.tables.get(id) {
                Some(table) => drop_transaction(table, *drop_second, *expire_second),
                None => Transaction::new(),
            },
            Command::Reconfigure(next) => {
                let key = stored::partition_key(next.pid);
                let version = self
                    .partition(next.pid)
                    .map_or(Version::ZERO, |partition| partition.version);
                Transaction::new().replace(key, version, stored::partition_value(next))
            }
        }
    }

    /// Takes over a command that is durable as of `version`.
    pub fn apply(&mut self, command: Command, version: Version) {
        match command {
            Command::CreateTable(info) => {
                let partitions = unborn_partitions(&info)
                    .map(|configuration| PartitionState {
                        configuration,
                        version,
                    })
                    .collect();
                debug_assert!(!self.tables.contains_key(&info.id), "{:?} exists", info.id);
                self.insert(TableState {
                    info,
                    version,
                    partitions,
                });
            }
            Command::DropTable {
                id,
                drop_second,
                expire_second,
            } => {
                if let Some(table) = self.tables.get_mut(&id) {
                    self.available.remove(&table.info.name);
                    table.version = version;
                    table.info = dropped(&table.info, drop_second, expire_second);
                    for partition in &mut table.partitions {
                        self.holdings.leave(&partition.configuration);
                        partition.configuration = partition.configuration.dropped();
                        partition.version = version;
                    }
                }
            }
            Command::Reconfigure(next) => self.reconfigure(next, version),
        }
    }

    fn reconfigure(&mut self, next: PartitionConfiguration, version: Version) {
        debug_assert_eq!(next.check(), Ok(()), "{}", next.pid);
        let index = usize::try_from(next.pid.partition_index.0).ok();
        let table = self.tables.get_mut(&next.pid.app_id);
        let partition = index.and_then(|index| table?.partitions.get_mut(index));
        if let Some(partition) = partition {
            // I3: every change of membership takes the next ballot.
            assert_eq!(
                next.ballot,
                partition.configuration.ballot.next(),
                "the ballot of {} must grow by one",
                next.pid
            );
            self.holdings.leave(&partition.configuration);
            self.holdings.enter(&next);
            *partition = PartitionState {
                configuration: next,
                version,
            };
        }
    }
}

fn unborn_partitions(table: &Table) -> impl Iterator<Item = PartitionConfiguration> + use<> {
    let (app_id, max_replica_count) = (table.id, table.max_replica_count);
    (0..table.partition_count).map(move |index| {
        let pid = Gpid {
            app_id,
            partition_index: PartitionIndex(index),
        };
        PartitionConfiguration::unborn(pid, max_replica_count)
    })
}

fn dropped(info: &Table, drop_second: i64, expire_second: i64) -> Table {
    Table {
        status: TableStatus::Dropped,
        drop_second,
        expire_second,
        ..info.clone()
    }
}

fn drop_transaction(table: &TableState, drop_second: i64, expire_second: i64) -> Transaction {
    let info = dropped(&table.info, drop_second, expire_second);
    let change = Transaction::new().replace(
        stored::table_key(info.id),
        table.version,
        stored::table_value(&info),
    );
    let partitions = table.partitions.iter();
    partitions.fold(change, |transaction, partition| {
        let next = partition.configuration.dropped();
        let value = stored::partition_value(&next);
        transaction.replace(stored::partition_key(next.pid), partition.version, value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{node, state_with_table};
    use pegasus_common::Ballot;

    #[test]
    fn a_dropped_table_frees_its_name_and_keeps_its_id() {
        let mut state = state_with_table(3, "temp", 4);
        let birth = state
            .partition(Gpid::new(3, 1))
            .unwrap()
            .configuration
            .born(node(1), vec![]);
        state.apply(Command::Reconfigure(birth), Version(2));
        let drop = Command::DropTable {
            id: AppId(3),
            drop_second: 5,
            expire_second: 9,
        };
        let transaction = state.transaction(&drop);
        assert_eq!(transaction.operations.len(), 5);
        assert_eq!(transaction.preconditions.len(), 5);
        state.apply(drop, Version(3));
        assert!(state.available_table("temp").is_none());
        assert_eq!(state.last_table_id(), AppId(3));
        let partition = &state.partition(Gpid::new(3, 1)).unwrap().configuration;
        assert_eq!((partition.ballot, partition.is_dropped), (Ballot(2), true));
        assert!(!state.table(AppId(3)).unwrap().info.is_expired(8));
        assert!(state.table(AppId(3)).unwrap().info.is_expired(9));
    }
}
