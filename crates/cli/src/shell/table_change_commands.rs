//! Commands that change a table that exists: `recall`, `rename`, `*_app_envs`, `*_replica_count`,
//! `*_atomic_idempotent`.

use pegasus_client::{AtomicOperations, EnvFamily};
use serde_json::json;

use super::ShellError;
use super::context::Context;
use super::table_change_arguments::{
    ClearEnvsArgs, DelEnvsArgs, RecallArgs, RenameArgs, SetEnvsArgs, SetReplicaCountArgs,
};
use super::tables::{FieldTable, Report};

/// Above and below what the meta server says of removed environments.
const RULE: &str = "=============================";

impl Context {
    /// `recall`
    pub(super) async fn recall(&mut self, args: &RecallArgs) -> Result<(), ShellError> {
        let admin = self.cluster.admin();
        let app = admin
            .recall_app(args.app_id, args.new_app_name.as_deref())
            .await?;
        self.wait_until_ready(&app.app_name, app.max_replica_count)
            .await?;
        let names = self.table_names().await;
        self.note_table_names(names);
        self.done(
            &format!("recall app {} succeed", args.app_id),
            &json!({"app_id": args.app_id, "app_name": app.app_name}),
        )
    }

    /// `rename`
    pub(super) async fn rename(&mut self, args: &RenameArgs) -> Result<(), ShellError> {
        let (old, new) = (args.old_app_name.as_str(), args.new_app_name.as_str());
        self.cluster.admin().rename_app(old, new).await?;
        let names = self.table_names().await;
        self.note_table_names(names);
        self.done(
            &format!("rename app ok, old_app_name({old}), new_app_name({new})"),
            &json!({"old_app_name": old, "new_app_name": new}),
        )
    }

    /// `get_app_envs`
    pub(super) async fn get_app_envs(&mut self) -> Result<(), ShellError> {
        let table = self.chosen_name().ok_or(ShellError::NoTable)?;
        let envs = self.cluster.admin().envs(table).await?;
        let table = envs
            .iter()
            .fold(FieldTable::new("app_envs"), |table, (key, value)| {
                table.field(key, value)
            });
        self.show(&Report::from(table))
    }

    /// `set_app_envs`
    pub(super) async fn set_app_envs(&mut self, args: &SetEnvsArgs) -> Result<(), ShellError> {
        let (pairs, rest) = args.pairs.as_chunks::<2>();
        if let [key] = rest {
            let message = format!("'{key}' has no value: give keys and values in turn");
            return Err(ShellError::Usage(message));
        }
        let table = self.chosen_name().ok_or(ShellError::NoTable)?;
        let envs = pairs.iter().map(|[key, value]| (key, value));
        self.cluster.admin().set_envs(table, envs.clone()).await?;
        let envs: serde_json::Map<_, _> = envs
            .map(|(key, value)| (key.clone(), value.as_str().into()))
            .collect();
        self.done("set app envs succeed", &json!({"app_envs": envs}))
    }

    /// `del_app_envs`
    pub(super) async fn del_app_envs(&mut self, args: &DelEnvsArgs) -> Result<(), ShellError> {
        let table = self.chosen_name().ok_or(ShellError::NoTable)?;
        let admin = self.cluster.admin();
        let told = admin.del_envs(table, &args.keys).await?;
        self.removed("del app envs succeed", &told)
    }

    /// `clear_app_envs`
    pub(super) async fn clear_app_envs(&mut self, args: &ClearEnvsArgs) -> Result<(), ShellError> {
        let table = self.chosen_name().ok_or(ShellError::NoTable)?;
        let family = match &args.prefix {
            Some(prefix) => EnvFamily::Prefix(prefix),
            None => EnvFamily::All,
        };
        let told = self.cluster.admin().clear_envs(table, family).await?;
        self.removed("clear app envs succeed", &told)
    }

    fn removed(&mut self, done: &str, told: &str) -> Result<(), ShellError> {
        self.done(
            &format!("{done}\n{RULE}\n{told}\n{RULE}"),
            &json!({"hint": told}),
        )
    }

    /// `get_replica_count`
    pub(super) async fn get_replica_count(&mut self, table: &str) -> Result<(), ShellError> {
        let count = self.cluster.admin().max_replica_count(table).await?;
        let report = FieldTable::new("max_replica_count").field("max_replica_count", count);
        self.show(&Report::from(report))
    }

    /// `set_replica_count`
    pub(super) async fn set_replica_count(
        &mut self,
        args: &SetReplicaCountArgs,
    ) -> Result<(), ShellError> {
        let (table, count) = (args.app_name.as_str(), args.replica_count);
        let admin = self.cluster.admin();
        let old = admin.set_max_replica_count(table, count).await?;
        self.done(
            &format!("set replica count of app({table}) from {old} to {count} succeed"),
            &json!({"app_name": table, "old_replica_count": old, "replica_count": count}),
        )
    }

    /// `get_atomic_idempotent`
    pub(super) async fn get_atomic_idempotent(&mut self, table: &str) -> Result<(), ShellError> {
        let operations = self.cluster.admin().atomic_operations(table).await?;
        let report = FieldTable::new("atomic_idempotent")
            .field("atomic_idempotent", is_idempotent(operations));
        self.show(&Report::from(report))
    }

    /// `enable_atomic_idempotent` and `disable_atomic_idempotent`
    pub(super) async fn set_atomic_idempotent(
        &mut self,
        table: &str,
        operations: AtomicOperations,
    ) -> Result<(), ShellError> {
        let admin = self.cluster.admin();
        let old = admin.set_atomic_operations(table, operations).await?;
        let (old, new) = (is_idempotent(old), is_idempotent(operations));
        self.done(
            &format!("set_atomic_idempotent from {old} to {new}: ERR_OK"),
            &json!({"app_name": table, "old_atomic_idempotent": old, "atomic_idempotent": new}),
        )
    }
}

fn is_idempotent(operations: AtomicOperations) -> bool {
    operations == AtomicOperations::Idempotent
}
