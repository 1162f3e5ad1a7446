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
    /// New attributes of a table whose partitions stay as they are: its name, its environments.
    UpdateTable(Table),
    /// Puts a dropped table back into service, with these attributes.
    RecallTable(Table),
    /// How many replicas each partition of a table shall have.
    SetReplicaCount {
        /// The table.
        id: AppId,
        /// The new number.
        count: i32,
    },
    /// The next configuration of one partition; its ballot is the present one plus one.
    Reconfigure(PartitionConfiguration),
}

impl Command {
    /// The existing table that it is about as a whole.
    #[must_use]
    pub const fn changed_table(&self) -> Option<AppId> {
        match self {
            Self::UpdateTable(table) | Self::RecallTable(table) => Some(table.id),
            Self::DropTable { id, .. } | Self::SetReplicaCount { id, .. } => Some(*id),
            Self::CreateTable(_) | Self::Reconfigure(_) => None,
        }
    }

    /// Whether it writes the records of a table's partitions, which have one writer at a time.
    #[must_use]
    pub const fn rewrites_partitions(&self) -> bool {
        match self {
            Self::DropTable { .. } | Self::RecallTable(_) | Self::SetReplicaCount { .. } => true,
            Self::CreateTable(_) | Self::UpdateTable(_) | Self::Reconfigure(_) => false,
        }
    }
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
            Command::Reconfigure(next) => {
                let key = stored::partition_key(next.pid);
                let version = self
                    .partition(next.pid)
                    .map_or(Version::ZERO, |partition| partition.version);
                Transaction::new().replace(key, version, stored::partition_value(next))
            }
            Command::DropTable { .. }
            | Command::UpdateTable(_)
            | Command::RecallTable(_)
            | Command::SetReplicaCount { .. } => {
                let table = command.changed_table().and_then(|id| self.tables.get(&id));
                table.map_or_else(Transaction::new, |table| change_transaction(table, command))
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
            Command::Reconfigure(next) => self.reconfigure(next, version),
            Command::DropTable { .. }
            | Command::UpdateTable(_)
            | Command::RecallTable(_)
            | Command::SetReplicaCount { .. } => self.change_table(&command, version),
        }
    }

    fn change_table(&mut self, command: &Command, version: Version) {
        let table = command
            .changed_table()
            .and_then(|id| self.tables.remove(&id));
        let Some(mut table) = table else {
            return;
        };
        if table.info.status == TableStatus::Available {
            self.available.remove(&table.info.name);
        }
        for partition in &mut table.partitions {
            self.holdings.leave(&partition.configuration);
            if command.rewrites_partitions() {
                partition.configuration = changed_partition(&partition.configuration, command);
                partition.version = version;
            }
        }
        table.info = changed_info(&table.info, command);
        table.version = version;
        self.insert(table);
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

/// The attributes of a table after a command about it.
fn changed_info(info: &Table, command: &Command) -> Table {
    match command {
        Command::DropTable {
            drop_second,
            expire_second,
            ..
        } => Table {
            status: TableStatus::Dropped,
            drop_second: *drop_second,
            expire_second: *expire_second,
            ..info.clone()
        },
        Command::UpdateTable(next) | Command::RecallTable(next) => next.clone(),
        Command::SetReplicaCount { count, .. } => Table {
            max_replica_count: *count,
            ..info.clone()
        },
        Command::CreateTable(_) | Command::Reconfigure(_) => info.clone(),
    }
}

/// A partition's configuration after a command about its table.
fn changed_partition(
    configuration: &PartitionConfiguration,
    command: &Command,
) -> PartitionConfiguration {
    match command {
        Command::DropTable { .. } => configuration.dropped(),
        Command::RecallTable(_) => configuration.recalled(),
        Command::SetReplicaCount { count, .. } => PartitionConfiguration {
            max_replica_count: *count,
            ..configuration.clone()
        },
        Command::CreateTable(_) | Command::UpdateTable(_) | Command::Reconfigure(_) => {
            configuration.clone()
        }
    }
}

/// All records that a command about a table writes, in one transaction: a crash leaves all of them
/// as they were, or all of them new.
fn change_transaction(table: &TableState, command: &Command) -> Transaction {
    let info = changed_info(&table.info, command);
    let change = Transaction::new().replace(
        stored::table_key(info.id),
        table.version,
        stored::table_value(&info),
    );
    if !command.rewrites_partitions() {
        return change;
    }
    let partitions = table.partitions.iter();
    partitions.fold(change, |transaction, partition| {
        let next = changed_partition(&partition.configuration, command);
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

    #[test]
    fn a_recalled_table_has_its_name_and_its_data_again() {
        let mut state = state_with_table(3, "temp", 2);
        let born = state
            .partition(Gpid::new(3, 0))
            .unwrap()
            .configuration
            .born(node(1), vec![node(2)]);
        state.apply(Command::Reconfigure(born), Version(2));
        let before = state.table(AppId(3)).unwrap().info.clone();
        let drop = Command::DropTable {
            id: AppId(3),
            drop_second: 5,
            expire_second: 9,
        };
        state.apply(drop, Version(3));
        let recalled = Table {
            name: "again".to_owned(),
            ..before
        };
        let recall = Command::RecallTable(recalled);
        assert_eq!(state.transaction(&recall).operations.len(), 3);
        state.apply(recall, Version(4));
        let table = state.available_table("again").unwrap();
        assert_eq!(table.version, Version(4));
        let partitions = &table.partitions;
        assert_eq!(partitions[0].configuration.last_drops, [node(2), node(1)]);
        assert!(partitions[1].configuration.is_unborn());
        assert_eq!(state.holdings().of(node(1)).count(), 0);
    }

    #[test]
    fn attributes_change_without_the_partitions_and_counts_with_them() {
        let mut state = state_with_table(3, "temp", 2);
        let renamed = Table {
            name: "new".to_owned(),
            ..state.table(AppId(3)).unwrap().info.clone()
        };
        let rename = Command::UpdateTable(renamed);
        assert_eq!(state.transaction(&rename).operations.len(), 1);
        state.apply(rename, Version(2));
        assert!(state.available_table("temp").is_none());
        let born = state
            .partition(Gpid::new(3, 0))
            .unwrap()
            .configuration
            .born(node(1), vec![]);
        state.apply(Command::Reconfigure(born), Version(3));
        let count = Command::SetReplicaCount {
            id: AppId(3),
            count: 5,
        };
        assert_eq!(state.transaction(&count).operations.len(), 3);
        state.apply(count, Version(4));
        let table = state.available_table("new").unwrap();
        assert_eq!(table.info.max_replica_count, 5);
        let partition = &table.partitions[0].configuration;
        assert_eq!(
            (partition.max_replica_count, partition.ballot),
            (5, Ballot(1))
        );
        assert_eq!(state.holdings().of(node(1)).count(), 1);
    }
}
