//! What a table is, from what several servers say of it.

use std::collections::BTreeMap;

use pegasus_common::{AppId, RpcAddress};
use pegasus_wire::layer2::{AppInfo, AppStatus};

use super::{Note, RecoveryError, ServerHoldings};
use crate::table::{Table, TableStatus};

/// More partitions than any table has.
const PARTITIONS_MAX: i32 = 1 << 20;
/// More replicas than any partition has.
const REPLICAS_MAX: i32 = 100;

/// One server's word.
type Description<'a> = (RpcAddress, &'a AppInfo);

/// The tables that the servers describe. They must agree on what never changes; of what an operator may
/// have changed while a server was away, the word of most servers is taken.
pub(super) fn agree(
    holdings: &[&ServerHoldings],
    notes: &mut Vec<Note>,
) -> Result<BTreeMap<AppId, Table>, RecoveryError> {
    let mut by_table: BTreeMap<i32, Vec<Description<'_>>> = BTreeMap::new();
    for server in holdings {
        for app in &server.tables {
            check(server.node, app)?;
            by_table
                .entry(app.app_id)
                .or_default()
                .push((server.node, app));
        }
    }
    let tables = by_table.into_iter().map(|(id, descriptions)| {
        check_identity(id, &descriptions)?;
        let id = AppId(id);
        Ok((id, definition(id, &descriptions, notes)))
    });
    tables.collect()
}

fn check(node: RpcAddress, app: &AppInfo) -> Result<(), RecoveryError> {
    let malformed = |reason: String| RecoveryError::Malformed {
        node,
        id: app.app_id,
        reason,
    };
    if app.app_id <= 0 {
        return Err(malformed("the number of a table is positive".to_owned()));
    }
    if app.app_name.is_empty() {
        return Err(malformed("it has no name".to_owned()));
    }
    if !(1..=PARTITIONS_MAX).contains(&app.partition_count) {
        return Err(malformed(format!(
            "{} is no number of partitions",
            app.partition_count
        )));
    }
    if !(1..=REPLICAS_MAX).contains(&app.max_replica_count) {
        return Err(malformed(format!(
            "{} is no number of replicas",
            app.max_replica_count
        )));
    }
    Ok(())
}

/// What no operator can change.
fn check_identity(id: i32, descriptions: &[Description<'_>]) -> Result<(), RecoveryError> {
    type Attribute = (&'static str, fn(&AppInfo) -> String);
    const IDENTITY: [Attribute; 3] = [
        ("app_type", |app| app.app_type.clone()),
        ("partition_count", |app| app.partition_count.to_string()),
        ("is_stateful", |app| app.is_stateful.to_string()),
    ];
    let Some(((first, app), others)) = descriptions.split_first() else {
        return Ok(());
    };
    for (attribute, value) in IDENTITY {
        let first_value = value(app);
        let differs = |(_, other): &&Description<'_>| value(other) != first_value;
        if let Some((second, other)) = others.iter().find(differs) {
            return Err(RecoveryError::Contradiction {
                id,
                attribute,
                first: *first,
                first_value,
                second: *second,
                second_value: value(other),
            });
        }
    }
    Ok(())
}

fn definition(id: AppId, descriptions: &[Description<'_>], notes: &mut Vec<Note>) -> Table {
    let mut election = Election {
        id,
        descriptions,
        notes,
    };
    let name = election.choose("app_name", |app| app.app_name.clone(), Clone::clone);
    let is_available = election.choose(
        "status",
        |app| app.status != AppStatus::AS_DROPPED,
        |available| if *available { "available" } else { "dropped" }.to_owned(),
    );
    let envs = election.choose("envs", |app| app.envs.clone(), |envs| format!("{envs:?}"));
    let max_replica_count = election.choose(
        "max_replica_count",
        |app| app.max_replica_count,
        ToString::to_string,
    );
    let atomic_idempotent = election.choose(
        "atomic_idempotent",
        |app| app.atomic_idempotent == Some(true),
        ToString::to_string,
    );
    // The first servers did not record these.
    let known = |value: fn(&AppInfo) -> i64| {
        let values = descriptions.iter().map(|(_, app)| value(app));
        values.filter(|value| *value > 0).min()
    };
    let first = descriptions[0].1;
    let init_partition_count = known(|app| i64::from(app.init_partition_count));
    let init_partition_count = init_partition_count.and_then(|count| i32::try_from(count).ok());
    Table {
        id,
        name,
        app_type: first.app_type.clone(),
        status: if is_available {
            TableStatus::Available
        } else {
            TableStatus::Dropped
        },
        partition_count: first.partition_count,
        init_partition_count: init_partition_count.unwrap_or(first.partition_count),
        envs,
        is_stateful: first.is_stateful,
        max_replica_count,
        create_second: known(|app| app.create_second).unwrap_or(0),
        drop_second: known(|app| app.drop_second).unwrap_or(0),
        expire_second: known(|app| app.expire_second).unwrap_or(0),
        atomic_idempotent,
    }
}

/// Where most servers decide.
struct Election<'a> {
    id: AppId,
    descriptions: &'a [Description<'a>],
    notes: &'a mut Vec<Note>,
}

impl Election<'_> {
    /// What most servers say; of two that equally many say, the larger one: more replicas, more
    /// environments, rather there than dropped.
    fn choose<T: Ord>(
        &mut self,
        attribute: &'static str,
        value: impl Fn(&AppInfo) -> T,
        shown: impl Fn(&T) -> String,
    ) -> T {
        let mut votes: BTreeMap<T, usize> = BTreeMap::new();
        for (_, app) in self.descriptions {
            *votes.entry(value(app)).or_default() += 1;
        }
        let mut ranked: Vec<_> = votes.into_iter().collect();
        ranked.sort_by_key(|(_, count)| *count);
        let mut values = ranked.into_iter().rev().map(|(value, _)| value);
        let taken = values
            .next()
            .unwrap_or_else(|| value(self.descriptions[0].1));
        let others: Vec<_> = values.map(|value| shown(&value)).collect();
        if !others.is_empty() {
            self.notes.push(Note::Disagreement {
                id: self.id,
                attribute,
                taken: shown(&taken),
                others,
            });
        }
        taken
    }
}
